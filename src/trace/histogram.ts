/**
 * Log-linear histogram of nanoseconds: 128 steps an octave, so that a percentile is off by less than 0.4 %.
 * Values below 256 are exact.
 */
const SUB_BITS = 7;
const SUB = 1 << SUB_BITS;

export class Histogram {
  count = 0;
  max = 0;
  min = Infinity;
  private buckets = new Uint32Array(0);

  add(value: number): void {
    const bucket = bucketOf(value);
    if (bucket >= this.buckets.length) this.reserve(bucket);
    this.buckets[bucket]!++;
    this.count++;
    if (value > this.max) this.max = value;
    if (value < this.min) this.min = value;
  }

  /** `count` values of one step of the loader's histograms (protocol/wire.ts `Histograms`), none of which is above `max`. */
  addStep(step: number, count: number, max: number): void {
    const [low, high] = stepRange(step);
    const value = Math.min(max, Math.floor((low + high) / 2));
    const bucket = bucketOf(value);
    if (bucket >= this.buckets.length) this.reserve(bucket);
    this.buckets[bucket]! += count;
    this.count += count;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }
  /** The longest of them, which no step tells exactly. */
  reach(max: number): void {
    if (max > this.max) this.max = max;
  }

  private reserve(bucket: number): void {
    const grown = new Uint32Array(bucket + 4 * SUB);
    grown.set(this.buckets);
    this.buckets = grown;
  }

  /** The smallest value with at least `fraction` of all values at or below it; 0 when empty. */
  percentile(fraction: number): number {
    if (this.count === 0) return 0;
    const rank = Math.max(1, Math.ceil(fraction * this.count));
    let seen = 0;
    for (let i = 0; i < this.buckets.length; i++) {
      seen += this.buckets[i]!;
      if (seen >= rank) return Math.round(Math.min(this.max, Math.max(this.min, middleOf(i))));
    }
    return this.max;
  }
}

/** The loader's steps: eight an octave, exact below 8 ns. The least and the greatest value of one. */
function stepRange(step: number): [low: number, high: number] {
  const s = Math.min(8 * 52, Math.max(0, Math.floor(step)));
  const low = (n: number): number => (n < 8 ? n : (8 + (n % 8)) * 2 ** (Math.floor(n / 8) - 1));
  return [low(s), low(s + 1) - 1];
}

function bucketOf(value: number): number {
  const v = Math.max(0, Math.floor(value));
  if (v < 2 * SUB) return v;
  const octave = Math.floor(Math.log2(v));
  // log2 of a value just under a power of two may round up to it
  const exponent = v < 2 ** octave ? octave - 1 : octave;
  const step = 2 ** (exponent - SUB_BITS);
  return (exponent - SUB_BITS) * SUB + Math.floor(v / step);
}

function middleOf(bucket: number): number {
  if (bucket < 2 * SUB) return bucket;
  const exponent = Math.floor(bucket / SUB) - 1 + SUB_BITS;
  const step = 2 ** (exponent - SUB_BITS);
  const low = (bucket - (exponent - SUB_BITS) * SUB) * step;
  return low + (step - 1) / 2;
}
