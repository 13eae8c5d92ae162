/** What is known of a cqe on the ways that lead to one point of a function. */
import type { CqeSource } from '../api/names';
import type { Call, Span } from '../model';

/**
 * `untested`: nobody has looked at the call's result; `signed`: only at its sign, where that does not tell; `open`: it was
 * looked at in a way that is not understood; `failed`: there is no cqe; `noted`: so, and something was stored since, which
 * later tests may be about.
 */
export type Validity = 'untested' | 'valid' | 'failed' | 'noted' | 'signed' | 'open';
/** `gone`: it is in other hands, nothing more is said of it. */
export type Hold = 'held' | 'seen' | 'gone';
/** How far it was looked at: `looked` is any other field than the result. */
export type Read = 'no' | 'looked' | 'result';
export type Sign = 'unknown' | 'negative' | 'not negative' | 'tested';

export interface Item {
  validity: Validity;
  hold: Hold;
  read: Read;
  sign: Sign;
  /** failed: the one error it can be */
  error?: string;
  /** untested: errors it was told apart from */
  not?: string;
  /** held: the last `continue` or `goto` on the way */
  jump?: Span;
  /** seen: the call that gave it back */
  consumer?: Call;
}

/** One cqe, or all that one call site hands out in turn. */
export interface Token {
  id: string;
  /** `elsewhere`: from a call out of sight, known since it was given back */
  source: CqeSource | 'parameter' | 'elsewhere';
  /** in this function: the call that hands it out, or of the function that does */
  call: Call | undefined;
  /** memory of the ring; empty when unknown */
  rings: readonly string[];
  /** variables the pointer is put in */
  targets: readonly string[];
  /** somebody else may know the pointer as well */
  shared: boolean;
  /** key of the cqe itself */
  object: string;
  /** the pointer is put into an array, among others */
  element?: boolean;
}

export type Items = ReadonlyMap<string, Item>;
export type CqeStates = ReadonlyMap<string, Items>;

/** A cqe with more stories than this has none. */
const MAX_ITEMS = 24;

function keyOf(i: Item): string {
  return `${i.validity} ${i.error ?? ''} ${i.not ?? ''} ${i.hold} ${i.read} ${i.sign} ${i.jump?.start ?? ''} ${i.consumer?.span.start ?? ''}`;
}
export const GONE: Items = items({ validity: 'open', hold: 'gone', read: 'result', sign: 'tested' });

export function items(...list: Item[]): Items {
  return new Map(list.map((i) => [keyOf(i), i]));
}
export function isGone(all: Items): boolean {
  return [...all.values()].some((i) => i.hold === 'gone');
}
/** Every item changed; undefined drops it. */
export function mapItems(all: Items, change: (i: Item) => Item | undefined): Items {
  return isGone(all) ? all : items(...[...all.values()].map(change).filter((i) => i !== undefined));
}

export function joinCqeStates(a: CqeStates, b: CqeStates): CqeStates {
  const out = new Map(a);
  for (const [id, set] of b) {
    const other = out.get(id);
    if (!other) out.set(id, set);
    else if (other !== set) {
      const both = new Map([...other, ...set]);
      out.set(id, both.size > MAX_ITEMS || isGone(both) ? GONE : both);
    }
  }
  return out;
}
export function equalCqeStates(a: CqeStates, b: CqeStates): boolean {
  if (a.size !== b.size) return false;
  for (const [id, set] of a) {
    const other = b.get(id);
    if (other === set) continue;
    if (other?.size !== set.size) return false;
    for (const key of set.keys()) if (!other.has(key)) return false;
  }
  return true;
}

/** What a test of a call's result makes of an item, `error` when it is one with a certain error; undefined: the way cannot be taken. */
export function afterResult(i: Item, outcome: Validity, error?: { name: string; is: boolean; others?: readonly string[] }): Item | undefined {
  const failed = i.validity === 'failed' || i.validity === 'noted';
  if (error && failed && i.error !== undefined && (i.error === error.name) !== error.is) return undefined;
  if (error?.is && i.validity !== 'valid') return { ...i, validity: failed ? i.validity : 'failed', error: error.name };
  // the other errors that come in the ordinary run of things are still to be told apart
  if (error?.others && !error.is && i.validity === 'untested') {
    const not = [...new Set([...(i.not?.split(' ') ?? []), error.name])].sort();
    return error.others.every((o) => not.includes(o)) ? { ...i, validity: outcome } : { ...i, not: not.join(' ') };
  }
  if (outcome === 'failed') return i.validity === 'valid' ? undefined : failed ? i : { ...i, validity: 'failed' };
  if (outcome === 'valid' || outcome === 'signed') return failed ? undefined : i.validity === 'valid' ? i : { ...i, validity: outcome };
  return i.validity === 'untested' || i.validity === 'signed' ? { ...i, validity: outcome } : i;
}
/** What a test of the cqe's result makes of an item. */
export function afterSign(i: Item, sign: Sign): Item | undefined {
  if ((i.sign === 'negative' && sign === 'not negative') || (i.sign === 'not negative' && sign === 'negative')) return undefined;
  return i.sign === 'unknown' || i.sign === 'tested' ? { ...i, sign } : i;
}
/** One cqe's items changed; undefined drops the item. */
export function change(states: CqeStates, token: Token, to: (i: Item) => Item | undefined): CqeStates {
  const before = states.get(token.id);
  return before ? new Map(states).set(token.id, mapItems(before, to)) : states;
}
export function mapAll(states: CqeStates, to: (i: Item) => Item | undefined): CqeStates {
  return states.size ? new Map([...states].map(([id, all]) => [id, mapItems(all, to)])) : states;
}
export function allGone(states: CqeStates): CqeStates {
  return new Map([...states.keys()].map((id) => [id, GONE]));
}
