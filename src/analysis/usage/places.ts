/** Where usages lie: their range, the function around each, and whether it is a call. */
import type { Surface, Usage } from '../../protocol/analysis';
import type { Func } from '../model';
import type { SourceFile } from '../source-file';

/** Offsets in the file. */
export interface RawUsage<F extends Surface> { family: F; api: string; start: number; end: number }

/** `io_submit(`, `name!(`, `name::<T>(`; in front of it nothing but the name. */
const CALL = /\s*(?:!\s*[([{]|(?:::\s*<[^;(]*>\s*)?\()/y;

/** In the order of the file, each place once. */
export function placed<F extends Surface>(file: SourceFile, raw: RawUsage<F>[]): Usage<F>[] {
  const functions = file.facts.functions.map((func) => ({ func, start: func.base + func.span.start, end: func.base + func.span.end })).sort((a, b) => a.start - b.start);
  const sorted = [...raw].sort((a, b) => a.start - b.start || a.end - b.end);
  const open: typeof functions = [];
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
      family: u.family, api: u.api, range: { start: file.position(u.start), end: file.position(u.end) },
      ...(around ? { within: nameOf(around) } : {}), call: CALL.test(file.text),
    });
  }
  return out;
}

function nameOf(func: Func): string {
  return func.owner ? `${func.owner}::${func.name}` : func.name;
}
