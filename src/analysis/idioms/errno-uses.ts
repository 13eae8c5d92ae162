/** Where a function reads errno, or takes a result for what it is not, because a call failed. */
import { bare, callsIn, childrenOf, expressionsOf, walk, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { heldBy, OTHER, outcomeOf, resultFlow, returnsOf, sameSet, type ResultState, type Returns, type Source } from './return-convention';
import { isErrorName, isNegativeError, operandOf } from './tested';

/** Something that reads errno. */
export interface ErrnoUse {
  kind: 'perror' | 'err' | '%m' | 'errno';
  at: Expr;
  /** the call around it, or the `-` in front of it */
  around: Expr | undefined;
  causes: Call[];
  /** a variable that holds the result */
  result: string | undefined;
}

/** `DIE(rc < 0, "io_setup")` of a macro that reads errno where what it is given holds, or (`holds` false) does not. */
function testedByMacro(file: View, call: Call): { test: Expr; holds: boolean } | undefined {
  return comparedByMacro(file, call) ?? givenToMacro(file, call);
}
/** `CHECK(io_uring_queue_init(…))` of a macro that reads errno where what it is given is negative, or -1, or not 0. */
function comparedByMacro(file: View, call: Call): { test: Expr; holds: boolean } | undefined {
  const macro = call.callee.kind === 'name' ? file.program.macro(call.name) : undefined;
  if (macro === undefined || !/\b(?:perror|errno)\b|%m\b/.test(macro) || /\berrno\s*=(?!=)/.test(macro)) return undefined;
  const [, list, body = ''] = /^\(([^)]*)\)([^]*)$/.exec(macro) ?? [];
  const tested = /\bif\s*\(\s*(?:\(\s*(\w+)\s*\)|(\w+))\s*(<|==|!=)\s*(-?\s*\d+)\s*\)/.exec(body);
  const argument = call.args[list?.split(',').map((p) => p.trim()).indexOf(tested?.[1] ?? tested?.[2] ?? '') ?? -1];
  if (!tested || !argument || body.indexOf(tested[0]) > body.search(/\b(?:perror|errno)\b|%m\b/)) return undefined;
  const value = BigInt(tested[4]!.replace(/\s/g, ''));
  const right: Expr = value < 0n ? { kind: 'unary', op: '-', operand: { kind: 'int', value: -value, span: argument.span }, span: argument.span } : { kind: 'int', value, span: argument.span };
  return { test: { kind: 'binary', op: tested[3]!, left: argument, right, span: argument.span }, holds: true };
}
function givenToMacro(file: View, call: Call): { test: Expr; holds: boolean } | undefined {
  const macro = call.callee.kind === 'name' ? file.program.macro(call.name) : undefined;
  if (macro === undefined || !/\b(?:perror|errno)\b|%m\b/.test(macro)) return undefined;
  const [, list, body] = /^\(([^)]*)\)([^]*)$/.exec(macro) ?? [];
  const tested = /\bif\s*\(\s*(?:unlikely\s*\(|likely\s*\(|__builtin_expect\s*\(!*)?\s*(!)?\s*\(*\s*(\w+)\s*\)*\s*(?:,\s*\w+\s*\))?\s*\{?/.exec(body ?? '');
  const position = list?.split(',').map((p) => p.trim()).indexOf(tested?.[2] ?? '') ?? -1;
  const test = call.args[position];
  // what the macro does first, and to errno itself, is out of the question
  if (!tested || !test || /\berrno\s*=(?!=)/.test(macro) || macro.indexOf(tested[0]) > macro.search(/\b(?:perror|errno)\b|%m\b/)) return undefined;
  return { test, holds: tested[1] === undefined };
}

/** A project function or macro that reads errno whenever it is called, and is told no error number. */
function speaksOfErrno(file: View, call: Call): boolean {
  const macro = call.callee.kind === 'name' ? file.program.macro(call.name) : undefined;
  // `#define FATAL(what) do { perror(what); exit(1); } while (0)`
  if (macro !== undefined) return /\bperror\s*\(|\bstrerror\s*\(\s*errno\s*\)/.test(macro) && !/\bif\b|\?|\berrno\s*=(?!=)/.test(macro) && call.args.every((a) => bare(a).kind === 'text');
  const callee = file.program.callee(call);
  if (!callee || !file.program.mentions(callee, /\bperror\b|\berrno\b|%m/)) return false;
  return file.program.memo.derived(callee, 'speaks of errno', () => {
    if (callee.params.some((p) => !p.pointer && /\b(?:int|long|ssize_t|errno_t|error_code)\b/.test(p.type))) return false;
    for (const s of callee.body) {
      if (s.kind !== 'expr' && s.kind !== 'declare' && s.kind !== 'throw') return false;
      for (const e of walk(expressionsOf(s))) {
        if (e.kind === 'assign' && e.target.kind === 'name' && e.target.name === 'errno') return false;
        if (e.kind === 'call' && e.name === 'perror') return true;
        if (e.kind === 'name' && e.name === 'errno') return true;
      }
    }
    return false;
  });
}

const READS_ERRNO: Record<string, ErrnoUse['kind']> = { perror: 'perror', psignal: 'perror', err: 'err', warn: 'err', verr: 'err', vwarn: 'err' };

/** Reads of errno where control is only because calls that `concerns` failed. */
export function errnoUses(file: View, func: Func, concerns: (call: Call, returns: Returns) => boolean): ErrnoUse[] {
  const calls = callsIn(func);
  const byMacro = new Map(calls.map((c) => [c, testedByMacro(file, c)] as const).filter(([, t]) => t !== undefined));
  const bySpeaker = calls.filter((c) => speaksOfErrno(file, c));
  if (!byMacro.size && !bySpeaker.length && !/\berrno\b|\bperror\b|\bv?(?:err|warn)\b|%m/.test(file.source({ base: func.base, span: func.span }))) return [];
  const results = resultFlow(file, func);
  if (!results) return [];
  const out = new Map<Expr, ErrnoUse>();
  const concerned = (sources: ReadonlySet<Source>): boolean => sources.size > 0 && [...sources].every((c) => {
    const r = c === OTHER ? undefined : returnsOf(file, func, c);
    return r !== undefined && concerns(c as Call, r);
  });
  const macro = (call: Call, { test, holds }: { test: Expr; holds: boolean }, state: ResultState): void => {
    const tested = operandOf(test);
    const sources = tested && heldBy(tested.operand, state);
    if (!sources || !concerned(sources)) return;
    if (![...sources].every((c) => outcomeOf(file, func, { to: 0, guard: { test, truth: holds } }, c) === true)) return;
    out.set(call, { kind: 'errno', at: call, around: undefined, causes: [...sources] as Call[], result: undefined });
  };
  const look = (roots: (Expr | undefined)[], around: Expr | undefined, state: ResultState): void => {
    if (!concerned(state.causes)) return;
    const causes = [...state.causes] as Call[];
    const result = [...state.holders].find(([, s]) => sameSet(s, state.causes))?.[0];
    const add = (kind: ErrnoUse['kind'], at: Expr, outer: Expr | undefined): void => {
      out.set(at, { kind, at, around: outer, causes, result });
    };
    if (around?.kind === 'call' && around.callee.kind === 'name' && !file.program.defines(around.name)) {
      const kind = Object.hasOwn(READS_ERRNO, around.name) ? READS_ERRNO[around.name] : undefined;
      if (kind) add(kind, around, undefined);
      for (const a of around.args) if (a.kind === 'text' && /%m(?![a-zA-Z[])/.test(a.value) && !/strftime|scanf|strptime|put_time/.test(around.name)) add('%m', a, around);
    }
    for (const root of roots) {
      const stack: [Expr, Expr | undefined][] = root ? [[root, around]] : [];
      for (let top = stack.pop(); top; top = stack.pop()) {
        const [e, outer] = top;
        if (e.kind === 'name' && e.name === 'errno') add('errno', e, outer);
        // nested calls are events of their own, and an assignment's target is written
        else if (e.kind === 'assign') stack.push([e.value, e]);
        else if (e.kind !== 'call') for (const child of childrenOf(e)) stack.push([child, e.kind === 'unary' ? e : outer]);
      }
    }
  };
  results.visit((event, state) => {
    switch (event.kind) {
      case 'call': {
        const tested = byMacro.get(event.call);
        if (tested) macro(event.call, tested, state);
        if (bySpeaker.includes(event.call) && concerned(state.causes)) {
          const causes = [...state.causes] as Call[];
          out.set(event.call, { kind: 'errno', at: event.call, around: undefined, causes, result: undefined });
        }
        return look(event.call.args, event.call, state);
      }
      case 'declare': return look([event.init], undefined, state);
      case 'store': return look([event.value], undefined, state);
      case 'compare': return look([event.test], undefined, state);
      case 'streamed': return look([event.value], undefined, state);
      case 'return': return look([event.value], undefined, state);
      case 'deref': return undefined;
    }
  });
  results.tests((test, state) => look([test], undefined, state));
  return [...out.values()].sort((a, b) => a.at.span.start - b.at.span.start);
}

/** Tests of a result for -1 where failure is any negative number. */
export function minusOneTests(file: View, func: Func, concerns: (call: Call, returns: Returns) => boolean): { test: Expr; operand: Expr; equal: boolean; call: Call }[] {
  const results = file.program.mentions(func, /-\s*1\b/) ? resultFlow(file, func) : undefined;
  const out = new Map<Expr, { test: Expr; operand: Expr; equal: boolean; call: Call }>();
  const look = (test: Expr, state: ResultState): void => {
    const tested = operandOf(test);
    if (tested?.with !== -1n || (tested.op !== '==' && tested.op !== '!=')) return;
    const calls = [...(heldBy(tested.operand, state) ?? [])];
    if (!calls.length || !calls.every((c) => { const r = c === OTHER ? undefined : returnsOf(file, func, c); return r !== undefined && concerns(c as Call, r); })) return;
    out.set(bare(test), { test: bare(test), operand: tested.operand, equal: tested.op === '==', call: calls[0] as Call });
  };
  results?.tests((test, state) => look(test, state));
  results?.visit((event, state) => {
    if (event.kind === 'compare') look(event.test, state);
  });
  return [...out.values()];
}

/** Results taken for negative error numbers: `strerror(-ret)`, `-ret == EAGAIN`, `ret == -EAGAIN`. */
export function negatedResults(file: View, func: Func, concerns: (call: Call, returns: Returns) => boolean): { at: Expr; call: Call }[] {
  const results = resultFlow(file, func);
  const out = new Map<Expr, { at: Expr; call: Call }>();
  const concerned = (e: Expr, state: ResultState): Call | undefined => {
    const calls = [...(heldBy(e, state) ?? [])];
    const good = calls.length > 0 && calls.every((c) => { const r = c === OTHER ? undefined : returnsOf(file, func, c); return r !== undefined && concerns(c as Call, r); });
    return good ? calls[0] as Call : undefined;
  };
  const negated = (e: Expr, state: ResultState): Call | undefined => {
    const inner = bare(e);
    return inner.kind === 'unary' && inner.op === '-' ? concerned(inner.operand, state) : undefined;
  };
  const compare = (test: Expr, state: ResultState): void => {
    const e = bare(test);
    if (e.kind !== 'binary' || (e.op !== '==' && e.op !== '!=')) return;
    for (const [a, b] of [[e.left, e.right], [e.right, e.left]] as const) {
      const call = isErrorName(b) ? negated(a, state) : isNegativeError(b) && errorName(b) !== 'EPERM' ? concerned(a, state) : undefined;
      if (call) out.set(e, { at: e, call });
    }
  };
  results?.tests((test, state) => compare(test, state));
  results?.visit((event, state) => {
    if (event.kind === 'compare') compare(event.test, state);
    if (event.kind !== 'call' || !/strerror/.test(event.call.name)) return;
    for (const a of event.call.args) {
      const call = negated(a, state);
      if (call) out.set(a, { at: a, call });
    }
  });
  return [...out.values()].sort((a, b) => a.at.span.start - b.at.span.start);
}
function errorName(e: Expr): string {
  const inner = bare(e);
  const operand = inner.kind === 'unary' ? bare(inner.operand) : inner;
  return operand.kind === 'name' ? operand.name : '';
}
