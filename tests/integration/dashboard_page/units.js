// Figures as Grafana writes them: the units' names are its own.

import {meaning} from "./known.js";

// Three digits that count, unless there are more before the point.
function digits(value, decimals) {
  if (decimals !== undefined) return value.toFixed(decimals);
  if (Number.isInteger(value)) return String(value);
  const behind = 2 - Math.floor(Math.log10(Math.abs(value)));
  return String(Number(value.toFixed(Math.max(0, Math.min(behind, 10)))));
}

// `steps`: [from which value on, what it is divided by, the unit's name], the largest first.
const scaled = (steps) => (value, decimals) => {
  const [, by, name] = steps.find(([from]) => Math.abs(value) >= from) ?? steps.at(-1);
  return `${digits(value / by, decimals)}${name && ` ${name}`}`;
};

const powers = (base, names, ends = "") =>
  names.map((name, power) => [power ? base ** power : 0, base ** power, `${name}${ends}`.trim()]).reverse();

const counted = scaled(powers(1000, ["", "K", "Mil", "Bil", "Tri"]));

const SHOWN = {
  none: digits,
  short: counted,
  percentunit: (value, decimals) => `${digits(value * 100, decimals)}%`,
  bytes: scaled(powers(1024, ["B", "KiB", "MiB", "GiB", "TiB"])),
  Bps: scaled(powers(1000, ["B", "kB", "MB", "GB", "TB"], "/s")),
  cps: scaled(powers(1000, ["", "K", "Mil", "Bil", "Tri"], " c/s")),
  s: (value, decimals) => (value === 0 ? "0 s" : scaled([
    [31536000, 31536000, "years"], [604800, 604800, "weeks"], [86400, 86400, "days"], [3600, 3600, "hours"],
    [60, 60, "mins"], [1, 1, "s"], [1e-3, 1e-3, "ms"], [1e-6, 1e-6, "µs"], [0, 1e-9, "ns"]])(value, decimals)),
  dateTimeAsIso: (value) => new Date(value).toISOString().replace("T", " ").slice(0, 19),
};

// The function that writes a value of this unit.
export const shownAs = (unit, decimals) => {
  const shown = meaning("the unit", unit, SHOWN);
  return (value) => shown(value, decimals);
};
