/** Where usages lie: their range, the function around each, and whether it is a call. */
import type { Family, Surface, Usage } from '../../protocol/analysis';
import type { Lines } from '../lines';
import type { Func } from '../model';
import type { SourceFile } from '../source-file';

/** Offsets in the file. */
export interface RawUsage<F extends Surface> { family: F; api: string; start: number; end: number }
/** `list` is good for the version it was made of, also later. */
export interface Usages { families: Set<Family>; list(): RawUsage<Family>[] }

/** `io_submit(`, `name!(`, `name::<T>(`; in front of it nothing but the name. */
const CALL = /\s*(?:!\s*[([{]|(?:::\s*<[^;(]*>\s*)?\()/y;

interface Around { func: Func; start: number; end: number }
/** Places the usages of the version at hand, also when that is no longer the newest. */
export function placing(file: SourceFile): <F extends Surface>(raw: RawUsage<F>[]) => Usage<F>[] {
  const { text, table } = file;
  const { functions } = file.facts;
  const starts = functions.map((f) => f.base + f.span.start);
  let around: Around[] | undefined;
  return (raw) => {
    around ??= functions.map((func, i): Around => ({ func, start: starts[i]!, end: starts[i]! + func.span.end - func.span.start })).sort((a, b) => a.start - b.start);
    return placed(raw, text, table, around);
  };
}
/** In the order of the file, each place once. */
function placed<F extends Surface>(raw: RawUsage<F>[], text: string, table: Lines, functions: Around[]): Usage<F>[] {
  const sorted = [...raw].sort((a, b) => a.start - b.start || a.end - b.end);
  const open: Around[] = [];
  let next = 0;
  const out: Usage<F>[] = [];
  let last: RawUsage<F> | undefined;
  for (const u of sorted) {
    if (last && last.start === u.start && last.end === u.end && last.family === u.family) continue;
    last = u;
    for (; next < functions.length && functions[next]!.start <= u.start; next++) open.push(functions[next]!);
    while (open.length && open.at(-1)!.end <= u.start) open.pop();
    CALL.lastIndex = u.end;
    const around = open.at(-1)?.func;
    out.push({
      family: u.family, api: u.api, range: { start: table.position(u.start), end: table.position(u.end) },
      ...(around ? { within: nameOf(around) } : {}), call: CALL.test(text),
    });
  }
  return out;
}

function nameOf(func: Func): string {
  return func.owner ? `${func.owner}::${func.name}` : func.name;
}
