/** What is known of the bits of a flags argument: some must be set, some may be, some are as they were before. */
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { integers, type Value } from '../flow/value';
import { bare, type Expr, type Func } from '../model';
import { assignmentsTo } from './assignments';

export interface Bits {
  /** set on every way */
  must: bigint;
  /** set on some way; -1n: any bit */
  may: bigint;
  /** the same as in the descriptor's flags before, as `fcntl(fd, F_GETFL)` gives them */
  kept: bigint;
  /** a parameter that adds its own bits, which are not among `may` */
  param?: string;
}

const ALL = -1n;
export const ANY_BITS: Bits = { must: 0n, may: ALL, kept: 0n };

export function bitsOf(values: bigint[]): Bits {
  return { must: values.reduce((a, b) => a & b), may: values.reduce((a, b) => a | b), kept: 0n };
}
function either(a: Bits, b: Bits): Bits {
  return withParam({ must: a.must & b.must, may: a.may | b.may, kept: a.kept & b.kept }, a, b);
}
function or(a: Bits, b: Bits): Bits {
  return withParam({ must: a.must | b.must, may: a.may | b.may, kept: (a.kept & ~b.may) | (b.kept & ~a.may) }, a, b);
}
function and(a: Bits, b: Bits): Bits {
  return withParam({ must: a.must & b.must, may: a.may & b.may, kept: (a.kept & b.must) | (b.kept & a.must) }, a, b);
}
function withParam(bits: Bits, a: Bits, b: Bits): Bits {
  const param = a.param ?? b.param;
  return param === undefined ? bits : { ...bits, param };
}

/** Bits of an expression at one point of a function; what cannot be told may be anything. */
export function flagBits(e: Expr, flow: Flow, memory: Memory, depth = 0): Bits {
  const value: Value = flow.value(e, memory);
  const known = integers(value);
  if (known) return bitsOf(known);
  const inner = bare(e);
  const next = (x: Expr): Bits => flagBits(x, flow, memory, depth + 1);
  if (depth > 8) return ANY_BITS;
  switch (inner.kind) {
    case 'binary':
      if (inner.op === '|' || inner.op === '+') return or(next(inner.left), next(inner.right));
      return inner.op === '&' ? and(next(inner.left), next(inner.right)) : ANY_BITS;
    case 'unary': {
      if (inner.op !== '~') return ANY_BITS;
      const operand = next(inner.operand);
      if (operand.param !== undefined) return ANY_BITS;
      return { must: ~operand.may, may: ~operand.must, kept: 0n };
    }
    case 'conditional': return either(next(inner.then), next(inner.otherwise));
    case 'call': return inner.name === 'fcntl' ? { must: 0n, may: ALL, kept: ALL } : ANY_BITS;
    case 'name': return variableBits(inner.id, flow, memory, depth);
    default: return ANY_BITS;
  }
}

/** Bits of a variable, from all that is assigned to it in the function. */
function variableBits(id: string, flow: Flow, memory: Memory, depth: number): Bits {
  const { func } = flow;
  if (!id.includes('~')) return ANY_BITS;
  const param = func.params.some((p) => p.id === id);
  let out: Bits | undefined = param ? { must: 0n, may: 0n, kept: 0n, param: id } : undefined;
  const changes = assignmentsTo(func, id);
  for (const a of changes) {
    if (a.op !== '=') continue;
    const bits = a.value ? flagBits(a.value, flow, memory, depth + 1) : ANY_BITS;
    out = out ? either(out, bits) : bits;
  }
  if (!out) return ANY_BITS;
  for (const a of changes) {
    if (a.op === '=') continue;
    const operand = a.value ? flagBits(a.value, flow, memory, depth + 1) : ANY_BITS;
    if (a.op === '|' || a.op === '+') out = isAlways(func, a.at) ? or(out, operand) : either(out, or(out, operand));
    else if (a.op === '&') out = isAlways(func, a.at) ? and(out, operand) : either(out, and(out, operand));
    else return ANY_BITS;
  }
  return out;
}
/** Whether an assignment is a statement of the function's outermost block. */
function isAlways(func: Func, at: Expr): boolean {
  return func.body.some((s) => s.kind === 'expr' && s.expr === at);
}
