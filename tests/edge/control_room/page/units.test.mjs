// The pure parts of the page that the table of cases does not reach.

import assert from "node:assert/strict";
import { test } from "node:test";

import { keepEvidence } from "../../../../edge/control_room/page/static/evidence.js";
import { aged, answered, begun, commandOf, settled } from "../../../../edge/control_room/page/static/commands.js";
import { Unreadable, parseTopic, readMessage } from "../../../../edge/control_room/page/static/messages.js";
import { project, scaleOf } from "../../../../edge/control_room/page/static/plan.js";
import { clean, number, rate, span } from "../../../../edge/control_room/page/static/text.js";
import { sent } from "../../../../edge/control_room/page/static/taking.js";

test("text is one bounded line without control signs", () => {
  assert.equal(clean("calm\u001b[2J\nALARM\u202e \u00a0\u{e0001}"), "calm\\x1b[2J\\nALARM\\u202e \\xa0\\U000e0001");
  assert.equal(clean("é世界 µSv – “ok” 🙂"), "é世界 µSv – “ok” 🙂");
  assert.equal(Array.from(clean("🙂".repeat(900))).length, 500);
});

test("numbers and spans are as exact as people need them", () => {
  assert.deepEqual(
    [0, 0.0312, 38.46, 1234567, 0.00001234, null].map((value) => number(value)),
    ["0", "0.0312", "38.5", "1,230,000", "1.2e-5", "–"],
  );
  assert.equal(rate(38, true), "> 38 hits/s");
  assert.deepEqual([900, 59_000, 61_000, 3_700_000, 2e9].map(span), ["1 s", "59 s", "1 min", "1 h 1 min", "23 days"]);
});

test("topics of others are left alone", () => {
  const others = [
    "gammabox/docks/gate",
    "gammabox/docks/gate/hit",
    "gammabox/Docks/gate/alarm",
    "x/docks/gate/alarm",
    "gammabox/docks/gate/rsp",
    "gammabox/docks/gate/alarm/x",
    "",
  ];
  assert.deepEqual(
    others.map(parseTopic),
    others.map(() => null),
  );
  assert.deepEqual(parseTopic("gammabox/docks/gate/rsp/silence"), {
    site: "docks",
    device: "gate",
    kind: "rsp",
    verb: "silence",
  });
});

test("a command carries who, why and its transaction", () => {
  const { topic, text } = commandOf(
    { site: "docks", device: "gate", verb: "silence", id: "t1", by: "Ann", reason: "", values: { minutes: 5 } },
    0,
  );
  assert.equal(topic, "gammabox/docks/gate/cmd/silence");
  assert.deepEqual(JSON.parse(text), {
    schema_version: 1,
    transaction_id: "t1",
    utc: "1970-01-01T00:00:00.000Z",
    by: "Ann",
    reason: null,
    arguments: { minutes: 5 },
  });
});

test("an answer is shown, one of somebody else is not, and a missing one is told", () => {
  const commands = begun([], { id: "t1", key: "docks/gate" }, 0);
  const states = (list) => list.map(({ state }) => state);
  assert.deepEqual(states(answered(commands, "docks/other", { transaction_id: "t1", ok: true })), ["waiting"]);
  assert.deepEqual(states(answered(commands, "docks/gate", { transaction_id: "t2", ok: true })), ["waiting"]);
  const [refused] = answered(commands, "docks/gate", { transaction_id: "t1", ok: false, error: "too old" });
  assert.deepEqual(
    [refused.state, refused.text],
    ["failed", "Not acknowledged: the box refuses: too old. Try once more, then call the technician."],
  );
  assert.deepEqual([...states(aged(commands, 10_000)), ...states(aged(commands, 20_000))], ["waiting", "failed"]);
  assert.match(aged(commands, 20_000)[0].text, /has not answered.*Try once more, then call the technician/);
});

test("a late answer replaces a missing one", () => {
  const late = aged(begun([], { id: "t1", key: "docks/gate" }, 0), 20_000);
  const answers = [{ ok: true }, { ok: false, error: "too old" }].map(
    (answer) => answered(late, "docks/gate", { transaction_id: "t1", ...answer })[0],
  );
  assert.deepEqual(
    answers.map(({ state, text }) => [state, text]),
    [
      ["done", "Late answer: Acknowledged. Everybody sees it."],
      ["failed", "Late answer: Not acknowledged: the box refuses: too old. Try once more, then call the technician."],
    ],
  );
});

test("an answer says what was done, for how long it is silent, or that nothing is needed", () => {
  const asked = { by: "Ann", reason: "patrol sent", minutes: 5 };
  const commands = begun([], { id: "t1", key: "docks/gate", asked }, 0);
  const after = (answer) => answered(commands, "docks/gate", { transaction_id: "t1", ...answer })[0];
  assert.equal(after({ ok: true }).text, "Acknowledged. Everybody sees it. It is silent for 5 min.");
  const { state, text } = after({ ok: false, error: "no alarm stands" });
  assert.deepEqual([state, text], ["done", "Not needed: the alarm is already over."]);
});

test("the message carries who had acknowledged before, and a list that is none is refused", () => {
  const place = parseTopic("gammabox/docks/gate/alarm");
  const utc = "2026-01-02T03:04:05Z";
  const alarm = (earlier) =>
    JSON.stringify({
      ...{ schema_version: 1, event_id: "b-6", boot_id: "b", seq: 6, utc, site: "docks", device: "gate" },
      ...{ state: "updated", alarm: null, acknowledged: { by: "Ann", utc, reason: "on my way", earlier } },
    });
  const earlier = [{ by: "Bo\u202e", utc, reason: "patrol 2" }];
  assert.deepEqual(
    readMessage(place, alarm(earlier)).acknowledged.earlier.map(({ by, reason }) => [by, reason]),
    [["Bo\\u202e", "patrol 2"]],
  );
  assert.deepEqual(readMessage(place, alarm(undefined)).acknowledged.earlier, []);
  for (const wrong of ["Bo", [{ by: "Bo" }], ["Bo"]])
    assert.throws(() => readMessage(place, alarm(wrong)), Unreadable);
});

test("a command without an answer is settled by what the box says of its alarm", () => {
  const before = { by: "Bo", utc: 1 };
  const asked = { id: "t1", key: "docks/gate", alarmId: "a", before };
  const late = aged(begun([], asked, 0), 20_000);
  const view = (changes) => ({ key: "docks/gate", urgency: "alarm", alarm: { id: "a" }, ...changes });
  const after = (changes) => settled(late, [view({ acknowledgement: before, ...changes })])[0];
  assert.equal(after({}).state, "failed");
  assert.equal(after({ acknowledgement: { by: "Ann", utc: 9 } }).text, "The alarm is acknowledged by now, by Ann.");
  for (const changes of [{ urgency: "calm", alarm: null }, { alarm: { id: "b" } }])
    assert.equal(after(changes).text, "Not needed any more: the alarm is over.");
  const waiting = begun([], asked, 0);
  assert.equal(settled(waiting, [view({ urgency: "calm" })]), waiting);
});

test("a plan is true to scale, also where longitudes jump", () => {
  const frame = { width: 800, height: 520 };
  const corners = [
    [60, 179.999],
    [60, -179.999],
    [60.001, 179.999],
  ].map(([latitude, longitude]) => ({ latitude, longitude }));
  const { places, metres } = project(corners, frame);
  const [east, north] = [places[1].x - places[0].x, places[0].y - places[2].y];
  assert.ok(
    Math.abs(east * metres - 111.32) < 0.1 && Math.abs(north * metres - 111.32) < 0.1,
    `${east} ${north} ${metres}`,
  );
  for (const { x, y } of places) assert.ok(x > 0 && x < 800 && y > 0 && y < 520);
  assert.deepEqual(project([corners[0]], frame).places, [{ x: 400, y: 260 }]);
  assert.deepEqual(
    [0.1, 1.4, 90].map((metresAUnit) => scaleOf(metresAUnit)),
    [10, 200, 10_000],
  );
});

const CROP = { schema_version: 1, event_id: "b-6", boot_id: "b", seq: 6, utc: "2026-01-02T03:04:05Z", hit: "b-5" };
const crop = (more) => ({
  ...CROP,
  ...{
    site: "docks",
    device: "gate",
    x: 5,
    y: 6,
    width: 48,
    height: 48,
    blurred: true,
    png: "iVBORw0KGgo=",
    ...more,
  },
});

test("evidence is read, and what is none is refused", () => {
  const place = parseTopic("gammabox/docks/gate/evidence/b-5");
  assert.equal(place.kind, "evidence");
  assert.equal(readMessage(place, JSON.stringify(crop({}))).png, "iVBORw0KGgo=");
  for (const wrong of [{ png: "<svg>" }, { png: "A".repeat(9000) }, { width: 49 }, { height: 0.5 }, { png: null }])
    assert.throws(() => readMessage(place, JSON.stringify(crop(wrong))), Unreadable);
});

test("of evidence the newest few of each box are kept", () => {
  const known = new Map();
  for (let number = 0; number < 300; number += 1) keepEvidence(known, `box-${number}`, { event_id: "e" });
  for (let number = 0; number < 9; number += 1) keepEvidence(known, "box-299", { event_id: `f-${number}` });
  keepEvidence(known, "box-299", { event_id: "f-8" });
  assert.equal(known.size, 200);
  assert.deepEqual(
    known.get("box-299").map(({ event_id }) => event_id),
    ["f-8", "f-7", "f-6", "f-5", "f-4", "f-3"],
  );
});
