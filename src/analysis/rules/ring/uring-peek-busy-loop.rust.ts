/** Rust: loops that look for completions without waiting for them. */
import { rustCalls } from '../../idioms/rust-code';
import { ringKey, setUpOf, SUBMIT, SUBMIT_AND_WAIT } from '../../idioms/rust-uring';
import { isWithin, statements, walk, walkFunction, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

const LOOKS = /^io_uring::(?:IoUring::completion(?:_shared)?|CompletionQueue::(?:next|is_empty|len|sync|fill))$/;
const TAKES = /^io_uring::(?:CompletionQueue::(?:next|is_empty|len|fill)|IoUring::completion(?:_shared)?)$/;
/** Whatever lets others run, or waits for something. */
const PAUSES = /sleep|yield|spin_loop|park|wait|poll|recv|recv_timeout|select|lock|join|pause|accept|read|write|next_event|enter|submit|flush|backoff|snooze|spin/i;

type Loop = Extract<Stmt, { kind: 'loop' }>;

export function peekLoopInRust(file: SourceFile, report: (draft: Draft) => void): void {
  for (const func of file.program.functions(/\bcompletion|\bcq\b|CompletionQueue/)) {
    if (func.damaged) continue;
    for (const loop of statements(func.body)) {
      if (loop.kind !== 'loop' || (loop.form !== 'forever' && loop.form !== 'while') || drains(loop)) continue;
      const calls = rustCalls(file, func).filter((c) => isWithin(c.call.span, loop.span));
      const look = calls.find((c) => TAKES.test(c.path));
      if (!look || holdsLoop(func, loop, calls.filter((c) => TAKES.test(c.path)).map((c) => c.call.span))) continue;
      const ring = look.call.callee.kind === 'member' ? ringKey(file, func, look.call.callee.object) : undefined;
      const setUp = setUpOf(file, func, ring);
      const at = placeOf(func, { span: { start: look.call.callee.kind === 'member' ? look.call.callee.object.span.start : look.call.span.start, end: look.call.span.end } });
      if (setUp?.options.has('setup_defer_taskrun') && !setUp.open && !setUp.options.has('setup_taskrun_flag') && !entersKernel(file, func)) {
        report({ at, severity: 'error', message: 'A ring with setup_defer_taskrun() posts completions only inside a submit_and_wait(): looking at the queue alone never shows any.' });
      } else if (!pauses(file, func, loop) && !setUp?.options.has('setup_sqpoll')) {
        report({ at, message: 'This goes round without waiting and keeps a core busy until a completion comes. Wait with submit_and_wait(1).' });
      }
    }
  }
}

/** `while let Some(cqe) = cq.next()`, `while cq.next().is_some()`, `match cq.next() { None => break, … }` end with what is there. */
function drains(loop: Loop): boolean {
  if (loop.form === 'while' && loop.test?.kind === 'opaque' && loop.test.pattern !== undefined) return true;
  if (loop.form === 'while' && loop.test && asks(loop.test, 'is_some')) return true;
  return [...statements(loop.body)].some((s) => {
    if (s.kind === 'switch') return takesNext(s.subject) && s.cases.some((c) => (c.default || /^(?:None|_)$/.test(c.pattern ?? '')) && leaves(c.body));
    if (s.kind !== 'if' || !s.test) return false;
    if (s.test.kind === 'opaque' && s.test.pattern !== undefined) return /^Some\b/.test(s.test.pattern) && takesNext(s.test) && leaves(s.otherwise);
    // `let Some(cqe) = cq.next() else { break };`
    if (!s.then.length && takesNext(s.test)) return leaves(s.otherwise);
    return (asks(s.test, 'is_none') && leaves(s.then)) || (asks(s.test, 'is_some') && leaves(s.otherwise)) || (asks(s.test, 'is_empty') && leaves(s.then));
  });
}
function takesNext(e: Expr): boolean {
  return [...walk([e])].some((x) => x.kind === 'call' && x.name === 'next');
}
/** The test is that question about what the queue gave, and no other. */
function asks(test: Expr, question: 'is_some' | 'is_none' | 'is_empty'): boolean {
  return test.kind === 'call' && test.name === question && test.callee.kind === 'member' && (question === 'is_empty' || takesNext(test.callee.object));
}
function leaves(body: Stmt[]): boolean {
  const last = body.at(-1);
  return last !== undefined && (last.kind === 'break' || last.kind === 'return' || (last.kind === 'block' && leaves(last.body)));
}
/** An inner loop that polls is the one to tell of. */
function holdsLoop(func: Func, loop: Loop, looks: Span[]): boolean {
  return [...statements(loop.body)].some((s) => s.kind === 'loop' && (s.form === 'forever' || s.form === 'while') && !drains(s) && looks.some((l) => isWithin(l, s.span)));
}
function pauses(file: SourceFile, func: Func, loop: Loop): boolean {
  for (const e of walkFunction(func)) {
    if (!isWithin(e.span, loop.span)) continue;
    if (e.kind === 'await') return true;
    if (e.kind !== 'call') continue;
    const path = rustCalls(file, func).find((c) => c.call === e)?.path ?? '';
    if (LOOKS.test(path) || path.startsWith('io_uring::cqueue::Entry::')) continue;
    if (SUBMIT.test(path) || PAUSES.test(e.name)) return true;
    // a function of the project that takes the ring, or anything unknown on self, may wait
    if (!e.macro && e.callee.kind === 'member' && [...walk([e.callee.object])].some((x) => x.kind === 'name' && x.name === 'self') && !path.startsWith('io_uring::')) return true;
    if (!e.macro && e.args.some((a) => [...walk([a])].some((x) => x.kind === 'name' && /ring|cq\b|sq\b|self/.test(x.name)))) return true;
  }
  return false;
}
/** Somewhere the function waits, which runs the deferred work. */
function entersKernel(file: SourceFile, func: Func): boolean {
  return rustCalls(file, func).some((c) => SUBMIT_AND_WAIT.test(c.path) && !(c.call.args[0]?.kind === 'int' && c.call.args[0].value === 0n));
}
