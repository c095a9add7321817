// The alarms and overloads since the page was opened, those that have ended among them.

import { Earlier, said } from "./acknowledge.js";
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
    alarms.map((alarm) => {
      const isFresh = fresh?.has(nameOf(alarm)) ?? false;
      return h(
        "li",
        { key: `${alarm.key}/${alarm.id}` },
        symbol(signOf(alarm, isFresh)),
        h("div", null, ...lines(alarm, isOfOneBox, isFresh)),
        !isOfOneBox && h("button", { onClick: () => actions.select(alarm.key) }, `Open ${alarm.device}`),
      );
    }),
  );
}

/** Return the sign of an alarm in the list: what stands, what was missed, or what is over. */
export function signOf({ state, isOverload, acknowledgement }, isFresh) {
  if (state === "stands") return isOverload ? "overload" : "alarm";
  return isFresh || (!isOverload && !acknowledgement) ? "missed" : "over";
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
    h(Earlier, { given: acknowledgement }),
  ];
}

function takenBy(given) {
  return given ? `✓ ${said(given)}` : "acknowledged by nobody";
}
