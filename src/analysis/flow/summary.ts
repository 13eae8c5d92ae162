/** What a function does to its caller, in terms of its parameters; and how a call site reads it. */
import type { Call, Func, Place } from '../model';
import { keysOf, valueOf, type Surroundings } from './evaluate';
import { clear, clearedObject, load, loadAll, loseAll, pointees, rootOf, storeAll, within, type Memory } from './memory';
import { callNumber, constant, join, NOTHING, UNKNOWN, valueOfAtoms, type Atom, type Value } from './value';

/** Something a rule wants to hear about, wherever in the call tree it happens. */
export interface Effect {
  name: string;
  call: Call;
  place: Place;
  /** one value for each object concerned */
  parts: Value[];
  via: Call[];
}
export interface Summary {
  params: { id: string; reference: boolean }[];
  returns: Value;
  /** memory reachable from parameters and globals, and what it holds on return */
  stores: [key: string, value: Value][];
  lost: string[];
  effects: Effect[];
  /** no path comes back */
  noReturn: boolean;
}

const MAX_VIA = 4;

/** Reads a summary at one call site. */
export class Site {
  private readonly bound = new Map<string, Value>();

  /** `object`: memory of the object a method is called on, where the key is a member of that */
  constructor(
    private readonly call: Call, private readonly summary: Summary, private readonly memory: Memory, around: Surroundings,
    private readonly object: (key: string) => string[] | undefined = () => undefined,
  ) {
    summary.params.forEach((p, i) => {
      const arg = call.args[i];
      if (!arg) this.bound.set(p.id, UNKNOWN);
      else if (p.reference) {
        const keys = keysOf(arg, memory, around);
        this.bound.set(p.id, keys.length ? valueOfAtoms(...keys.map((key): Atom => ({ kind: 'address', key }))) : UNKNOWN);
      } else this.bound.set(p.id, valueOf(arg, memory, around));
    });
  }

  /** The caller's memory for a key of the callee; empty when unknown, undefined for the callee's own locals. */
  private keys(key: string): string[] | undefined {
    const root = rootOf(key);
    if (root.startsWith('@')) return [`@${callNumber(this.call)}/${key.slice(1)}`];
    let keys: string[];
    const steps = key === root ? [] : key.slice(root.length).match(/\*|\.[^*.]+/g) ?? [];
    const value = this.bound.get(root);
    if (value) {
      if (steps.shift() !== '*') return [];
      keys = pointees(value);
    } else if (root.includes('~')) return undefined;
    else keys = this.object(root)?.map((k) => `${k}.${root}`) ?? [root];
    for (const step of steps) keys = step === '*' ? pointees(loadAll(this.memory, keys)) : keys.map((k) => k + step);
    return keys;
  }

  value(v: Value): Value {
    let out: Value = v.unknown ? UNKNOWN : NOTHING;
    for (const a of v.atoms.values()) out = join(out, this.atom(a));
    return out;
  }

  private atom(a: Atom): Value {
    if (a.kind === 'int') return valueOfAtoms(a);
    if (a.kind === 'address') {
      const keys = this.keys(a.key);
      if (keys === undefined) return valueOfAtoms(a);
      return keys.length ? valueOfAtoms(...keys.map((key): Atom => ({ kind: 'address', key }))) : UNKNOWN;
    }
    if (a.kind === 'initial') {
      const whole = this.bound.get(a.key);
      if (whole) return whole;
      const keys = this.keys(a.key);
      return keys === undefined ? NOTHING : keys.length ? keys.map((k) => load(this.memory, k)).reduce(join) : UNKNOWN;
    }
    if (a.via.length >= MAX_VIA) return UNKNOWN;
    const via = [this.call, ...a.via];
    return valueOfAtoms(a.kind === 'mark' ? { ...a, via, inputs: a.inputs.map((v) => this.value(v)) } : { ...a, via });
  }

  /** The caller's memory after the call. */
  apply(): Memory {
    let out = this.memory;
    // what was cleared comes first: the other stores came after it
    for (const [key, value] of this.summary.stores) {
      const object = clearedObject(key);
      const keys = object === undefined ? [] : this.keys(object) ?? [];
      if (keys.length) out = constant(value) === 0n ? clear(out, keys) : loseAll(out, keys);
    }
    const others = this.summary.stores.filter(([key]) => clearedObject(key) === undefined);
    return others.length ? storeAll(out, others.map(([key, value]) => [this.keys(key) ?? [], this.value(value)])) : out;
  }

  effects(): Effect[] {
    return this.summary.effects
      .filter((e) => e.via.length < MAX_VIA)
      .map((e) => ({ ...e, via: [this.call, ...e.via], parts: e.parts.map((v) => this.value(v)) }));
  }

  lost(): string[] {
    return this.summary.lost.flatMap((k) => this.keys(k) ?? []);
  }
}

/** Whether a key names memory a caller can reach. */
export function isShared(key: string, params: Set<string>): boolean {
  const root = rootOf(key);
  if (root.startsWith('$')) return false;
  if (root.startsWith('@')) return true;
  return params.has(root) ? within(key, `${root}*`) : !root.includes('~');
}

/** Whether a value still depends on what the function was given. */
export function dependsOnParameters(v: Value, func: Func): boolean {
  const params = new Set(func.params.map((p) => p.id));
  const atom = (a: Atom): boolean =>
    a.kind === 'initial' ? params.has(rootOf(a.key)) : a.kind === 'mark' ? a.inputs.some((i) => [...i.atoms.values()].some(atom)) : false;
  return [...v.atoms.values()].some(atom);
}
