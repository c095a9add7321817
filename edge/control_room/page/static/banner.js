// What has to be seen at once: a lost connection, alarms that nobody has acknowledged, a page that is not heard.

import { symbol } from "./symbols.js";
import { clockTime, counted, rate, span } from "./text.js";
import { h } from "./vendor/preact.mjs";
import { sounds } from "./view.js";

const MAX_BANNERS = 3;
const SILENT_MS = 45_000;

/** Show the banners. */
export function Banners({ state, actions }) {
  const alarms = state.views.filter((view) => sounds(view, state.now));
  const more = alarms.length - MAX_BANNERS;
  return h(
    "section",
    { class: "banners", "aria-label": "What needs attention" },
    connectionBanner(state),
    alarms.slice(0, MAX_BANNERS).map((view) => h(AlarmBanner, { key: view.key, view, now: state.now, actions })),
    more > 0 &&
      h("p", { class: "banner alarm more" }, `${counted(more, "more alarm")} below, at the top of the list.`),
    !state.isHeard && soundBanner(state, actions),
  );
}

function connectionBanner({ connection, lastMessage, views, now }) {
  const age = lastMessage === null ? null : now - lastMessage;
  if (connection.state !== "online") {
    const since = connection.offlineSince ? ` since ${clockTime(connection.offlineSince)}` : "";
    const last = views.length ? " What stands below is the last that is known, not what is there now." : "";
    return h("p", { class: "banner away" }, h("strong", null, `${connection.text}${since}.`), last);
  }
  if (age !== null && age > SILENT_MS && views.length) {
    return h(
      "p",
      { class: "banner away" },
      h("strong", null, `Nothing has arrived for ${span(age)}.`),
      " The broker answers, but no box does.",
    );
  }
  return null;
}

function AlarmBanner({ view, now, actions }) {
  const detail = view.alarm;
  const place = view.place ? `${view.place} (${view.device})` : view.key;
  return h(
    "article",
    { class: "banner alarm" },
    symbol("alarm"),
    h(
      "div",
      { class: "what" },
      h("h2", null, `${view.word}: ${place}`),
      detail && h("p", null, figures(view, detail, now)),
      h("p", null, view.advice),
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { class: "main", onClick: () => actions.select(view.key, "acknowledge") }, "Acknowledge"),
      h("button", { onClick: () => actions.select(view.key) }, "Details"),
    ),
  );
}

function figures(view, detail, now) {
  const known = rate(view.rateHz ?? detail.rate_hz, detail.lower_limit);
  return `${known}, background ${rate(detail.background_hz)}, for ${span(now - detail.onset_utc)}`;
}

function soundBanner({ isMuted }, actions) {
  const text = isMuted
    ? "The sound is off: alarms are silent here."
    : "The browser keeps this page silent until you press a button.";
  return h(
    "p",
    { class: "banner silent" },
    text,
    " ",
    h("button", { onClick: () => actions.sound(true) }, "Turn the sound on"),
  );
}
