// Everything that is known of one box: state and reasons, what to do, the alarm, its rate, health, and the box itself.

import { Acknowledge, Answers, Earlier, said } from "./acknowledge.js";
import { Alarms } from "./alarms.js";
import { isLoud } from "./attention.js";
import { alarmsOf } from "./board.js";
import { Evidence } from "./evidence.js";
import { Plot } from "./plot.js";
import { symbol } from "./symbols.js";
import { clockTime, counted, moment, number, percent, rate, span } from "./text.js";
import { h } from "./vendor/preact.mjs";
import { SOUND_AGAIN, STOP_SOUND, cannotBeAcknowledged } from "./words.js";

const FRESH_MS = 600_000;

/** Show the details of the selected box. */
export function Details({ view, box, state, actions }) {
  const seen = [...alarmsOf(state.board), ...state.attention.overloads.toReversed()];
  const alarms = seen.filter((alarm) => alarm.key === view.key);
  const commands = state.commands.filter(({ key }) => key === view.key);
  return h(
    "aside",
    { class: "details", "aria-labelledby": "details-name" },
    h(
      "header",
      { class: view.urgency },
      symbol(view.urgency),
      h("h2", { id: "details-name", tabindex: -1 }, `${view.word}: ${view.place || view.device}`),
      h(Elsewhere, { view, state }),
      h("button", { class: "close", "aria-label": "Close the details", onClick: actions.close }, "✕"),
    ),
    h(
      "p",
      { class: "id" },
      view.key,
      view.heard === null ? ", never heard" : `, last heard ${span(state.now - view.heard)} ago`,
    ),
    h(Answers, { commands }),
    view.advice && h("p", { class: "advice" }, h("strong", null, "What to do: "), view.advice),
    view.faultySince !== null &&
      h(
        "p",
        { class: "since" },
        `Faulty since ${moment(view.faultySince)}${view.faultyBefore ? ", or earlier" : ""}:`,
      ),
    view.reasons.length > 0 &&
      h(
        "ul",
        { class: "reasons" },
        view.reasons.map((reason) => h("li", { key: reason }, reason)),
      ),
    h("div", { role: "status" }, view.urgency !== "alarm" && endOf(alarms[0], state.now)),
    soundHere(view, state, actions),
    view.urgency === "overload" &&
      h("p", { class: "note" }, "An overload cannot be acknowledged: act as on an alarm."),
    view.urgency === "alarm" && acknowledging(view, commands, state, actions),
    h("h3", null, "Rate"),
    h(Plot, { points: box.points, theme: state.theme }),
    h("p", { class: "hint" }, plotNote(view)),
    h(Evidence, { crops: state.evidence.get(view.key) }),
    view.alarm && alarmTable(view.alarm),
    view.health ? healthTable(view.health) : h("p", { class: "hint" }, "Its health is not known now."),
    box.info && infoTable(box.info),
    alarms.length > 0 && h("h3", null, "Alarms of this box, also past ones"),
    h(Alarms, { alarms, isOfOneBox: true }),
  );
}

// On a phone the banners lie above what is read: this leads to them.
function Elsewhere({ view, state: { views, attention, connection } }) {
  const others = views.filter(({ key }) => key !== view.key && !attention.muted.has(key));
  const count = others.filter((one) => isLoud(one)).length;
  const isLost = connection.state === "lost";
  if (!count && !isLost) return null;
  const text = isLost ? "Connection lost" : counted(count, "other alarm");
  return h("button", { class: "elsewhere", onClick: () => scrollTo({ top: 0 }) }, `${text} ↑`);
}

function endOf(alarm, now) {
  if (!alarm || alarm.isOverload || alarm.ended === null || now - alarm.ended > FRESH_MS) return null;
  const by = alarm.acknowledgement ? "" : " Nobody had acknowledged it: note it.";
  return h("p", { class: "note" }, `The alarm is over since ${clockTime(alarm.ended)}.${by}`);
}

// First, so that nobody who wants quiet at the desk takes it from everybody.
function soundHere(view, { attention }, actions) {
  if (!isLoud(view)) return null;
  const isMuted = attention.muted.has(view.key);
  return h(
    "p",
    { class: "here" },
    isMuted && h("span", null, "Silent on this screen only. "),
    h(
      "button",
      { type: "button", onClick: () => (isMuted ? actions.unmute(view.key) : actions.mute(view)) },
      isMuted ? SOUND_AGAIN : STOP_SOUND,
    ),
  );
}

function acknowledging(view, commands, state, actions) {
  if (view.away)
    return h(
      "div",
      { class: "acknowledge" },
      h("p", { class: "note" }, cannotBeAcknowledged(view.away)),
      view.acknowledgement && h("p", { class: "given" }, said(view.acknowledgement)),
      h(Earlier, { given: view.acknowledgement }),
    );
  const isOnline = state.connection.state === "online";
  return h(Acknowledge, { key: view.alarm?.id, view, who: state.who, commands, isOnline, actions });
}

function plotNote({ urgency, alarm }) {
  if (urgency === "overload") return "In an overload the curve says nothing: more comes than the box can judge.";
  const most = alarm?.lower_limit ? " There were more hits than could be counted (>): the curve is too low." : "";
  return `Hits per live second over 10 s; dashed: the background that the box has learnt.${most}`;
}

function table(title, rows) {
  const known = rows.filter(([, value]) => value !== null && value !== "");
  return [
    h("h3", null, title),
    h(
      "dl",
      null,
      known.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))),
    ),
  ];
}

function alarmTable(alarm) {
  const [low, high] = alarm.rate_interval_hz;
  const recent = alarm.recent.map((one) => [`last ${one.window_s} s`, rate(one.rate_hz, alarm.lower_limit)]);
  return table("Alarm", [
    ["raised", moment(alarm.raised_utc)],
    ["mean since the onset", `${rate(alarm.rate_hz, alarm.lower_limit)} (${number(low)} to ${number(high)})`],
    ...recent,
    ["highest", rate(alarm.maximum_hz, alarm.lower_limit)],
    ["background", rate(alarm.background_hz)],
    ["above chance", `${number(alarm.significance_sigma)} sigma; 5 and more is strong`],
    ["hits", number(alarm.hits, 9)],
    ["id", alarm.id],
  ]);
}

function healthTable(health) {
  const temperature = health.temperature_c;
  return table("Health", [
    [
      "background",
      health.background_hz === null
        ? "not known"
        : `${rate(health.background_hz)}${health.background_learnt ? "" : ", not learnt yet"}`,
    ],
    ["frames", `${number(health.fps)} a second`],
    ["live", `${percent(health.live_fraction)} of the picture can show a hit`],
    ["exposure", health.exposure_s === null ? null : `${number(1000 * health.exposure_s)} ms`],
    ["temperature", temperature === null ? null : `${number(temperature)} °C`],
    ["camera", health.camera.join(", ")],
    ["not counted", health.nuisances.join("; ")],
    ["hits", `${number(health.hits, 9)} since its start`],
    ["running for", span(1000 * health.uptime_s)],
    ["waiting messages", health.outbox.depth ? number(health.outbox.depth, 9) : null],
    ["dropped messages", health.outbox.dropped ? number(health.outbox.dropped, 9) : null],
  ]);
}

function infoTable(info) {
  const { camera, position } = info;
  const size = camera.width && camera.height ? ` ${camera.width}×${camera.height}` : "";
  return table("Box", [
    ["place", info.place],
    ["position", position && `${position.latitude.toFixed(5)}, ${position.longitude.toFixed(5)}`],
    ["camera", `${camera.kind}${size}${camera.fps ? `, ${number(camera.fps)} frames/s` : ""}`],
    ["software", `gammabox ${info.software}${info.release ? `, release ${info.release}` : ""}`],
    ["model", `${info.model.name} (${info.model.sha256.slice(0, 12)})`],
    ["false alarms", `about ${number(info.false_alarms_per_1000_h)} in 1000 h`],
    ["started", moment(info.started_utc)],
  ]);
}
