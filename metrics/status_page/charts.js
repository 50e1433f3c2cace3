// Four charts, each a few lines over the last ten minutes.

import {Copy} from "./rows.js";
import {KEPT, quantile, rate, sum} from "./history.js";
import {bytes, digits, seconds} from "./words.js";

const HEIGHT = 140;
const RATE_WINDOW = 10;      // seconds; one poll's are too few to be a rate
const QUANTILE_WINDOW = 30;
const SHORTEST = 60;         // of what is shown, while the page is young

const loginRate = (of) => (from, to) => rate(from, to, (sample) => of(sample.logins));

// `value`: of a line at this moment, of the latest sample and the one `window` seconds before it.
const CHARTS = [
  {
    id: "logins", title: "Logins", unit: "per second", show: digits, window: RATE_WINDOW,
    lines: [
      {name: "good", color: "--good", value: loginRate((logins) => logins.ok ?? 0)},
      {name: "rejected", color: "--warn", value: loginRate((logins) => logins.rejected ?? 0)},
      {name: "failed", color: "--bad", value: loginRate((logins) => sum(logins, "ok", "rejected"))},
    ],
  },
  {
    id: "sessions", title: "Sessions", unit: "at this moment", show: digits, window: 0,
    lines: [{name: "open", color: "--good", fill: true, value: (from, to) => to.sessions}],
  },
  {
    id: "login-time", title: "Time to log in", unit: "good logins", show: seconds, window: QUANTILE_WINDOW,
    lines: [
      {name: "median", color: "--good", value: (from, to) => quantile(from.login_seconds, to.login_seconds, 0.5)},
      {name: "p99", color: "--blue", value: (from, to) => quantile(from.login_seconds, to.login_seconds, 0.99)},
    ],
  },
  {
    id: "mail", title: "Mail to clients", unit: "bytes per second", show: bytes, window: RATE_WINDOW,
    lines: [
      {name: "sent", color: "--blue", fill: true, value: (from, to) => rate(from, to, (each) => each.bytes_to_clients)},
      {name: "messages/s", show: digits, isHidden: true, value: (from, to) => rate(from, to, (each) => each.messages)},
    ],
  },
];

// A clock's, with seconds only where they differ from whole minutes.
function timeOfDay(unixSeconds, step) {
  return new Date(unixSeconds * 1000).toLocaleTimeString("en-GB").slice(0, step < 60 ? 8 : 5);
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Chart {
  #definition;
  #data;
  #plot;
  #legend;

  constructor(definition, parent) {
    this.#definition = definition;
    this.#data = [[], ...definition.lines.map(() => [])];
    const copy = new Copy("chart").update(definition);
    copy.element.id = `chart-${definition.id}`;
    parent.append(copy.element);
    this.#legend = definition.lines.map((line) => this.#key(copy.element.querySelector(".legend"), line));
    const place = copy.element.querySelector(".plot");
    this.#plot = new uPlot(this.#options(place.clientWidth), this.#data, place);
    for (const canvas of place.querySelectorAll("canvas")) {
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${definition.title}, ${definition.unit}: the figures above are the latest`);
    }
    new ResizeObserver(() => this.#plot.setSize({width: place.clientWidth, height: HEIGHT})).observe(place);
  }

  #key(legend, line) {
    const key = document.createElement("li");
    const mark = document.createElement("i");
    const value = document.createElement("b");
    mark.className = "mark";
    if (line.isHidden) mark.hidden = true;
    else mark.style.setProperty("--mark", `var(${line.color})`);
    key.append(mark, `${line.name} `, value);
    legend.append(key);
    return value;
  }

  #options(width) {
    const axis = {
      stroke: () => color("--quiet"), font: "11px system-ui, sans-serif", ticks: {show: false},
      grid: {stroke: () => color("--line"), width: 1},
    };
    const show = this.#definition.show;
    return {
      width, height: HEIGHT, legend: {show: false}, padding: [8, 22, 0, 0],
      cursor: {y: false, drag: {setScale: false}, points: {size: 6}},
      scales: {
        x: {range: (_, low, high) => [Math.max(high - KEPT, Math.min(low, high - SHORTEST)), high]},
        y: {range: (_, low, high) => [0, high > 0 ? high * 1.15 : 1]},
      },
      axes: [
        {...axis, grid: {show: false}, size: 24, space: 60,
          values: (_, moments, axis, space, step) => moments.map((moment) => timeOfDay(moment, step))},
        {...axis, size: 58, space: 32, values: (_, values) => values.map((value) => show(value))},
      ],
      series: [{}, ...this.#definition.lines.map((line) => ({
        label: line.name, show: !line.isHidden, width: 1.75, points: {show: false}, stroke: () => color(line.color),
        fill: line.fill && (() => `${color(line.color)}26`),
      }))],
      hooks: {setCursor: [() => this.#tell()]},
    };
  }

  // The figures under the pointer, else the latest.
  #tell() {
    const at = this.#plot?.cursor.idx ?? this.#data[0].length - 1;
    for (const [index, line] of this.#definition.lines.entries()) {
      const text = (line.show ?? this.#definition.show)(this.#data[index + 1][at] ?? undefined);
      if (this.#legend[index].textContent !== text) this.#legend[index].textContent = text;
    }
  }

  add(history) {
    const latest = history.latest;
    const before = history.before(this.#definition.window);
    const [moments, ...lines] = this.#data;
    moments.push(latest.now);
    for (const [index, line] of this.#definition.lines.entries()) {
      lines[index].push(line.value(before, latest) ?? null);
    }
    while (moments.length > 2 && moments[1] < latest.now - KEPT) this.#data.forEach((each) => each.shift());
    this.#plot.setData(this.#data);
    this.#tell();
  }

  redraw() {
    this.#plot.redraw(false);
  }
}

export class Charts {
  #charts;

  constructor(parent) {
    this.#charts = CHARTS.map((definition) => new Chart(definition, parent));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const chart of this.#charts) chart.redraw();
    });
  }

  add(history) {
    for (const chart of this.#charts) chart.add(history);
  }
}
