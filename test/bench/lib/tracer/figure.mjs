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

/** `[least, most]` */
export const range = (values) => [rounded(Math.min(...values)), rounded(Math.max(...values))];

/** Paths of the figures with goals, in a result: `{ reached, missed }`. */
export function goals(result) {
  const found = { reached: [], missed: [] };
  const walk = (node, path) => {
    if (typeof node !== 'object' || node === null) return;
    if (typeof node.reached === 'boolean') found[node.reached ? 'reached' : 'missed'].push(path.join('.'));
    else for (const [name, inner] of Object.entries(node)) walk(inner, [...path, name]);
  };
  walk(result, []);
  return found;
}
