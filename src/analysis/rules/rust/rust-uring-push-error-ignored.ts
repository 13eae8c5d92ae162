import { fateOf, hasAttribute, loopsAround, rustCalls } from '../../idioms/rust-code';
import { allSetUps, numberOf, PUSH, pushesOf, ringKey, setUpsOf, SUBMIT_AND_WAIT, submitsOf } from '../../idioms/rust-uring';
import { isWithin, statements, walk, walkFunction, type Call, type Func, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Rule } from '../rule';

type Loop = Extract<Stmt, { kind: 'loop' }>;

export const rustUringPushErrorIgnored: Rule = {
  info: {
    id: 'rust-uring-push-error-ignored', languages: ['rust'], severity: 'warning', confidence: 'certain', cleanup: true,
    summary: 'An entry is lost, or the program stops, when the submission queue is full.',
  },
  why: 'SubmissionQueue::push() fails when the queue is full, which is normal under load. An entry whose error is ignored never runs, and its completion never comes; push_multiple() pushes nothing at all then.',
  families: ['io-uring-crate'],
  checkFile(file, report) {
    for (const func of file.program.functions(/\bpush(?:_multiple)?\s*\(/)) {
      if (func.damaged || hasAttribute(func, /^(?:\w+::)*test\b|^cfg\(test\)/)) continue;
      const pushes = pushesOf(file, func);
      if (!pushes.length || asksForRoom(file, func) || callersAsk(file, func)) continue;
      for (const { call } of pushes) {
        const fate = lastFate(func, call);
        const loop = loopsAround(func, call.span).at(-1);
        if (fate === 'discarded') {
          if ((!loop && isFresh(file, func, call)) || isRetry(func, call, pushes.map((p) => p.call))) continue;
          report({
            at: placeOf(func, call),
            message: `The result of ${call.name}() is ignored: when the queue is full the ${call.name === 'push' ? 'entry is' : 'entries are'} lost and no completion comes. Submit to make room, then push again.`,
          });
        } else if (fate === 'unwrapped') {
          if (loop ? hasRoom(file, func, call, loop) : isFresh(file, func, call) || emptiesAtOnce(file)) continue;
          report({
            at: placeOf(func, call),
            message: `A full queue makes this panic, and under load queues get full. Submit to make room, then push again.`,
            severity: loop ? undefined : 'hint',
          });
        }
      }
    }
  },
};

/** `if sq.push(&e).is_err() { ring.submit(); let _ = sq.push(&e); }`: there is room the second time. */
function isRetry(func: Func, call: Call, pushes: Call[]): boolean {
  return [...statements(func.body)].some((s) => {
    const { test } = s.kind === 'if' ? s : { test: undefined };
    if (!test || !isWithin(call.span, s.span) || isWithin(call.span, test.span) || ![...walk([test])].some((e) => pushes.includes(e as Call))) return false;
    return [...walkFunction(func)].some((e) => e.kind === 'call' && /submit|flush|enter/.test(e.name) && isWithin(e.span, s.span) && e.span.start > test.span.end && e.span.end <= call.span.start);
  });
}

function lastFate(func: Func, call: Call): 'discarded' | 'unwrapped' | 'used' {
  const fate = fateOf(func, call);
  if (typeof fate === 'string') return fate;
  if (/^(?:unwrap|expect)$/.test(fate.method.name)) return 'unwrapped';
  return fate.method.name === 'ok' && fateOf(func, fate.method) === 'discarded' ? 'discarded' : 'used';
}

function asksForRoom(file: SourceFile, func: Func): boolean {
  return rustCalls(file, func).some((c) => /^io_uring::SubmissionQueue::(?:is_full|capacity|len|is_empty)$/.test(c.path));
}

/** Whoever calls this makes room first, itself or by a function of this file. */
function callersAsk(file: SourceFile, func: Func): boolean {
  const asking = new Set(file.program.functions().filter((f) => asksForRoom(file, f)).map((f) => f.name));
  if (!asking.size) return false;
  const callers = file.program.functions().filter((f) => f !== func && callsByName(f).has(func.name));
  return callers.length > 0 && callers.every((f) => asksForRoom(file, f) || [...callsByName(f)].some((name) => asking.has(name)));
}
const called = new WeakMap<Func, Set<string>>();
function callsByName(func: Func): Set<string> {
  let names = called.get(func);
  if (!names) called.set(func, (names = new Set([...walkFunction(func)].flatMap((e) => (e.kind === 'call' ? [e.name] : [])))));
  return names;
}

/** The queue is emptied in each turn, or a new ring is big enough for all turns. */
function hasRoom(file: SourceFile, func: Func, call: Call, loop: Loop): boolean {
  const helper = rustCalls(file, func).some((c) => /submit|flush|enter/.test(c.call.name) && !PUSH.test(c.path) && isWithin(c.call.span, loop.span));
  if (helper || submitsOf(file, func).some((c) => isWithin(c.call.span, loop.span))) return true;
  const made = setUpFor(file, func, call);
  if (!made?.entries || loopsAround(func, call.span).length > 1 || !loop.test) return false;
  const range = /^\(?(?:0\s*)?\.\.\s*([\w:]+)(?:\s+as\s+\w+)?\)?/.exec(file.source(placeOf(func, loop.test)));
  if (!range) return false;
  const entries = numberOf(file, made.entries);
  if (file.source(placeOf(func, made.entries)).replace(/\s+as\s+\w+$/, '') === range[1]) return true;
  const turns = /^[\d_]+$/.test(range[1]!) ? BigInt(range[1]!.replace(/_/g, '')) : numberOf(file, { kind: 'name', name: `self::${range[1]!}`, id: range[1]!, span: loop.span });
  return entries !== undefined && turns !== undefined && turns * BigInt(pushesOf(file, func).filter((c) => isWithin(c.call.span, loop.span)).length) <= entries;
}
/** A ring made in the same function, so its queue was empty; or what is queued before the loop that waits, once in a ring's life. */
function isFresh(file: SourceFile, func: Func, call: Call): boolean {
  return setUpFor(file, func, call) !== undefined || [...statements(func.body)].some((s) => s.kind === 'loop' && s.form === 'forever' && s.span.start > call.span.end
    && submitsOf(file, func).some((c) => SUBMIT_AND_WAIT.test(c.path) && isWithin(c.call.span, s.span)));
}
/** Every function that queues something submits it before it is done: none finds the queue of another. */
function emptiesAtOnce(file: SourceFile): boolean {
  // a thread of the kernel takes the entries when it comes to it
  if (allSetUps(file).some((s) => s.options.has('setup_sqpoll'))) return false;
  return file.program.functions(/\bpush(?:_multiple)?\s*\(/).every((f) => pushesOf(file, f).every(({ call }) => !loopsAround(f, call.span).length && submitsOf(file, f).some((s) => s.call.span.start > call.span.end)));
}
function setUpFor(file: SourceFile, func: Func, call: Call) {
  const key = call.callee.kind === 'member' ? ringKey(file, func, call.callee.object) : undefined;
  for (let f: Func | undefined = func; f && key !== undefined; f = f.parent) {
    const found = setUpsOf(file, f).find((s) => s.key === key);
    if (found) return found;
  }
  return undefined;
}
