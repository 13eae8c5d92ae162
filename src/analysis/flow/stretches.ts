/** A long list in stretches, so that what is put together from it is made anew for the stretch that changed alone. */

/** Members of a stretch, about. */
const LENGTH = 16;

/** A list as stretches; those of the list before that are in it as they were stay the same objects. */
export function stretched<T>(list: readonly T[], before: readonly (readonly T[])[]): (readonly T[])[] {
  const isAt = (stretch: readonly T[], at: number): boolean => at >= 0 && stretch.every((x, i) => x === list[at + i]);
  let start = 0;
  let head = 0;
  for (; head < before.length && isAt(before[head]!, start); head++) start += before[head]!.length;
  let end = list.length;
  let tail = before.length;
  for (; tail > head && isAt(before[tail - 1]!, end - before[tail - 1]!.length) && end - before[tail - 1]!.length >= start; tail--) end -= before[tail - 1]!.length;
  const between: (readonly T[])[] = [];
  for (let at = start; at < end; at += LENGTH) between.push(list.slice(at, Math.min(end, at + LENGTH)));
  const out = [...before.slice(0, head), ...between, ...before.slice(tail)];
  // edits left crumbs
  return out.length > 4 + (4 * list.length) / LENGTH && before.length ? stretched(list, []) : out;
}
