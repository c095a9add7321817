// All boxes that were heard of, and the alarms since the page was opened. The rules are those of
// edge/control_room/board.py, and both are tested on the same cases. No input or output; memory is bounded.

import { isEmpty, newBox, updated } from "./box.js";
import { Unreadable, parseTopic, readMessage } from "./messages.js";
import { compare, viewOf } from "./view.js";

const MAX_BOXES = 20_000;
const MAX_ALARMS = 1_000;

/** Return an empty board. */
export function newBoard() {
  return { boxes: new Map(), looks: new WeakMap(), alarms: new Map(), ignored: 0 };
}

/** Return the arrival in an MQTT message, or null where its topic is none that the page reads. */
export function arrivalOf(topic, payload, retained) {
  const place = parseTopic(topic);
  if (!place) return null;
  if (payload.length === 0) return { ...place, removed: true };
  try {
    return { ...place, message: readMessage(place, payload), retained };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { ...place, unreadable: error.message };
  }
}

/** Update the board with the arrival of a box's state at a time. */
export function receive(board, arrival, now) {
  const key = `${arrival.site}/${arrival.device}`;
  const known = board.boxes.get(key);
  if (!known && arrival.removed) return;
  if (!known && board.boxes.size >= MAX_BOXES) {
    board.ignored += 1;
    return;
  }
  const box = updated(known ?? newBox(arrival.site, arrival.device), arrival, now);
  if (isEmpty(box)) board.boxes.delete(key);
  else board.boxes.set(key, box);
  if (arrival.kind !== "alarm") return;
  if (arrival.removed) endOthers(board, key, null, "removed", now);
  else if (arrival.message) note(board, key, box, arrival.message, now);
}

/** Return the views of all boxes at a time, the most urgent first; `lostSince` as in `viewOf`. */
export function look(board, now, lostSince = null) {
  const second = Math.floor(now / 1000);
  const views = [];
  for (const [key, box] of board.boxes) {
    // A box that has said nothing new looks the same within a second.
    const known = board.looks.get(box);
    const isKnown = known?.second === second && known.lostSince === lostSince;
    const view = isKnown ? known.view : Object.freeze({ ...viewOf(box, now, lostSince), key });
    if (view !== known?.view) board.looks.set(box, { second, lostSince, view });
    views.push(view);
  }
  return views.sort(compare);
}

/**
 * Return the alarms since the page was opened, the newest first. The state is stands, cleared, missed (the box says
 * something else by now, and the end was not heard), or removed (its topic was cleared).
 */
export function alarmsOf(board) {
  const order = (one, other) => other.raised - one.raised || (one.key < other.key ? 1 : -1);
  return [...board.alarms.values()].sort(order);
}

function note(board, key, box, message, now) {
  const detail = message.alarm;
  const isLate = box.alarm !== message;
  if (!message.historical && !isLate) endOthers(board, key, detail?.id ?? null, "missed", now);
  const { place } = viewOf(box, now);
  const newest = isLate ? box.alarm?.alarm?.id : null;
  for (const past of message.past) {
    if (past.id !== newest) notePast(board, key, box, past, place, isLate);
  }
  if (!detail || detail.id === newest) return; // The box has said something newer of this alarm.
  const name = `${key}/${detail.id}`;
  const known = board.alarms.get(name);
  const isCleared = message.state === "cleared";
  if (isLate && isOverSince(known, message.utc)) return;
  if (known && known.state !== "stands" && isLate && !isCleared) return;
  const state = isCleared ? "cleared" : known || !isLate ? "stands" : "missed";
  board.alarms.set(
    name,
    Object.freeze({
      key,
      id: detail.id,
      device: box.device,
      place,
      raised: detail.raised_utc,
      state,
      ended: isCleared ? message.utc : null,
      maximum_hz: detail.maximum_hz,
      hits: detail.hits,
      lower_limit: detail.lower_limit,
      acknowledgement: takenOver(message.acknowledged, known, isLate),
    }),
  );
  if (board.alarms.size > MAX_ALARMS) dropOldest(board.alarms);
}

// An alarm that is over, as the box remembers it: this session may not have heard its end.
function notePast(board, key, box, past, place, isLate) {
  const name = `${key}/${past.id}`;
  const known = board.alarms.get(name);
  if (isLate && isOverSince(known, past.ended_utc)) return;
  board.alarms.set(
    name,
    Object.freeze({
      key,
      id: past.id,
      device: box.device,
      place,
      raised: past.raised_utc,
      state: "cleared",
      ended: past.ended_utc,
      maximum_hz: past.maximum_hz,
      hits: past.hits,
      lower_limit: past.lower_limit,
      acknowledgement: takenOver(past.acknowledged, known, isLate),
    }),
  );
  if (board.alarms.size > MAX_ALARMS) dropOldest(board.alarms);
}

// The box has told of an end of the alarm at this time or later.
function isOverSince(known, utc) {
  return known?.state === "cleared" && known.ended >= utc;
}

// Who has acknowledged an alarm: what a box says last holds, also that nobody has since the alarm came again.
function takenOver(given, known, isLate) {
  return given ?? (isLate ? (known?.acknowledgement ?? null) : null);
}

function endOthers(board, key, id, state, now) {
  for (const [name, alarm] of board.alarms) {
    if (alarm.key === key && alarm.id !== id && alarm.state === "stands") {
      board.alarms.set(name, Object.freeze({ ...alarm, state, ended: now }));
    }
  }
}

function dropOldest(alarms) {
  const ended = [...alarms].filter(([, { state }]) => state !== "stands");
  const among = ended.length ? ended : [...alarms];
  alarms.delete(among.reduce((one, other) => (other[1].raised < one[1].raised ? other : one))[0]);
}
