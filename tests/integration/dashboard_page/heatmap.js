// How many fell into which bucket of a histogram, and when.

import {lines, moments} from "./answers.js";
import {meaning, only} from "./known.js";
import {scheme} from "./looks.js";
import {append, clock} from "./place.js";
import {shownAs} from "./units.js";

const LEFT = 62, BOTTOM = 22, TOP = 8, RIGHT = 12;  // around the cells, pixels

// Each bucket without those below it, from the lowest to the highest.
function buckets(found) {
  const ordered = found.map(({labels, values}) => ({bound: Number(labels.le.replace("+Inf", "Infinity")), values}))
    .sort((one, two) => one.bound - two.bound);
  return ordered.map(({bound, values}, at) => ({bound, values: values.map((value, moment) =>
    (value === null ? null : value - (at ? ordered[at - 1].values[moment] ?? 0 : 0)))}));
}

function options({calculate, cellGap, color, filterValues, legend, rowsFrame, yAxis}) {
  only("calculate", calculate, false);
  only("color.mode", color.mode, "scheme");
  only("color.reverse", color.reverse, false);
  only("legend.show", legend.show, true);
  only("rowsFrame.layout", rowsFrame.layout, "auto");
  only("yAxis.axisPlacement", yAxis.axisPlacement, "left");
  return {gap: cellGap, color: scheme(color.scheme, color.steps), least: filterValues.le, bound: shownAs(yAxis.unit)};
}

function axes(context, {width, height, times, rows, bound}) {
  const cellHeight = (height - TOP - BOTTOM) / rows.length;
  context.fillStyle = "#9fa7b3";
  context.font = "11px sans-serif";
  context.textAlign = "right";
  context.textBaseline = "middle";
  const every = Math.ceil(14 / cellHeight);
  rows.forEach((row, index) => {
    if (index % every) return;
    const text = row.bound === Infinity ? "+Inf" : bound(row.bound);
    context.fillText(text, LEFT - 8, height - BOTTOM - (index + 0.5) * cellHeight);
  });
  context.textAlign = "center";
  const marks = 4;
  for (let mark = 0; mark < marks; ++mark) {
    const at = (mark + 0.5) / marks;
    const text = clock(times[Math.floor(at * times.length)]);
    context.fillText(text, LEFT + at * (width - LEFT - RIGHT), height - BOTTOM / 2 + 2);
  }
}

function scale(place, color, most) {
  const bar = append(place, "div", "scale");
  append(bar, "span", "", "0");
  append(bar, "i").style.background = `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map(color).join(", ")})`;
  append(bar, "span", "", String(Math.round(most)));
}

export function draw(panel, answers, place, {range}) {
  only("the query's format", panel.targets[0].format, "heatmap");
  const {gap, color, least, bound} = options(panel.options);
  meaning("the unit", panel.fieldConfig.defaults.unit, {s: true});  // of the buckets, as yAxis.unit
  const rows = buckets(lines(panel, answers, range));
  const times = moments(range);
  const plot = append(place, "div", "plot");
  const most = Math.max(0, ...rows.flatMap(({values}) => values));
  scale(place, color, most);
  if (!rows.length) return false;
  const {clientWidth: width, clientHeight: height} = plot;
  const canvas = append(plot, "canvas");
  Object.assign(canvas, {width: width * devicePixelRatio, height: height * devicePixelRatio});
  Object.assign(canvas.style, {width: `${width}px`, height: `${height}px`});
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  const cellWidth = (width - LEFT - RIGHT) / times.length, cellHeight = (height - TOP - BOTTOM) / rows.length;
  rows.forEach(({values}, row) => values.forEach((value, at) => {
    if (value === null || value <= least) return;
    context.fillStyle = color(value / most);
    const top = height - BOTTOM - (row + 1) * cellHeight;
    context.fillRect(LEFT + at * cellWidth, top, Math.max(1, cellWidth - gap), Math.max(1, cellHeight - gap));
  }));
  axes(context, {width, height, times, rows, bound});
  return true;
}
