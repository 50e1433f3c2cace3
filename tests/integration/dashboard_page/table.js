// The queries' latest values, a column each; rows are what has the same labels.

import {only} from "./known.js";
import {meanings, said} from "./looks.js";
import {append} from "./place.js";
import {shownAs} from "./units.js";

// The name of each query's column, from what the transformations make of Grafana's own.
function columns(panel) {
  const [merge, organize, ...more] = [...panel.transformations];
  only("the first transformation", merge.id, "merge");
  only("the second transformation", organize.id, "organize");
  only("the number of transformations", more.length + 2, 2);
  const {excludeByName, renameByName} = organize.options;
  only("excludeByName.Time", excludeByName.Time, true);
  const targets = [...panel.targets];
  return targets.map(({refId, format, legendFormat}) => {
    only("the query's format", format, "table");
    only("the query's legend", legendFormat, "");
    return {refId, name: renameByName[targets.length > 1 ? `Value #${refId}` : "Value"]};
  });
}

function cellLook(options) {
  only("cellOptions.type", options.type, "color-text");
  return true;
}

// How a column is shown, by the overrides for its name.
function lookOf(panel, name) {
  const look = {unit: panel.fieldConfig.defaults.unit, mappings: [], thresholds: null, isColoured: false};
  for (const {matcher, properties} of panel.fieldConfig.overrides) {
    only("the matcher", matcher.id, "byName");
    if (matcher.options !== name) continue;
    for (const {id, value} of properties) {
      if (id === "unit") look.unit = value;
      else if (id === "mappings") look.mappings = meanings(value);
      else if (id === "thresholds") look.thresholds = value;
      else if (id === "custom.cellOptions") look.isColoured = cellLook(value);
      else only("the override", id, "unit, mappings, thresholds or custom.cellOptions");
    }
  }
  return {...look, shown: shownAs(look.unit)};
}

const key = (labels) => JSON.stringify(Object.entries(labels).sort());

function rows(answers, made) {
  const found = new Map();
  for (const {refId} of made) {
    for (const {metric, value} of answers[refId]) {
      const row = found.get(key(metric)) ?? {labels: metric, values: {}};
      row.values[refId] = Number(value[1]);
      found.set(key(metric), row);
    }
  }
  return [...found.values()].sort((one, two) => key(one.labels).localeCompare(key(two.labels)));
}

export function draw(panel, answers, place) {
  only("showHeader", panel.options.showHeader, true);
  only("cellHeight", panel.options.cellHeight, "sm");
  only("align", panel.fieldConfig.defaults.custom.align, "auto");
  const made = columns(panel).map((column) => ({...column, ...lookOf(panel, column.name)}));
  for (const {shown, mappings, thresholds} of made) said(mappings[0]?.value ?? 0, shown, mappings, thresholds);
  const found = rows(answers, made);
  const labels = [...new Set(found.flatMap((row) => Object.keys(row.labels)))].filter((label) => label !== "__name__");
  const table = append(append(place, "div", "scroll"), "table", "cells");
  const head = append(table, "tr");
  for (const label of labels) append(head, "th", "", label);
  for (const {name} of made) append(head, "th", "number", name);
  for (const row of found) {
    const line = append(table, "tr");
    for (const label of labels) append(line, "td", "", row.labels[label] ?? "");
    for (const {refId, shown, mappings, thresholds, isColoured} of made) {
      const value = row.values[refId];
      const {text, color} = value === undefined ? {text: ""} : said(value, shown, mappings, thresholds);
      const cell = append(line, "td", "number", text);
      if (isColoured && color) cell.style.color = color;
    }
  }
  return found.length > 0;
}
