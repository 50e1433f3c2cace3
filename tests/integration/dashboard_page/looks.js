// Colours, thresholds and value mappings, on Grafana's dark ground.

import {Unknown, meaning, only} from "./known.js";

const NAMED = {
  green: "#73bf69", yellow: "#fade2a", orange: "#ff9830", red: "#f2495c", blue: "#5794f2", text: "#ccccdc",
};

// "palette-classic": by the order of the series.
const CLASSIC = ["#7eb26d", "#eab839", "#6ed0e0", "#ef843c", "#e24d42", "#1f78c1", "#ba43a9", "#705da0", "#508642",
                 "#cca300", "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477", "#b7dbab", "#f4d598"];

// Dark for little, bright for much.
const SCHEMES = {Oranges: ["#26170f", "#5a2a0c", "#a04008", "#e0610f", "#fd9a4e", "#fdd0a2", "#fff5eb"]};

export const named = (name) => meaning("the colour", name, NAMED);

export const classic = (index) => CLASSIC[index % CLASSIC.length];

export const faint = (color, percent) => `${color}${Math.round(percent * 2.55).toString(16).padStart(2, "0")}`;

const channels = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));

// scheme(name, steps)(share): the colour for a share of the most, from 0 to 1.
export function scheme(name, steps) {
  const stops = meaning("the scheme", name, SCHEMES);
  return (share) => {
    const at = Math.round(share * (steps - 1)) / (steps - 1) * (stops.length - 1);
    const [low, high] = [stops[Math.floor(at)], stops[Math.ceil(at)]].map(channels);
    return `rgb(${low.map((from, index) => Math.round(from + (high[index] - from) * (at % 1))).join(" ")})`;
  };
}

// The colour of the last step that the value has come to.
export function byThresholds(thresholds, value) {
  only("thresholds.mode", thresholds.mode, "absolute");
  let color = null;
  for (const step of thresholds.steps) {
    const own = named(step.color);
    if (step.value === null || value >= step.value) color = own;
  }
  return color;
}

// [{value, text, color}] of a field's mappings.
export function meanings(mappings = []) {
  return mappings.flatMap(({type, options}) => {
    only("the mapping's type", type, "value");
    return Object.entries(options).map(([value, {text, color}]) => ({value: Number(value), text, color: named(color)}));
  });
}

// Text and colour of a value, by the mapping that is for it, else by unit and thresholds.
export function said(value, shown, mappings, thresholds) {
  const found = mappings.find((each) => each.value === value);
  if (mappings.length && !found) throw new Unknown(`the value ${value} has no mapping`);
  const color = thresholds && byThresholds(thresholds, value);
  return found ? {text: found.text, color: found.color} : {text: shown(value), color};
}
