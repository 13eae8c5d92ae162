import { allRustCalls, chainOf, hasAttribute, outermost, type RustCall } from '../../idioms/rust-code';
import type { Attribute, Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { rustTypes } from '../../usage/rust-types';
import { insertion, type DraftFix, type Rule } from '../rule';

const TIMER = /^monoio::time::(?:sleep|sleep_until|timeout|timeout_at|interval|interval_at)$/;
const ENABLED = /\b(?:timer_enabled|enable_timer|timer)\s*=/;

export const rustMonoioTimerDisabled: Rule = {
  info: {
    id: 'rust-monoio-timer-disabled', languages: ['rust'], severity: 'error', confidence: 'likely',
    summary: 'A timer of monoio in a runtime that was built without the timer driver panics.',
  },
  why: 'monoio builds its runtime without timers unless asked. sleep(), timeout() and interval() panic there when they are first polled.',
  families: ['monoio'],
  checkFile(file, report) {
    const calls = allRustCalls(file);
    const timers = calls.filter((c) => TIMER.test(c.path) && !hasAttribute(outermost(c.func), /^cfg\b(?!\(test\))/));
    if (!timers.length || calls.some((c) => /^(?:enable_timer|enable_all)$/.test(c.call.name)) || /\.\s*enable_(?:timer|all)\s*\(/.test(file.text)) return;
    for (const func of file.facts.functions) {
      const attribute = func.attributes?.find((a) => starts(file, a) !== undefined);
      if (!attribute || func.damaged || ENABLED.test(attribute.text)) continue;
      const timer = timers.find((t) => reaches(file, func, t, starts(file, attribute) === 'main'));
      if (!timer) continue;
      report({
        at: placeOf(func, attribute),
        message: `This runtime has no timer driver, so ${timer.call.name}() panics. Ask for it with timer_enabled = true.`,
        related: [{ at: placeOf(timer.func, timer.call), message: 'the timer' }],
        fixes: attributeFix(func, attribute),
      });
    }
    for (const c of calls) {
      if (!/^monoio::RuntimeBuilder::build$/.test(c.path) || c.func.damaged) continue;
      const chain = chainOf(c.call);
      if (chain.root.kind !== 'call' || chain.calls.some((x) => /^enable/.test(x.name))) continue;
      report({
        at: placeOf(c.func, c.call),
        message: `This runtime has no timer driver, so ${timers[0]!.call.name}() panics. Ask for it with enable_timer().`,
        related: [{ at: placeOf(timers[0]!.func, timers[0]!.call), message: 'the timer' }],
        fixes: [{ title: 'Enable the timer', edits: [insertion(c.func, c.call.nameSpan.start, 'enable_timer().')], safe: true }],
      });
    }
  },
};

/** `main` or `test` of monoio. */
function starts(file: SourceFile, a: Attribute): string | undefined {
  const path = rustTypes(file.facts).resolve(/^[\w:]+/.exec(a.text)?.[0] ?? '');
  return /^monoio::(main|test)$/.exec(path)?.[1];
}
/** Whether a timer runs on the runtime of a function; a test's own calls alone are told of. */
function reaches(file: SourceFile, func: Func, timer: RustCall, isMain: boolean): boolean {
  const at = outermost(timer.func);
  if (at === func) return true;
  if (isMain) return !hasAttribute(at, /\btest\b/);
  return allRustCalls(file).some((c) => outermost(c.func) === func && c.call.name === at.name && !c.call.macro);
}

function attributeFix(func: Func, a: Attribute): DraftFix[] {
  // `#[path]` or `#[path(…)]`
  const inside = a.span.end - 1;
  const list = /\(([^]*)\)$/.exec(a.text);
  const edit = list ? insertion(func, inside - 1, `${list[1]!.trim() ? ', ' : ''}timer_enabled = true`) : insertion(func, inside, '(timer_enabled = true)');
  return [{ title: 'Enable the timer', edits: [edit], safe: true }];
}
