// The signs of the urgencies. Each has its own shape, so that nobody depends on colour.

import { h } from "./vendor/preact.mjs";

const SHAPES = {
  alarm: "M10 1 19.5 18H.5ZM9 7v5.5h2V7Zm0 7v2h2v-2Z",
  overload:
    "M10 0l2.4 5.2L17.6 3l-1 5.5L20 10l-3.4 1.5 1 5.5-5.2-2.2L10 20l-2.4-5.2L2.4 17l1-5.5L0 10l3.4-1.5-1-5.5 5.2 2.2Z",
  fault:
    "M2 2h16v16H2Zm4.2 2.8L4.8 6.2 8.6 10l-3.8 3.8 1.4 1.4L10 11.4l3.8 3.8 1.4-1.4L11.4 10l3.8-3.8-1.4-1.4L10 8.6Z",
  lost: "M10 1a9 9 0 1 1 0 18 9 9 0 0 1 0-18Zm0 2.4a6.6 6.6 0 1 0 0 13.2 6.6 6.6 0 0 0 0-13.2ZM4 9h12v2H4Z",
  learning: "M3 1h14v2.5L12 10l5 6.5V19H3v-2.5L8 10 3 3.5Zm3.4 2.5L10 8l3.6-4.5Z",
  calm: "M10 1a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM8.8 14.2l6.2-6.6-1.5-1.4-4.8 5.1-2.3-2.3L5 10.4Z",
};

// Of alarms that have ended: some were acknowledged before, some missed.
Object.assign(SHAPES, {
  over: "M10 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16Zm0 2a6 6 0 1 0 0 12 6 6 0 0 0 0-12Z",
  missed: "M10 1a9 9 0 1 1 0 18 9 9 0 0 1 0-18Zm0 2a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM9 5v6h2V5Zm0 7.5v2h2v-2Z",
});

/** Return the sign of an urgency, or of an alarm that has ended, as a part of the page. */
export function symbol(urgency) {
  return h(
    "svg",
    { class: `symbol ${urgency}`, viewBox: "0 0 20 20", "aria-hidden": "true" },
    h("path", { d: SHAPES[urgency], "fill-rule": "evenodd" }),
  );
}

/** Return the sign of an urgency for a drawing, about a place in it. */
export function mark(urgency, x, y, size) {
  return h("path", {
    class: `symbol ${urgency}`,
    d: SHAPES[urgency],
    "fill-rule": "evenodd",
    transform: `translate(${x - size / 2} ${y - size / 2}) scale(${size / 20})`,
  });
}
