// The form in which a guard takes charge of an alarm: who, why, and whether the sound comes back after a while.

import { clockTime, moment } from "./text.js";
import { h } from "./vendor/preact.mjs";
import { ringsAgain } from "./words.js";

const REASONS = [
  "Somebody is on the way to measure",
  "Known source, such as a patient after treatment",
  "Test with a source",
  "Cause seen in the picture, no radiation",
];
const MINUTES = [5, 15, 60];
const MAX_ANSWERS = 3;

/** Show who has acknowledged the alarm of a view, and the form to do so. */
export function Acknowledge({ view, state, actions }) {
  const given = view.acknowledgement;
  const isOnline = state.connection.state === "online";
  const submit = (event) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget, event.submitter);
    const by = values.get("by").trim();
    const minutes = Number(values.get("minutes"));
    if (by) actions.acknowledge(view, { by, reason: values.get("reason").trim(), minutes });
  };
  return h(
    "form",
    { class: "acknowledge", onSubmit: submit },
    h("h3", null, "Acknowledge"),
    given &&
      h(
        "p",
        { class: "given" },
        `${given.by} acknowledged it ${moment(given.utc)}${given.reason ? `: ${given.reason}` : ""}`,
        view.silence_over ? "" : until(given),
        ". What you write now replaces it.",
      ),
    view.silence_over && h("p", { class: "again" }, h("strong", null, ringsAgain(given))),
    h(
      "label",
      null,
      "Your name",
      h("input", { name: "by", required: true, maxlength: 100, defaultValue: state.who, autocomplete: "name" }),
    ),
    h(
      "label",
      null,
      "Why, or what is done",
      h("input", { name: "reason", maxlength: 300, list: "reasons-known", autocomplete: "off" }),
    ),
    h(
      "datalist",
      { id: "reasons-known" },
      REASONS.map((reason) => h("option", { key: reason, value: reason })),
    ),
    h(
      "div",
      { class: "buttons" },
      h(
        "button",
        { class: "main", name: "minutes", value: "0", disabled: !isOnline },
        given ? "Acknowledge again" : "Acknowledge",
      ),
      MINUTES.map((minutes) =>
        h(
          "button",
          { key: minutes, name: "minutes", value: String(minutes), disabled: !isOnline },
          `Silence ${minutes} min`,
        ),
      ),
    ),
    h(
      "p",
      { class: "hint" },
      isOnline
        ? "Both are told to all control rooms. After Silence the sound comes back while the alarm stands."
        : "No connection: nothing can be sent.",
    ),
  );
}

/** Show what became of the last commands to a box, also when its alarm is over. */
export function Answers({ commands }) {
  return h(
    "div",
    { class: "answers", role: "status" },
    commands
      .slice(0, MAX_ANSWERS)
      .map((command) =>
        h(
          "p",
          { key: command.id, class: command.state },
          `${clockTime(command.since)} ${command.verb}: ${command.text}`,
        ),
      ),
  );
}

function until(given) {
  return given.silenced_until_utc === null ? "" : `; silent until ${clockTime(given.silenced_until_utc)}`;
}
