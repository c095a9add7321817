// The page: puts connection, board, sound and views together.

import { Alarms } from "./alarms.js";
import { blindSince, follow, hidden, isLoud, isShutOut, mute, newAttention, outageOf } from "./attention.js";
import { Banners } from "./banner.js";
import { alarmsOf, arrivalOf, look, newBoard, receive } from "./board.js";
import { aged, answered, begun, commandOf, settled } from "./commands.js";
import { connect, randomId } from "./connection.js";
import { Details } from "./details.js";
import { keepEvidence } from "./evidence.js";
import { Header } from "./header.js";
import { List, shown } from "./list.js";
import { Login, keepLogin, keptLogin } from "./login.js";
import { newMissed, updateMissed } from "./missed.js";
import { Plan } from "./plan.js";
import * as sound from "./sound.js";
import { every } from "./timers.js";
import { h, render } from "./vendor/preact.mjs";
import { countsOf } from "./view.js";

const SHORTEST_PACE_MS = 200;
const LONGEST_PACE_MS = 2_000;
const DRAWING_SHARE = 0.25; // of the time, at most, so that messages are not held up on slow machines
const WHO = "gammabox-who";
const THEME = "gammabox-theme";

const setting = (name) => document.querySelector(`meta[name="gammabox-${name}"]`).content;
/** Return what the page knows before anything has arrived. */
const nothing = () => ({
  board: newBoard(),
  attention: newAttention(),
  evidence: new Map(),
  views: [],
  commands: [],
  selected: null,
  lastMessage: null,
});
const state = {
  ...nothing(),
  settings: { url: setting("broker"), site: setting("site") },
  isLoggedIn: false,
  isShutOut: false,
  problem: "",
  connection: { state: "connecting", text: "", offlineSince: null, blind: null },
  missed: newMissed(Date.now()),
  who: sessionStorage.getItem(WHO) ?? "",
  filter: { words: "", urgency: null },
  mode: "List",
  theme: localStorage.getItem(THEME) ?? "",
  isHeard: false,
  isMuted: false,
  now: Date.now(),
};
let link = null;
let spoken = "";
let isDue = false;
let pace = SHORTEST_PACE_MS;

const actions = {
  login(login, keep) {
    keepLogin(keep ? login : null);
    actions.sound(true);
    start(login);
  },
  logout() {
    keepLogin(null);
    link?.close();
    link = null;
    Object.assign(state, nothing(), { isLoggedIn: false, isShutOut: false, problem: "" });
    update();
  },
  sound(isWanted) {
    state.isMuted = !isWanted;
    sound.wantSound(isWanted).then(update, update);
    update();
  },
  mute(view) {
    mute(state.attention, view);
    update();
  },
  /** Let one alarm be heard here again, or all. */
  unmute(key) {
    if (key) state.attention.muted.delete(key);
    else state.attention.muted.clear();
    update();
  },
  quiet(outage) {
    state.attention.quiet = outage;
    update();
  },
  theme() {
    const isDark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    state.theme = isDark ? "light" : "dark";
    localStorage.setItem(THEME, state.theme);
    draw();
  },
  filter(changes) {
    Object.assign(state.filter, changes);
    draw();
  },
  mode(mode) {
    state.mode = mode;
    update();
  },
  select(key, field) {
    state.selected = key;
    draw();
    // The press that led here ends first, as it may move the focus, too.
    setTimeout(() => {
      const wanted = field && (fieldOf("by") || fieldOf("reason"));
      (wanted || document.getElementById("details-name"))?.focus();
      wanted?.form.scrollIntoView({ block: "nearest", behavior: "instant" });
    });
  },
  close() {
    const key = state.selected;
    state.selected = null;
    draw();
    document.querySelector(`.box[data-key="${CSS.escape(key)}"]`)?.focus();
  },
  acknowledge(view, asked) {
    const { by, reason, minutes } = asked;
    const verb = minutes ? "silence" : "acknowledge";
    const values = { alarm_id: view.alarm?.id ?? "standing", ...(minutes ? { minutes } : {}) };
    const id = randomId();
    const { topic, text } = commandOf({ ...view, verb, id, by, reason, values }, Date.now());
    link.publish(topic, text);
    state.who = by;
    sessionStorage.setItem(WHO, by);
    const alarm = { key: view.key, alarmId: view.alarm?.id ?? null, before: view.acknowledgement };
    state.commands = begun(state.commands, { id, asked, ...alarm }, Date.now());
    draw();
  },
};

const fieldOf = (name) => document.querySelector(`.acknowledge [name=${name}]`);

function start(login) {
  Object.assign(state, nothing(), { isLoggedIn: true, problem: "", missed: newMissed(Date.now()) });
  link?.close();
  link = connect({ ...state.settings, ...login, onState, onMessage });
  draw();
}

function onState({ state: name, text, since }) {
  if (name === "refused") {
    keepLogin(null);
    Object.assign(state, nothing(), { isLoggedIn: false, problem: text });
  }
  const before = state.connection;
  state.isShutOut = isShutOut(state.isShutOut, before.state, name);
  const offlineSince = name === "lost" ? (before.offlineSince ?? since) : null;
  const blind = before.offlineSince === null ? before.blind : { since: before.offlineSince, until: since };
  state.connection = { state: name, text, offlineSince, blind };
  update();
}

function onMessage(topic, payload, isRetained) {
  const now = Date.now();
  state.lastMessage = now;
  const arrival = arrivalOf(topic, payload, isRetained);
  if (!arrival) return;
  const key = `${arrival.site}/${arrival.device}`;
  if (arrival.kind === "evidence") {
    if (arrival.message && state.board.boxes.has(key)) keepEvidence(state.evidence, key, arrival.message);
  } else if (arrival.kind !== "rsp") receive(state.board, arrival, now);
  else if (arrival.message) state.commands = answered(state.commands, key, arrival.message);
  const isUrgent = arrival.kind === "alarm" && !isRetained;
  if (isDue && !isUrgent) return;
  isDue = true;
  // A hidden page is not drawn, but it must be heard at once: no requestAnimationFrame here.
  setTimeout(update, isUrgent ? 0 : pace);
}

/** Bring views, sound, title and page up to date. */
function update() {
  const began = performance.now();
  isDue = false;
  state.now = Date.now();
  const isAway = state.isShutOut || (state.isLoggedIn && state.connection.state === "lost");
  // While the broker is away, ages grow, but no box becomes silent by it.
  state.views = look(state.board, state.now, blindSince(state.connection, state.now));
  state.commands = settled(aged(state.commands, state.now), state.views);
  const sounds = follow(state.attention, state.views, state.now, state.connection.blind);
  updateMissed(state.missed, session(), state.mode === "Alarms" && !document.hidden);
  const outage = outageOf(state.attention, isAway);
  sound.play(sounds ? "alarm" : outage && outage !== state.attention.quiet ? "away" : null);
  state.isHeard = sound.isReady();
  document.title = `${titleOf(countsOf(state.views))}${isAway ? "NO CONNECTION – " : ""}Gammabox`;
  if (!document.hidden) draw();
  pace = Math.min(Math.max(SHORTEST_PACE_MS, (performance.now() - began) / DRAWING_SHARE), LONGEST_PACE_MS);
}

function titleOf({ alarm, overload }) {
  return `${alarm ? `(${alarm}) ALARM – ` : ""}${overload ? `(${overload}) OVERLOAD – ` : ""}`;
}

/** Return what is read out: the lost connection, the newest alarm that nobody has acknowledged, or an overload. */
function announcement() {
  if (state.connection.state === "lost") return "Connection lost: alarms cannot be seen";
  const view = state.views.find((one) => isLoud(one));
  return view ? `${view.word} at ${view.place || view.device}` : "";
}

function Page() {
  if (!state.isLoggedIn) {
    const { settings, problem, isShutOut: isOut, attention } = state;
    const onQuiet = isOut && attention.quiet === null ? () => actions.quiet("connection") : null;
    return h(Login, { settings, message: problem, isShutOut: isOut, onQuiet, onLogin: actions.login });
  }
  const view = state.selected && state.views.find(({ key }) => key === state.selected);
  const views = shown(state.views, state.filter);
  const isOld = state.connection.state !== "online" || blindSince(state.connection, state.now) !== null;
  const urgent = hidden(state.views, state.mode === "Alarms" ? state.views : views);
  const common = { views, total: state.views.length, selected: state.selected, now: state.now, isOld, actions };
  return [
    h(Header, { state, actions }),
    h(Banners, { state, missed: urgent, actions }),
    h(
      "main",
      { class: view ? "with-details" : "" },
      h("section", { class: "overview", "aria-label": "Overview" }, overview(common)),
      view && h(Details, { key: view.key, view, box: state.board.boxes.get(view.key), state, actions }),
    ),
  ];
}

function overview(common) {
  if (state.mode === "Plan") return h(Plan, { ...common, boxes: state.board.boxes });
  if (state.mode === "Alarms") return h(Alarms, { alarms: session(), fresh: state.missed.fresh, actions });
  return h(List, { ...common, muted: state.attention.muted, hasManySites: !state.settings.site });
}

/** Return the alarms and overloads since the page was opened, the newest first. */
function session() {
  return [...alarmsOf(state.board), ...state.attention.overloads].sort((one, other) => other.raised - one.raised);
}

function draw() {
  if (state.theme) document.documentElement.dataset.theme = state.theme;
  const place = placeOfForm();
  render(h(Page), document.getElementById("page"));
  if (place !== null) keepForm(place);
  const text = state.isLoggedIn ? announcement() : "";
  if (text !== spoken) document.getElementById("spoken").textContent = text;
  spoken = text;
}

/** Return where the field or button of the form stands that has the focus, in pixels; null where none has it. */
function placeOfForm() {
  const focused = document.activeElement?.closest(".acknowledge") && document.activeElement;
  return focused ? focused.getBoundingClientRect().top : null;
}

/** Keep a form in its place that somebody fills in: on a phone, banners that come would push it off the screen. */
function keepForm(before) {
  const after = placeOfForm();
  if (after === null || after === before) return;
  if (matchMedia("(max-width: 60rem)").matches) scrollBy({ top: after - before, behavior: "instant" });
  else document.activeElement.scrollIntoView({ block: "nearest", behavior: "instant" });
}

sound.onSound(update);
every(() => state.isLoggedIn && update(), 1000);
document.addEventListener("visibilitychange", update);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && state.selected) actions.close();
});
for (const name of ["offline", "online"]) window.addEventListener(name, () => link?.retry());
document.getElementById("page").textContent = "";
const kept = keptLogin();
if (kept) start(kept);
draw();
