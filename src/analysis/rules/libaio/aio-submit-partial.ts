import { endsOn } from '../../idioms/fatal-error';
import { eventOf, wayTo } from '../../idioms/paths';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { aioCall, aioCalls, type AioCall } from '../../idioms/aio-call';
import { useOfResult } from '../../idioms/result-use';
import { resultFlow } from '../../idioms/return-convention';
import { isNegativeError, operandOf } from '../../idioms/tested';
import type { Flow } from '../../flow/program';
import { integers } from '../../flow/value';
import { bare, walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

const IGNORED = 'The result of io_submit() is ignored: it is negative on error, and may be less than the number of iocbs; the rest never complete.';
const SIGN_ONLY = 'Only the sign of this io_submit() is looked at: it may take fewer iocbs than it was given, and the rest never complete.';
const SPINS = 'On -EAGAIN io_submit() is called again at once: unless another thread reaps completions, it fails for ever. Reap events first.';
const ENDS = 'This ends the program on -EAGAIN, which says no more than that the context is full for now: reap events and submit again.';
const FULL = new Set(['EAGAIN']);

export const aioSubmitPartial: Rule = {
  info: {
    id: 'aio-submit-partial', languages: ['c', 'cpp'], severity: 'warning', confidence: 'certain',
    summary: 'io_submit may take fewer iocbs than given; its result is ignored or only tested for errors.',
  },
  why: 'io_submit() stops at the first iocb it cannot take and returns how many it took. The others were never started, and waiting for their events hangs.',
  families: ['libaio', 'raw-aio'],
  check(file, func, report) {
    if (func.damaged || !file.program.mentions(func, /submit/i)) return;
    const flow = file.program.flow(func);
    for (const submit of aioCalls(file, func)) {
      if (submit.name !== 'io_submit') continue;
      const { call } = submit;
      const use = useOfResult(file, func, call);
      if (use === 'ignored') report({ at: placeOf(func, call), message: IGNORED });
      else if (use === 'sign' && flow && maySubmitSeveral(flow, submit)) report({ at: placeOf(func, call), message: SIGN_ONLY });
      else if (flow && spins(file, flow, call)) report({ at: placeOf(func, call), message: SPINS, severity: 'information' });
      const end = endsOn(file, func, call, FULL);
      if (end) report({ at: placeOf(func, end), message: ENDS, severity: 'information', related: [{ at: placeOf(func, call), message: 'the error comes from here' }] });
    }
    for (const call of walkFunction(func)) {
      const inner = call.kind === 'call' && call.discarded ? submitBehind(file, call) : undefined;
      if (!inner) continue;
      report({
        at: placeOf(func, call as Call),
        message: `${(call as Call).name}() returns what io_submit() says, and the result is ignored: an error, or iocbs that were not taken, go unnoticed.`,
        related: [{ at: placeOf(inner.func, inner.call), message: 'the result comes from here' }],
      });
    }
  },
};

/** Whether the call may hand over more than one iocb, as a name or number says; unknown expressions are left alone. */
function maySubmitSeveral(flow: Flow, submit: AioCall): boolean {
  const e = submit.args[1] && bare(submit.args[1]);
  const told = e?.kind === 'int' || e?.kind === 'name' || e?.kind === 'member' || e?.kind === 'call' && /^(?:size|count|length)$/.test(e.name);
  if (!e || !told) return false;
  let counts: bigint[] | undefined;
  flow.replay((event, memory) => {
    if (event.kind === 'call' && event.call === submit.call) counts = integers(flow.value(e, memory));
  });
  return !counts?.every((n) => n === 1n);
}

/** A way back from `rc == -EAGAIN` to the same call on which nothing is done, counted or waited for. */
function spins(file: View, flow: Flow, call: Call): boolean {
  const results = resultFlow(file, flow.func);
  const event = eventOf(flow, call);
  if (!results || !event) return false;
  let asks = false;
  results.tests((test, state) => {
    const operand = operandOf(test)?.operand;
    if ((isAgain(test, true) || isAgain(test, false)) && operand && results.sources(operand, state)?.has(call)) asks = true;
  });
  return asks && wayTo(flow, event, {
    goal: (e) => e === event,
    stop: (e) => e.kind === 'store' && !isHolder(e.value, call) || e.kind === 'call' && e.call !== call && !isOutOfTheWay(e.call),
    edge: (edge, from) => {
      if (!edge.guard) return true;
      if (isAgain(edge.guard.test, !edge.guard.truth) || isOther(edge.guard.test, edge.guard.truth)) return false;
      const state = results.after(from);
      return !state || results.outcome(edge, state, call) !== false;
    },
  }) !== undefined;
}
function isHolder(value: Expr | undefined, call: Call): boolean {
  return value !== undefined && bare(value) === call;
}
function isAgain(test: Expr, truth: boolean): boolean {
  return isError(test, truth, (name) => name.includes('EAGAIN'));
}
/** `rc == -EINTR`: then it is not EAGAIN. */
function isOther(test: Expr, truth: boolean): boolean {
  return isError(test, truth, (name) => !/EAGAIN|EWOULDBLOCK/.test(name));
}
function isError(test: Expr, truth: boolean, is: (name: string) => boolean): boolean {
  const e = bare(test);
  return e.kind === 'binary' && e.op === (truth ? '==' : '!=') && [e.left, e.right].some((x) => isNegativeError(x) && is(nameIn(x)));
}
function nameIn(e: Expr): string {
  const inner = bare(e);
  return inner.kind === 'unary' ? nameIn(inner.operand) : inner.kind === 'name' ? inner.name : '';
}

/** The io_submit whose result a project function hands on as it is. */
function submitBehind(file: View, call: Call): { func: Func; call: Call } | undefined {
  const callee = file.program.callee(call);
  if (!callee || aioCall(file, call) || !file.program.mentions(callee, /submit/)) return undefined;
  const returned = file.program.summary(callee)?.returns;
  if (!returned || returned.unknown || returned.atoms.size !== 1) return undefined;
  const [atom] = returned.atoms.values();
  return atom?.kind === 'call' && atom.via.length === 0 && aioCall(file, atom.call)?.name === 'io_submit' ? { func: callee, call: atom.call } : undefined;
}
