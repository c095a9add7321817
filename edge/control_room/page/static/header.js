// The head of the page: site, connection, age of the last message, counts by state, what is shown, sound, colours.

import { Short } from "./banner.js";
import { symbol } from "./symbols.js";
import { span } from "./text.js";
import { h } from "./vendor/preact.mjs";
import { URGENCIES, countsOf } from "./view.js";

/** Show the head. */
export function Header({ state, actions }) {
  const counts = countsOf(state.views);
  const { words, urgency } = state.filter;
  const missed = state.missed.count;
  return h(
    "header",
    { class: "head" },
    h("h1", null, "Gammabox", h("span", null, state.settings.site ? ` ${state.settings.site}` : " all sites")),
    connection(state),
    h(
      "div",
      { class: "tools" },
      h("span", { class: `heard ${state.isHeard ? "" : "off"}` }, state.isHeard ? "Sound: on" : "Sound: off"),
      button(state.isHeard ? "Turn sound off" : "Turn sound on", () => actions.sound(!state.isHeard)),
      button("Dark / light", actions.theme),
      button("Log out", actions.logout),
    ),
    h(
      "div",
      { class: "counts", role: "group", "aria-label": "Boxes by state; press one to see only these" },
      URGENCIES.map((name) =>
        h(
          "button",
          {
            key: name,
            class: `count ${counts[name] ? name : "none"}`,
            "aria-pressed": String(urgency === name),
            onClick: () => actions.filter({ urgency: urgency === name ? null : name }),
          },
          symbol(name),
          h("b", null, counts[name]),
          ` ${name}`,
        ),
      ),
    ),
    h(
      "div",
      { class: "choose" },
      h("input", {
        type: "search",
        "aria-label": "Show only boxes whose name or place holds these words",
        placeholder: "Find",
        value: words,
        onInput: (event) => actions.filter({ words: event.currentTarget.value }),
      }),
      ["List", "Plan", "Alarms"].map((mode) =>
        button(mode === "Alarms" && missed ? `Alarms, ${missed} missed` : mode, () => actions.mode(mode), {
          key: mode,
          "aria-pressed": String(state.mode === mode),
        }),
      ),
    ),
    h(Short, { state }),
  );
}

function button(text, onClick, more = {}) {
  return h("button", { onClick, ...more }, text);
}

function connection({ connection: { state, text }, lastMessage, now }) {
  const age = lastMessage === null ? "no message yet" : `last message ${span(now - lastMessage)} ago`;
  const word = { online: "Connected", connecting: text, lost: "No connection" }[state] ?? text;
  return h(
    "p",
    { class: `link ${state}` },
    h("span", { class: "dot", "aria-hidden": "true" }),
    h("span", null, word),
    h("small", null, age),
  );
}
