// The list of boxes, the most urgent first, and the field that narrows it.

import { symbol } from "./symbols.js";
import { span } from "./text.js";
import { Component, h } from "./vendor/preact.mjs";
import { markOf, rateOf } from "./words.js";

/** Return the views that the filter lets through. */
export function shown(views, { words, urgency }) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return views.filter((view) => {
    if (urgency && view.urgency !== urgency) return false;
    const text = [view.key, view.place, view.word, view.urgency, ...view.reasons].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

/** Show the list. Arrow keys, Home and End move in it; Enter opens the details; a acknowledges. */
export function List({ views, total, selected, muted, now, isOld, hasManySites, actions }) {
  if (!views.length)
    return h(
      "p",
      { class: "empty" },
      total
        ? "No box fits the filter."
        : "No box has reported yet. If some are online, this login may have no right to read them.",
    );
  return h(
    "ul",
    { class: `boxes${isOld ? " old" : ""}`, "aria-label": "Boxes", onKeyDown: (event) => onKey(event, actions) },
    views.map((view) => {
      const age = view.heard === null ? "never heard" : `${coarse(now - view.heard)} ago`;
      const isSelected = view.key === selected;
      const isMuted = muted.has(view.key);
      return h(Row, { key: view.key, view, age, isSelected, isMuted, hasManySites, onSelect: actions.select });
    }),
  );
}

// Ages in steps, so that a row is drawn again only now and then.
function coarse(ms) {
  return ms < 10_000 ? "under 10 s" : ms < 60_000 ? span(10_000 * Math.floor(ms / 10_000)) : span(ms);
}

function onKey(event, actions) {
  const row = event.target.closest("button.box");
  if (!row || event.ctrlKey || event.altKey || event.metaKey) return;
  const rows = [...event.currentTarget.querySelectorAll("button.box")];
  const at = rows.indexOf(row);
  const next = {
    ArrowDown: at + 1,
    ArrowUp: at - 1,
    Home: 0,
    End: rows.length - 1,
    PageDown: at + 10,
    PageUp: at - 10,
  }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    rows[Math.min(Math.max(next, 0), rows.length - 1)].focus();
  } else if (event.key === "a") {
    event.preventDefault();
    actions.select(row.dataset.key, "acknowledge");
  }
}

class Row extends Component {
  shouldComponentUpdate(next) {
    const { view, age, isSelected, isMuted } = this.props;
    const isOther = isSelected !== next.isSelected || isMuted !== next.isMuted;
    return isOther || age !== next.age || !isSame(view, next.view);
  }

  render({ view, age, isSelected, isMuted, hasManySites, onSelect }) {
    const mark = markOf(view);
    return h(
      "li",
      null,
      h(
        "button",
        {
          class: `box ${view.urgency}`,
          "data-key": view.key,
          "aria-current": isSelected ? "true" : null,
          onClick: () => onSelect(view.key),
        },
        symbol(view.urgency),
        h("span", { class: "word" }, mark && h("span", { class: "mark" }, `${mark} `), view.word),
        h("span", { class: "name" }, hasManySites ? view.key : view.device),
        h("span", { class: "place" }, view.place),
        h("span", { class: "rate" }, rateOf(view)),
        h("span", { class: "age" }, age),
        h("span", { class: "note" }, noteOf(view, isMuted)),
      ),
    );
  }
}

/** Return what stands below the name of a box: who deals with it, or else the first reason for its state. */
export function noteOf({ acknowledgement, reasons, silence_over: isOver }, isMuted) {
  const by = acknowledgement && `acknowledged by ${acknowledgement.by}`;
  const why = isOver ? `rings again: silence is over; ${by}` : (by ?? reasons[0] ?? "");
  return [isMuted && "silent on this screen only", why].filter(Boolean).join("; ");
}

function isSame(one, other) {
  return (
    one.word === other.word &&
    one.place === other.place &&
    one.rateHz === other.rateHz &&
    one.reasons[0] === other.reasons[0] &&
    one.silence_over === other.silence_over &&
    one.alarm?.lower_limit === other.alarm?.lower_limit &&
    one.acknowledgement?.by === other.acknowledgement?.by
  );
}
