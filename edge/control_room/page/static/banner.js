// What has to be seen at once: a lost connection, alarms that nobody has acknowledged, overloads, boxes that have
// fallen away together, what a filter hides, a page that is not heard.

import { blindSince, isLoud, mutedHere, outageOf } from "./attention.js";
import { symbol } from "./symbols.js";
import { clockTime, counted, rate, span } from "./text.js";
import { Component, h } from "./vendor/preact.mjs";
import { SOUND_AGAIN, STOP_SOUND, cannotBeAcknowledged, ringsAgain } from "./words.js";

const MAX_BANNERS = 3;
const SILENT_MS = 45_000;
const CALL = "Call the technician, send patrols.";
const CALL_AFTER_MS = 60_000; // a connection that is lost for so long does not come back by itself soon

/** Show the banners. */
export function Banners({ state, missed, actions }) {
  const alarms = state.views.filter((view) => isLoud(view) && !state.attention.muted.has(view.key));
  const more = alarms.length - MAX_BANNERS;
  return h(
    "section",
    { class: "banners", "aria-label": "What needs attention" },
    connectionBanner(state, actions),
    awayBanner(state, actions),
    missed > 0 && hiddenBanner(missed, actions),
    alarms.slice(0, MAX_BANNERS).map((view) => {
      const Banner = view.urgency === "overload" ? OverloadBanner : AlarmBanner;
      return h(Banner, {
        key: view.key,
        view,
        isOnline: state.connection.state === "online",
        now: state.now,
        actions,
      });
    }),
    more > 0 &&
      h("p", { class: "banner alarm more" }, `${counted(more, "more alarm")} below, at the top of the list.`),
    mutedBanner(state, actions),
    !state.isHeard && soundBanner(state, actions),
  );
}

/** Show, while the banners are scrolled out of sight, one short line of what they say; it leads up to them. */
export class Short extends Component {
  constructor(props) {
    super(props);
    this.state = { isPast: false };
    this.follow = this.follow.bind(this);
  }

  componentDidMount() {
    addEventListener("scroll", this.follow, { passive: true });
    addEventListener("resize", this.follow);
    this.follow();
  }

  componentDidUpdate() {
    this.follow();
  }

  componentWillUnmount() {
    removeEventListener("scroll", this.follow);
    removeEventListener("resize", this.follow);
  }

  follow() {
    const bottomOf = (part) => document.querySelector(part).getBoundingClientRect().bottom;
    const isPast = bottomOf(".banners") <= Math.max(bottomOf(".head"), 0);
    if (isPast !== this.state.isPast) this.setState({ isPast });
  }

  render({ state }, { isPast }) {
    const text = shortOf(state);
    if (!isPast || !text) return null;
    return h("button", { class: "short", onClick: () => scrollTo({ top: 0 }) }, `${text} ↑`);
  }
}

/** Return in a few words what the red banners say; "" where there are none. */
export function shortOf({ views, attention, connection }) {
  const loud = views.filter((view) => isLoud(view) && !attention.muted.has(view.key));
  const overloads = loud.filter(({ urgency }) => urgency === "overload").length;
  const alarms = loud.length - overloads;
  const isLost = connection.state === "lost";
  const away = isLost ? 0 : attention.away;
  const parts = [
    alarms > 0 && counted(alarms, "alarm"),
    overloads > 0 && counted(overloads, "overload"),
    isLost && "connection lost",
    away > 0 && `${counted(away, "box", "boxes")} away`,
  ];
  const text = parts.filter(Boolean).join(", ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function connectionBanner(state, actions) {
  const { connection, lastMessage, views, now } = state;
  if (connection.state === "lost") {
    const lasts = now - connection.offlineSince;
    const text = `CONNECTION LOST since ${clockTime(connection.offlineSince)} (${span(lasts)}).`;
    const advice = lasts < CALL_AFTER_MS ? "It is tried again by itself." : CALL;
    return outageBanner(state, text, `All below is old; no alarm can come. ${advice}`, actions);
  }
  const age = lastMessage === null ? null : now - lastMessage;
  if (connection.state !== "online")
    return h("p", { class: "banner away" }, h("strong", null, `${connection.text}.`));
  if (blindSince(connection, now) !== null)
    return h(
      "p",
      { class: "banner away" },
      h("strong", null, "Connected again."),
      " What boxes say now is on its way.",
    );
  if (age !== null && age > SILENT_MS && views.length) {
    return h(
      "p",
      { class: "banner away" },
      h("strong", null, `Nothing has arrived for ${span(age)}.`),
      ` The broker answers, but no box does. ${CALL}`,
    );
  }
  return null;
}

function awayBanner(state, actions) {
  const { away } = state.attention;
  if (!away || state.connection.state !== "online") return null;
  const since = state.attention.awaySince === null ? "" : ` since ${clockTime(state.attention.awaySince)}`;
  const text = `${counted(away, "box", "boxes")} have fallen away${since}.`;
  return outageBanner(state, text, `Their places are not watched. ${CALL}`, actions);
}

function outageBanner({ connection, attention }, text, advice, actions) {
  const kind = outageOf(attention, connection.state === "lost");
  return h(
    "div",
    { class: "banner alarm outage" },
    h("p", { class: "what" }, h("strong", null, text), ` ${advice}`),
    kind && kind !== attention.quiet && h("button", { onClick: () => actions.quiet(kind) }, STOP_SOUND),
  );
}

function hiddenBanner(missed, actions) {
  return h(
    "p",
    { class: "banner alarm more" },
    `${counted(missed, "alarm")} hidden by the filter. `,
    h("button", { onClick: () => actions.filter({ words: "", urgency: null }) }, "Show all boxes"),
  );
}

function OverloadBanner({ view, actions }) {
  return h(
    "article",
    { class: "banner alarm overload" },
    symbol("overload"),
    h(
      "div",
      { class: "what" },
      h("h2", null, `${view.word}: ${placeOf(view)}`),
      view.reasons.length > 0 && h("p", { class: "more" }, view.reasons[0]),
      h("p", { class: "more" }, view.advice),
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { class: "main", onClick: () => actions.select(view.key) }, "Details"),
      h("button", { onClick: () => actions.mute(view) }, STOP_SOUND),
    ),
  );
}

function placeOf(view) {
  return view.place ? `${view.place} (${view.device})` : view.key;
}

function AlarmBanner({ view, isOnline, now, actions }) {
  const detail = view.alarm;
  const canAnswer = isOnline && !view.away;
  return h(
    "article",
    { class: "banner alarm" },
    symbol("alarm"),
    h(
      "div",
      { class: "what" },
      h("h2", null, `${view.word}: ${placeOf(view)}`),
      view.silence_over && h("p", null, h("strong", null, ringsAgain(view.acknowledgement))),
      detail && h("p", { class: "more" }, figures(view, detail, now)),
      h("p", { class: "more" }, view.advice),
      view.away && h("p", { class: "more" }, cannotBeAcknowledged(view.away)),
    ),
    h(
      "div",
      { class: "buttons" },
      canAnswer &&
        h(
          "button",
          { class: "main", onClick: () => actions.select(view.key, "acknowledge") },
          view.acknowledgement ? "Acknowledge again…" : "Acknowledge…",
        ),
      h("button", { class: canAnswer ? "" : "main", onClick: () => actions.select(view.key) }, "Details"),
      h("button", { onClick: () => actions.mute(view) }, STOP_SOUND),
    ),
  );
}

function figures(view, detail, now) {
  const known = rate(view.rateHz ?? detail.rate_hz, detail.lower_limit);
  return `${known}, background ${rate(detail.background_hz)}, for ${span(now - detail.onset_utc)}`;
}

function mutedBanner({ attention, views }, actions) {
  const muted = mutedHere(attention, views);
  if (!muted.length) return null;
  const names = muted.slice(0, 3).map(({ device }) => device);
  const more = muted.length > names.length ? `, and ${muted.length - names.length} more` : "";
  const text = `Silent on this screen only, but not over: ${names.join(", ")}${more}.`;
  return h(
    "p",
    { class: "banner muted" },
    h("span", null, text),
    h("button", { onClick: () => actions.unmute() }, SOUND_AGAIN),
  );
}

function soundBanner({ isMuted }, actions) {
  const text = isMuted
    ? "The sound is off: alarms are silent on this screen."
    : "The browser keeps this page silent until you press a button.";
  return h(
    "p",
    { class: "banner silent" },
    text,
    " ",
    h("button", { onClick: () => actions.sound(true) }, "Turn sound on"),
  );
}
