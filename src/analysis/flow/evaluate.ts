/** Values and places of expressions in a given memory. */
import { bare, placeIn, type Call, type Expr, type Local, type Sizeof, type Unit } from '../model';
import { load, loadAll, pointees, type Memory } from './memory';
import { callNumber, int, integers, join, NOTHING, UNKNOWN, valueOfAtoms, type Atom, type Value } from './value';

/** What an evaluation needs to know beside the memory. */
export interface Surroundings {
  unit: Readonly<Unit>;
  local(id: string): Local | undefined;
  /** value of a macro, enumerator or constant */
  constant(name: string): Value | undefined;
  size(e: Sizeof): Value;
}

/** Where a call's result is kept when it is not simply "what the call returned". */
export function resultKey(call: Call): string {
  return `$${callNumber(call)}`;
}

/** The memory an expression names; empty when unknown. */
export function keysOf(e: Expr, memory: Memory, around: Surroundings): string[] {
  switch (e.kind) {
    case 'name': return around.local(e.id)?.reference ? pointees(load(memory, e.id)) : [e.id];
    case 'member': {
      const objects = e.deref ? pointees(valueOf(e.object, memory, around)) : keysOf(e.object, memory, around);
      return objects.map((k) => `${k}.${e.field}`);
    }
    case 'index': return pointees(valueOf(e.object, memory, around));
    case 'unary': return e.op === '*' ? pointees(valueOf(e.operand, memory, around)) : [];
    case 'cast': return keysOf(e.operand, memory, around);
    case 'call': return pointees(valueOf(e, memory, around));
    default: return [];
  }
}

export function valueOf(e: Expr, memory: Memory, around: Surroundings): Value {
  switch (e.kind) {
    case 'int': return int(e.value);
    case 'name': {
      const local = around.local(e.id);
      if (local) return loadAll(memory, keysOf(e, memory, around));
      if (e.name === 'NULL' || e.name === 'nullptr') return int(0n);
      return around.constant(e.name) ?? load(memory, e.id);
    }
    case 'member': case 'index': return loadAll(memory, keysOf(e, memory, around));
    case 'unary': return unary(e.op, e.operand, memory, around);
    case 'call': return memory.values.get(resultKey(e)) ?? valueOfAtoms({ kind: 'call', call: e, place: placeIn(around.unit, e.span), via: [] });
    case 'assign': return valueOf(e.target, memory, around);
    case 'conditional': return join(valueOf(e.then, memory, around), valueOf(e.otherwise, memory, around));
    case 'binary': return arithmetic(e.op, valueOf(e.left, memory, around), valueOf(e.right, memory, around));
    case 'cast': case 'await': case 'try': return valueOf(e.operand, memory, around);
    case 'list': return e.items.length === 1 ? valueOf(e.items[0]!.value, memory, around) : UNKNOWN;
    case 'control': return e.tail.length === 1 ? valueOf(e.tail[0]!, memory, around) : UNKNOWN;
    case 'sizeof': return around.size(e);
    case 'text': case 'lambda': case 'opaque': return UNKNOWN;
  }
}

function unary(op: string, operand: Expr, memory: Memory, around: Surroundings): Value {
  if (op === '&') {
    const keys = keysOf(bare(operand), memory, around);
    return keys.length ? valueOfAtoms(...keys.map((key): Atom => ({ kind: 'address', key }))) : UNKNOWN;
  }
  const value = valueOf(operand, memory, around);
  if (op === '*') return loadAll(memory, pointees(value));
  if (op === '++' || op === '--') return value;
  const all = integers(value);
  if (!all) return UNKNOWN;
  const apply = (v: bigint) => (op === '-' ? -v : op === '~' ? ~v : op === '!' ? (v === 0n ? 1n : 0n) : v);
  return all.map((v) => int(apply(v))).reduce(join);
}

/** Results past this are no flags or sizes any more. */
const LIMIT = 1n << 64n;

/** Folds integers; a pointer plus or minus something is taken for a pointer into the same object. */
export function arithmetic(op: string, a: Value, b: Value): Value {
  const left = integers(a);
  const right = integers(b);
  if (left && right) {
    let out = NOTHING;
    for (const x of left) {
      for (const y of right) {
        const result = fold(op, x, y);
        if (result === undefined || result > LIMIT || result < -LIMIT) return UNKNOWN;
        out = join(out, int(result));
      }
    }
    return out;
  }
  if (op !== '+' && op !== '-') return UNKNOWN;
  if (isPointer(a) && !isPointer(b)) return a;
  if (isPointer(b) && !isPointer(a) && op === '+') return b;
  return UNKNOWN;
}
function isPointer(v: Value): boolean {
  return !v.unknown && v.atoms.size > 0 && [...v.atoms.values()].every((a) => a.kind === 'address' || a.kind === 'out' || a.kind === 'call');
}
function fold(op: string, x: bigint, y: bigint): bigint | undefined {
  switch (op) {
    case '|': return x | y;
    case '&': return x & y;
    case '^': return x ^ y;
    case '+': return x + y;
    case '-': return x - y;
    case '*': return x * y;
    case '/': return y === 0n ? undefined : x / y;
    case '%': return y === 0n ? undefined : x % y;
    case '<<': return y < 0n || y > 63n ? undefined : x << y;
    case '>>': return y < 0n || y > 63n ? undefined : x >> y;
    default: return undefined;
  }
}
