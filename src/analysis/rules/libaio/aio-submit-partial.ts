import { integers } from '../../flow/value';
import { bare, statements, walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

const IGNORED = 'The result of io_submit() is ignored: it is negative on error, and may be less than the number of iocbs; the rest never complete.';
const SIGN_ONLY = 'Only the sign of this io_submit() is looked at: it may take fewer iocbs than it was given, and the rest never complete.';

export const aioSubmitPartial: Rule = {
  info: {
    id: 'aio-submit-partial', languages: ['c', 'cpp'], severity: 'warning', confidence: 'certain',
    summary: 'io_submit may take fewer iocbs than given; its result is ignored or only tested for errors.',
  },
  why: 'io_submit() stops at the first iocb it cannot take and returns how many it took. The others were never started, and waiting for their events hangs.',
  families: ['libaio'],
  check(file, func, report) {
    if (func.damaged || !file.program.mentions(func, /\bio_submit\b/) || file.program.defines('io_submit')) return;
    for (const call of walkFunction(func)) {
      if (call.kind !== 'call' || call.name !== 'io_submit' || call.callee.kind !== 'name') continue;
      if (call.discarded) report({ at: placeOf(func, call), message: IGNORED });
      else if (signOnly(file, func, call)) report({ at: placeOf(func, call), message: SIGN_ONLY });
    }
  },
};

/** The result is kept in a local that nothing but tests against zero, and error paths, ever reads. */
function signOnly(file: View, func: Func, call: Call): boolean {
  if (!maySubmitSeveral(file, func, call)) return false;
  const variable = holder(func, call);
  if (!variable) return false;
  let tested = false;
  for (const read of [...reads(func, variable.id, variable.from, variable.until), ...reads(func, variable.id, ...nextTurn(func, call, variable.id))]) {
    if (read === 'sign') tested = true;
    else if (read === 'other') return false;
  }
  return tested;
}

/** Whether the call may hand over more than one iocb, as a name or number says; unknown expressions are left alone. */
function maySubmitSeveral(file: View, func: Func, call: Call): boolean {
  const e = call.args[1] && bare(call.args[1]);
  if (e?.kind !== 'int' && e?.kind !== 'name') return false;
  const flow = file.program.flow(func);
  let counts: bigint[] | undefined;
  flow?.replay((event, memory) => {
    if (event.kind === 'call' && event.call === call) counts = integers(flow.value(e, memory));
  });
  return flow !== undefined && !counts?.every((n) => n === 1n);
}

/** The local the result goes to, and the stretch of source in which it holds that result. */
function holder(func: Func, call: Call): { id: string; from: number; until: number } | undefined {
  let id: string | undefined;
  const writes: { id: string; at: number }[] = [];
  for (const e of walkFunction(func)) {
    if (e.kind !== 'assign' || e.target.kind !== 'name' || !func.locals.has(e.target.id)) continue;
    if (bare(e.value) === call && e.op === '=') id = e.target.id;
    else writes.push({ id: e.target.id, at: e.span.start });
  }
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && bare(s.init) === call) id = s.local.id;
  if (id === undefined) return undefined;
  const until = writes.filter((w) => w.id === id && w.at > call.span.end).reduce((least, w) => Math.min(least, w.at), Infinity);
  return { id, from: call.span.end, until };
}
/** In a loop the result also lives from the loop's head to the first write, or to the call. */
function nextTurn(func: Func, call: Call, id: string): [number, number] {
  const loop = [...statements(func.body)].find((s) => s.kind === 'loop' && s.span.start < call.span.start && call.span.end <= s.span.end);
  if (!loop) return [0, 0];
  let until = call.span.start;
  for (const e of walkFunction(func)) {
    if (e.kind === 'assign' && e.target.kind === 'name' && e.target.id === id && e.span.start > loop.span.start) until = Math.min(until, e.span.start);
  }
  return [loop.span.start, until];
}

/** Uses of a variable: as the operand of a test against zero, negated as an error code, or anything else. */
function* reads(func: Func, id: string, from: number, until: number): Generator<'sign' | 'error' | 'other'> {
  const accounted = new Set<Expr>();
  const inside = (e: Expr) => e.kind === 'name' && e.id === id && e.span.start >= from && e.span.start < until;
  for (const e of walkFunction(func)) {
    if (e.kind === 'binary' && /^(?:<|>=|<=)$/.test(e.op)) {
      const right = bare(e.right);
      if (inside(bare(e.left)) && right.kind === 'int' && right.value === 0n && e.op !== '<=') {
        accounted.add(bare(e.left));
        yield 'sign';
      }
    } else if (e.kind === 'unary' && e.op === '-' && inside(bare(e.operand))) {
      accounted.add(bare(e.operand));
      yield 'error';
    }
  }
  for (const e of walkFunction(func)) if (inside(e) && !accounted.has(e)) yield 'other';
}
