// What a guard sees of a box: one urgency, the reasons for it, and the figures that still hold. The rules are those of
// edge/control_room/view.py, and both are tested on the same cases. Nothing is calm by default: a box is calm only when
// it is online, has spoken lately, has no fault, and its present run has said that all is clear.

import { clean, counted } from "./text.js";
import { adviceOf } from "./words.js";

/** From the most to the least urgent. */
export const URGENCIES = Object.freeze(["alarm", "overload", "fault", "lost", "learning", "calm"]);

const SILENT_S = 60;
const MISSED = 3;
const MAX_INTERVAL_S = 3600;
const TWO_AGENTS_MS = 600_000;
const TWO_AGENTS_RETURNS = 2;
const BACKLOG = 50;
const MAX_REASONS = 20;

/**
 * Return what a guard sees of a box at a time. While the broker is away, `lostSince`, no box becomes silent by it; a
 * time without sound ends all the same.
 */
export function viewOf(box, now, lostSince = null) {
  const heardUntil = lostSince ?? now;
  const absence = absenceOf(box, heardUntil);
  const detail = stands(box) ? box.alarm.alarm : null;
  const health = absence ? null : validHealth(box);
  const findings = [...allFindings(box, heardUntil, absence, health)];
  const order = ([urgency]) => URGENCIES.indexOf(urgency);
  findings.sort((one, other) => order(one) - order(other));
  const [urgency, word] = findings[0] ?? ["calm", "calm"];
  const texts = findings.map(([, , text]) => text).filter(Boolean);
  const place = box.info?.place || box.alarm?.place || "";
  const acknowledgement = stands(box) ? box.alarm.acknowledged : null;
  return Object.freeze({
    site: box.site,
    device: box.device,
    urgency,
    word,
    place,
    reasons: texts.slice(0, MAX_REASONS).map((text) => clean(text)),
    advice: clean(adviceOf(word, place, box.alarm?.advice)),
    away: absence ? absence[0] : "",
    acknowledgement,
    silence_over: isSilenceOver(acknowledgement, now),
    heard: box.heard,
    raised: detail ? detail.raised_utc : null,
    rateHz: absence ? null : rateOf(detail, health),
    alarm: detail,
    health,
    faultySince: health ? box.faultySince : null,
    faultyBefore: health !== null && box.faultyBefore,
  });
}

// An overload, which nobody can acknowledge, stands above alarms that somebody deals with.
function urgencyOf(view) {
  const dealtWith = view.urgency === "alarm" && !needsAttention(view);
  return dealtWith ? URGENCIES.indexOf("overload") + 0.5 : URGENCIES.indexOf(view.urgency);
}

/** Compare two views for the list: by urgency, new alarms, then the name. */
export function compare(one, other) {
  return (
    urgencyOf(one) - urgencyOf(other) ||
    (other.raised ?? 0) - (one.raised ?? 0) ||
    byName(one.site, other.site) ||
    byName(one.device, other.device)
  );
}

/** Return whether the alarm of a view rings: nobody has acknowledged it, or the time without sound is over. */
export function needsAttention(view) {
  return view.urgency === "alarm" && (view.acknowledgement === null || view.silence_over);
}

// Whether a time without sound has ended since. Who acknowledges later does not want it back.
function isSilenceOver(given, now) {
  const until = given?.silenced_until_utc ?? null;
  return until !== null && given.utc < until && until <= now;
}

/** Return the number of views by urgency, zeros included. */
export function countsOf(views) {
  const counts = Object.fromEntries(URGENCIES.map((urgency) => [urgency, 0]));
  for (const view of views) counts[view.urgency] += 1;
  return counts;
}

function byName(one, other) {
  return one < other ? -1 : Number(one > other);
}

function* allFindings(box, now, absence, health) {
  yield* alarmFindings(box, absence);
  const isTold = stands(box) && box.alarm.alarm?.overload != null;
  if (health?.overload != null && !isTold) {
    yield ["overload", "OVERLOAD", `more comes than can be judged: ${health.overload}`];
  }
  for (const { kind, reason } of box.unreadable) {
    yield ["fault", "FAULT", `a message of the kind ${kind} cannot be read: ${reason}`];
  }
  if (hasTwoAgents(box, now)) {
    const advice = "give one of them another id";
    yield ["fault", "FAULT", `two agents send under this id, so that nothing it says can be relied on; ${advice}`];
  }
  if (absence) {
    yield ["lost", ...absence];
    return;
  }
  for (const fault of health?.faults ?? []) yield ["fault", "FAULT", fault];
  if (health && health.outbox.depth > BACKLOG) {
    yield ["fault", "FAULT", `${counted(health.outbox.depth, "message")} wait for the broker`];
  }
  yield* learningFindings(box, health);
}

function* alarmFindings(box, absence) {
  if (!stands(box)) return;
  const detail = box.alarm.alarm;
  const isOld = absence !== null || hasRestarted(box);
  const word = isOld ? "OLD ALARM" : box.alarm.state === "changed" ? "CHANGED" : "ALARM";
  if (hasRestarted(box)) {
    yield ["alarm", word, "the box has restarted since; the alarm is neither confirmed nor cleared"];
  } else if (isOld) {
    yield ["alarm", word, "the box is away now; its alarm is neither confirmed nor cleared"];
  }
  if (box.alarm.state === "changed") {
    yield ["alarm", word, "the excess lasts: a source that stays, or a new background; look at the box"];
  }
  if (detail?.overload != null) yield ["alarm", word, `more comes than can be counted: ${detail.overload}`];
  for (const weakness of detail?.weakened_by ?? []) yield ["alarm", word, `weakened by: ${weakness}`];
  yield ["alarm", word, ""];
}

function* learningFindings(box, health) {
  const because = (reason) => ["learning", "LEARNING", `no all-clear: ${reason}`];
  if (!box.alarm) {
    yield because("the box has not said anything of its surroundings yet");
  } else if (stands(box)) {
    return;
  } else if (hasRestarted(box)) {
    yield because("the box has restarted and not spoken since");
  } else if (box.alarm.state === "learning") {
    yield* (box.alarm.reasons.length ? box.alarm.reasons : ["the box does not say why"]).map(because);
  } else if (health && health.condition !== "clear" && health.seq > box.alarm.seq) {
    yield* (health.reasons.length ? health.reasons : ["the box is about to say more"]).map(because);
  }
}

// An alarm stands, as far as the box has last said.
function stands(box) {
  return box.alarm !== null && !["cleared", "learning"].includes(box.alarm.state);
}

// The last alarm message is from an earlier run than the last status.
function hasRestarted(box) {
  return box.alarm !== null && box.status !== null && box.status.boot_id !== box.alarm.boot_id;
}

function validHealth(box) {
  return box.health && box.status && box.health.boot_id === box.status.boot_id ? box.health : null;
}

// Return the word and the sentence for a box that is away; null where it is here.
function absenceOf(box, now) {
  if (!box.status) return ["UNKNOWN", "has not said whether it is online"];
  if (box.status.reason === "lost") return ["LOST", "the connection broke off: power, network, or the box itself"];
  if (box.status.state === "offline") return ["STOPPED", "somebody has stopped this box"];
  const saidS = Math.min(box.health?.interval_s ?? 0, MAX_INTERVAL_S);
  const allowedS = Math.max(SILENT_S, MISSED * Math.max(saidS, ...box.spacingsS));
  if (box.heard === null || (now - box.heard) / 1000 > allowedS) {
    return ["SILENT", "has an open connection, but sends nothing"];
  }
  return null;
}

function hasTwoAgents(box, now) {
  return box.returns.filter((moment) => now - moment <= TWO_AGENTS_MS).length >= TWO_AGENTS_RETURNS;
}

// The newest rate over a few seconds; that of the whole alarm where there is none.
function rateOf(detail, health) {
  const recent = (detail ?? health)?.recent ?? [];
  return recent.find((one) => one.rate_hz !== null)?.rate_hz ?? detail?.rate_hz ?? null;
}
