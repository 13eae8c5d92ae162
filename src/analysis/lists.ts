/** Lists of a file compared from version to version: most of them stays as it was. */

/** The one stretch in which two lists differ. */
export function difference<T>(before: readonly T[], after: readonly T[]): { start: number; oldEnd: number; newEnd: number } {
  const least = Math.min(before.length, after.length);
  let start = 0;
  while (start < least && before[start] === after[start]) start++;
  let tail = 0;
  while (tail < least - start && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  return { start, oldEnd: before.length - tail, newEnd: after.length - tail };
}
/** What is new in a list, and what is gone. */
export function changes<T>(before: readonly T[], after: readonly T[]): { gone: readonly T[]; come: readonly T[] } {
  const { start, oldEnd, newEnd } = difference(before, after);
  return { gone: before.slice(start, oldEnd), come: after.slice(start, newEnd) };
}

/** What is made of each member of a list, made anew only for those that are new in it. */
export class Made<T, U> {
  private list: readonly T[] = [];
  private made: readonly U[] = [];

  of(list: readonly T[], make: (x: T) => U): readonly U[] {
    const { start, oldEnd, newEnd } = difference(this.list, list);
    this.made = [...this.made.slice(0, start), ...list.slice(start, newEnd).map(make), ...this.made.slice(oldEnd)];
    this.list = list;
    return this.made;
  }
}
