/** Rust: entries of the io-uring crate pushed without user data, where completions are told apart by it. */
import { loopsAround, rustCalls } from '../../idioms/rust-code';
import { allEntries, flagsOf, hasUserData } from '../../idioms/rust-entries';
import { handedIn } from '../../idioms/rust-handed';
import { reapsOf } from '../../idioms/rust-uring';
import type { Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

export function userDataUnsetInRust(file: SourceFile, report: (draft: Draft) => void): void {
  const functions = file.program.functions();
  const reads = functions.some((f) => rustCalls(file, f).some((c) => c.path === 'io_uring::cqueue::Entry::user_data'));
  if (!reads || !(SETS.test(file.text) || allEntries(file).some((e) => hasUserData(file, e))) || knowsZero(file)) return;
  for (const func of functions) {
    if (func.damaged) continue;
    for (const { entry, push } of handedIn(file, func)) {
      const flags = flagsOf(entry);
      if (hasUserData(file, entry, push) || flags === undefined || waitsItself(file, func, push.span.end)) continue;
      const quiet = flags.has('SKIP_SUCCESS');
      report({
        at: placeOf(func, entry.make), ...(quiet ? { severity: 'hint' as const } : {}),
        message: 'This entry has no user data: its completion carries 0, which is taken for whatever has that number. Set it with .user_data(…).',
      });
    }
  }
}

/** `work.user_data(id)`, where the work may come from anywhere. */
const SETS = /\.(?:set_)?user_data\(\s*[^)\s]/;

/** Some code treats 0 as nobody's, or nobody gets it. */
function knowsZero(file: SourceFile): boolean {
  return /user_data\(\)\s*(?:[=!]=|>)\s*0\b|(?:^|[{},|(])\s*0(?:u64)?\s*(?:\|[^=\n]*)?=>|(?:data|token|id|key|tag|idx|index)\s*[=!]=\s*0\b|\b(?:const|static)\s+\w+\s*:\s*u64\s*=\s*0\b|:\s*u64\s*=\s*1\b|AtomicU64::new\(1\)|NonZero/m.test(file.text);
}
/** The function waits for its one request and has no use for the number. */
function waitsItself(file: SourceFile, func: Func, from: number): boolean {
  const reads = rustCalls(file, func).some((c) => c.path === 'io_uring::cqueue::Entry::user_data');
  return !reads && !loopsAround(func, { start: from, end: from }).length && reapsOf(file, func).some((r) => r.call.span.start > from);
}
