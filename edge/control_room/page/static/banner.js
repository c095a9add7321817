// What has to be seen at once: a lost connection, alarms that nobody has acknowledged, overloads, boxes that have
// fallen away together, what a filter hides, a page that is not heard.

import { isLoud, manyAway } from "./attention.js";
import { symbol } from "./symbols.js";
import { clockTime, counted, rate, span } from "./text.js";
import { h } from "./vendor/preact.mjs";
import { ringsAgain } from "./words.js";

const MAX_BANNERS = 3;
const SILENT_MS = 45_000;

/** Show the banners. */
export function Banners({ state, missed, actions }) {
  const alarms = state.views.filter((view) => isLoud(view) && !state.attention.muted.has(view.key));
  const more = alarms.length - MAX_BANNERS;
  return h(
    "section",
    { class: "banners", "aria-label": "What needs attention" },
    connectionBanner(state),
    awayBanner(state),
    missed > 0 && hiddenBanner(missed, actions),
    alarms.slice(0, MAX_BANNERS).map((view) => {
      const Banner = view.urgency === "overload" ? OverloadBanner : AlarmBanner;
      return h(Banner, { key: view.key, view, now: state.now, actions });
    }),
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

function awayBanner({ connection, views }) {
  const away = manyAway(views);
  if (!away || connection.state !== "online") return null;
  const text = `${counted(away, "box", "boxes")} have fallen away: nothing is known of their places.`;
  return h("p", { class: "banner away" }, h("strong", null, text), " Call the technician.");
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
      view.reasons.length > 0 && h("p", null, view.reasons[0]),
      h("p", null, view.advice),
    ),
    h(
      "div",
      { class: "buttons" },
      h("button", { class: "main", onClick: () => actions.select(view.key) }, "Details"),
      h("button", { onClick: () => actions.mute(view.key) }, "Silence it here"),
    ),
  );
}

function placeOf(view) {
  return view.place ? `${view.place} (${view.device})` : view.key;
}

function AlarmBanner({ view, now, actions }) {
  const detail = view.alarm;
  return h(
    "article",
    { class: "banner alarm" },
    symbol("alarm"),
    h(
      "div",
      { class: "what" },
      h("h2", null, `${view.word}: ${placeOf(view)}`),
      view.silence_over && h("p", null, h("strong", null, ringsAgain(view.acknowledgement))),
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
