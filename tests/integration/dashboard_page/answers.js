// What Prometheus has answered, as lines with names.

const number = (text) => (text === "NaN" || text.endsWith("Inf") ? null : Number(text));

const legend = (format, labels) => format.replace(/{{\s*(\w+)\s*}}/g, (_, label) => labels[label] ?? "");

// The moments of the picture, each a step after the other.
export function moments({from, to, step}) {
  return Array.from({length: Math.floor((to - from) / step) + 1}, (_, index) => from + index * step);
}

// [{name, labels, values}] of a panel's queries; a moment without a value, or with one that is no number, has null.
export function lines(panel, answers, range) {
  const times = moments(range);
  return panel.targets.flatMap(({refId, legendFormat}) => answers[refId].map(({metric, values}) => {
    const at = new Map(values.map(([time, text]) => [Math.round((time - range.from) / range.step), number(text)]));
    return {name: legend(legendFormat, metric), labels: metric, values: times.map((_, index) => at.get(index) ?? null)};
  })).filter(({values}) => values.some((value) => value !== null));
}

export const calculations = {
  mean: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  max: (values) => Math.max(...values),
  lastNotNull: (values) => values.at(-1),
};

export const calculated = (calculation, values) => calculation(values.filter((value) => value !== null));
