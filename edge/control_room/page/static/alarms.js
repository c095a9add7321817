// The alarms and overloads since the page was opened, those that have ended among them.

import { symbol } from "./symbols.js";
import { moment, rate, span } from "./text.js";
import { h } from "./vendor/preact.mjs";

const ENDS = {
  stands: "stands",
  cleared: "cleared",
  missed: "ended; its end was not heard",
  removed: "its box was taken down",
};

const OVERLOAD_ENDS = {
  stands: "more comes than the box can judge",
  cleared: "over: the box can judge again",
  missed: "ended; its end was not heard",
  removed: "its box was taken down",
};

/** Show the alarms and overloads of this session, of one box or of all. */
export function Alarms({ alarms, isOfOneBox, actions }) {
  if (!alarms.length) return isOfOneBox ? null : h("p", { class: "empty" }, "No alarm since this page was opened.");
  return h(
    "ul",
    { class: "session", "aria-label": "Alarms since this page was opened" },
    alarms.map((alarm) =>
      h(
        "li",
        { key: `${alarm.key}/${alarm.id}` },
        symbol(alarm.state !== "stands" ? "calm" : alarm.isOverload ? "overload" : "alarm"),
        h("div", null, ...lines(alarm, isOfOneBox)),
        !isOfOneBox && h("button", { onClick: () => actions.select(alarm.key) }, `Open ${alarm.device}`),
      ),
    ),
  );
}

function lines(alarm, isOfOneBox) {
  const { acknowledgement, ended, raised, state } = alarm;
  const lasted = ended === null ? "" : ` after ${span(ended - raised)}`;
  const by = acknowledgement ? `acknowledged by ${acknowledgement.by}` : "acknowledged by nobody";
  const why = acknowledgement?.reason ? `: ${acknowledgement.reason}` : "";
  const name =
    !isOfOneBox && h("p", null, h("strong", null, alarm.place || alarm.key), alarm.place ? `, ${alarm.key}` : "");
  if (alarm.isOverload) return [name, h("p", null, `overload ${moment(raised)}, ${OVERLOAD_ENDS[state]}${lasted}`)];
  return [
    name,
    h("p", null, `raised ${moment(raised)}, ${ENDS[state]}${lasted}`),
    h("p", { class: "hint" }, `highest ${rate(alarm.maximum_hz, alarm.lower_limit)}; ${by}${why}`),
  ];
}
