import { isGuard, SQE_SOURCES, SQE_USE, URING_INIT } from '../../api/names';
import { nullTest, Typestates, type Machine, type Violation } from '../../flow/typestate';
import type { Program } from '../../flow/program';
import { constant, integers } from '../../flow/value';
import { assignmentsTo } from '../../idioms/assignments';
import { isNull } from '../../idioms/tested';
import { bare, statements, walk, walkFunction, ownExpressions, type Call, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { includeEdits, insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';

type State = 'fresh' | 'null' | 'checked';

/** An sqe as `io_uring_get_sqe` returns it. */
const sqeMachine = (program: Program): Machine<State> => ({
  name: 'sqe',
  source: (call) => (SQE_SOURCES.has(call.name) ? 'fresh' : undefined),
  passed: (call, argument) => {
    if (SQE_USE.test(call.name)) return argument === 0 ? 'use' : undefined;
    // writing to it is using it
    if (/^(?:memset|memcpy|bzero)$/.test(call.name)) return argument === 0 ? 'use' : undefined;
    if (usedByMacro(program, call, argument)) return 'use';
    if (isGuard(call.name)) return 'test';
    return 'escape';
  },
  next: {
    // one report a path is enough
    fresh: { 'not null': 'checked', null: 'null', test: 'checked', use: 'checked', escape: 'checked' },
    null: { 'not null': 'checked' },
    checked: {},
  },
  errors: [{ state: 'fresh', input: 'use' }],
  nothing: 'null',
  settled: ['checked'],
});
/** A macro of the project that prepares what it is given, and asks nothing. */
function usedByMacro(program: Program, call: Call, argument: number): boolean {
  const macro = call.callee.kind === 'name' ? program.macro(call.name) : undefined;
  const [, list, body] = /^\(([^)]*)\)([^]*)$/.exec(macro ?? '') ?? [];
  const name = list?.split(',')[argument]?.trim();
  if (!name || !body) return false;
  const use = new RegExp(`\\bio_uring_(?:prep|sqe_set)_\\w+\\s*\\(\\s*\\(?\\s*${name}\\b`).exec(body);
  return use !== null && !new RegExp(`!\\s*\\(?\\s*${name}\\b|\\b${name}\\s*\\)?\\s*[!=]=|\\bif\\s*\\(\\s*\\(?${name}\\b|assert`).test(body.slice(0, use.index));
}

export const uringNullSqe: Rule = {
  info: {
    id: 'uring-null-sqe', languages: ['c', 'cpp'], severity: 'warning', confidence: 'likely',
    summary: 'An sqe is used without a test for NULL; the submission queue may be full.',
  },
  why: 'io_uring_get_sqe() returns NULL when the submission queue is full: after as many calls as the ring has entries, after a partial submit, or while the SQPOLL thread is busy. Using it then crashes.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /sqe|io_uring_/i)) return;
    const first = new Map<Call, Violation>();
    for (const v of new Typestates(file.program, sqeMachine(file.program)).violations(func)) {
      const call = v.source.via[0] ?? v.source.call;
      const known = first.get(call);
      if (!known || v.at.span.start < known.at.span.start) first.set(call, v);
    }
    for (const { test, use } of saidOnly(file, func)) report({
      at: placeOf(func, use),
      message: 'This sqe may be NULL: the test above only says so, and goes on. Leave, or submit and try again.',
      related: [{ at: placeOf(func, test), message: 'tested here' }],
    });
    for (const [call, v] of first) {
      if (cannotFail(file, func, call)) continue;
      const from = placeOf(func, call);
      report({
        at: v.at,
        message: 'This sqe may be NULL: io_uring_get_sqe() returns NULL when the submission queue is full. Test it before use.',
        harmlessInTests: !mayRepeat(file, func, call),
        related: [{ at: from, message: `the sqe comes from ${call.name}()` }],
        fixes: fix(file, func, call),
      });
    }
  },
};

const SAYS = /^(?:std::)?(?:f?printf|puts|fputs|perror|fflush|strerror|syslog|cerr|cout|endl)$|^(?:\w+_)?(?:log|pr)_(?:err(?:or)?|warn(?:ing)?|info)$/i;
/** `if (!sqe) printf(…);` with nothing that keeps the sqe from being used behind it. */
function* saidOnly(file: View, func: Func): Generator<{ test: Expr; use: Expr }> {
  if (func.damaged || !file.program.mentions(func, /io_uring_get_sqe/)) return;
  const lists = [func.body, ...[...statements(func.body)].flatMap((s) => (s.kind === 'block' || s.kind === 'loop' ? [s.body] : s.kind === 'if' ? [s.then, s.otherwise] : []))];
  for (const list of lists) {
    const plain = list.flatMap((s) => (s.kind === 'block' ? s.body : [s]));
    for (const [i, s] of plain.entries()) {
      if (s.kind !== 'if' || !s.test || s.otherwise.length || !s.then.length) continue;
      const test = bare(s.test);
      const denied = test.kind === 'unary' && test.op === '!' ? bare(test.operand) : undefined;
      const tested = denied ? { pointer: denied, isNull: true } : nullTest(test, true, isNull);
      const sqe = tested?.isNull && tested.pointer.kind === 'name' ? func.locals.get(tested.pointer.id) : undefined;
      const source = sqe && assignmentsTo(func, sqe.id);
      if (!sqe || !source?.every((a) => a.value && bare(a.value).kind === 'call' && SQE_SOURCES.has((bare(a.value) as Call).name))) continue;
      const inside = [...statements(s.then)];
      const silent = inside.every((x) => x.kind === 'expr' || x.kind === 'block') && [...walk(s.then.flatMap((b) => [...statements([b])].flatMap(ownExpressions)))].every((e) => e.kind !== 'assign' && (e.kind !== 'call' || SAYS.test(e.name)));
      const ofSqe = (e: Expr): boolean => e.kind === 'name' && e.id === sqe.id;
      const next = silent ? plain.slice(i + 1).find((x) => [...walk([...statements([x])].flatMap(ownExpressions))].some(ofSqe)) : undefined;
      const use = next ? [...walk([...statements([next])].flatMap(ownExpressions))].find((e) => e.kind === 'call' && SQE_USE.test(e.name) && e.args[0] !== undefined && ofSqe(bare(e.args[0]))) : undefined;
      // nothing in between asks again
      const asked = next && [...statements([next])].some((x) => (x.kind === 'if' || x.kind === 'loop') && x.test !== undefined && [...walk([x.test])].some(ofSqe));
      if (use?.kind === 'call' && !asked) yield { test: s.test, use: use.args[0]! };
    }
  }
}

/** Whether the queue is known to have room at this call. */
function cannotFail(file: View, func: Func, call: Call): boolean {
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && /^io_uring_sq_(?:space_left|ready)$/.test(e.name) && e.span.start < call.span.start) return true;
  }
  return afterSubmitWhenFull(func, call) || withinFreshRing(file, func, call) || inBatchOfLimit(file, func, call);
}

/** `if (!sqe) { io_uring_submit(r); sqe = io_uring_get_sqe(r); }`: the submission made room. */
function afterSubmitWhenFull(func: Func, call: Call): boolean {
  for (const s of statements(func.body)) {
    if (s.kind !== 'if' && !(s.kind === 'loop' && s.form !== 'for')) continue;
    const body = s.kind === 'if' ? [...s.then, ...s.otherwise] : s.body;
    const inside = [...walk(body.flatMap((b) => [...statements([b])].flatMap(ownExpressions)))];
    if (!inside.includes(call)) continue;
    const test = s.test ? [...walk([s.test])] : [];
    const submit = inside.some((e) => e.kind === 'call' && /submit|enter|flush/.test(e.name) && e.span.start < call.span.start);
    const tested = test.some((e) => e.kind === 'name' && assigned(body, call) === e.id);
    if (submit && tested) return true;
  }
  return false;
}
/** The variable the call's result is put in. */
function assigned(body: Stmt[], call: Call): string | undefined {
  for (const s of statements(body)) {
    if (s.kind === 'declare' && s.init && bare(s.init) === call) return s.local.id;
    for (const e of walk(ownExpressions(s))) if (e.kind === 'assign' && bare(e.value) === call) return e.target.kind === 'name' ? e.target.id : undefined;
  }
  return undefined;
}

/** The first calls on a ring made in this function with a known number of entries cannot fail. */
function withinFreshRing(file: View, func: Func, call: Call): boolean {
  const flow = file.program.flow(func);
  const ring = call.args[0] && ringText(file, func, call);
  if (!flow || !ring) return false;
  let entries: bigint | undefined;
  let made = -1;
  let opaque = false;
  flow.replay((event, memory) => {
    if (event.kind !== 'call') return;
    const c = event.call;
    const position = c.args.findIndex((a) => file.source(placeOf(func, a)).replace(/^&|\s/g, '') === ring);
    if (URING_INIT.test(c.name) && position === 1) {
      const all = c.args[0] ? integers(flow.value(c.args[0], memory)) : undefined;
      const least = all?.reduce((a, b) => (a < b ? a : b));
      if (entries !== undefined) opaque = true;
      entries = least;
      made = c.span.end;
    } else if (position >= 0 && !/^io_uring_/.test(c.name)) opaque = true;
  });
  if (entries === undefined || opaque || made > call.span.start || jumpsBack(func)) return false;
  let taken = 0n;
  for (const { call: c, times, until } of takes(file, func)) {
    if (ringText(file, func, c) !== ring || c.span.start < made || c.span.start > until(call)) continue;
    if (times === undefined) return false;
    taken += times;
  }
  return taken > 0n && taken <= entries;
}

/** A goto that may run what is above it again. */
function jumpsBack(func: Func): boolean {
  const all = [...statements(func.body)];
  return all.some((s) => s.kind === 'goto' && !all.some((l) => l.kind === 'label' && l.label === s.label && l.span.start > s.span.start));
}

/** `if (n > DEPTH) n = DEPTH;`, then n entries, then a submission: the batch was made to fit. */
function inBatchOfLimit(file: View, func: Func, call: Call): boolean {
  const loop = loopsAround(func, call).at(-1);
  const test = loop?.kind === 'loop' && loop.form === 'for' && loop.test ? bare(loop.test) : undefined;
  const bound = test?.kind === 'binary' && test.op === '<' ? bare(test.right) : undefined;
  if (!loop || bound?.kind !== 'name' || !isLimited(file, func, bound.id, loop.span.start)) return false;
  const own = callsOf(func);
  return own.filter((c) => SQE_SOURCES.has(c.name) && isIn(c, loop)).length === 1 && own.some((c) => SUBMITS.test(c.name) && c.span.start > loop.span.end);
}
const SUBMITS = /^io_uring_submit/;
function callsOf(func: Func): Call[] {
  return [...walkFunction(func)].filter((e) => e.kind === 'call');
}
/** Outer ones first. */
function loopsAround(func: Func, call: Call): Extract<Stmt, { kind: 'loop' }>[] {
  return [...statements(func.body)].filter((s) => s.kind === 'loop').filter((s) => isIn(call, s));
}
function isIn(e: Expr, s: Stmt): boolean {
  return s.span.start < e.span.start && e.span.end <= s.span.end;
}
/** The variable is never more than a constant before `end`: by a test, or by `min()`. */
function isLimited(file: View, func: Func, id: string, end: number): boolean {
  const fixed = (e: Expr): boolean => constant(file.program.constantValue(e)) !== undefined;
  const least = (e: Expr): boolean => {
    const inner = bare(e);
    return inner.kind === 'call' && /(?:^|::)min(?:<.*>)?$/i.test(inner.name) && inner.args.some(fixed);
  };
  const is = (e: Expr): boolean => e.kind === 'name' && e.id === id;
  const lowered = new Set<Expr>();
  for (const s of statements(func.body)) {
    if (s.span.start >= end) continue;
    if (s.kind === 'declare' && s.local.id === id && s.init && least(s.init)) return true;
    if (s.kind === 'expr' && s.expr.kind === 'assign' && is(s.expr.target) && least(s.expr.value)) return true;
    const test = s.kind === 'if' && s.test ? bare(s.test) : undefined;
    if (s.kind !== 'if' || test?.kind !== 'binary' || !/^>=?$/.test(test.op) || !is(bare(test.left))) continue;
    const sets = [...walk(s.then.flatMap((t) => [...statements([t])].flatMap(ownExpressions)))].filter((e) => e.kind === 'assign' && is(e.target));
    if (fixed(test.right) && sets.some((e) => e.kind === 'assign' && fixed(e.value))) return true;
    sets.forEach((e) => lowered.add(e));
  }
  // begins as a constant, and is only ever made less
  const begins = [...statements(func.body)].some((s) => s.kind === 'declare' && s.local.id === id && s.init && fixed(s.init));
  return begins && [...walkFunction(func)].every((e) => lowered.has(e) || !((e.kind === 'assign' && is(e.target)) || (e.kind === 'unary' && /^(?:\+\+|--|&)$/.test(e.op) && is(e.operand))));
}
function ringText(file: View, func: Func, call: Call): string {
  return call.args[0] ? file.source(placeOf(func, call.args[0])).replace(/^&|\s/g, '') : '';
}

/** Whether the queue fills up in the function itself: a loop takes entries without submitting them, and nothing is known of its turns. */
function mayRepeat(file: View, func: Func, call: Call): boolean {
  if (!takes(file, func).some((t) => t.call === call && t.times === undefined)) return false;
  const loop = loopsAround(func, call).at(-1);
  return !loop || !callsOf(func).some((c) => SUBMITS.test(c.name) && isIn(c, loop));
}

/** Every get_sqe of a function with how often it runs at most (undefined: no telling). */
function takes(file: View, func: Func): { call: Call; times: bigint | undefined; until: (of: Call) => number }[] {
  const loops = [...statements(func.body)].filter((s) => s.kind === 'loop');
  // the end of the outermost loop around a call: what comes later in the loop may run before it
  const until = (of: Call) => loops.filter((l) => l.span.start < of.span.start && of.span.end <= l.span.end).reduce((end, l) => Math.max(end, l.span.end), of.span.end);
  const out = [];
  for (const e of walkFunction(func)) {
    if (e.kind !== 'call' || !SQE_SOURCES.has(e.name)) continue;
    let times: bigint | undefined = 1n;
    for (const l of loops) {
      if (l.span.start > e.span.start || e.span.end > l.span.end) continue;
      const turns = turnsOf(file, func, l);
      times = times === undefined || turns === undefined ? undefined : times * turns;
    }
    out.push({ call: e, times, until });
  }
  return out;
}
/** Turns of `for (i = A; i < B; i++)` with constants, or of `while (n < B && …)` with n counted up from 0 at its end. */
function turnsOf(file: View, func: Func, loop: Extract<Stmt, { kind: 'loop' }>): bigint | undefined {
  if (loop.form === 'while' && loop.test) return countedTurns(file, func, loop, bare(loop.test));
  if (loop.form !== 'for' || !loop.test || loop.init.length !== 1 || loop.update?.kind !== 'unary' || loop.update.op !== '++') return undefined;
  const first = loop.init[0]!;
  const start = first.kind === 'declare' ? first.init : first.kind === 'expr' && first.expr.kind === 'assign' ? first.expr.value : undefined;
  const test = bare(loop.test);
  if (!start || test.kind !== 'binary' || (test.op !== '<' && test.op !== '<=')) return undefined;
  const from = constant(file.program.constantValue(start));
  const to = constant(file.program.constantValue(test.right));
  if (from === undefined || to === undefined) return undefined;
  const turns = to - from + (test.op === '<=' ? 1n : 0n);
  return turns > 0n ? turns : 0n;
}

function countedTurns(file: View, func: Func, loop: Extract<Stmt, { kind: 'loop' }>, test: Expr): bigint | undefined {
  if (test.kind !== 'binary') return undefined;
  if (test.op === '&&') return countedTurns(file, func, loop, bare(test.left)) ?? countedTurns(file, func, loop, bare(test.right));
  const counter = bare(test.left);
  const most = test.op === '<' ? constant(file.program.constantValue(test.right)) : undefined;
  if (counter.kind !== 'name' || most === undefined) return undefined;
  const all = assignmentsTo(func, counter.id);
  const steps = loop.body.flatMap((s) => (s.kind === 'block' ? s.body : [s])).filter((s) => s.kind === 'expr' && stepsUp(s.expr, counter.id));
  const before = all.filter((a) => a.at.span.end <= loop.span.start);
  const from = before.length === 1 && before[0]!.value ? constant(file.program.constantValue(before[0]!.value)) : undefined;
  const steady = all.filter((a) => a.at.span.start > loop.span.start && a.at.span.end < loop.span.end).length === steps.length && ![...statements(loop.body)].some((s) => s.kind === 'continue');
  return from !== undefined && steps.length === 1 && steady && most > from ? most - from : undefined;
}
function stepsUp(e: Expr, id: string): boolean {
  return e.kind === 'unary' && e.op === '++' && bare(e.operand).kind === 'name' && (bare(e.operand) as { id?: string }).id === id;
}

/** `if (!sqe) return -EBUSY;` behind the statement, in functions that return error codes. */
function fix(file: View, func: Func, call: Call): DraftFix[] {
  const holder = [...statements(func.body)].find((s) =>
    s.kind === 'declare' ? s.alone && s.init !== undefined && bare(s.init) === call
      : s.kind === 'expr' && s.expr.kind === 'assign' && s.expr.target.kind === 'name' && bare(s.expr.value) === call);
  const inLoopHead = [...statements(func.body)].some((s) => s.kind === 'loop' && s.init.includes(holder!));
  if (!holder || inLoopHead || func.kind !== 'function' || func.name === 'main' || !/^(?:int|long|ssize_t|int32_t|int64_t)$/.test(func.returns)) return [];
  const text = file.source(placeOf(func, func));
  // leaving in the middle of a chain would cut it
  if (/IOSQE_IO_(?:HARD)?LINK|IOSQE_IO_DRAIN/.test(text)) return [];
  const variable = holder.kind === 'declare' ? holder.local.name : (holder as Extract<Stmt, { kind: 'expr' }>).expr.kind === 'assign' ? targetName(holder) : undefined;
  if (!variable) return [];
  const span = holder.kind === 'declare' ? holder.statement : holder.span;
  if (!isInBlock(file, placeOf(func, { span }))) return [];
  const indent = file.indentation(placeOf(func, { span }));
  const unit = indent.includes('\t') ? '\t' : '    ';
  const edits = [
    insertion(func, span.end, `\n${indent}if (!${variable})\n${indent}${unit}return -EBUSY;`),
    ...(file.includes('liburing.h') ? [] : includeEdits(file, 'errno.h', 'cerrno')),
  ];
  const codes = /\breturn\s+(?:-\s*(?:1|E[A-Z]+|errno)|\(?-)/.test(text) && !/\bgoto\b|malloc|alloc\(|\bnew\b|open\(/.test(text);
  return [{ title: `Return -EBUSY when ${variable} is NULL`, edits, safe: codes }];
}
function targetName(s: Stmt): string | undefined {
  return s.kind === 'expr' && s.expr.kind === 'assign' && s.expr.target.kind === 'name' ? s.expr.target.name : undefined;
}
