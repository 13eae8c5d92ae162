/** Span indices kept sorted by a time, growing while the recording does. 4.5 bytes an entry. */
import { sortByKey } from './sort';

const BLOCK_BITS = 4;

export class SortedIndex {
  length = 0;
  order = new Uint32Array(0);
  /** key of each block's first entry, so that a search touches the spans themselves only at its end */
  private heads = new Float64Array(0);

  constructor(private readonly keyOf: (index: number) => number) {}

  /** Merges `added` (any order; sorted in place). The first rank whose entry may have changed. */
  add(added: Uint32Array): number {
    const m = added.length;
    if (m === 0) return this.length;
    sortByKey(added, m, this.keyOf);
    this.reserve(this.length + m);
    const { order, keyOf } = this;
    const first = this.upper(keyOf(added[0]!));
    let i = this.length - 1;
    let j = m - 1;
    for (let out = this.length + m - 1; j >= 0; out--) {
      if (i >= first && keyOf(order[i]!) > keyOf(added[j]!)) order[out] = order[i--]!;
      else order[out] = added[j--]!;
    }
    this.length += m;
    for (let block = first >>> BLOCK_BITS; block << BLOCK_BITS < this.length; block++) {
      this.heads[block] = keyOf(order[block << BLOCK_BITS]!);
    }
    return first;
  }

  /** How many entries have a key less than `key`; `from` is known to be no more than that. */
  lower(key: number, from = 0): number {
    return this.search(key, false, from);
  }
  /** How many entries have a key less than or equal to `key`; `from` as above. */
  upper(key: number, from = 0): number {
    return this.search(key, true, from);
  }

  private search(key: number, orEqual: boolean, from: number): number {
    const { heads, order, keyOf } = this;
    let low = from >>> BLOCK_BITS;
    let high = (this.length + (1 << BLOCK_BITS) - 1) >>> BLOCK_BITS;
    // near the hint first: the bins of a tile ask for one place after another
    for (let step = 1; from > 0 && low + step < high; step *= 4) {
      const head = heads[low + step]!;
      if (head > key || (head === key && !orEqual)) high = low + step;
      else low += step;
    }
    while (low < high) {
      const mid = (low + high) >>> 1;
      const head = heads[mid]!;
      if (head < key || (orEqual && head === key)) low = mid + 1;
      else high = mid;
    }
    if (low === 0) return 0;
    high = Math.min(low << BLOCK_BITS, this.length);
    low = ((low - 1) << BLOCK_BITS) + 1;
    while (low < high) {
      const mid = (low + high) >>> 1;
      const k = keyOf(order[mid]!);
      if (k < key || (orEqual && k === key)) low = mid + 1;
      else high = mid;
    }
    return low;
  }

  private reserve(n: number): void {
    if (n <= this.order.length) return;
    const capacity = Math.max(64, n, Math.ceil(this.order.length * 1.5));
    const order = new Uint32Array(capacity);
    order.set(this.order.subarray(0, this.length));
    this.order = order;
    const heads = new Float64Array((capacity >>> BLOCK_BITS) + 1);
    heads.set(this.heads);
    this.heads = heads;
  }
}
