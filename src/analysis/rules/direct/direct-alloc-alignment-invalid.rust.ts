/** Rust: layouts that cannot be. */
import { rustConstant } from '../../idioms/rust-direct';
import { walkFunction, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, View } from '../rule';

export function layoutsInRust(file: View, func: Func, report: (draft: Draft) => void): void {
  if (func.damaged || !file.program.mentions(func, /from_size_align/)) return;
  const unwrapped = new Set<unknown>();
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && (e.name === 'unwrap' || e.name === 'expect') && e.callee.kind === 'member') unwrapped.add(e.callee.object);
    if (e.kind === 'try') unwrapped.add(e.operand);
    if (e.kind !== 'call' || e.callee.kind !== 'name' || !/(?:^|::)Layout::from_size_align(?:_unchecked)?$/.test(e.callee.name) || !e.args[1]) continue;
    const alignment = rustConstant(file, e.args[1]);
    if (alignment === undefined || (alignment > 0n && (alignment & (alignment - 1n)) === 0n)) continue;
    const unchecked = e.name.endsWith('unchecked');
    if (!unchecked && !unwrapped.has(e)) continue;
    report({
      at: placeOf(func, e.args[1]),
      message: `An alignment of ${alignment} is no power of two: ${unchecked ? 'such a layout is undefined behaviour' : 'from_size_align() always returns an error'}.`,
    });
  }
}
