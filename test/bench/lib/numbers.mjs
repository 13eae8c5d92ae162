/** The value below which a share `p` of the values lie. */
export function percentile(values, p) {
  return Number([...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(p * values.length))].toFixed(2));
}
export const median = (values) => percentile(values, 0.5);
export const spread = (values) => ({ p50: percentile(values, 0.5), p95: percentile(values, 0.95), max: percentile(values, 1) });
