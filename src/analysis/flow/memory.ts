/**
 * Abstract memory: what the variables, fields and objects of a function hold at one point.
 *
 * A key names memory: a root (a variable's id, or `@n` for what call n allocated or returned), then `*` for what a pointer
 * points to and `.field`. All elements of an array share one key. `ctx->list[i].fd` is `ctx~f*.list*.fd`.
 */
import { callNumber, constant, equal, int, join, NOTHING, UNKNOWN, valueOfAtoms, withoutIntegers, type Value } from './value';

/** Deeper keys are recursive data; what they hold is not followed. */
const MAX_DEPTH = 6;

export interface Memory {
  /** what was stored since the function was entered */
  readonly values: ReadonlyMap<string, Value>;
  /** roots whose memory began empty in this function: locals and what it allocated */
  readonly fresh: ReadonlySet<string>;
  /** prefixes that code out of sight may have written to */
  readonly lost: ReadonlySet<string>;
  /** some object was cleared on the way */
  readonly cleared: boolean;
}
export const START: Memory = { values: new Map(), fresh: new Set(), lost: new Set(), cleared: false };

export function rootOf(key: string): string {
  for (let i = 0; i < key.length; i++) if (key[i] === '*' || key[i] === '.') return key.slice(0, i);
  return key;
}
/** Whether `key` is `prefix` or lies below it. */
export function within(key: string, prefix: string): boolean {
  return key.startsWith(prefix) && (key.length === prefix.length || key[prefix.length] === '*' || key[prefix.length] === '.');
}
function tooDeep(key: string): boolean {
  if (key.length > 200) return true;
  let depth = 1;
  for (let star = key.indexOf('*'); star >= 0; star = key.indexOf('*', star + 1)) if (++depth > MAX_DEPTH) return true;
  return false;
}

export function load(memory: Memory, key: string): Value {
  const stored = memory.values.get(key);
  if (stored) return stored;
  if (tooDeep(key)) return UNKNOWN;
  for (const prefix of memory.lost) if (within(key, prefix)) return UNKNOWN;
  const zeroed = zeroAround(memory, key);
  if (zeroed) return constant(zeroed) === 0n ? zeroed : UNKNOWN;
  return memory.fresh.has(rootOf(key)) ? NOTHING : valueOfAtoms({ kind: 'initial', key });
}
/** Pseudo-field of an object that was cleared: its fields hold zero unless they were stored to since. */
const ZERO = '.%zero';
/** Whether a key is the pseudo-field of a cleared object; then the object's key. */
export function clearedObject(key: string): string | undefined {
  return key.endsWith(ZERO) ? key.slice(0, -ZERO.length) : undefined;
}
function zeroAround(memory: Memory, key: string): Value | undefined {
  if (!memory.cleared || key.includes('.%')) return undefined;
  for (let dot = key.lastIndexOf('.'); dot > 0 && dot > key.lastIndexOf('*'); dot = key.lastIndexOf('.', dot - 1)) {
    const zero = memory.values.get(key.slice(0, dot) + ZERO);
    if (zero) return zero;
  }
  return undefined;
}
/** The object is cleared, as by `= {0}` or `memset`; of several, any may be. */
export function clear(memory: Memory, keys: string[]): Memory {
  if (keys.length !== 1) return loseAll(memory, keys);
  const [key] = keys as [string];
  if (tooDeep(key)) return memory;
  const values = new Map(memory.values);
  for (const k of memory.values.keys()) if (within(k, key) && k[key.length] !== '*') values.delete(k);
  values.set(key, int(0n)).set(key + ZERO, int(0n));
  return { ...memory, values, lost: new Set([...memory.lost].filter((k) => !within(k, key) || k[key.length] === '*')), cleared: true };
}
export function loadAll(memory: Memory, keys: string[]): Value {
  return keys.length ? keys.map((k) => load(memory, k)).reduce(join) : UNKNOWN;
}

/** Stores into the one object the keys name, or possibly into any of several; `weak` keeps what was known before. */
export function store(memory: Memory, keys: string[], value: Value, weak = false): Memory {
  return keys.length ? storeAll(memory, [[keys, value]], weak) : memory;
}
/** Several stores one after the other, with one new memory for all of them. */
export function storeAll(memory: Memory, stores: Iterable<[keys: string[], value: Value]>, weak = false): Memory {
  const values = new Map(memory.values);
  for (const [keys, value] of stores) {
    const joined = weak || keys.length > 1;
    for (const key of keys) {
      if (tooDeep(key)) continue;
      const before = values.get(key);
      if (!joined) for (const k of values.keys()) if (k !== key && within(k, key) && k[key.length] !== '*') values.delete(k);
      values.set(key, joined && before ? join(before, value) : value);
    }
  }
  return { ...memory, values };
}

/** The memory of `root` begins here and is empty. */
export function freshen(memory: Memory, root: string): Memory {
  const values = new Map(memory.values);
  for (const k of memory.values.keys()) if (within(k, root)) values.delete(k);
  const lost = new Set([...memory.lost].filter((k) => !within(k, root)));
  return { ...memory, values, fresh: new Set(memory.fresh).add(root), lost };
}

/** Code out of sight had its hands on `prefix`. */
export function lose(memory: Memory, prefix: string): Memory {
  return loseAll(memory, [prefix]);
}
/** Code out of sight had its hands on all of them. */
export function loseAll(memory: Memory, prefixes: string[]): Memory {
  if (!prefixes.length) return memory;
  const values = new Map(memory.values);
  for (const k of memory.values.keys()) if (prefixes.some((prefix) => within(k, prefix))) values.delete(k);
  return { ...memory, values, lost: new Set([...memory.lost, ...prefixes]) };
}

export function joinMemory(a: Memory, b: Memory): Memory {
  if (a === b) return a;
  // memory that does not exist yet on one way holds nothing there
  const fresh = union(a.fresh, b.fresh);
  const lost = union(a.lost, b.lost);
  const left = { ...a, fresh };
  const right = { ...b, fresh };
  // most of it is the same on both ways
  let values: Map<string, Value> | undefined;
  for (const [key, value] of a.values) {
    const other = b.values.get(key);
    const joined = value === other ? value : join(value, other ?? load(right, key));
    if (joined !== value) (values ??= new Map(a.values)).set(key, joined);
  }
  for (const [key, value] of b.values) if (!a.values.has(key)) (values ??= new Map(a.values)).set(key, join(load(left, key), value));
  if (!values && fresh === a.fresh && lost === a.lost && a.cleared === b.cleared) return a;
  return { values: values ?? a.values, fresh, lost, cleared: a.cleared || b.cleared };
}
function union(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  for (const x of b) if (!a.has(x)) return new Set([...a, ...b]);
  return a;
}
export function equalMemory(a: Memory, b: Memory): boolean {
  if (a === b) return true;
  if (a.values.size !== b.values.size || a.fresh.size !== b.fresh.size || a.lost.size !== b.lost.size) return false;
  for (const [key, value] of a.values) {
    const other = b.values.get(key);
    if (!other || !equal(value, other)) return false;
  }
  for (const r of a.fresh) if (!b.fresh.has(r)) return false;
  for (const r of a.lost) if (!b.lost.has(r)) return false;
  return true;
}

/** Numbers that still change after some rounds are counters: their value is given up. */
export function widenMemory(before: Memory, joined: Memory): Memory {
  const values = new Map(joined.values);
  for (const [key, value] of joined.values) {
    const old = before.values.get(key);
    if (old && !equal(old, value)) values.set(key, withoutIntegers(value));
  }
  return { ...joined, values };
}

/** The memory a pointer value points to; empty when some of it is not known. */
export function pointees(v: Value): string[] {
  if (v.unknown) return [];
  const keys = new Set<string>();
  for (const a of v.atoms.values()) {
    switch (a.kind) {
      case 'address': keys.add(a.key); break;
      case 'initial': keys.add(`${a.key}*`); break;
      case 'call': keys.add(`@${[...a.via, a.call].map(callNumber).join('/')}*`); break;
      case 'out': keys.add(`@${[...a.via, a.call].map(callNumber).join('/')}/${a.arg}*`); break;
      case 'int': break;
      case 'mark': return [];
    }
  }
  return [...keys];
}
