/** Rust: two opens of the same path in one function. */
import { isUnconditional, rustOpens } from '../../idioms/rust-direct';
import type { Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, View } from '../rule';

export function mixedInRust(file: View, func: Func, report: (draft: Draft) => void): void {
  if (func.damaged || !file.program.mentions(func, /\bO_DIRECT\b|Flags?::DIRECT\b/) || file.program.mentions(func, /\bdrop\s*\(|EINVAL|InvalidInput|FADV_DONTNEED/)) return;
  const path = (o: { path: { span: { start: number; end: number } } | undefined }) => (o.path ? file.source(placeOf(func, o.path)).replace(/^&|\.as_ref\(\)|\.clone\(\)/g, '') : undefined);
  const all = rustOpens(func).filter((o) => isUnconditional(func, o.call)).sort((a, b) => a.call.span.start - b.call.span.start);
  for (const [i, second] of all.entries()) {
    const first = all.slice(0, i).find((o) => path(o) !== undefined && path(o) === path(second) && o.direct !== second.direct && (o.writable || second.writable) && (!o.direct || o.always) && (!second.direct || second.always));
    if (!first) continue;
    report({
      at: placeOf(func, second.call),
      message: `The same file is open ${first.direct ? 'with' : 'without'} O_DIRECT already: page cache and direct transfers are only loosely coherent. Open it the same way both times.`,
      related: [{ at: placeOf(func, first.call), message: first.direct ? 'opened here with O_DIRECT' : 'opened here for the page cache' }],
    });
    return;
  }
}
