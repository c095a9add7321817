// What was heard of one box: the latest message of each kind, and what only a sequence shows. The rules are those of
// edge/control_room/box.py, and both are tested on the same cases. Moments are milliseconds since 1970.

const RATE_WINDOW_S = 10;
const MAX_POINTS = 360; // an hour of health messages at the default interval
const MAX_SPACINGS = 3;
const MAX_BOOTS = 4;
const MAX_RETURNS = 3;
const NO_POINTS = Object.freeze({ times: [], rates: [], backgrounds: [] });

/** Return a box of which nothing was heard. */
export function newBox(site, device) {
  return Object.freeze({
    site,
    device,
    status: null,
    info: null,
    health: null,
    alarm: null,
    heard: null,
    points: NO_POINTS,
    spacingsS: [],
    boots: [],
    returns: [],
    faultySince: null, // when a health message first named a fault, after one that named none
    faultyBefore: false, // whether the first health message that was heard did
    unreadable: [],
  });
}

/** Return whether nothing is kept of a box, as after its topics were cleared. */
export function isEmpty(box) {
  return !box.status && !box.info && !box.health && !box.alarm && !box.unreadable.length;
}

/**
 * Return the box after an arrival. Repeated, late and historical messages do no harm.
 * An arrival is {kind, message, retained}, {kind, unreadable: reason}, or {kind, removed: true}.
 */
export function updated(box, arrival, now) {
  const { kind, message, retained } = arrival;
  const unreadable = box.unreadable.filter((entry) => entry.kind !== kind);
  if (arrival.removed) return changed(box, { unreadable, [kind]: null });
  if (!message) {
    unreadable.push({ kind, reason: arrival.unreadable });
    return changed(box, { unreadable, heard: latest(box.heard, now) });
  }
  const changes = { unreadable, heard: heardAfter(box, arrival, now) };
  const isNews = !retained && !message.historical && !isWill(message);
  if (isNews) Object.assign(changes, withBoot(box, message.boot_id, now));
  if (!isNewer(message, box[kind])) return changed(box, changes);
  changes[kind] = message;
  if (kind === "health") Object.assign(changes, withHealth(box, arrival, now));
  return changed(box, changes);
}

function changed(box, changes) {
  return Object.freeze({ ...box, ...changes });
}

function latest(known, moment) {
  return known === null ? moment : Math.max(known, moment);
}

// A retained message counts from the time that it names, and a last will not at all, as the broker sends it.
function heardAfter(box, { message, retained }, now) {
  if (isWill(message)) return box.heard;
  return latest(box.heard, retained ? Math.min(message.utc, now) : now);
}

function isWill(message) {
  return message.reason === "lost";
}

// Within a run the numbers decide, as clocks step. The last will of a run has an early number, and says nothing of a
// later run. A message that has waited in the outbox since an earlier run is older than what the present run has said.
function isNewer(message, known) {
  if (!known || isWill(known)) return true;
  if (isWill(message)) return message.boot_id === known.boot_id;
  if (message.boot_id === known.boot_id) return message.seq > known.seq;
  return !message.historical || message.utc >= known.utc;
}

function withBoot(box, bootId, now) {
  if (box.boots.at(-1) === bootId) return {};
  const boots = [...box.boots.filter((boot) => boot !== bootId), bootId].slice(-MAX_BOOTS);
  return box.boots.includes(bootId) ? { boots, returns: [...box.returns, now].slice(-MAX_RETURNS) } : { boots };
}

function withHealth(box, { message, retained }, now) {
  const known = box.health;
  const isSameRun = known !== null && known.boot_id === message.boot_id;
  const spacingsS = isSameRun
    ? [...box.spacingsS, Math.abs(message.utc - known.utc) / 1000].slice(-MAX_SPACINGS)
    : [];
  const rate = message.recent.find((one) => one.window_s === RATE_WINDOW_S)?.rate_hz ?? null;
  const at = retained ? Math.min(message.utc, now) : now;
  const points = withPoint(box.points, at / 1000, rate, message.background_hz);
  return { spacingsS, points, ...withFaults(box, message, at) };
}

function withFaults({ health, faultySince }, { faults }, at) {
  if (!faults.length) return { faultySince: null, faultyBefore: false };
  return faultySince === null ? { faultySince: at, faultyBefore: health === null } : {};
}

function withPoint({ times, rates, backgrounds }, time, rate, background) {
  const add = (values, value) => [...values.slice(1 - MAX_POINTS), value];
  return Object.freeze({
    // The plot needs times that do not fall, and clocks are set back.
    times: add(times, Math.max(time, times.at(-1) ?? time)),
    rates: add(rates, rate),
    backgrounds: add(backgrounds, background),
  });
}
