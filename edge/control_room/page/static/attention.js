// What rings and what has to be seen besides alarms: overloads, boxes that have fallen away together, what a filter
// hides. The rules are those of edge/control_room/watch (attention.py and overloads.py). No input or output.

import { needsAttention } from "./view.js";

const MIN_AWAY = 3;
const AWAY = ["LOST", "SILENT", "OLD ALARM"];
const MAX_OVERLOADS = 1_000;
const RETURN_MS = 2_000; // in which the broker tells what it keeps of each box
const SETTLE_MS = 15_000; // in which boxes have reported again

/** Return what is remembered of a page that was just opened. */
export function newAttention() {
  return { overloads: [], muted: new Map(), away: 0, awaySince: null, quiet: null };
}

/** Return how many boxes have fallen away, where they are more than half of all and at least three; 0 elsewhere. */
export function manyAway(views) {
  const away = views.filter(({ word }) => AWAY.includes(word)).length;
  return away >= MIN_AWAY && 2 * away > views.length ? away : 0;
}

/** Return whether a box has to be seen at once: an alarm that sounds, or an overload, muted on this page or not. */
export function isLoud(view) {
  return view.urgency === "overload" || needsAttention(view);
}

/**
 * Bring what is remembered up to date, and return whether the alarm sounds now. What is muted on this page sounds anew
 * as another alarm, as an overload that comes back, when its box falls away, when a time without sound is over, or when
 * a changed background grows again.
 * `blind` is when the broker was last away; no box counts as fallen away before it has had time to report again.
 */
export function follow(attention, views, now, blind = null) {
  const known = new Map(views.map((view) => [view.key, view]));
  attention.overloads = attention.overloads.map((entry) => ended(entry, known.get(entry.key), now));
  const stand = new Set(attention.overloads.filter(({ state }) => state === "stands").map(({ key }) => key));
  for (const view of views) {
    if (view.urgency === "overload" && !stand.has(view.key)) attention.overloads.push(begun(view, now));
  }
  attention.overloads.splice(0, attention.overloads.length - MAX_OVERLOADS);
  for (const [key, before] of attention.muted) {
    const after = known.has(key) ? soundOf(known.get(key)) : null;
    if (after?.id !== before.id || isMore(before, after)) attention.muted.delete(key);
    else attention.muted.set(key, after);
  }
  attention.away = blind && now - blind.until < SETTLE_MS ? 0 : manyAway(views);
  attention.awaySince = attention.away ? (attention.awaySince ?? now) : null;
  return views.some((view) => isLoud(view) && !attention.muted.has(view.key));
}

/** Stop the sound of an alarm or an overload on this page alone. */
export function mute(attention, view) {
  attention.muted.set(view.key, soundOf(view));
}

/** Return the views whose sound was stopped on this page alone, and which would be heard otherwise. */
export function mutedHere(attention, views) {
  return views.filter((view) => isLoud(view) && attention.muted.has(view.key));
}

/**
 * Return which outage there is: "connection", "boxes" where many have fallen away, or null. It sounds as long as it
 * lasts, unless its sound was stopped on this page (`attention.quiet`).
 */
export function outageOf(attention, isLost) {
  const kind = isLost ? "connection" : attention.awaySince === null ? null : "boxes";
  if (attention.quiet !== kind) attention.quiet = null;
  return kind;
}

/**
 * Return whether a page that has watched sees no alarm any more, as the broker refuses its login; until it is let in
 * again. `before` and `after` are states of the connection.
 */
export function isShutOut(was, before, after) {
  if (after === "refused") return was || before === "online" || before === "lost";
  return was && after !== "online";
}

/**
 * Return since when all that is shown is old, as the broker was away: until a moment after its return, in which it
 * tells what it keeps. Null elsewhere: a box that has not been heard by then is silent, and not calm.
 */
export function blindSince({ state, offlineSince, blind }, now) {
  if (state === "lost") return offlineSince;
  return blind && now - blind.until < RETURN_MS ? blind.since : null;
}

// What makes an alarm another one to the ear.
function soundOf(view) {
  const id = view.urgency === "overload" ? "overload" : isLoud(view) ? `alarm ${view.alarm?.id ?? ""}` : null;
  return { id, word: view.word, isOver: view.silence_over };
}

// Whether an alarm that was muted has to be heard anew under its id.
function isMore(before, after) {
  const fellAway = after.word === "OLD ALARM" && before.word !== "OLD ALARM";
  const grew = after.word === "ALARM" && before.word === "CHANGED";
  return fellAway || grew || (after.isOver && !before.isOver);
}

/** Return how many boxes whose alarm rings, or which are in overload, a filter hides. */
export function hidden(views, shown) {
  const keys = new Set(shown.map(({ key }) => key));
  return views.filter((view) => isLoud(view) && !keys.has(view.key)).length;
}

function begun(view, now) {
  const { key, device, place } = view;
  return Object.freeze({
    key,
    id: `overload ${key} ${now}`, // no alarm of a box has such an id, as it holds a blank
    isOverload: true,
    device,
    place,
    raised: now,
    state: "stands",
    ended: null,
    maximum_hz: null,
    lower_limit: true,
    acknowledgement: null,
  });
}

function ended(entry, view, now) {
  if (entry.state !== "stands" || view?.urgency === "overload") return entry;
  const state = !view ? "removed" : ["alarm", "lost"].includes(view.urgency) ? "missed" : "cleared";
  return Object.freeze({ ...entry, state, ended: now });
}
