/** What a test says of cqes, on the way that is taken behind it. */
import { CQE_CONSUMERS } from '../api/names';
import type { Edge } from '../flow/cfg';
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { nullTest } from '../flow/typestate';
import { constant } from '../flow/value';
import { bare, expressionsOf, statements, walk, type Expr, type Func, type Span, type Stmt } from '../model';
import { afterResult, afterSign, allGone, change, mapAll, type CqeStates, type Sign, type Token, type Validity } from './cqe-state';
import type { CqeTokens } from './cqe-tokens';
import { askedAbout, type CqeUses } from './cqe-uses';
import { operandOf, type Tested } from './tested';

export class CqeBranches {
  constructor(private readonly flow: Flow, private readonly tokens: CqeTokens, private readonly uses: CqeUses) {}

  /** The states along an edge; `memory` is that at its start, where it has a guard. */
  along(edge: Edge, states: CqeStates, memory: Memory | undefined): CqeStates {
    let out = states;
    if (edge.jump && edge.jump.kind !== 'break') out = mapAll(out, (i) => (i.hold === 'held' ? { ...i, jump: edge.jump!.span } : i));
    if (!edge.guard || !memory) return out;
    const { test, truth } = edge.guard;
    if (edge.kept) return this.uses.compared(test, memory, out);
    const pointer = nullTest(test, truth, (e) => constant(this.flow.value(e, memory)) === 0n);
    const pointed = pointer && this.tokens.pointed(pointer.pointer, memory);
    for (const t of pointed?.all ?? []) {
      const outcome: Validity = pointer!.isNull ? (pointed!.sure ? 'failed' : 'open') : 'valid';
      out = change(out, t, (i) => afterResult(i, outcome));
    }
    const tested = operandOf(test);
    if (tested) {
      const held = this.tokens.waited(tested.operand, memory);
      const waited = { all: held.all, sure: held.sure || this.areAlternatives(tested.operand, held.all, memory) };
      for (const t of waited.all) {
        // one of several waits, and this is the one that gave a cqe: another one would have taken its place
        const denied = !waited.sure && this.outcome(t, tested, truth, true) === 'failed';
        out = change(out, t, (i) => (denied && i.validity === 'valid' && i.hold === 'held' ? undefined : afterResult(i, this.outcome(t, tested, truth, waited.sure), waited.sure ? errorOf(test, truth, t) : undefined)));
      }
      const sign = signOf(tested, truth);
      for (const t of this.tokens.results(tested.operand, memory)) out = change(out, t, (i) => (sign === undefined ? i : afterSign(i, sign)));
      // that it is not 0 says nothing of its sign
      if (sign === undefined && this.tokens.results(tested.operand, memory).length) return this.byFlag(edge, out, memory);
    }
    for (const e of askedAbout(test)) {
      if (e.kind === 'name' || e.kind === 'member') for (const t of this.tokens.results(e, memory)) out = change(out, t, (i) => (i.sign === 'unknown' ? { ...i, sign: 'tested' } : i));
      if (e !== bare(test) && (!tested || e !== bare(tested.operand))) for (const t of this.tokens.waited(e, memory).all) out = change(out, t, (i) => (i.validity === 'untested' ? { ...i, validity: 'open' } : i));
    }
    return this.byFlag(edge, out, memory);
  }

  /** The result of one of two calls, of which only one was made. */
  private areAlternatives(e: Expr, tokens: Token[], memory: Memory): boolean {
    const calls = tokens.flatMap((t) => t.call ?? []);
    const value = this.flow.value(e, memory);
    if (calls.length !== 2 || value.unknown || value.atoms.size !== 2) return false;
    const [a, b] = calls.map((c) => c.span) as [Span, Span];
    const inside = (at: Span, list: Stmt[]): boolean => list.some((s) => s.span.start <= at.start && at.end <= s.span.end);
    return [...statements(this.flow.func.body)].some((s) => s.kind === 'if' && ((inside(a, s.then) && inside(b, s.otherwise)) || (inside(b, s.then) && inside(a, s.otherwise))));
  }

  /** What a test says of whether there is a cqe. */
  private outcome(token: Token, tested: Tested, truth: boolean, sure: boolean): Validity {
    if (!sure || token.source === 'batch') return 'open';
    const fine: Validity = token.source === 'assumed' ? 'signed' : 'valid';
    const { op, with: value } = tested;
    if (value === 'error' || (typeof value === 'bigint' && value < 0n && (op === '==' || op === '!='))) {
      if (op !== '==' && op !== '!=') return 'open';
      return (op === '==') === truth ? 'failed' : token.source === 'assumed' ? 'signed' : 'open';
    }
    if (value === undefined) return 'open';
    const negative = (op === '<' && value === 0n) || (op === '<=' && value === -1n);
    const positive = (op === '>=' && value === 0n) || (op === '>' && value === -1n);
    if (negative || positive) return negative === truth ? 'failed' : fine;
    if (value === 0n && (op === '!=' || op === '==')) {
      if (token.source === 'assumed') return (op === '==') === truth ? 'open' : 'signed';
      return (op === '!=') === truth ? 'failed' : 'valid';
    }
    return value === 0n && op === '>' && truth && token.source === 'assumed' ? 'signed' : 'open';
  }

  /** `if (flag) io_uring_cqe_seen(…)`: what the flag stands for is not known, so neither is what became of the cqe otherwise. */
  private byFlag(edge: Edge, states: CqeStates, memory: Memory): CqeStates {
    const skips = this.flags().get(edge.guard!.test);
    if (skips === undefined || skips === !edge.guard!.truth) return states;
    for (const e of walk([edge.guard!.test])) {
      if (this.tokens.waited(e, memory).all.length || this.tokens.results(e, memory).length || this.tokens.pointed(e, memory).all.length) return states;
    }
    return allGone(states);
  }
  /** Tests that decide whether a cqe is given back, with the outcome that leads there; `both` where that is not plain. */
  private flags(): Map<Expr, boolean | 'both'> {
    return (this.flagTests ??= flagTests(this.flow.func));
  }
  private flagTests: Map<Expr, boolean | 'both'> | undefined;
}

function flagTests(func: Func): Map<Expr, boolean | 'both'> {
  const out = new Map<Expr, boolean | 'both'>();
  for (const s of statements(func.body)) {
    if (s.kind !== 'if' || !s.test || s.otherwise.length) continue;
    if (![...walk(s.then.flatMap(expressionsOf))].some((e) => e.kind === 'call' && CQE_CONSUMERS.has(e.name))) continue;
    let test = bare(s.test);
    let truth = true;
    for (; test.kind === 'unary' && test.op === '!'; truth = !truth) test = bare(test.operand);
    if (test.kind === 'binary' && (test.op === '&&' || test.op === '||')) for (const e of walk([test])) out.set(e, 'both');
    else out.set(test, truth);
  }
  return out;
}

/** Errors that calls have in the ordinary run of things. */
const ORDINARY: ReadonlyMap<string, readonly string[]> = new Map([
  ['io_uring_wait_cqe', ['EINTR']], ['io_uring_wait_cqe_nr', ['EINTR']], ['io_uring_wait_cqe_timeout', ['EINTR', 'ETIME']], ['io_uring_wait_cqes', ['EINTR', 'ETIME']],
]);
/** `ret == -ETIME`: which error it is, or is not. */
function errorOf(test: Expr, truth: boolean, token: Token): { name: string; is: boolean; others?: readonly string[] } | undefined {
  const e = bare(test);
  if (e.kind !== 'binary' || (e.op !== '==' && e.op !== '!=')) return undefined;
  for (const side of [bare(e.right), bare(e.left)]) {
    const name = side.kind === 'unary' && side.op === '-' ? bare(side.operand) : undefined;
    if (name?.kind === 'name' && /^E[A-Z]+$/.test(name.name)) {
      const others = token.call && ORDINARY.get(token.call.name);
      return { name: name.name, is: (e.op === '==') === truth, ...(others ? { others } : {}) };
    }
  }
  return undefined;
}
/** Undefined: nothing. */
function signOf(tested: Tested, truth: boolean): Sign | undefined {
  const { op, with: value } = tested;
  if (value === 0n && (op === '==' || op === '!=')) return (op === '==') === truth ? 'not negative' : undefined;
  const negative = (op === '<' && value === 0n) || (op === '<=' && value === -1n);
  const positive = (op === '>=' && value === 0n) || (op === '>' && value === -1n);
  if (negative || positive) return negative === truth ? 'negative' : 'not negative';
  // less than something: an error number is less as well
  return value === undefined && (op === '<' || op === '<=' ? truth : (op === '>' || op === '>=') && !truth) ? undefined : 'tested';
}
