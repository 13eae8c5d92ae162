/** What a function does with the result of a call: asks whether it failed, how much it did, or nothing. */
import { isGuard } from '../api/names';
import { bare, childrenOf, statements, walkFunction, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { OTHER, resultFlow, type ResultFlow, type ResultState } from './return-convention';
import { lvalue, operandOf } from './tested';

/**
 * `ignored`: the result goes nowhere; `sign`: nothing but tests for failure, and uses where it failed; `used`: anything else;
 * undefined: it could not be followed.
 */
export type Use = 'ignored' | 'sign' | 'used' | undefined;

export function useOfResult(file: View, func: Func, call: Call): Use {
  if (call.discarded) return 'ignored';
  if (file.language === 'cpp' && goesThroughOperator(func, call)) return undefined;
  const results = resultFlow(file, func);
  if (!results) return undefined;
  let reached = false;
  let seen = 'ignored' as Exclude<Use, undefined>;
  const take = (use: Use): void => {
    if (use === 'used' || (use === 'sign' && seen === 'ignored')) seen = use;
  };
  const read = (roots: (Expr | undefined)[], state: ResultState): void => {
    for (const e of reads(roots, call, results, state)) take(e && (state.causes.size > 0 && state.causes.has(call) && !state.causes.has(OTHER)) ? 'sign' : 'used');
  };
  const test = (tested: Expr, state: ResultState): void => {
    const found = operandOf(tested);
    const sources = found && results.sources(found.operand, state);
    if (found && sources?.has(call)) take(isSignTest(found) ? 'sign' : 'used');
    else read([tested], state);
  };
  // `abort_if(rc < 0, "%d", rc)`: the rest is for the message
  const saysOnlySign = (tested: Expr, state: ResultState): boolean => {
    const found = operandOf(tested);
    return found !== undefined && bare(found.operand) !== bare(tested) && isSignTest(found) && results.sources(found.operand, state)?.has(call) === true;
  };
  results.visit((event, state) => {
    switch (event.kind) {
      case 'call':
        if (event.call === call) reached = true;
        if (isGuard(event.call.name) && event.call.args.some((a) => saysOnlySign(a, state))) return take('sign');
        return read(event.call.args, state);
      case 'declare': return event.init && bare(event.init) === call ? undefined : read([event.init], state);
      case 'store':
        // a compound assignment reads its target
        if (event.op !== '=') read([event.target], state);
        return event.value && bare(event.value) === call && isOwn(func, event.target) ? undefined : read([event.value], state);
      case 'compare': return test(event.test, state);
      case 'streamed': return read([event.value], state);
      case 'return': return read([event.value], state);
      case 'deref': return undefined;
    }
  });
  results.tests(test);
  // a lambda may read what it captured
  return reached && (seen === 'used' || func.inner.length === 0 || !isCaptured(func, call)) ? seen : undefined;
}
/** `call() | or_throw("…");`: an operator whose value nobody wants is one of the project's own, and does something. */
function goesThroughOperator(func: Func, call: Call): boolean {
  return [...statements(func.body)].some((s) => {
    const e = s.kind === 'expr' ? bare(s.expr) : undefined;
    return e?.kind === 'binary' && (bare(e.left) === call || bare(e.right) === call);
  });
}
/** The variables that hold the result, by name, in the lambdas of the function. */
function isCaptured(func: Func, call: Call): boolean {
  const names = new Set<string>();
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && bare(s.init) === call) names.add(s.local.name);
  for (const e of walkFunction(func)) {
    if (e.kind !== 'assign' || bare(e.value) !== call) continue;
    if (e.target.kind !== 'name') return true;
    names.add(e.target.name);
  }
  return names.size === 0 || func.inner.some((f) => [...walkFunction(f)].some((e) => e.kind === 'name' && names.has(e.name)) || f.inner.length > 0);
}

function isOwn(func: Func, target: Expr): boolean {
  const e = bare(target);
  const local = e.kind === 'name' ? func.locals.get(e.id) : undefined;
  return local !== undefined && !local.static && !local.reference;
}

/** A comparison with zero, -1 or an error number says only whether the call failed. */
function isSignTest(tested: NonNullable<ReturnType<typeof operandOf>>): boolean {
  return tested.with === 'error' || (tested.with !== undefined && tested.with <= 0n);
}

/** Places below `roots` where the result is read; nested calls are looked at on their own, except the call itself. */
function* reads(roots: (Expr | undefined)[], call: Call, results: ResultFlow, state: ResultState): Generator<Expr> {
  const stack = roots.filter((e) => e !== undefined);
  for (let e = stack.pop(); e; e = stack.pop()) {
    const inner = bare(e);
    if (inner === call) yield inner;
    else if (lvalue(inner) !== undefined && results.sources(inner, state)?.has(call)) yield inner;
    else if (inner.kind === 'binary' && /^(?:[<>]=?|[!=]=)$/.test(inner.op)) continue;
    else if (inner.kind === 'assign') stack.push(inner.value);
    else if (inner.kind !== 'call' && inner.kind !== 'lambda') stack.push(...childrenOf(inner));
  }
}
