// The pure parts of the page that the table of cases does not reach.

import assert from "node:assert/strict";
import { test } from "node:test";

import { follow, hidden, manyAway, newAttention } from "../../../../edge/control_room/page/static/attention.js";
import { keepEvidence } from "../../../../edge/control_room/page/static/evidence.js";
import { aged, answered, begun, commandOf, settled } from "../../../../edge/control_room/page/static/commands.js";
import { Unreadable, parseTopic, readMessage } from "../../../../edge/control_room/page/static/messages.js";
import { newMissed, updateMissed } from "../../../../edge/control_room/page/static/missed.js";
import { project, scaleOf } from "../../../../edge/control_room/page/static/plan.js";
import { clean, number, rate, span } from "../../../../edge/control_room/page/static/text.js";
import { needsAttention } from "../../../../edge/control_room/page/static/view.js";

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
  assert.equal(rate(38, true), "at least 38 hits/s");
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
  const commands = begun([], { id: "t1", key: "docks/gate", verb: "acknowledge" }, 0);
  const states = (list) => list.map(({ state }) => state);
  assert.deepEqual(states(answered(commands, "docks/other", { transaction_id: "t1", ok: true })), ["waiting"]);
  assert.deepEqual(states(answered(commands, "docks/gate", { transaction_id: "t2", ok: true })), ["waiting"]);
  const [refused] = answered(commands, "docks/gate", { transaction_id: "t1", ok: false, error: "too old" });
  assert.deepEqual([refused.state, refused.text], ["failed", "the box refuses: too old"]);
  assert.deepEqual([...states(aged(commands, 10_000)), ...states(aged(commands, 20_000))], ["waiting", "failed"]);
});

test("a late answer replaces a missing one", () => {
  const late = aged(begun([], { id: "t1", key: "docks/gate", verb: "acknowledge" }, 0), 20_000);
  const answers = [{ ok: true }, { ok: false, error: "too old" }].map(
    (answer) => answered(late, "docks/gate", { transaction_id: "t1", ...answer })[0],
  );
  assert.deepEqual(
    answers.map(({ state, text }) => [state, text]),
    [
      ["done", "late answer: the box has confirmed"],
      ["failed", "late answer: the box refuses: too old"],
    ],
  );
});

test("a command without an answer is settled by what the box says of its alarm", () => {
  const before = { by: "Bo", utc: 1 };
  const asked = { id: "t1", key: "docks/gate", verb: "acknowledge", alarmId: "a", before };
  const late = aged(begun([], asked, 0), 20_000);
  const view = (changes) => ({ key: "docks/gate", urgency: "alarm", alarm: { id: "a" }, ...changes });
  const after = (changes) => settled(late, [view({ acknowledgement: before, ...changes })])[0];
  assert.equal(after({}).state, "failed");
  assert.equal(after({ acknowledgement: { by: "Ann", utc: 9 } }).text, "the alarm is acknowledged by now, by Ann");
  for (const changes of [{ urgency: "calm", alarm: null }, { alarm: { id: "b" } }])
    assert.equal(after(changes).text, "not needed any more: the alarm is over");
  const waiting = begun([], asked, 0);
  assert.equal(settled(waiting, [view({ urgency: "calm" })]), waiting);
});

test("missed alarms are counted until they were listed", () => {
  const missed = newMissed(100);
  const alarm = (id, ended, acknowledgement = null) => ({ key: "docks/gate", id, ended, acknowledgement });
  const alarms = [alarm("old", 50), alarm("a", 150), alarm("b", 150, { by: "Ann" }), alarm("c", null)];
  const count = (isListed) => {
    updateMissed(missed, alarms, isListed);
    return [missed.count, [...missed.fresh]];
  };
  assert.deepEqual(count(false), [1, ["docks/gate/a"]]);
  assert.deepEqual(count(true), [0, ["docks/gate/a"]]);
  alarms.push(alarm("d", 200));
  assert.deepEqual(count(true), [0, ["docks/gate/a", "docks/gate/d"]]);
  assert.deepEqual(count(false), [0, []]);
  alarms.push(alarm("e", 300));
  assert.deepEqual(count(false), [1, ["docks/gate/e"]]);
});

test("an alarm sounds until it is acknowledged, and again when its silence is over", () => {
  const given = { by: "Ann", utc: 10, silenced_until_utc: 50 };
  const cases = [
    ["alarm", null, false, true],
    ["alarm", given, false, false],
    ["alarm", given, true, true],
    ["calm", null, false, false],
  ];
  for (const [urgency, acknowledgement, silence_over, expected] of cases)
    assert.equal(needsAttention({ urgency, acknowledgement, silence_over }), expected);
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

const one = (key, urgency, word = urgency.toUpperCase(), acknowledgement = null) => ({
  key,
  device: key,
  place: "",
  urgency,
  word,
  acknowledgement,
  silence_over: false,
});

test("an overload sounds until it is muted here, and again when it comes back", () => {
  const attention = newAttention();
  const [much, calm] = [[one("gate", "overload")], [one("gate", "calm")]];
  const heard = [follow(attention, much, 1).sounds, follow(attention, much, 2).sounds];
  attention.muted.add("gate");
  heard.push(follow(attention, much, 3).sounds, follow(attention, calm, 4).sounds, follow(attention, much, 5).sounds);
  assert.deepEqual(heard, [true, true, false, false, true]);
  const seen = attention.overloads.map(({ state, raised, ended }) => [state, raised, ended]);
  assert.deepEqual(seen, [
    ["cleared", 1, 4],
    ["stands", 5, null],
  ]);
});

test("an overload whose end was not heard, or whose box is gone, says so", () => {
  for (const [views, state] of [
    [[one("gate", "alarm")], "missed"],
    [[one("gate", "lost")], "missed"],
    [[], "removed"],
  ]) {
    const attention = newAttention();
    follow(attention, [one("gate", "overload")], 1);
    follow(attention, views, 2);
    assert.deepEqual(
      attention.overloads.map((entry) => entry.state),
      [state],
    );
  }
});

test("a muted overload leaves other alarms loud", () => {
  const attention = newAttention();
  attention.muted.add("gate");
  assert.equal(follow(attention, [one("gate", "overload"), one("quay", "alarm")], 1).sounds, true);
});

test("many boxes that fall away are more than half and three, and ring once", () => {
  const site = (lost, calm) => [
    ...Array.from({ length: lost }, (_, number) => one(`l${number}`, "lost")),
    ...Array.from({ length: calm }, (_, number) => one(`c${number}`, "calm", "calm")),
  ];
  assert.deepEqual(
    [site(2, 1), site(3, 2), site(3, 3), site(4, 0)].map((views) => manyAway(views)),
    [0, 3, 0, 4],
  );
  assert.equal(manyAway(Array.from({ length: 4 }, (_, number) => one(`s${number}`, "lost", "STOPPED"))), 0);
  const attention = newAttention();
  const falls = [site(0, 4), site(4, 0), site(4, 0), site(0, 4), site(4, 0)].map(
    (views, at) => follow(attention, views, at).falls,
  );
  assert.deepEqual(falls, [false, true, false, false, true]);
});

test("a filter that hides alarms and overloads is told", () => {
  const given = { by: "Ann", utc: 10, silenced_until_utc: null };
  const views = [one("a", "alarm"), one("b", "alarm", "ALARM", given), one("c", "overload"), one("d", "calm")];
  assert.deepEqual([hidden(views, views), hidden(views, []), hidden(views, [views[0]])], [0, 2, 1]);
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
