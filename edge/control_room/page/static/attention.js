// What rings and what has to be seen besides alarms: overloads, boxes that have fallen away together, what a filter
// hides. The rules are those of edge/control_room/watch (attention.py and overloads.py). No input or output.

import { needsAttention } from "./view.js";

const MIN_AWAY = 3;
const AWAY = ["LOST", "SILENT", "OLD ALARM"];
const MAX_OVERLOADS = 1_000;

/** Return what is remembered of a page that was just opened. */
export function newAttention() {
  return { overloads: [], muted: new Set(), isAway: false };
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
 * Bring what is remembered up to date, and return {sounds, falls}: whether the alarm sounds now, and whether many boxes
 * have just fallen away. An overload that has ended and comes back sounds anew.
 */
export function follow(attention, views, now) {
  const known = new Map(views.map((view) => [view.key, view]));
  attention.overloads = attention.overloads.map((entry) => ended(entry, known.get(entry.key), now));
  const stand = new Set(attention.overloads.filter(({ state }) => state === "stands").map(({ key }) => key));
  for (const view of views) {
    if (view.urgency === "overload" && !stand.has(view.key)) attention.overloads.push(begun(view, now));
  }
  attention.overloads.splice(0, attention.overloads.length - MAX_OVERLOADS);
  for (const key of attention.muted) {
    if (known.get(key)?.urgency !== "overload") attention.muted.delete(key);
  }
  const wasAway = attention.isAway;
  attention.isAway = manyAway(views) > 0;
  const isHeard = views.some((view) => isLoud(view) && !attention.muted.has(view.key));
  return { sounds: isHeard, falls: attention.isAway && !wasAway };
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
