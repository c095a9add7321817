// What a guard does about each state of a box. The rules are those of edge/control_room/advice.py, and both are tested
// on the same cases.

import { clockTime, rate } from "./text.js";

const NOT_WATCHED = "This place is not watched now";
const SILENT = `${NOT_WATCHED}. Check power and network of the box, and tell the technician.`;
const ADVICE = Object.freeze({
  ALARM: "Send someone with a measuring instrument to {place}, who measures from a distance first.",
  "OLD ALARM": "Treat the alarm as standing, as the box cannot say more: send someone to measure at {place}.",
  CHANGED: "Send someone with a measuring instrument to {place}: a source may have come to stay.",
  OVERLOAD: "Keep everybody away from {place}: more may come than the camera can count. Measure from a distance.",
  FAULT: "Do not rely on this box. Tell the technician what stands below.",
  LOST: SILENT,
  SILENT,
  UNKNOWN: `${NOT_WATCHED}. Tell the technician; if the box was taken down for good, it can be forgotten.`,
  STOPPED: `${NOT_WATCHED}. Ask who has stopped it, and why.`,
  LEARNING: "No all-clear yet. If this lasts for more than an hour, tell the technician.",
});

/** Return what to do: what the box has said of its standing alarm, or else the rule of this control room. */
export function adviceOf(word, place, said = "") {
  if (said && ["ALARM", "CHANGED"].includes(word)) return said;
  return (ADVICE[word] ?? "").replace("{place}", () => place || "the place of the box");
}

/** Return why an alarm rings again that somebody had silenced for some minutes. */
export function ringsAgain({ by, silenced_until_utc: until }) {
  return `It rings again: the silence of ${by} was over at ${clockTime(until)}. Say what you do now.`;
}

/** What the buttons say that stop a sound on this page alone, or let it be heard again. */
export const STOP_SOUND = "Stop the sound on this screen only";
export const SOUND_AGAIN = "Let it sound here again";

/** Return why an alarm of a box that is away cannot be acknowledged, and what can be done. */
export function cannotBeAcknowledged(word) {
  const why = `The box is away (${word}): it cannot take an acknowledgement.`;
  return `${why} Act all the same, and acknowledge it when the box is back.`;
}

// Whether the rate of a view is too low, as more came than could be counted or judged.
function isLeast({ urgency, alarm }) {
  return urgency === "overload" || (alarm?.lower_limit ?? false);
}

/** Return the rate of a view, with > where it is too low; > alone where an overload leaves no hit to be counted. */
export function rateOf(view) {
  if (view.urgency === "overload" && !view.rateHz) return ">";
  return view.rateHz === null ? "" : rate(view.rateHz, isLeast(view));
}

/** Return the sign of an alarm or an overload in lists, as in the terminal's view. */
export function markOf({ urgency, acknowledgement, silence_over: isOver }) {
  if (urgency === "overload") return "!";
  if (urgency !== "alarm") return "";
  return isOver ? "♪" : acknowledgement ? "✓" : "!";
}
