// Which state when: a row for each series.

import {lines} from "./answers.js";
import {only} from "./known.js";
import {faint, meanings, said} from "./looks.js";
import {append, clock} from "./place.js";
import {shownAs} from "./units.js";

function options({showValue, mergeValues, rowHeight, alignValue, legend}) {
  only("showValue", showValue, "never");
  only("mergeValues", mergeValues, true);
  only("alignValue", alignValue, "left");
  only("legend.displayMode", legend.displayMode, "list");
  only("legend.placement", legend.placement, "bottom");
  only("legend.showLegend", legend.showLegend, true);
  return rowHeight;
}

// [{value, from, to}], the ends as shares of the whole; neighbours that are alike are one.
function spans(values) {
  const found = [];
  values.forEach((value, at) => {
    const span = {value, from: at / values.length, to: (at + 1) / values.length};
    if (found.at(-1)?.value === value) found.at(-1).to = span.to;
    else found.push(span);
  });
  return found.filter(({value}) => value !== null);
}

export function draw(panel, answers, place, {range}) {
  const {unit, mappings, thresholds, color, custom} = panel.fieldConfig.defaults;
  only("color.mode", color.mode, "thresholds");
  only("lineWidth", custom.lineWidth, 0);
  const share = options(panel.options);
  const words = meanings(mappings);
  const shown = shownAs(unit);
  said(words[0]?.value, shown, words, thresholds);
  const opacity = custom.fillOpacity;
  const found = lines(panel, answers, range);
  const seen = new Set();
  const grid = append(place, "div", "states");
  for (const {name, values} of found) {
    append(grid, "span", "", name);
    const bar = append(append(grid, "div", "row"), "div", "bar");
    bar.style.height = `${share * 100}%`;
    for (const {value, from, to} of spans(values)) {
      const {color: own} = said(value, shown, words, thresholds);
      seen.add(value);
      Object.assign(append(bar, "i").style, {left: `${from * 100}%`, width: `${(to - from) * 100}%`,
                                             background: faint(own, opacity)});
    }
  }
  append(grid, "span");
  const times = append(grid, "div", "times");
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    append(times, "span", "", clock(range.from + part * (range.to - range.from)));
  }
  const legend = append(place, "div", "words");
  for (const {text, color: own} of words.filter(({value}) => seen.has(value))) {
    append(append(legend, "span"), "i").style.background = faint(own, opacity);
    legend.lastChild.append(text);
  }
  return found.length > 0;
}
