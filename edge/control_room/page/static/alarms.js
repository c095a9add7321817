// The alarms and overloads since the page was opened, those that have ended among them.

import { nameOf } from "./missed.js";
import { symbol } from "./symbols.js";
import { moment, rate, span } from "./text.js";
import { h } from "./vendor/preact.mjs";

const ENDS = {
  stands: "still on",
  cleared: "over",
  missed: "over; nobody heard when it ended",
  removed: "its box was taken down",
};

const OVERLOAD_ENDS = {
  ...ENDS,
  stands: "still on: more comes than the box can judge",
};

/** Show the alarms and overloads, of one box or of all. Those that were missed and are `fresh` say so. */
export function Alarms({ alarms, fresh, isOfOneBox, actions }) {
  if (!alarms.length) return isOfOneBox ? null : h("p", { class: "empty" }, "No alarm so far.");
  return h(
    "ul",
    { class: "session", "aria-label": "Alarms, also past ones" },
    alarms.map((alarm) =>
      h(
        "li",
        { key: `${alarm.key}/${alarm.id}` },
        symbol(alarm.state !== "stands" ? "calm" : alarm.isOverload ? "overload" : "alarm"),
        h("div", null, ...lines(alarm, isOfOneBox, fresh?.has(nameOf(alarm)))),
        !isOfOneBox && h("button", { onClick: () => actions.select(alarm.key) }, `Open ${alarm.device}`),
      ),
    ),
  );
}

function lines(alarm, isOfOneBox, isFresh) {
  const { acknowledgement, ended, raised, state } = alarm;
  const lasted = ended === null ? "" : ` after ${span(ended - raised)}`;
  const missed = isFresh && h("strong", { class: "missed" }, " missed");
  const name =
    !isOfOneBox &&
    h("p", null, h("strong", null, alarm.place || alarm.key), alarm.place ? `, ${alarm.key}` : "", missed);
  if (alarm.isOverload) return [name, h("p", null, `overload ${moment(raised)}, ${OVERLOAD_ENDS[state]}${lasted}`)];
  return [
    name,
    h("p", null, `began ${moment(raised)}, ${ENDS[state]}${lasted}`),
    h("p", { class: "hint" }, `highest ${rate(alarm.maximum_hz, alarm.lower_limit)}; ${takenBy(acknowledgement)}`),
  ];
}

function takenBy(acknowledgement) {
  if (!acknowledgement) return "acknowledged by nobody";
  const { by, utc, reason } = acknowledgement;
  return `acknowledged by ${by} ${moment(utc)}${reason ? `: ${reason}` : ""}`;
}
