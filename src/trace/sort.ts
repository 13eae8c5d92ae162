/** Sorting of nearly sorted indices by a numeric key: what appending completions to an index by start time needs. */

/** Sorts indices[0, n) by key, stably. Linear when they are sorted already; no comparator calls through the engine's sort. */
export function sortByKey(indices: Uint32Array, n: number, keyOf: (index: number) => number): void {
  const keys = new Float64Array(n);
  for (let i = 0; i < n; i++) keys[i] = keyOf(indices[i]!);
  const RUN = 16;
  for (let low = 0; low < n; low += RUN) insertion(indices, keys, low, Math.min(low + RUN, n));
  const spareIndices = new Uint32Array(n);
  const spareKeys = new Float64Array(n);
  for (let width = RUN; width < n; width *= 2) {
    for (let low = 0; low + width < n; low += 2 * width) {
      merge(indices, keys, spareIndices, spareKeys, low, low + width, Math.min(low + 2 * width, n));
    }
  }
}

function insertion(indices: Uint32Array, keys: Float64Array, low: number, high: number): void {
  for (let i = low + 1; i < high; i++) {
    const key = keys[i]!;
    if (keys[i - 1]! <= key) continue;
    const index = indices[i]!;
    let j = i - 1;
    for (; j >= low && keys[j]! > key; j--) {
      keys[j + 1] = keys[j]!;
      indices[j + 1] = indices[j]!;
    }
    keys[j + 1] = key;
    indices[j + 1] = index;
  }
}

function merge(
  indices: Uint32Array, keys: Float64Array, spareIndices: Uint32Array, spareKeys: Float64Array, low: number, mid: number, high: number,
): void {
  if (keys[mid - 1]! <= keys[mid]!) return;
  spareIndices.set(indices.subarray(low, mid), low);
  spareKeys.set(keys.subarray(low, mid), low);
  let left = low;
  let right = mid;
  for (let out = low; left < mid; out++) {
    if (right < high && keys[right]! < spareKeys[left]!) {
      keys[out] = keys[right]!;
      indices[out] = indices[right++]!;
    } else {
      keys[out] = spareKeys[left]!;
      indices[out] = spareIndices[left++]!;
    }
  }
}
