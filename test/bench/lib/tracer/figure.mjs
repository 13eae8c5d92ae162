// A measured figure beside the goal for it.

const rounded = (value) => Number.isInteger(value) ? value : Number(value.toPrecision(4));
const figure = (value, goal, reached) => ({ value: rounded(value), goal, reached });

export const atLeast = (value, goal) => figure(value, `>= ${goal}`, value >= goal);
export const atMost = (value, goal) => figure(value, `<= ${goal}`, value <= goal);
/** A figure that nobody set a goal for. */
export const plain = (value) => rounded(value);

export function middle(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * Between which values the median of all that could be measured lies with 95 % certainty; from the order of the values alone,
 * whatever their distribution. Of fewer than six values, their range.
 */
export function interval(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  let outside = 0, low = 0;
  // chance that so few of n values are below the median
  for (let k = 0, chance = 0.5 ** n; k < n >> 1; chance *= (n - k) / (k + 1), k++) {
    outside += chance;
    if (outside > 0.025) break;
    low = k + 1;
  }
  return low > 0 ? [rounded(sorted[low - 1]), rounded(sorted[n - low])] : range(values);
}

/** The median of values that vary much, with its interval; `decided` says whether the whole interval is on one side of the goal. */
export function medianAtLeast(values, goal) {
  const [low, high] = interval(values);
  return { ...atLeast(middle(values), goal), interval: [low, high], decided: values.length >= 6 && (low >= goal || high < goal) };
}

/** `[least, most]` */
export const range = (values) => [rounded(Math.min(...values)), rounded(Math.max(...values))];

/** Paths of the figures with goals, in a result: `{ reached, missed, undecided }`. */
export function goals(result) {
  const found = { reached: [], missed: [], undecided: [] };
  const walk = (node, path) => {
    if (typeof node !== 'object' || node === null) return;
    if (typeof node.reached === 'boolean') found[node.decided === false ? 'undecided' : node.reached ? 'reached' : 'missed'].push(path.join('.'));
    else for (const [name, inner] of Object.entries(node)) walk(inner, [...path, name]);
  };
  walk(result, []);
  return found;
}
