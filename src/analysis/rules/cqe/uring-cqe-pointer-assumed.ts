import { CQE_SOURCES } from '../../api/names';
import { cqeFlow } from '../../idioms/cqe';
import { constant, integers } from '../../flow/value';
import { bare, expressionsOf, statements, walk, walkFunction, type Call, type Expr, type Func, type Index, type Span, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import type { DraftFix, Rule, View } from '../rule';

/** Waits for several completions that fill in one pointer only. */
const SEVERAL = /^io_uring_wait_cqe(?:_nr|s|s_min_timeout)$/;

export const uringCqePointerAssumed: Rule = {
  info: {
    id: 'uring-cqe-pointer-assumed', languages: ['c', 'cpp'], severity: 'error', confidence: 'likely',
    summary: 'A cqe pointer is taken to be set because the call did not fail; it may be NULL all the same.',
  },
  why: 'io_uring_submit_and_wait_timeout() and its like return the number submitted, also when the wait then timed out and the pointer is NULL. The calls that wait for several completions set one pointer.',
  families: ['liburing'],
  check(file, func, report) {
    const reported = new Set<Call>();
    for (const t of cqeFlow(file.program, func)?.troubles ?? []) {
      if (t.kind !== 'assumed' || !t.token.call || reported.has(t.token.call)) continue;
      reported.add(t.token.call);
      report({
        at: t.at,
        message: `The cqe may be NULL here: ${t.token.call.name}() returns the number submitted also when the wait timed out or a signal came. Test the pointer itself.`,
        related: [{ at: placeOf(func, t.token.call), message: 'the pointer comes from here' }],
        fixes: onlyIfSet(file, func, t.token.call),
      });
    }
    for (const call of batchesIntoOne(file, func)) report({
      at: placeOf(func, call.args[1]!),
      message: 'io_uring_peek_batch_cqe() writes a pointer for each completion it takes, and this is one pointer: the others go over what lies behind it. Give it an array of as many.',
    });
    if (!func.damaged && file.program.mentions(func, /io_uring_wait_cqe(?:_nr|s)/)) laterElements(file, func, (at, call) => report({
      at: placeOf(func, at),
      message: `Only the first pointer is set by ${call.name}(), however many completions it waits for. Take the others with io_uring_peek_batch_cqe() or io_uring_for_each_cqe().`,
      related: [{ at: placeOf(func, call), message: 'the wait' }],
    }));
  },
};

/** `io_uring_peek_batch_cqe(ring, &cqe, 16)` with a single pointer: what is taken is written behind it. */
function* batchesIntoOne(file: View, func: Func): Generator<Call> {
  if (func.damaged || !file.program.mentions(func, /io_uring_peek_batch_cqe/)) return;
  const flow = file.program.flow(func);
  const found: Call[] = [];
  flow?.replay((event, memory) => {
    if (event.kind !== 'call' || event.call.name !== 'io_uring_peek_batch_cqe' || event.call.args.length < 3) return;
    const into = bare(event.call.args[1]!);
    const variable = into.kind === 'unary' && into.op === '&' ? bare(into.operand) : undefined;
    const local = variable?.kind === 'name' ? func.locals.get(variable.id) : undefined;
    const counts = integers(flow.value(event.call.args[2]!, memory));
    if (local?.type === 'io_uring_cqe' && local.pointer && !local.array && local.extent === undefined && counts?.every((n) => n > 1n)) found.push(event.call);
  });
  yield* found;
}

/** `if (cqe) { … }` around all that uses the pointer, where that is a row of plain statements. */
function onlyIfSet(file: View, func: Func, call: Call): DraftFix[] {
  const out = call.args[1] && bare(call.args[1]);
  const variable = out?.kind === 'unary' && out.op === '&' ? bare(out.operand) : undefined;
  if (variable?.kind !== 'name') return [];
  const uses = (s: Stmt) => [...walk(expressionsOf(s))].some((e) => e.kind === 'name' && e.id === variable.id && e.span.start > call.span.end);
  const bodies = [func.body, ...[...statements(func.body)].flatMap((s) => (s.kind === 'block' || s.kind === 'loop' ? [s.body] : []))];
  const body = bodies.find((b) => b.some((s) => s.span.start <= call.span.start && call.span.end <= s.span.end && s.kind !== 'loop' && s.kind !== 'block'));
  if (!body) return [];
  const at = body.map((s, i) => (uses(s) ? i : -1)).filter((i) => i >= 0);
  const row = body.slice(at[0], at.at(-1)! + 1);
  const used = [...statements(func.body)].filter((s) => s.kind !== 'loop' && s.kind !== 'block' && s.kind !== 'if' && uses(s));
  if (!at.length || !used.every((s) => row.some((r) => r.span.start <= s.span.start && s.span.end <= r.span.end)) || ![...statements(row)].every((s) => /^(?:expr|if|block)$/.test(s.kind))) return [];
  const ends = row.map((s) => (s.kind === 'expr' ? statementEnd(file, func, s.span) : s.span.end));
  const lines = file.source(placeOf(func, { span: { start: row[0]!.span.start, end: ends.at(-1)! } })).split('\n');
  const indent = file.indentation(placeOf(func, row[0]!));
  const unit = indent.includes('\t') || indent === '' ? '\t' : '    ';
  return [{
    title: `Only if ${variable.name} is set`, safe: true,
    edits: [{
      place: placeOf(func, { span: { start: row[0]!.span.start, end: ends.at(-1)! } }),
      text: `if (${variable.name}) {\n${lines.map((l, i) => (i === 0 ? indent + unit + l : l.trim() ? unit + l : l)).join('\n')}\n${indent}}`,
    }],
  }];
}
/** With its semicolon. */
function statementEnd(file: View, func: Func, span: Span): number {
  return file.source(placeOf(func, { span: { start: span.end - 1, end: span.end } })) === ';' ? span.end : span.end + 1;
}

/** Elements behind the first of an array that such a wait was given. */
function laterElements(file: View, func: Func, found: (at: Expr, call: Call) => void): void {
  const waits = new Map<string, Call>();
  const uses = new Map<string, Index>();
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && CQE_SOURCES.has(e.name)) {
      const array = e.args[1] && arrayName(e.args[1]);
      if (array === undefined) continue;
      if (!SEVERAL.test(e.name)) waits.delete(array);
      else if (e.args[2] && constant(file.program.constantValue(e.args[2])) !== 1n && !waits.has(array)) waits.set(array, e);
    } else if (e.kind === 'call' && !e.name.startsWith('io_uring_cqe_')) {
      // somebody else may fill it
      for (const a of e.args) {
        const given = bare(a);
        if (given.kind === 'name') waits.delete(given.id);
      }
    } else if (e.kind === 'assign' && bare(e.target).kind === 'index') {
      const object = bare((bare(e.target) as Index).object);
      if (object.kind === 'name') waits.delete(object.id);
    } else if (e.kind === 'index' && e.object.kind === 'name' && e.index) {
      const wait = waits.get(e.object.id);
      const index = constant(file.program.constantValue(e.index));
      if (wait && wait.span.end <= e.span.start && index !== 0n && !uses.has(e.object.id)) uses.set(e.object.id, e);
    }
  }
  // a batch taken anywhere fills the array as well
  for (const e of walkFunction(func)) if (e.kind === 'call' && e.name === 'io_uring_peek_batch_cqe' && e.args[1]) waits.delete(arrayName(e.args[1]) ?? '');
  for (const [id, at] of uses) if (waits.has(id)) found(at, waits.get(id)!);
}
/** `cqes` and `&cqes[0]`, where that is a variable. */
function arrayName(e: Expr): string | undefined {
  let inner = bare(e);
  if (inner.kind === 'unary' && inner.op === '&') {
    inner = bare(inner.operand);
    inner = inner.kind === 'index' ? bare(inner.object) : { kind: 'opaque', parts: [], span: inner.span };
  }
  return inner.kind === 'name' ? inner.id : undefined;
}
