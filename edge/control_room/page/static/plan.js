// A plan of the boxes whose position is known: north is up, distances are true to scale. No map is loaded.

import { mark } from "./symbols.js";
import { h } from "./vendor/preact.mjs";
import { rateOf } from "./words.js";

const WIDE = Object.freeze({ width: 800, height: 520 });
const NARROW = Object.freeze({ width: 400, height: 520 });
const MARGIN = 60;
const METRES_A_DEGREE = 111_320;
const SMALLEST_M = 20;

/** Return places on the plan, in its units, and the metres that a unit stands for. */
export function project(positions, { width, height }) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const latitude = mean(positions.map((position) => position.latitude));
  // Longitudes are counted from the first box, so that a site may lie on the line where they jump.
  const first = positions[0].longitude;
  const east = (longitude) => ((((longitude - first + 540) % 360) + 360) % 360) - 180;
  const x = positions.map(
    ({ longitude }) => east(longitude) * METRES_A_DEGREE * Math.cos((latitude * Math.PI) / 180),
  );
  const y = positions.map((position) => -(position.latitude - latitude) * METRES_A_DEGREE);
  const middle = (values) => (Math.min(...values) + Math.max(...values)) / 2;
  const size = (values) => Math.max(Math.max(...values) - Math.min(...values), SMALLEST_M);
  const metres = Math.max(size(x) / (width - 2 * MARGIN), size(y) / (height - 2 * MARGIN));
  const places = positions.map((_, index) => ({
    x: width / 2 + (x[index] - middle(x)) / metres,
    y: height / 2 + (y[index] - middle(y)) / metres,
  }));
  return { places, metres };
}

/** Return a round length in metres that is at most some units long. */
export function scaleOf(metres, units = 150) {
  const most = metres * units;
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((step) => step * power).find((length) => length <= most);
}

/** Show the plan. */
export function Plan({ views, boxes, selected, isOld, actions }) {
  const placed = views.filter((view) => boxes.get(view.key)?.info?.position);
  if (!placed.length) return h("p", { class: "empty" }, "The positions of these boxes are not known. Choose List.");
  const frame = matchMedia("(max-width: 40rem)").matches ? NARROW : WIDE;
  const { width, height } = frame;
  const { places, metres } = project(
    placed.map((view) => boxes.get(view.key).info.position),
    frame,
  );
  const length = scaleOf(metres);
  const isCrowded = placed.length > 40;
  // The most urgent is drawn last, above the others.
  const order = placed.map((_, index) => index).reverse();
  return h(
    "div",
    { class: `plan${isOld ? " old" : ""}` },
    h(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Plan of the boxes, north is up" },
      order.map((index) =>
        h(Place, { key: placed[index].key, view: placed[index], at: places[index], isCrowded, selected, actions }),
      ),
      h("path", { class: "scale", d: `M20 ${height - 20}h${length / metres}m0 -5v10m${-length / metres} 0v-10` }),
      h("text", { class: "scale", x: 20, y: height - 30 }, length >= 1000 ? `${length / 1000} km` : `${length} m`),
      h("path", { class: "scale", d: `M${width - 24} 44v-28m-6 9l6 -9l6 9` }),
      h("text", { class: "scale", x: width - 24, y: 60, "text-anchor": "middle" }, "N"),
    ),
    placed.length < views.length &&
      h("p", { class: "hint" }, `${views.length - placed.length} without a position: see the list.`),
  );
}

function Place({ view, at, isCrowded, selected, actions }) {
  const open = () => actions.select(view.key);
  const onKey = (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open();
    }
  };
  const known = view.rateHz === null ? "" : `, ${rateOf(view)}`;
  const label = `${view.device}, ${view.word}${view.place && `: ${view.place}`}${known}`;
  const isAlarm = view.urgency === "alarm";
  const size = isAlarm ? 26 : isCrowded ? 12 : 20;
  return h(
    "g",
    {
      class: `spot ${view.urgency}`,
      role: "button",
      tabindex: 0,
      "aria-label": label,
      onClick: open,
      onKeyDown: onKey,
    },
    h("title", null, label),
    h("circle", {
      class: `halo${view.key === selected ? " selected" : ""}`,
      cx: at.x,
      cy: at.y,
      r: isCrowded && !isAlarm ? 8 : 17,
    }),
    mark(view.urgency, at.x, at.y, size),
    (isAlarm || !isCrowded) && h("text", { x: at.x, y: at.y + 32, "text-anchor": "middle" }, view.device),
  );
}
