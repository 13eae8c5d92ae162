/** What is done to a cqe: it is read, tested, given back, handed on, its result used as a number. */
import { CQE_CONSUMERS } from '../api/names';
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { bare, childrenOf, walk, walkFunction, type Call, type Expr, type Func, type Local } from '../model';
import { afterResult, afterSign, allGone, change, GONE, isGone, mapItems, type CqeStates, type Token } from './cqe-state';
import type { CqeTokens } from './cqe-tokens';
import type { Troubles } from './cqe-trouble';

/** Where the length or the descriptor is among the arguments of calls that take the number as it is. */
export const NUMBER_ARGUMENTS: ReadonlyMap<string, number> = new Map([
  ...['memcpy', 'memmove', 'write', 'send', 'sendto', 'pwrite', 'read', 'recv', 'pread', 'strndup', 'memset', 'memcmp', 'fwrite', 'SSL_write', 'BIO_write'].map((n) => [n, 2] as const),
  ['append', 1], ['assign', 1], ['realloc', 1], ['malloc', 0], ['alloca', 0],
]);
/** Calls whose first argument is a descriptor. */
export const ON_DESCRIPTOR = /^(?:read|write|p?readv?2?|p?writev?2?|recv(?:from|msg)?|send(?:to|msg)?|accept4?|connect|setsockopt|getsockopt|fstat|lseek|fcntl|ioctl|fsync)$/;
/** Types that a result is put in as a number. */
export const UNSIGNED = /^(?:s?size_t|unsigned\b.*|uint(?:8|16|32|64)?_t|u(?:8|16|32|64)|__u(?:8|16|32|64)|std::size_t|uint)$/;

/** What a test is about: not what is given to the calls in it, which see to that themselves. */
export function* askedAbout(test: Expr): Generator<Expr> {
  yield test;
  if (test.kind !== 'call') for (const child of childrenOf(test)) yield* askedAbout(child);
}
/** What is said of it may be about another one of the same array. */
function isOneOfMany(token: Token): boolean {
  return token.source === 'batch' || token.element === true;
}

export class CqeUses {
  /** parameters that are read through without a test for NULL */
  readonly usesUntested = new Set<number>();

  constructor(private readonly flow: Flow, private readonly tokens: CqeTokens, private readonly troubles: Troubles) {}

  /** It is read, as far as `read` says; `late`: not before it may have been given back. */
  used(token: Token, at: Expr, pointer: Expr, read: 'looked' | 'result', states: CqeStates, late = true): CqeStates {
    const before = states.get(token.id);
    if (!before?.size || isGone(before)) return states;
    const list = [...before.values()];
    if (token.source === 'parameter') {
      if (this.troubles.reporting && list.some((i) => i.validity === 'untested')) this.usesUntested.add(this.flow.func.params.findIndex((p) => `=${p.id}` === token.id));
    } else {
      const failed = list.every((i) => i.validity === 'failed' || i.validity === 'noted') || list.some((i) => i.validity === 'failed');
      if (token.source === 'assumed' && (failed || list.some((i) => i.validity === 'untested' || i.validity === 'signed'))) this.troubles.report({ kind: 'assumed', token, at: this.troubles.place(at) });
      else if (failed || list.some((i) => i.validity === 'untested')) {
        const untested = list.filter((i) => i.validity === 'untested');
        const not = untested.length > 0 && untested.every((i) => i.not !== undefined) ? untested[0]!.not : undefined;
        this.troubles.report({ kind: 'untested', token, at: this.troubles.place(at), mild: false, failed: !untested.length, ...(not === undefined ? {} : { not }) });
      }
    }
    const seen = list.find((i) => i.hold === 'seen');
    if (late && seen && (!isOneOfMany(token) || CQE_CONSUMERS.get(seen.consumer!.name) !== undefined)) this.troubles.report({ kind: 'late', token, at: this.troubles.place(at), consumer: seen.consumer!, pointer });
    return new Map(states).set(token.id, mapItems(before, (i) => ({ ...i, validity: i.validity === 'failed' || i.validity === 'noted' ? 'open' : 'valid', read: i.read === 'result' ? 'result' : read })));
  }

  /** Some outcome of a test is kept as a value, or both ways of it are gone. */
  compared(test: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const e of askedAbout(test)) {
      for (const t of this.tokens.waited(e, memory).all) out = change(out, t, (i) => afterResult(i, 'open'));
      for (const t of this.tokens.pointed(e, memory).all) out = change(out, t, (i) => afterResult(i, 'open'));
      for (const t of this.tokens.results(e, memory)) out = change(out, t, (i) => afterSign(i, 'tested'));
    }
    return out;
  }

  /** It is given back; `sure`: it and no other. */
  consume(token: Token, call: Call, sure: boolean, states: CqeStates): CqeStates {
    const before = states.get(token.id);
    if (!before?.size || isGone(before)) return states;
    const list = [...before.values()];
    const batch = isOneOfMany(token) && CQE_CONSUMERS.get(call.name) === undefined;
    const seen = list.find((i) => i.hold === 'seen' && i.validity !== 'failed' && i.validity !== 'noted');
    if (seen?.consumer?.name === 'io_uring_queue_exit') {
      this.troubles.report({ kind: 'late', token, at: this.troubles.place(call), consumer: seen.consumer, pointer: call.args[1] ?? call });
      return new Map(states).set(token.id, GONE);
    }
    if (seen && sure && !batch && (!isOneOfMany(token) || CQE_CONSUMERS.get(seen.consumer!.name) === undefined)) this.troubles.report({ kind: 'twice', token, at: this.troubles.place(call), first: seen.consumer! });
    if (token.source !== 'parameter' && token.source !== 'assumed' && list.every((i) => i.validity === 'untested')) {
      this.troubles.report({ kind: 'untested', token, at: this.troubles.place(call), mild: true, failed: false });
    }
    const unread = list.filter((i) => i.hold === 'held' && i.read !== 'result' && i.validity !== 'failed' && i.validity !== 'noted');
    if (unread.length && token.source !== 'parameter' && token.source !== 'batch') this.troubles.report({ kind: 'unread', token, at: this.troubles.place(call), looked: unread.some((i) => i.read === 'looked') });
    return new Map(states).set(token.id, mapItems(before, (i) => ({ validity: i.validity === 'untested' ? 'open' : i.validity, hold: 'seen', read: i.read, sign: i.sign, consumer: call })));
  }

  /** The cqes of an expression go where they are out of sight. */
  given(e: Expr, memory: Memory, states: CqeStates): CqeStates {
    return this.tokens.pointed(e, memory).all.reduce((s, t) => new Map(s).set(t.id, GONE), states);
  }
  /** What is captured, or put into a list or an object on the way. */
  escapes(e: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const x of walk([e])) {
      if (x.kind === 'lambda') out = this.captured(x.func, memory, out);
      if (x.kind === 'opaque' || x.kind === 'list') for (const p of x.kind === 'list' ? x.items.map((i) => i.value) : x.parts) out = this.given(p, memory, out);
    }
    return out;
  }

  /** A lambda gets what it names, of the members all. */
  private captured(lambda: Func, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const e of walkFunction(lambda)) {
      if (e.kind === 'call' && (e.name.startsWith('io_uring_') || e.callee.kind !== 'member' && this.givesAway.test(e.name))) return allGone(out);
      if (e.kind === 'name' || e.kind === 'member') out = this.given(e, memory, out);
    }
    return lambda.inner.reduce((s, inner) => this.captured(inner, memory, s), out);
  }
  private readonly givesAway = /seen|advance|reap|drain|consum|cqe/i;

  /** A call got the results of waits and of completions, or the addresses of what holds them. */
  looked(arg: Expr, validity: 'valid' | 'open', memory: Memory, states: CqeStates, call: Call): CqeStates {
    let out = states;
    for (const e of walk([arg])) {
      for (const t of this.tokens.waited(e, memory).all) {
        // whatever is made of the number submitted, the pointer may be NULL
        if (t.source === 'assumed' && validity === 'open' && call.discarded) continue;
        out = change(out, t, (i) => afterResult(i, t.source === 'assumed' && validity === 'valid' ? 'signed' : validity));
      }
      for (const t of this.tokens.results(e, memory)) out = change(out, t, (i) => afterSign(i, 'tested'));
    }
    return out;
  }

  /** `e` is used as a length, an index or a descriptor. */
  asNumber(e: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    // `size - res` is one where the result is
    const sum = bare(e);
    if (sum.kind === 'binary' && (sum.op === '+' || sum.op === '-')) out = this.asNumber(sum.right, memory, this.asNumber(sum.left, memory, out));
    for (const token of this.tokens.results(e, memory)) {
      const before = states.get(token.id);
      if (!before?.size || isGone(before)) continue;
      const list = [...before.values()];
      if (list.every((i) => i.sign === 'unknown')) this.troubles.report({ kind: 'number', token, at: this.troubles.place(bare(e)) });
      out = change(out, token, (i) => ({ ...i, sign: 'tested' }));
    }
    return out;
  }

  /** A variable the function tests somewhere. */
  isComparedLater(local: Local): boolean {
    return this.comparedNames().has(local.id);
  }
  private names: Set<string> | undefined;
  private comparedNames(): Set<string> {
    if (this.names) return this.names;
    this.names = new Set();
    const add = (test: Expr): void => {
      const e = bare(test);
      if (e.kind === 'name') this.names!.add(e.id);
      else if (e.kind === 'binary' || e.kind === 'unary') childrenOf(e).forEach(add);
    };
    for (const block of this.flow.cfg.blocks) {
      for (const e of block.events) if (e.kind === 'compare') add(e.test);
      for (const e of block.next) if (e.guard) add(e.guard.test);
    }
    return this.names;
  }
}
