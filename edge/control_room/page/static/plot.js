// The rate of a box over the time that the page has seen, drawn by uPlot, which index.html loads.

import { clockTime, number } from "./text.js";
import { Component, h } from "./vendor/preact.mjs";

const HEIGHT = 170;
const SHORTEST_S = 300;
/* global uPlot */

/** Show the rate of a box beside its background. */
export class Plot extends Component {
  constructor() {
    super();
    this.draw = this.draw.bind(this);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
  }

  componentDidMount() {
    this.observer = new ResizeObserver(() => this.plot?.setSize({ width: this.width(), height: HEIGHT }));
    this.observer.observe(this.element);
    this.scheme.addEventListener("change", this.draw);
    this.draw();
  }

  componentWillUnmount() {
    this.observer.disconnect();
    this.scheme.removeEventListener("change", this.draw);
    this.plot?.destroy();
  }

  shouldComponentUpdate(next) {
    return next.points !== this.props.points || next.theme !== this.props.theme;
  }

  componentDidUpdate(before) {
    if (before.theme === this.props.theme && this.plot) this.plot.setData(this.data());
    else this.draw();
  }

  width() {
    return Math.max(200, this.element.clientWidth);
  }

  data() {
    const { times, rates, backgrounds } = this.props.points;
    return [times, rates, backgrounds];
  }

  span() {
    const { times } = this.props.points;
    const last = times.at(-1) ?? Date.now() / 1000;
    return [Math.min(times[0] ?? last, last - SHORTEST_S), last];
  }

  draw() {
    this.plot?.destroy();
    const style = getComputedStyle(this.element);
    const [ink, line, grid] = [style.color, style.textDecorationColor, style.borderTopColor];
    const axis = {
      stroke: ink,
      grid: { stroke: grid, width: 1 },
      ticks: { stroke: grid, width: 1 },
      font: "12px system-ui",
    };
    const series = { width: 2, spanGaps: false, points: { show: this.props.points.times.length < 60, size: 4 } };
    this.plot = new uPlot(
      {
        width: this.width(),
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        axes: [
          { ...axis, values: (_, ticks) => ticks.map((tick) => clockTime(1000 * tick).slice(0, 5)) },
          { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => number(tick)) },
        ],
        scales: {
          x: { range: () => this.span() },
          y: { range: (_, low, high) => [0, Math.max(high * 1.15, 0.1)] },
        },
        series: [{}, { ...series, stroke: line }, { stroke: ink, width: 1, dash: [6, 4], points: { show: false } }],
      },
      this.data(),
      this.element,
    );
  }

  render({ points }) {
    const known = points.rates.filter((value) => value !== null);
    const words = known.length
      ? `now ${number(known.at(-1))}, at most ${number(Math.max(...known))} hits per live second`
      : "nothing yet";
    const ref = (element) => {
      this.element = element ?? this.element;
    };
    return h("div", {
      ref,
      class: "plot",
      role: "img",
      "aria-label": `Rate since the page was opened: ${words}`,
    });
  }
}
