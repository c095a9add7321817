// Crops of the picture around hits, for those boxes that send them: the newest few of each box, in memory only.

import { clockTime } from "./text.js";
import { Component, h } from "./vendor/preact.mjs";

const MAX_CROPS = 6;
const MAX_BOXES = 200;
const ZOOM = 3;

/** Keep a crop; of each box the newest, of all boxes those that sent last. */
export function keepEvidence(known, key, message) {
  const crops = [message, ...(known.get(key) ?? []).filter((one) => one.event_id !== message.event_id)];
  known.delete(key);
  known.set(key, crops.slice(0, MAX_CROPS));
  if (known.size > MAX_BOXES) known.delete(known.keys().next().value);
}

/** Show the crops of a box. */
export function Evidence({ crops }) {
  if (!crops?.length) return null;
  const blurred = crops.some((crop) => crop.blurred) ? " Around the hit the picture is blurred." : "";
  return [
    h("h3", null, "Hits in the picture"),
    h(
      "ul",
      { class: "evidence" },
      crops.map((crop) => h("li", { key: crop.event_id }, h(Crop, { crop }), h("small", null, clockTime(crop.utc)))),
    ),
    h("p", { class: "hint" }, `A crop around the strongest hit, enlarged.${blurred}`),
  ];
}

class Crop extends Component {
  shouldComponentUpdate() {
    return false;
  }

  componentDidMount() {
    draw(this.canvas, this.props.crop).catch(() => this.canvas.classList.add("broken"));
  }

  render({ crop }) {
    return h("canvas", {
      ref: (canvas) => (this.canvas = canvas),
      width: crop.width,
      height: crop.height,
      style: { width: `${ZOOM * crop.width}px`, height: `${ZOOM * crop.height}px` },
      role: "img",
      "aria-label": `Crop around the hit at column ${crop.x}, row ${crop.y}`,
    });
  }
}

async function draw(canvas, { png, width, height }) {
  const bytes = Uint8Array.from(atob(png), (sign) => sign.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  if (picture.width !== width || picture.height !== height) throw new Error("another size than it says");
  canvas.getContext("2d").drawImage(picture, 0, 0);
}
