// Lines over time, or areas on top of each other.

import {calculated, calculations, lines, moments} from "./answers.js";
import {meaning, only} from "./known.js";
import {classic, faint} from "./looks.js";
import {append, clock} from "./place.js";
import {shownAs} from "./units.js";

const LEGEND_ROWS_MAX = 6;
const GRID = "#2c3235", QUIET = "#9fa7b3";
const NAMES = {mean: "Mean", max: "Max"};

function legend(place, {displayMode, placement, showLegend, calcs}, shown, series) {
  only("legend.displayMode", displayMode, "table");
  only("legend.placement", placement, "bottom");
  only("legend.showLegend", showLegend, true);
  const columns = [...calcs].map((name) => [meaning("legend.calcs", name, NAMES), calculations[name]]);
  const table = append(place, "table", "legend");
  const head = append(table, "tr");
  append(head, "th", "", "Name");
  for (const [name] of columns) append(head, "th", "number", name);
  const fit = series.length > LEGEND_ROWS_MAX ? LEGEND_ROWS_MAX - 1 : series.length;
  for (const {name, values, color} of series.slice(0, fit)) {
    const row = append(table, "tr");
    const cell = append(row, "td", "name");
    append(cell, "i").style.background = color;
    cell.append(name);
    for (const [, calculation] of columns) append(row, "td", "number", shown(calculated(calculation, values)));
  }
  if (fit < series.length) append(append(table, "tr"), "td", "more", `and ${series.length - fit} more, below`);
}

function onTop(series) {
  const sums = [];
  return series.map(({values}) => values.map((value, at) => (sums[at] = (sums[at] ?? 0) + (value ?? 0))));
}

// What a logarithm is of.
const positive = (values) => values.map((value) => (value > 0 ? value : null));

function style(custom) {
  only("drawStyle", custom.drawStyle, "line");
  only("showPoints", custom.showPoints, "never");
  only("spanNulls", custom.spanNulls, false);
  only("stacking.group", custom.stacking.group, "A");
  const isLog = meaning("scaleDistribution.type", custom.scaleDistribution.type, {linear: false, log: true});
  if (isLog) only("scaleDistribution.log", custom.scaleDistribution.log, 10);
  return {isLog, isStacked: meaning("stacking.mode", custom.stacking.mode, {none: false, normal: true}),
          width: custom.lineWidth, fill: custom.fillOpacity};
}

const linear = (least, most) => (_, low, high) => {
  const top = most ?? (high === null || high <= 0 ? 1 : high);
  return uPlot.rangeNum(least ?? low ?? 0, top, {
    min: {pad: 0, hard: least, mode: 1, soft: least},
    max: {pad: most === undefined ? 0.05 : 0, hard: most, mode: 2, soft: most},
  });
};

// Steps of an axis: powers of two for bytes, and of a logarithm whole decades where there are two.
const BINARY = Array.from({length: 50}, (_, power) => 2 ** power);

function decades(plot, _axis, low, high) {
  const least = Math.floor(Math.log10(low)), most = Math.ceil(Math.log10(high));
  const within = (value) => value >= low * 0.999 && value <= high * 1.001;
  const every = Array.from({length: most - least + 1}, (_, index) => Number(`1e${least + index}`));
  const found = every.filter(within);
  return found.length > 1 ? found : every.flatMap((value) => [value, 2 * value, 5 * value]).filter(within);
}

function marks(annotations) {
  return (plot) => {
    for (const {color, times} of annotations) {
      plot.ctx.save();
      plot.ctx.strokeStyle = color;
      plot.ctx.setLineDash([4, 4]);
      for (const time of times) {
        const x = Math.round(plot.valToPos(time, "x", true));
        plot.ctx.beginPath();
        plot.ctx.moveTo(x, plot.bbox.top);
        plot.ctx.lineTo(x, plot.bbox.top + plot.bbox.height);
        plot.ctx.stroke();
      }
      plot.ctx.restore();
    }
  };
}

export function draw(panel, answers, place, {range, annotations}) {
  const {unit, min, max, custom, color} = panel.fieldConfig.defaults;
  only("color.mode", color.mode, "palette-classic");
  const shown = shownAs(unit);
  const {isLog, isStacked, width, fill} = style(custom);
  const series = lines(panel, answers, range).map((each, index) => ({...each, color: classic(index)}));
  const plot = append(place, "div", "plot");
  legend(place, panel.options.legend, shown, series);
  if (!series.length) return false;
  const drawn = isStacked ? onTop(series) : series.map(({values}) => (isLog ? positive(values) : values));
  const axis = {stroke: QUIET, font: "11px sans-serif", grid: {stroke: GRID, width: 1}, ticks: {show: false}};
  new uPlot({
    width: plot.clientWidth, height: plot.clientHeight, legend: {show: false}, cursor: {show: false},
    padding: [8, 12, 0, 0],
    scales: {x: {range: () => [range.from, range.to]}, y: isLog ? {distr: 3, log: 10} : {range: linear(min, max)}},
    axes: [
      {...axis, size: 22, space: 70, values: (_, times) => times.map(clock)},
      {...axis, size: 62, space: 26, values: (_, values) => values.map(shown),
       ...(isLog ? {splits: decades, filter: (_, values) => values} : unit === "bytes" ? {incrs: BINARY} : {})},
    ],
    series: [{}, ...series.map(({color}) => ({stroke: color, width, points: {show: false}, fill: faint(color, fill)}))],
    bands: isStacked ? series.slice(1).map((_, index) => ({series: [index + 2, index + 1]})) : [],
    hooks: {draw: [marks(annotations)]},
  }, [moments(range), ...drawn], plot);
  return true;
}
