// Ten thousand random messages end the model of the page in no exception, and leave no control sign in what it shows.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { alarmsOf, arrivalOf, look, newBoard, receive } from "../../../../edge/control_room/page/static/board.js";
import { aged, answered, begun } from "../../../../edge/control_room/page/static/commands.js";

const MESSAGES = Number(process.env.FUZZ_MESSAGES ?? 10_000);
const DEFAULTS = JSON.parse(readFileSync(new URL("../cases/defaults.json", import.meta.url), "utf8"));
const START = Date.parse(DEFAULTS.start);
const KINDS = ["status", "info", "health", "alarm", "rsp/acknowledge"];
const UNWANTED = /[\p{C}\p{Zl}\p{Zp}]/u;
const VALUES = [
  null,
  true,
  "",
  "\u001b[2J\n\u202eALARM\u0000",
  "\ud800 \u2028 \u{e0001}",
  "x".repeat(5000),
  "2026-01-02T03:00:00Z",
  "1e999",
  0,
  -1,
  1e308,
  1e-320,
  Number.MAX_SAFE_INTEGER,
  [],
  {},
  [[[]]],
  [null, 1, "\u0007"],
  { __proto__: 1, constructor: 2 },
  "raised",
  "learning",
  "offline",
  "lost",
  "b1",
  "b2",
  { latitude: 91, longitude: 0 },
  Array(5000).fill("\u009b"),
];

/** Return a generator of numbers from 0 to 1 (mulberry32). */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const next = random(Number(process.env.FUZZ_SEED ?? 1));
const pick = (values) => values[Math.floor(next() * values.length)];

function spoil(value) {
  if (next() < 0.04) return pick(VALUES);
  if (Array.isArray(value)) return value.map(spoil);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(() => next() > 0.01);
  return Object.fromEntries(kept.map(([key, part]) => [next() < 0.01 ? "__proto__" : key, spoil(part)]));
}

function message(number) {
  const kind = pick(KINDS);
  const device = pick(["gate-1", "gate-2", "gate-3", "constructor", "__proto__", "GATE", ""]);
  const topic =
    next() < 0.02
      ? pick(["gammabox", "gammabox/#", "gammabox/docks//alarm", "$SYS/x", "a/\u0000"])
      : `gammabox/docks/${device}/${kind}`;
  if (next() < 0.01) return [topic, ""];
  if (next() < 0.03)
    return [topic, new Uint8Array(Array.from({ length: Math.floor(next() * 40) }, () => Math.floor(next() * 256)))];
  const answer = { transaction_id: "t1", ok: true, error: null, result: {}, boot_id: "b1" };
  const whole = { schema_version: 1, ...(DEFAULTS[kind] ?? answer), site: "docks", device, seq: number };
  Object.assign(whole, { event_id: `b1-${number}`, utc: new Date(START + 100 * number).toISOString() });
  if (kind === "status" && next() < 0.2)
    Object.assign(whole, { state: "offline", reason: pick(["lost", "stopped"]) });
  if (kind === "alarm") {
    whole.state = pick(["raised", "updated", "changed", "cleared", "learning"]);
    whole.alarm = next() < 0.8 ? DEFAULTS.alarm_detail : null;
    whole.acknowledged =
      next() < 0.3 ? { by: "Ann", utc: whole.utc, reason: null, silenced_until_utc: whole.utc } : null;
  }
  if (next() < 0.1) whole.boot_id = pick(["b1", "b2", "b3"]);
  const text = JSON.stringify(next() < 0.6 ? spoil(whole) : whole);
  return [topic, next() < 0.05 ? text.slice(0, Math.floor(next() * text.length)) : text];
}

function requireClean(value, path) {
  if (typeof value === "string")
    assert.ok(!UNWANTED.test(value) && value.length <= 1100, `${path}: ${JSON.stringify(value)}`);
  else if (typeof value === "number") assert.ok(Number.isFinite(value), `${path}: ${value}`);
  else if (value && typeof value === "object")
    for (const [key, part] of Object.entries(value)) requireClean(part, `${path}.${key}`);
}

test(`${MESSAGES} random messages`, () => {
  const board = newBoard();
  let commands = begun([], { id: "t1", key: "docks/gate-1", verb: "acknowledge" }, START);
  const seen = { message: 0, unreadable: 0, removed: 0, nothing: 0 };
  const words = new Set();
  for (let number = 0; number < MESSAGES; number += 1) {
    const now = START + 100 * number;
    const arrival = arrivalOf(...message(number), next() < 0.1);
    seen[Object.keys(seen).find((kind) => arrival?.[kind]) ?? "nothing"] += 1;
    if (arrival?.kind === "rsp" && arrival.message) commands = answered(commands, "docks/gate-1", arrival.message);
    else if (arrival && arrival.kind !== "rsp") receive(board, arrival, now);
    if (number % 7) continue;
    const views = look(board, now + (next() < 0.1 ? 100_000 : 0));
    views.forEach((view) => words.add(view.word));
    requireClean([views, alarmsOf(board), aged(commands, now)], "shown");
  }
  for (const [kind, count] of Object.entries(seen)) assert.ok(count > MESSAGES / 500, `${kind}: only ${count}`);
  assert.ok(words.size >= 5, [...words].join());
});
