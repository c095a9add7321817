// The table of cases that edge/control_room is tested on in Python, too; ../cases/README.md explains its keys.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { alarmsOf, arrivalOf, look, newBoard, receive } from "../../../../edge/control_room/page/static/board.js";
import { countsOf } from "../../../../edge/control_room/page/static/view.js";

// Another folder holds random cases, of which test_same_rules.py has asked Python.
const FOLDER = process.env.CASES_FOLDER
  ? pathToFileURL(process.env.CASES_FOLDER)
  : new URL("../cases/", import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
const DEFAULTS = read("defaults.json");
const START = Date.parse(DEFAULTS.start);
const TIMES = { heard_s: "heard", raised_s: "raised", ended_s: "ended", faulty_since_s: "faultySince" };
const NAMES = { rate_hz: "rateHz", faulty_before: "faultyBefore" };
const MAX_RATES = 60;

function payloadOf(arrival, number, site, device) {
  if (arrival.raw !== undefined) return arrival.raw;
  if (arrival.payload === null) return "";
  const whole = { ...DEFAULTS[arrival.kind], site, device, seq: number };
  whole.utc = new Date(START + 1000 * arrival.at_s).toISOString();
  Object.assign(whole, arrival.payload);
  whole.event_id ??= `${whole.boot_id}-${whole.seq}`;
  if (arrival.alarm_detail) whole.alarm = { ...DEFAULTS.alarm_detail, ...arrival.alarm_detail };
  const [from, to] = arrival.replace ?? ["", ""];
  return JSON.stringify(whole).replace(from, () => to);
}

const seconds = (ms) => (ms === null ? null : (ms - START) / 1000);

function shown(seen, expected, box) {
  const found = {};
  for (const key of Object.keys(expected)) {
    let value = seen[TIMES[key] ?? NAMES[key] ?? key];
    if (TIMES[key]) value = seconds(value);
    if (key === "is_away") value = seen.away !== "";
    if (key === "rates") value = box.points.rates.slice(-MAX_RATES);
    if (key === "acknowledgement" && value) {
      const { by, reason, utc, silenced_until_utc: until, earlier } = value;
      value = { by, reason: reason ?? "", utc_s: seconds(utc), silenced_until_s: seconds(until) };
      const before = (one) => ({ by: one.by, reason: one.reason ?? "", utc_s: seconds(one.utc) });
      if (expected[key]?.earlier) value.earlier = earlier.map(before);
    }
    found[key] = value;
  }
  return found;
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".json") && name !== "defaults.json")) {
  for (const one of read(file)) {
    test(`${file}: ${one.name}`, () => {
      const board = newBoard();
      one.arrivals.forEach((arrival, number) => {
        const { site = "docks", device = "gate-1", kind, retained = false, at_s: at } = arrival;
        const payload = payloadOf(arrival, number, site, device);
        const arrived = arrivalOf(`gammabox/${site}/${device}/${kind}`, payload, retained);
        if (arrived) receive(board, arrived, START + 1000 * at);
      });
      const views = look(board, START + 1000 * one.now_s);
      const found = views.map((view, index) => shown(view, one.boxes[index] ?? {}, board.boxes.get(view.key)));
      assert.deepEqual(found, one.boxes);
      const counts = Object.fromEntries(Object.entries(countsOf(views)).filter(([, count]) => count));
      if (one.counts) assert.deepEqual(counts, one.counts);
      const alarms = alarmsOf(board);
      if (one.alarms)
        assert.deepEqual(
          alarms.map((alarm, index) => shown(alarm, one.alarms[index] ?? {})),
          one.alarms,
        );
    });
  }
}
