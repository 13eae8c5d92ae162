/** Abstract values: where a value may have come from. */
import type { Call, Place } from '../model';


/** One origin of a value. */
export type Atom =
  | { kind: 'int'; value: bigint }
  /** result of the call; `via` are the calls it came through, outermost first, when a project function returned it */
  | { kind: 'call'; call: Call; place: Place; via: Call[] }
  /** what the call stored through its argument `arg` */
  | { kind: 'out'; call: Call; place: Place; arg: number; via: Call[] }
  /** address of the memory `key` */
  | { kind: 'address'; key: string }
  /** what `key` held when the function was entered */
  | { kind: 'initial'; key: string }
  /** what an API call left in an object; see {@link ApiModel} */
  | { kind: 'mark'; name: string; call: Call; place: Place; inputs: Value[]; via: Call[] };

/** A set of origins; `unknown`: anything else is possible too. No atoms and not unknown: no value on any path. */
export interface Value { atoms: ReadonlyMap<string, Atom>; unknown: boolean }

const MAX_ATOMS = 12;
const EMPTY: ReadonlyMap<string, Atom> = new Map();

export const NOTHING: Value = { atoms: EMPTY, unknown: false };
export const UNKNOWN: Value = { atoms: EMPTY, unknown: true };

const numbers = new WeakMap<Call, number>();
let next = 0;
/** A number that stands for the call in keys and atoms. */
export function callNumber(call: Call): number {
  let n = numbers.get(call);
  if (n === undefined) numbers.set(call, (n = ++next));
  return n;
}
function path(call: Call, via: Call[]): string {
  return [...via, call].map(callNumber).join('/');
}

/** Equal atoms have equal ids. */
export function atomId(a: Atom): string {
  switch (a.kind) {
    case 'int': return `i${a.value}`;
    case 'call': return `c${path(a.call, a.via)}`;
    case 'out': return `o${path(a.call, a.via)}.${a.arg}`;
    case 'address': return `&${a.key}`;
    case 'initial': return `=${a.key}`;
    case 'mark': return `m${a.name}${path(a.call, a.via)}(${a.inputs.map(valueId).join(';')})`;
  }
}
export function valueId(v: Value): string {
  return `${[...v.atoms.keys()].sort().join(',')}${v.unknown ? '?' : ''}`;
}
export function valueOfAtoms(...atoms: Atom[]): Value {
  return { atoms: new Map(atoms.map((a) => [atomId(a), a])), unknown: false };
}
export function int(value: bigint): Value {
  return valueOfAtoms({ kind: 'int', value });
}
export function join(a: Value, b: Value): Value {
  if (a === b || (b.atoms.size === 0 && (!b.unknown || a.unknown))) return a;
  if (a.atoms.size === 0 && (!a.unknown || b.unknown)) return b;
  // most of what is joined is the same already
  if ((a.unknown || !b.unknown) && holds(a, b)) return a;
  const atoms = new Map([...a.atoms, ...b.atoms]);
  if (atoms.size > MAX_ATOMS) return UNKNOWN;
  return { atoms, unknown: a.unknown || b.unknown };
}
/** Whether `a` has every origin that `b` has. */
function holds(a: Value, b: Value): boolean {
  if (a.atoms.size < b.atoms.size) return false;
  for (const id of b.atoms.keys()) if (!a.atoms.has(id)) return false;
  return true;
}
export function equal(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (a.unknown !== b.unknown || a.atoms.size !== b.atoms.size) return false;
  for (const id of a.atoms.keys()) if (!b.atoms.has(id)) return false;
  return true;
}
/** The integers a value may be, or undefined when it may be something else. */
export function integers(v: Value): bigint[] | undefined {
  if (v.unknown || v.atoms.size === 0) return undefined;
  const out: bigint[] = [];
  for (const a of v.atoms.values()) {
    if (a.kind !== 'int') return undefined;
    out.push(a.value);
  }
  return out;
}
/** The one integer a value is. */
export function constant(v: Value): bigint | undefined {
  const all = integers(v);
  return all?.length === 1 ? all[0] : undefined;
}
/** The same value with any number in place of the ones it had. */
export function withoutIntegers(v: Value): Value {
  const atoms = new Map([...v.atoms].filter(([, a]) => a.kind !== 'int'));
  return atoms.size === v.atoms.size ? v : { atoms, unknown: true };
}
