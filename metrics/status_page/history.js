// What /api/v1/status said in the last ten minutes. Its counters only grow, until Poplar starts again: then there is
// nothing to compare with, and history begins anew.

export const KEPT = 600;  // seconds

export class History {
  #samples = [];

  add(status) {
    const last = this.latest;
    if (last !== undefined && last.started !== status.started) this.#samples = [];
    this.#samples.push(status);
    const oldest = status.now - KEPT;
    while (this.#samples.length > 2 && this.#samples[1].now <= oldest) this.#samples.shift();
  }

  get latest() {
    return this.#samples.at(-1);
  }

  // The newest sample that is at least so many seconds older than the latest one; else the oldest there is.
  before(seconds) {
    const wanted = this.latest.now - seconds;
    return this.#samples.findLast((sample) => sample.now <= wanted) ?? this.#samples[0];
  }
}

// Per second between two samples of a counter that `of` finds in a sample; undefined where there was no time between.
export function rate(from, to, of) {
  const elapsed = to.now - from.now;
  return elapsed > 0 ? Math.max(0, of(to) - of(from)) / elapsed : undefined;
}

export function sum(counters, ...without) {
  return Object.entries(counters ?? {}).reduce((all, [name, count]) => all + (without.includes(name) ? 0 : count), 0);
}

// The p-quantile of what came into a histogram between two samples of it, as Prometheus estimates it: linear within a
// bucket. What lies beyond the last bound counts as that bound. undefined where nothing came.
export function quantile(from, to, p) {
  const count = to.count - from.count;
  if (!(count > 0)) return undefined;
  let below = 0;
  let low = 0;
  for (const [index, [bound, cumulative]] of to.buckets.entries()) {
    const upTo = cumulative - (from.buckets[index]?.[1] ?? 0);
    if (upTo >= p * count && upTo > below) return low + (bound - low) * (p * count - below) / (upTo - below);
    below = upTo;
    low = bound;
  }
  return low;
}
