/** Rust: options of the io-uring crate's builder that the kernel refuses together. */
import { allSetUps, numberOf, type SetUp } from '../../idioms/rust-uring';
import type { Call } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { insertion, type Draft, type DraftFix } from '../rule';

/** What the kernel demands of an option: one of `needs`, none of `excludes`. */
const DEMANDS: { option: string; needs?: string[]; excludes?: string[] }[] = [
  { option: 'setup_defer_taskrun', needs: ['setup_single_issuer'] },
  { option: 'setup_sqpoll', excludes: ['setup_coop_taskrun', 'setup_taskrun_flag', 'setup_defer_taskrun'] },
  { option: 'setup_taskrun_flag', needs: ['setup_coop_taskrun', 'setup_defer_taskrun'] },
  { option: 'setup_sqpoll_cpu', needs: ['setup_sqpoll'] },
];
const MAX_ENTRIES = 32768n;

export function setupParamsInRust(file: SourceFile, report: (draft: Draft) => void): void {
  for (const s of allSetUps(file)) {
    refused(s, report);
    sizes(file, s, report);
    const disabled = s.options.get('setup_r_disabled');
    if (disabled && !/register_enable_rings/.test(file.text) && s.func.body.length > 0 && /\bsubmit/.test(file.text)) {
      report({ at: name(s, disabled), message: 'This ring starts disabled and nothing calls register_enable_rings(): submitting to it fails with EBADFD.' });
    }
  }
}
function name(s: SetUp, call: Call) {
  return placeOf(s.func, { span: call.nameSpan });
}

function refused(s: SetUp, report: (draft: Draft) => void): void {
  for (const { option, needs, excludes } of DEMANDS) {
    const call = s.options.get(option);
    if (!call) continue;
    const other = excludes?.find((x) => s.options.has(x));
    if (other) report({ at: name(s, s.options.get(other)!), message: `${option}() and ${other}() exclude each other; the kernel answers EINVAL.`, related: [{ at: name(s, call), message: option }] });
    if (needs && !s.open && !needs.some((n) => s.options.has(n))) {
      report({ at: name(s, call), message: `${option}() needs ${needs.map((n) => `${n}()`).join(' or ')}; without it the kernel answers EINVAL.`, fixes: addition(s, call, needs[0]!) });
    }
  }
}
/** Adding single_issuer is a promise about threads, and sqpoll a different way to submit: for a person to decide. */
function addition(s: SetUp, call: Call, missing: string): DraftFix[] {
  if (missing === 'setup_sqpoll') return [];
  return [{ title: `Add ${missing}()`, edits: [insertion(s.func, call.nameSpan.start, `${missing}().`)], safe: missing === 'setup_coop_taskrun' }];
}

function sizes(file: SourceFile, s: SetUp, report: (draft: Draft) => void): void {
  const entries = numberOf(file, s.entries);
  const clamp = s.options.has('setup_clamp') || s.open;
  if (entries === 0n) report({ at: placeOf(s.func, s.entries!), message: 'A ring with 0 entries is refused with EINVAL.' });
  else if (entries !== undefined && entries > MAX_ENTRIES && !clamp) report({ at: placeOf(s.func, s.entries!), message: `A ring has at most ${MAX_ENTRIES} entries; more are refused with EINVAL unless setup_clamp() is asked for.` });
  const size = s.options.get('setup_cqsize');
  const completions = numberOf(file, size?.args[0]);
  if (completions === 0n || (completions !== undefined && entries !== undefined && completions < entries && !clamp)) {
    report({ at: placeOf(s.func, size!.args[0]!), message: completions === 0n ? 'A completion queue of 0 entries is refused with EINVAL.' : 'The completion queue is smaller than the submission queue; the kernel answers EINVAL.' });
  }
}
