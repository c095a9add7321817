// MQTT messages of Gammabox as frozen objects. What is no such message is refused in words; no field is taken unread.

import { clean } from "./text.js";

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const KINDS = ["status", "info", "health", "alarm"];
const MAX_TEXTS = 40;
const MAX_BYTES = 1 << 20;
const MAX_CROP = 48;
const MAX_BASE64 = 8192;

/** The filters that the page subscribes to. Single hits are many, and health holds their rate. */
export function filters(site) {
  return [...KINDS, "rsp/+"].map((kind) => `gammabox/${site || "+"}/+/${kind}`);
}

/** The filter for crops around hits, which boxes send only where that is set. A login may have no right to them. */
export function evidenceFilter(site) {
  return `gammabox/${site || "+"}/+/evidence/+`;
}

/** Return the parts of a topic, or null where it is none that the page reads. */
export function parseTopic(topic) {
  const parts = topic.split("/");
  const [root, site, device, kind] = parts;
  if (root !== "gammabox" || !NAME.test(site) || !NAME.test(device)) return null;
  if (parts.length === 4 && KINDS.includes(kind)) return { site, device, kind };
  if (parts.length !== 5) return null;
  if (kind === "evidence") return { site, device, kind };
  return kind === "rsp" ? { site, device, kind, verb: clean(parts[4], 40) } : null;
}

/** A payload that is no message of its kind. */
export class Unreadable extends Error {}

/** Return the message in a payload. Throws Unreadable, with a reason for people. */
export function readMessage({ site, device, kind }, payload) {
  if (payload.length > MAX_BYTES) throw new Unreadable("it is too large");
  let values;
  try {
    values = JSON.parse(
      typeof payload === "string" ? payload : new TextDecoder("utf-8", { fatal: true }).decode(payload),
    );
  } catch {
    throw new Unreadable("it is no JSON");
  }
  const source = object(values, kind);
  if ((source.schema_version ?? 1) !== 1) throw new Unreadable("its schema is newer than this page");
  const whole = {
    event_id: text(source, "event_id"),
    boot_id: text(source, "boot_id"),
    seq: amount(source, "seq"),
    utc: time(source, "utc"),
    historical: source.historical === true,
    ...READERS[kind](source),
  };
  if (source.site !== site || source.device !== device) {
    throw new Unreadable(`it names the box ${text(source, "site")}/${text(source, "device")}`);
  }
  return Object.freeze(whole);
}

const READERS = {
  status: (source) => ({
    state: oneOf(source, "state", ["online", "offline"]),
    reason: oneOf(source, "reason", ["connected", "stopped", "lost"]),
  }),
  info: (source) => ({
    software: text(source, "software"),
    release: optional(source, "release", text),
    place: optional(source, "place", text),
    position: optional(source, "position", position),
    model: part(source, "model", (model) => ({ name: text(model, "name"), sha256: text(model, "sha256") })),
    camera: part(source, "camera", camera),
    false_alarms_per_1000_h: number(source, "false_alarms_per_1000_h"),
    started_utc: time(source, "started_utc"),
  }),
  health: (source) => ({
    fps: amount(source, "fps"),
    hits: amount(source, "hits"),
    live_fraction: optional(source, "live_fraction", amount),
    exposure_s: optional(source, "exposure_s", number),
    background_hz: optional(source, "background_hz", amount),
    background_learnt: source.background_learnt === true,
    condition: oneOf(source, "condition", ["learning", "clear", "alarm", "changed"]),
    reasons: texts(source, "reasons"),
    recent: list(source, "recent", recent),
    overload: optional(source, "overload", text),
    nuisances: texts(source, "nuisances"),
    temperature_c: optional(source, "temperature_c", number),
    uptime_s: number(source, "uptime_s"),
    interval_s: optional(source, "interval_s", amount),
    outbox: part(source, "outbox", (box) => ({ depth: amount(box, "depth"), dropped: amount(box, "dropped") })),
    camera: texts(source, "camera"),
    faults: texts(source, "faults"),
  }),
  alarm: (source) => ({
    state: oneOf(source, "state", ["raised", "updated", "changed", "cleared", "learning"]),
    alarm: optional(source, "alarm", (whole, name) => part(whole, name, alarmDetail)),
    reasons: texts(source, "reasons"),
    place: optional(source, "place", text),
    advice: source.advice === undefined ? "" : text(source, "advice"),
    acknowledged: optional(source, "acknowledged", (whole, name) => part(whole, name, acknowledgement)),
    past: list(source, "past", pastAlarm),
  }),
  evidence: (source) => ({
    x: amount(source, "x"),
    y: amount(source, "y"),
    width: pixels(source, "width"),
    height: pixels(source, "height"),
    blurred: source.blurred === true,
    png: base64(source, "png"),
  }),
  rsp: (source) => ({
    transaction_id: text(source, "transaction_id"),
    ok: source.ok === true,
    error: optional(source, "error", text),
  }),
};

function alarmDetail(source) {
  return {
    id: text(source, "id"),
    raised_utc: time(source, "raised_utc"),
    onset_utc: time(source, "onset_utc"),
    significance_sigma: number(source, "significance_sigma"),
    hits: amount(source, "hits"),
    rate_hz: amount(source, "rate_hz"),
    rate_interval_hz: interval(source, "rate_interval_hz"),
    background_hz: amount(source, "background_hz"),
    recent: list(source, "recent", recent),
    maximum_hz: amount(source, "maximum_hz"),
    duration_s: number(source, "duration_s"),
    lower_limit: source.lower_limit === true,
    overload: optional(source, "overload", text),
    weakened_by: texts(source, "weakened_by"),
  };
}

function pastAlarm(source) {
  return {
    id: text(source, "id"),
    raised_utc: time(source, "raised_utc"),
    ended_utc: time(source, "ended_utc"),
    maximum_hz: amount(source, "maximum_hz"),
    hits: amount(source, "hits"),
    lower_limit: source.lower_limit === true,
    acknowledged: optional(source, "acknowledged", (whole, name) => part(whole, name, acknowledgement)),
  };
}

function acknowledgement(source) {
  return {
    by: text(source, "by"),
    utc: time(source, "utc"),
    reason: optional(source, "reason", text),
    silenced_until_utc: optional(source, "silenced_until_utc", time),
    earlier: list(source, "earlier", earlierAcknowledgement),
  };
}

function earlierAcknowledgement(source) {
  return { by: text(source, "by"), utc: time(source, "utc"), reason: optional(source, "reason", text) };
}

function camera(source) {
  return {
    kind: text(source, "kind"),
    width: optional(source, "width", number),
    height: optional(source, "height", number),
    fps: optional(source, "fps", amount),
    exposure_s: optional(source, "exposure_s", number),
  };
}

function recent(source) {
  return { window_s: amount(source, "window_s"), rate_hz: optional(source, "rate_hz", amount) };
}

function position(source, name) {
  return part(source, name, (values) => {
    const latitude = number(values, "latitude");
    const longitude = number(values, "longitude");
    if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) throw new Unreadable(`${name} lies nowhere on Earth`);
    return { latitude, longitude };
  });
}

function optional(source, name, read) {
  return source[name] === undefined || source[name] === null ? null : read(source, name);
}

function part(source, name, read) {
  return Object.freeze(read(object(source[name], name)));
}

function list(source, name, read) {
  const values = source[name] ?? [];
  if (!Array.isArray(values)) throw new Unreadable(`${name} is no list`);
  return Object.freeze(values.slice(0, MAX_TEXTS).map((value) => Object.freeze(read(object(value, name)))));
}

function texts(source, name) {
  const values = source[name] ?? [];
  if (!Array.isArray(values)) throw new Unreadable(`${name} is no list`);
  return Object.freeze(values.slice(0, MAX_TEXTS).map((_, index) => text(values, index, name)));
}

function interval(source, name) {
  const values = source[name];
  if (!Array.isArray(values) || values.length !== 2) throw new Unreadable(`${name} is no interval`);
  return Object.freeze([amount(values, 0, name), amount(values, 1, name)]);
}

function object(value, name) {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Unreadable(`${name} is no object`);
  return value;
}

function text(source, name, shown = name) {
  const value = source[name];
  if (typeof value !== "string") throw new Unreadable(`${shown} is no text`);
  return clean(value);
}

function number(source, name, shown = name) {
  const value = source[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new Unreadable(`${shown} is no finite number`);
  return value;
}

function amount(source, name, shown = name) {
  const value = number(source, name, shown);
  if (value < 0) throw new Unreadable(`${shown} is below zero`);
  return value;
}

function pixels(source, name) {
  const value = number(source, name);
  if (!Number.isInteger(value) || value < 1 || value > MAX_CROP) throw new Unreadable(`${name} is no size of a crop`);
  return value;
}

function base64(source, name) {
  const value = source[name];
  if (typeof value !== "string" || value.length > MAX_BASE64 || !/^[A-Za-z0-9+/]*={0,2}$/.test(value))
    throw new Unreadable(`${name} is no small file`);
  return value;
}

function oneOf(source, name, known) {
  if (!known.includes(source[name])) throw new Unreadable(`${name} is none of ${known.join(", ")}`);
  return source[name];
}

const WITH_ZONE = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;

/** Return a moment as milliseconds since 1970. */
function time(source, name) {
  const value = source[name];
  const ms = typeof value === "string" && WITH_ZONE.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(ms)) throw new Unreadable(`${name} is no moment with its time zone`);
  return ms;
}
