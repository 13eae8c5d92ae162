/** What a test compares, as it is written. */
import { bare, type Expr } from '../model';

export type Comparison = '<' | '>' | '<=' | '>=' | '==' | '!=';
/** The same with its sides exchanged. */
const TURNED: Record<Comparison, Comparison> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=', '==': '==', '!=': '!=' };
/** What holds where it does not. */
export const DENIED: Record<Comparison, Comparison> = { '<': '>=', '>': '<=', '<=': '>', '>=': '<', '==': '!=', '!=': '==' };

/** What a test compares, and with what. */
export interface Tested { operand: Expr; op: Comparison; /** undefined: something that is no number in the text */ with: bigint | 'error' | undefined }

/** Reads `x < 0`, `0 > x`, `x == -EINTR`, `x`; the operand is the side that is no constant. */
export function operandOf(test: Expr): Tested | undefined {
  const e = bare(test);
  if (e.kind !== 'binary') return e.kind === 'name' || e.kind === 'member' || e.kind === 'call' || e.kind === 'assign' || e.kind === 'control' || e.kind === 'unary' && e.op === '*' ? { operand: e, op: '!=', with: 0n } : undefined;
  if (!(e.op in TURNED)) return undefined;
  const op = e.op as Comparison;
  const right = constantOf(e.right);
  if (right !== undefined) return { operand: e.left, op, with: right };
  const left = constantOf(e.left);
  return left === undefined ? { operand: e.left, op, with: undefined } : { operand: e.right, op: TURNED[op], with: left };
}
function constantOf(e: Expr): bigint | 'error' | undefined {
  return integerOf(e) ?? (isNegativeError(e) ? 'error' : undefined);
}

/** `-EAGAIN`, `-errno`. */
export function isNegativeError(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'unary' && inner.op === '-' && isErrorName(inner.operand);
}
/** A name of an error number, or `errno`. */
export function isErrorName(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'name' && /^(?:E[A-Z0-9]{2,}|errno)$/.test(inner.name);
}
/** A number in the text, with its sign. */
export function integerOf(e: Expr): bigint | undefined {
  const inner = bare(e);
  if (inner.kind === 'int') return inner.value;
  if (inner.kind !== 'unary' || inner.op !== '-') return undefined;
  const operand = bare(inner.operand);
  return operand.kind === 'int' ? -operand.value : undefined;
}

/** `NULL`, `nullptr`, `0`. */
export function isNull(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'int' ? inner.value === 0n : inner.kind === 'name' && /^(?:NULL|nullptr)$/.test(inner.name);
}

/** The written form of a variable or field, with the variable made unique; undefined for anything else. */
export function lvalue(e: Expr): string | undefined {
  const inner = bare(e);
  if (inner.kind === 'name') return inner.id;
  if (inner.kind === 'unary' && inner.op === '*') {
    const pointer = lvalue(inner.operand);
    return pointer === undefined ? undefined : `*${pointer}`;
  }
  if (inner.kind !== 'member') return undefined;
  const object = lvalue(inner.object);
  return object === undefined ? undefined : `${object}${inner.deref ? '->' : '.'}${inner.field}`;
}
