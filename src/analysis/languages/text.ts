/** Texts compared. */

/** Characters compared at once. */
const STRETCH = 4096;

/** The one stretch in which two texts differ. */
export function difference(before: string, after: string): { start: number; oldEnd: number; newEnd: number } {
  const least = Math.min(before.length, after.length);
  // most of the text is the same: whole stretches first
  let start = 0;
  while (start + STRETCH < least && before.slice(start, start + STRETCH) === after.slice(start, start + STRETCH)) start += STRETCH;
  while (start < least && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  let tail = 0;
  while (tail + STRETCH < least - start && before.slice(before.length - tail - STRETCH, before.length - tail) === after.slice(after.length - tail - STRETCH, after.length - tail)) tail += STRETCH;
  while (tail < least - start && before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)) tail++;
  return { start, oldEnd: before.length - tail, newEnd: after.length - tail };
}
