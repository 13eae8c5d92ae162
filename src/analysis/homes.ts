/** Which file a function, item or place belongs to: analysis goes from file to file, and a place is only good in its own. */
import type { Place } from './model';
import type { SourceFile } from './source-file';

const homes = new WeakMap<object, SourceFile>();

/** `unit` is a function or another stretch of `file`. It stays there: files share none. */
export function settle(unit: object, file: SourceFile): void {
  if (!homes.has(unit)) homes.set(unit, file);
}
/** Undefined for what is no file's own, like {@link FILE}. */
export function homeOf(unit: object): SourceFile | undefined {
  return homes.get(unit);
}
/** The file a place lies in; undefined: the one it is asked about. */
export function homeOfPlace(place: Place): SourceFile | undefined {
  return homes.get(place.unit ?? place);
}
