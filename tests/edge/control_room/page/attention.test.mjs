// What rings, what is marked, and what the form to acknowledge an alarm takes note of.

import assert from "node:assert/strict";
import { test } from "node:test";

import { signOf } from "../../../../edge/control_room/page/static/alarms.js";
import {
  blindSince,
  follow,
  hidden,
  isShutOut,
  manyAway,
  mute,
  mutedHere,
  newAttention,
  outageOf,
} from "../../../../edge/control_room/page/static/attention.js";
import { shortOf } from "../../../../edge/control_room/page/static/banner.js";
import { noteOf, shown } from "../../../../edge/control_room/page/static/list.js";
import { newMissed, updateMissed } from "../../../../edge/control_room/page/static/missed.js";
import { number } from "../../../../edge/control_room/page/static/text.js";
import {
  confirmed,
  followed,
  isOut,
  isTwice,
  isUnread,
  opened,
  problemsOf,
  sent,
} from "../../../../edge/control_room/page/static/taking.js";
import { needsAttention } from "../../../../edge/control_room/page/static/view.js";
import { markOf, rateOf } from "../../../../edge/control_room/page/static/words.js";

const BO = { by: "Bo", utc: 5, reason: "patrol 2 is on the way" };

test("a form takes note of who acknowledges meanwhile, and is held until that could be read", () => {
  const form = followed(opened(null), BO, 1_000);
  assert.equal(form.news, BO);
  assert.deepEqual([isUnread(form, 1_001), isUnread(form, 3_999), isUnread(form, 4_000)], [true, true, false]);
  const same = followed(form, { ...BO }, 2_000);
  assert.equal(same, form);
  const more = followed(form, { by: "Cy", utc: 6, reason: null }, 5_000);
  assert.deepEqual([more.news.by, isUnread(more, 5_001)], ["Cy", true]);
});

test("a form that was opened on an acknowledged alarm is not held by it, nor by its own sending", () => {
  const form = opened(BO);
  assert.equal(followed(form, { ...BO }, 1), form);
  const asked = { by: "Ann", reason: "patrol 1 sent", minutes: 0 };
  const after = followed(sent(form, asked, 10), { by: "Ann", utc: 9, reason: "patrol 1 sent" }, 20);
  assert.deepEqual([after.news, after.read.by], [null, "Ann"]);
  assert.deepEqual([isTwice(after, 1_000), isTwice(after, 3_000), isTwice(form, 0)], [true, false, false]);
  assert.equal(followed(after, BO, 30).news, BO);
});

test("a form knows its own acknowledgement, also where it comes after the answer of the box", () => {
  const asked = { by: "Ann", reason: "patrol 1 sent", minutes: 0 };
  const form = sent(opened(null), asked, 10);
  const answered = confirmed(form);
  assert.deepEqual([isOut(opened(null)), isOut(form), isOut(answered)], [false, true, false]);
  const after = followed(answered, { by: "Ann", utc: 9, reason: "patrol 1 sent" }, 20);
  assert.deepEqual([after.news, after.read.by], [null, "Ann"]);
  assert.equal(isOut(sent(after, asked, 30)), true);
});

test("a name and a reason are needed", () => {
  assert.deepEqual(problemsOf({ by: "", reason: "" }), {
    by: "Write who you are.",
    reason: "Write what you do about it.",
  });
  assert.deepEqual(problemsOf({ by: "Ann", reason: "patrol sent" }), { by: "", reason: "" });
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
  const heard = [follow(attention, much, 1), follow(attention, much, 2)];
  mute(attention, much[0]);
  heard.push(follow(attention, much, 3), follow(attention, calm, 4), follow(attention, much, 5));
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
  const views = [one("gate", "overload"), one("quay", "alarm")];
  mute(attention, views[0]);
  assert.equal(follow(attention, views, 1), true);
  assert.deepEqual(
    mutedHere(attention, views).map(({ key }) => key),
    ["gate"],
  );
});

test("an alarm that is muted here sounds anew as another one, when its box falls away, or a silence is over", () => {
  const alarm = (changes) => [{ ...one("gate", "alarm", "ALARM"), alarm: { id: "a" }, ...changes }];
  const given = { by: "Ann", utc: 10, silenced_until_utc: 50 };
  const after = (...steps) => {
    const attention = newAttention();
    follow(attention, alarm({}), 1);
    mute(attention, alarm({})[0]);
    return steps.map((changes, at) => follow(attention, alarm(changes), 2 + at));
  };
  assert.deepEqual(after({}, { word: "CHANGED" }), [false, false]);
  assert.deepEqual(after({ word: "CHANGED" }, { word: "ALARM" }), [false, true]);
  assert.deepEqual(after({ alarm: { id: "b" } }), [true]);
  assert.deepEqual(after({ word: "OLD ALARM", alarm: { id: "a" } }), [true]);
  assert.deepEqual(after({ acknowledgement: given }, { acknowledgement: given, silence_over: true }), [false, true]);
});

test("many boxes that fall away are more than half and three, since one moment", () => {
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
  const since = [site(0, 4), site(4, 0), site(4, 0), site(0, 4), site(4, 0)].map((views, at) => {
    follow(attention, views, at);
    return attention.awaySince;
  });
  assert.deepEqual(since, [null, 1, 1, null, 4]);
});

test("an outage sounds while it lasts, until it is stopped here, and another one sounds anew", () => {
  const attention = newAttention();
  const sounds = (isLost) => {
    const kind = outageOf(attention, isLost);
    return kind !== null && kind !== attention.quiet;
  };
  assert.deepEqual([sounds(false), sounds(true), sounds(true)], [false, true, true]);
  attention.quiet = "connection";
  assert.equal(sounds(true), false);
  attention.awaySince = 5;
  assert.deepEqual([sounds(true), sounds(false), outageOf(attention, false)], [false, true, "boxes"]);
  attention.quiet = "boxes";
  assert.deepEqual([sounds(false), sounds(true)], [false, true]);
});

test("no box becomes silent by an absence of the broker, and none is calm that is not heard after it", () => {
  const lost = { state: "lost", offlineSince: 100, blind: null };
  const back = { state: "online", offlineSince: null, blind: { since: 100, until: 500_000 } };
  assert.deepEqual(
    [blindSince(lost, 400_000), blindSince(back, 501_999), blindSince(back, 502_000)],
    [100, 100, null],
  );
  assert.equal(blindSince({ state: "online", offlineSince: null, blind: null }, 5), null);
});

test("boxes have fallen away by an absence of the broker only where they do not report again", () => {
  const attention = newAttention();
  const gone = Array.from({ length: 4 }, (_, number) => one(`l${number}`, "lost", "SILENT"));
  const since = [514_999, 515_000].map((now) => {
    follow(attention, gone, now, { since: 100, until: 500_000 });
    return [attention.away, attention.awaySince];
  });
  assert.deepEqual(since, [
    [0, null],
    [4, 515_000],
  ]);
});

test("the filter looks at names, places, states and reasons", () => {
  const view = { ...one("docks/gate-1", "fault", "FAULT"), place: "North gate", reasons: ["the camera is covered"] };
  const seen = (words, urgency = null) => shown([view], { words, urgency }).length === 1;
  for (const words of ["COVERED north", "docks fault", "gate-1 camera", ""]) assert.ok(seen(words), words);
  assert.deepEqual([seen("covered south"), seen("covered", "lost"), seen("covered", "fault")], [false, false, true]);
});

test("marks and rates of a row are those of the terminal's view", () => {
  const given = { by: "Ann", utc: 10, silenced_until_utc: null };
  const rows = [
    [one("a", "alarm"), "!", "silent on this screen only; shaky"],
    [one("a", "alarm", "ALARM", given), "✓", "silent on this screen only; acknowledged by Ann"],
    [
      { ...one("a", "alarm", "ALARM", given), silence_over: true },
      "♪",
      "silent on this screen only; rings again: silence is over; acknowledged by Ann",
    ],
    [one("a", "overload"), "!", "silent on this screen only; shaky"],
    [one("a", "fault"), "", "silent on this screen only; shaky"],
  ];
  for (const [view, mark, note] of rows)
    assert.deepEqual([markOf(view), noteOf({ ...view, reasons: ["shaky"] }, true)], [mark, note]);
  assert.equal(noteOf({ ...one("a", "alarm"), reasons: [] }, false), "");
  const rates = [
    { ...one("a", "overload"), rateHz: 0.43 },
    { ...one("a", "overload"), rateHz: 0 },
    { ...one("a", "alarm"), rateHz: 64, alarm: { lower_limit: true } },
    { ...one("a", "alarm"), rateHz: 5, alarm: { lower_limit: false } },
    { ...one("a", "calm"), rateHz: 0 },
    { ...one("a", "lost"), rateHz: null },
  ];
  assert.deepEqual(rates.map(rateOf), ["> 0.43 hits/s", ">", "> 64 hits/s", "5 hits/s", "0 hits/s", ""]);
});

test("of ended alarms the missed ones have a sign of their own", () => {
  const ended = { state: "cleared", acknowledgement: null };
  assert.deepEqual(
    [
      signOf({ ...ended, state: "stands" }, false),
      signOf(ended, false),
      signOf({ ...ended, acknowledgement: BO }, false),
      signOf({ ...ended, isOverload: true }, false),
      signOf({ ...ended, isOverload: true }, true),
    ],
    ["alarm", "missed", "over", "over", "missed"],
  );
});

test("a filter that hides alarms and overloads is told", () => {
  const given = { by: "Ann", utc: 10, silenced_until_utc: null };
  const views = [one("a", "alarm"), one("b", "alarm", "ALARM", given), one("c", "overload"), one("d", "calm")];
  assert.deepEqual([hidden(views, views), hidden(views, []), hidden(views, [views[0]])], [0, 2, 1]);
});

test("the short line counts what rings here, and tells a lost connection instead of boxes that are away", () => {
  const ringing = (key, urgency) => ({ key, urgency, word: urgency.toUpperCase(), acknowledgement: null });
  const away = Array.from({ length: 9 }, (_, number) => ({ key: `s${number}`, urgency: "lost", word: "LOST" }));
  const views = [ringing("a", "alarm"), ringing("b", "alarm"), ringing("c", "overload"), ...away];
  const told = (shown, state, muted = []) =>
    shortOf({
      views: shown,
      attention: { muted: new Map(muted.map((key) => [key, 1])), away: manyAway(shown) },
      connection: { state },
    });
  assert.equal(told(views, "online"), "2 alarms, 1 overload, 9 boxes away");
  assert.equal(told(views, "lost", ["a"]), "1 alarm, 1 overload, connection lost");
  assert.equal(told([], "lost"), "Connection lost");
  assert.equal(told([ringing("a", "alarm")], "online", ["a"]), "");
});

test("a page that has watched is shut out by a refusal, until it is let in again", () => {
  const after = (...names) => names.slice(1).reduce((was, name, index) => isShutOut(was, names[index], name), false);
  assert.equal(after("connecting", "refused"), false);
  assert.equal(after("connecting", "online", "lost", "refused"), true);
  assert.equal(after("online", "refused", "connecting", "refused", "connecting"), true);
  assert.equal(after("lost", "refused", "connecting", "online", "lost"), false);
});
