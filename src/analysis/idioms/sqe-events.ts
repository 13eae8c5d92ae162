/** What happens to sqes and rings in a function, and whether two such events are about the same ones. */
import { rootOf, within, type Memory } from '../flow/memory';
import type { Call, Expr, Span } from '../model';
import type { SqeFlow } from './sqe-flow';
import type { PrepShape } from './sqe-preps';

export const LINK = 4n;
export const HARDLINK = 8n;
export const DRAIN = 2n;
export const SKIP_SUCCESS = 64n;

interface Somewhere {
  block: number;
  /** position in its block */
  at: number;
  span: Span;
  /** before it happens */
  memory: Memory;
}
/** `sqes` are the ids of the values the sqe may be; `rings` the memory its ring may be, empty when unknown. */
interface OfSqe extends Somewhere { sqes: readonly string[] }
interface OfRing extends Somewhere { rings: readonly string[]; call: Call; /** inside a function of the file that is called */ inside: boolean }

export interface Get extends OfSqe { kind: 'get'; rings: readonly string[]; call: Call | undefined; inside: boolean }
export interface Prep extends OfSqe {
  kind: 'prep';
  /** `read` for io_uring_prep_read and IORING_OP_READ; undefined where a function of the file prepares */
  op: string | undefined;
  /** of io_uring_prep_… only */
  shape: PrepShape | undefined;
  /** absent where the fields are stored by hand */
  call: Call | undefined;
  byHand: boolean;
  inside: boolean;
  /** arguments in terms of this function, the sqe included; undefined where a called function makes them up */
  args: readonly (Expr | undefined)[];
  /** ids of what the descriptor may be, in terms of this function */
  fds: readonly string[];
  /** the preparation in the called function, where it happens there */
  inner: { prep: Prep; flow: SqeFlow } | undefined;
}
export interface Flags extends OfSqe { kind: 'flags'; how: 'set' | 'add' | 'remove'; /** what they may be; undefined when unknown */ bits: bigint[] | undefined; value: Expr | undefined; inside: boolean; statement: Span | undefined }
export interface UserData extends OfSqe { kind: 'data'; value: Expr | undefined; inside: boolean; statement: Span | undefined }
/** A store to another field, by hand. */
export interface FieldStore extends OfSqe { kind: 'field'; field: string; value: Expr | undefined; inside: boolean; statement: Span | undefined }
/** The whole sqe is cleared or copied over. */
export interface Overwrite extends OfSqe { kind: 'overwrite'; cleared: boolean }
/** The sqe is handed to code out of sight, returned, or kept beyond the function. */
export interface Escape extends OfSqe { kind: 'escape' }
export interface Submit extends OfRing { kind: 'submit'; /** it also waits for completions */ waits: boolean }
export interface Reap extends OfRing { kind: 'reap'; blocks: boolean }
/** A function of the file takes and prepares sqes of its own. */
export interface Queue extends OfRing { kind: 'queue' }
/** A call out of sight that is given memory with these keys; anything may happen in it. */
export interface Unseen extends Somewhere { kind: 'unseen'; keys: readonly string[]; call: Call; /** it is given an sqe, to fill in */ fills: boolean }

/** Memory is given back: `free`, `munmap`, `delete`. */
export interface Freed extends Somewhere { kind: 'freed'; memories: readonly string[]; call: Call }
/** The bytes behind a pointer are read or written by the program. */
export interface Touch extends Somewhere { kind: 'touch'; pointer: Expr; memories: readonly string[]; writes: boolean }

export type SqeEvent = Freed | Touch | Get | Prep | Flags | UserData | FieldStore | Overwrite | Escape | Submit | Reap | Queue | Unseen;
/** An event before it is known where in the graph it is. */
export type Draft<E> = E extends SqeEvent ? Omit<E, keyof Somewhere> : never;

/** Whether two lists of ids have one in common. */
export function share(a: readonly string[], b: readonly string[]): boolean {
  return a.some((x) => b.includes(x));
}
/** Whether both speak of the same ring, as far as is known: an unknown ring may be any. */
export function mayBeSameRing(a: readonly string[], b: readonly string[]): boolean {
  return !a.length || !b.length || share(a, b);
}
/** Whether a call out of sight can get at one of these rings. */
export function mayReach(e: Unseen, rings: readonly string[]): boolean {
  return !rings.length || rings.some((r) => !rootOf(r).includes('~') || e.keys.some((k) => within(r, k) || within(k, r)));
}
/** An event that starts the sqe anew. */
export function takesAnew(e: SqeEvent, sqes: readonly string[]): boolean {
  return e.kind === 'get' && share(e.sqes, sqes);
}
/** Whether all the flags may be have one of the bits. */
export function surely(bits: bigint[] | undefined, mask: bigint): boolean {
  return bits !== undefined && bits.length > 0 && bits.every((b) => (b & mask) !== 0n);
}
