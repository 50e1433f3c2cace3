// The latest figure, as large as it goes, before a shadow of where it comes from.

import {calculated, calculations, lines} from "./answers.js";
import {meaning, only} from "./known.js";
import {faint, meanings, said} from "./looks.js";
import {append} from "./place.js";
import {shownAs} from "./units.js";

const WIDTH = 100, HEIGHT = 30;  // of the shadow's own coordinates

function shadow(place, values, color) {
  const known = values.filter((value) => value !== null);
  const least = Math.min(...known), most = Math.max(...known);
  const x = (index) => index / (values.length - 1) * WIDTH;
  const y = (value) => (most === least ? HEIGHT : HEIGHT * (1 - (value - least) / (most - least)));
  const points = values.flatMap((value, index) => (value === null ? [] : [[x(index), y(value)]]));
  const line = points.map(([left, top]) => `${left.toFixed(2)},${top.toFixed(2)}`).join(" ");
  const first = points[0][0].toFixed(2), last = points.at(-1)[0].toFixed(2);
  const svg = append(place, "div", "shadow");
  svg.innerHTML = `<svg viewBox="0 -2 ${WIDTH} ${HEIGHT + 2}" preserveAspectRatio="none">
    <polygon points="${first},${HEIGHT} ${line} ${last},${HEIGHT}" fill="${faint(color, 20)}"/>
    <polyline points="${line}" fill="none" stroke="${color}" vector-effect="non-scaling-stroke"/></svg>`;
}

function options({reduceOptions, colorMode, graphMode, justifyMode, orientation, textMode}) {
  const calcs = [...reduceOptions.calcs];
  only("calcs.length", calcs.length, 1);
  only("reduceOptions.fields", reduceOptions.fields, "");
  only("reduceOptions.values", reduceOptions.values, false);
  only("colorMode", colorMode, "value");
  only("graphMode", graphMode, "area");
  only("justifyMode", justifyMode, "auto");
  only("orientation", orientation, "auto");
  only("textMode", textMode, "auto");
  return meaning("calcs", calcs[0], {lastNotNull: calculations.lastNotNull});
}

export function draw(panel, answers, place, {range}) {
  const {unit, decimals, noValue, mappings, thresholds, color} = panel.fieldConfig.defaults;
  only("color.mode", color.mode, "thresholds");
  const calculation = options(panel.options);
  const words = meanings(mappings);
  const shown = shownAs(unit, decimals);
  const found = lines(panel, answers, range);
  said(0, shown, words, thresholds);  // so that an unknown colour is noticed whatever the value
  const figures = append(place, "div", "figures");
  if (!found.length) append(figures, "b", "", noValue);
  for (const {name, values} of found) {
    const {text, color: own} = said(calculated(calculation, values), shown, words, thresholds);
    const figure = append(figures, "div", "figure");
    if (found.length > 1) append(figure, "span", "", name);
    append(figure, "b", "", text).style.color = own;
    shadow(figure, values, own);
  }
  return found.length > 0;
}
