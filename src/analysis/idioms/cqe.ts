/**
 * What a function does with cqes: which call hands one out, whether that is known to have succeeded, what is read of it, and
 * where it is given back to the ring. Functions of the project that are called count by what they do.
 */
import { CQE_CONSUMERS, CQE_SOURCES, isGuard, type CqeSource } from '../api/names';
import type { Block, Edge, Event } from '../flow/cfg';
import { solve } from '../flow/dataflow';
import { pointees, rootOf, within, type Memory } from '../flow/memory';
import type { Flow, Program } from '../flow/program';
import { nullTest } from '../flow/typestate';
import { callNumber, constant, type Atom, type Value } from '../flow/value';
import { bare, childrenOf, expressionsOf, placeIn, statements, walk, walkFunction, type Call, type Expr, type Func, type Local, type Place, type Span } from '../model';
import {
  afterResult, afterSign, equalCqeStates, GONE, isGone, items, joinCqeStates, mapItems,
  type CqeStates, type Item, type Items, type Sign, type Token, type Validity,
} from './cqe-state';
import { isOutOfTheWay } from './out-of-sight';
import { operandOf, type Tested } from './return-convention';
import { PREPS, prepName } from './sqe-preps';

export type Trouble =
  /** the cqe is used though nobody knows whether there is one; `mild`: it is only given back */
  | { kind: 'untested'; token: Token; at: Place; mild: boolean; failed: boolean }
  /** the result is no error, and still there may be no cqe */
  | { kind: 'assumed'; token: Token; at: Place }
  /** never given back before the next one is taken (`again`), or before the function ends */
  | { kind: 'unseen'; token: Token; at: Place; again: Call | undefined }
  /** given back twice */
  | { kind: 'twice'; token: Token; at: Place; first: Call }
  /** the wait failed: there is no cqe to give back */
  | { kind: 'nothing'; token: Token; at: Place }
  /** read after it was given back */
  | { kind: 'late'; token: Token; at: Place; consumer: Call; pointer: Expr }
  /** given back without a look at its result */
  | { kind: 'unread'; token: Token; at: Place; looked: boolean }
  /** its result serves as a number though it may be an error */
  | { kind: 'number'; token: Token; at: Place };

/** What is known of a function's cqes. */
export interface CqeFlow {
  troubles: readonly Trouble[];
  /** states of the cqes a caller may get to know, at the function's end */
  ends: CqeStates;
  tokens: ReadonlyMap<string, Token>;
  /** parameters that are read through without a test for NULL */
  usesUntested: ReadonlySet<number>;
}

/** The cqes of a function; undefined where it has none, or nothing is known of it. */
export function cqeFlow(program: Program, func: Func): CqeFlow | undefined {
  return program.memo.derived(func, 'cqes', () => {
    if (!program.mentions(func, /cqe|io_uring_submit_and_wait|(?:->|\.)\s*res\b/)) return undefined;
    const flow = program.flow(func);
    return flow && new Analysis(program, flow).run();
  });
}

/** Where the length or the descriptor is among the arguments of calls that take the number as it is. */
const NUMBER_ARGUMENTS: ReadonlyMap<string, number> = new Map([
  ...['memcpy', 'memmove', 'write', 'send', 'sendto', 'pwrite', 'read', 'recv', 'pread', 'strndup', 'memset', 'memcmp', 'fwrite'].map((n) => [n, 2] as const),
  ['append', 1], ['assign', 1],
]);
/** Calls whose first argument is a descriptor. */
const ON_DESCRIPTOR = /^(?:read|write|p?readv?2?|p?writev?2?|recv(?:from|msg)?|send(?:to|msg)?|accept4?|connect|setsockopt|getsockopt|fstat|lseek|fcntl|ioctl|fsync)$/;
const FRESH: Omit<Item, 'validity'> = { hold: 'held', read: 'no', sign: 'unknown' };
/** Words of functions that may give completions back where nobody sees it. */
const MAY_CONSUME = /seen|advance|reap|drain|consum|complet|cqe|\bcq_|finish|release|done|dispose|pop|context|resume|yield/i;
const SAYS_ONLY = /^(?:v?[fsd]?n?printf|f?puts|perror|syslog|strerror\w*)$|^(?!.*(?:fatal|die|panic|abort|exit|fail|throw)).*(?:log|print|trace|debug|warn|dump)/i;
const UNSIGNED = /^(?:s?size_t|unsigned\b.*|uint(?:8|16|32|64)?_t|u(?:8|16|32|64)|__u(?:8|16|32|64)|std::size_t|uint)$/;

class Analysis {
  private readonly memories = new Map<Event, Memory>();
  private readonly ends = new Map<number, Memory>();
  private readonly tokens = new Map<string, Token>();
  private readonly byObject = new Map<string, Token>();
  private readonly troubles = new Map<string, Trouble>();
  private readonly usesUntested = new Set<number>();
  /** memory whose address is kept where others find it */
  private readonly leaked = new Set<string>();
  private readonly func: Func;
  private reporting = false;

  constructor(private readonly program: Program, private readonly flow: Flow) {
    this.func = flow.func;
    flow.replay((event, memory) => {
      this.memories.set(event, memory);
      if (event.kind === 'call' && !event.call.name.startsWith('io_uring_')) for (const arg of event.call.args) this.leak(arg, memory);
      if (event.kind !== 'store' || !event.value || flow.keys(event.target, memory).every((k) => this.isOwn(k) && k === rootOf(k))) return;
      this.leak(event.value, memory);
    });
    for (const block of flow.cfg.blocks) {
      const memory = block.next.some((e) => e.guard) ? flow.after(block) : undefined;
      if (memory) this.ends.set(block.id, memory);
    }
  }

  run(): CqeFlow | undefined {
    const start = new Map<string, Items>();
    this.func.params.forEach((p) => {
      if (!p.pointer || p.array || p.type !== 'io_uring_cqe') return;
      const token: Token = { id: `=${p.id}`, source: 'parameter', call: undefined, rings: [], targets: [], shared: true, object: `${p.id}*` };
      this.know(token);
      start.set(token.id, items({ validity: 'untested', ...FRESH }));
    });
    const entries = solve<CqeStates>(this.flow.cfg, {
      start, step: (e, s) => this.step(e, s), along: (e, s, from) => this.along(e, s, from), join: joinCqeStates, equal: equalCqeStates,
    });
    if (!entries) return undefined;
    this.reporting = true;
    let ends: CqeStates = new Map();
    for (const [id, entry] of entries) {
      const block = this.flow.cfg.blocks[id]!;
      const out = block.events.reduce<CqeStates>((s, e) => this.step(e, s), entry);
      if (!block.next.some((e) => e.to === this.flow.cfg.exit)) continue;
      ends = joinCqeStates(ends, out);
      this.leave(block, out);
    }
    return { troubles: [...this.troubles.values()], ends, tokens: this.tokens, usesUntested: this.usesUntested };
  }

  /** The loop macro that hands a cqe out. */
  private loopOf(token: Token): Span[] {
    return [...statements(this.func.body)].filter((s) => s.kind === 'loop' && s.form === 'each' && s.test?.kind === 'assign' && s.test.value === token.call).map((s) => s.span);
  }
  private leak(e: Expr, memory: Memory): void {
    for (const a of this.flow.value(e, memory).atoms.values()) if (a.kind === 'address') this.leaked.add(a.key);
  }
  private know(token: Token): void {
    this.tokens.set(token.id, token);
    this.byObject.set(token.object, token);
  }
  private report(t: Trouble): void {
    if (!this.reporting) return;
    const key = `${t.kind} ${t.token.id} ${t.at.span.start}`;
    if (!this.troubles.has(key)) this.troubles.set(key, t);
  }
  private place(at: { span: Span }): Place {
    return placeIn(this.func, at.span);
  }

  // ---- which cqes an expression speaks of

  private tokenOf(a: Atom): Token | undefined {
    if (a.kind === 'out' && a.arg === 1) return this.tokens.get(pathOf(a));
    if (a.kind === 'call') return this.tokens.get(CQE_SOURCES.get(a.call.name) === 'each' ? pathOf(a) : elsewhere(a));
    return a.kind === 'initial' ? this.tokens.get(`=${a.key}`) : undefined;
  }
  private pointed(e: Expr, memory: Memory): { all: Token[]; sure: boolean } {
    const value = this.flow.value(e, memory);
    const all = [...value.atoms.values()].map((a) => this.tokenOf(a)).filter((t) => t !== undefined);
    return { all, sure: !value.unknown && value.atoms.size === 1 };
  }
  /** Cqes of whose wait the expression is the result. */
  private waited(e: Expr, memory: Memory): { all: Token[]; sure: boolean } {
    return { all: this.resultOf(this.flow.value(e, memory)), sure: this.flow.value(e, memory).atoms.size === 1 };
  }
  private resultOf(value: Value): Token[] {
    return [...value.atoms.values()].map((a) => (a.kind === 'call' && CQE_SOURCES.has(a.call.name) && CQE_SOURCES.get(a.call.name) !== 'each' ? this.tokens.get(pathOf(a)) : undefined))
      .filter((t) => t !== undefined);
  }
  /** Cqes whose `res` the expression is. */
  private results(e: Expr, memory: Memory): Token[] {
    return [...this.flow.value(bare(e), memory).atoms.values()].map((a) => (a.kind === 'initial' && a.key.endsWith('.res') ? this.byObject.get(a.key.slice(0, -'.res'.length)) : undefined))
      .filter((t) => t !== undefined);
  }

  // ---- one event

  private step(event: Event, states: CqeStates): CqeStates {
    const memory = this.memories.get(event);
    if (!memory) return states;
    switch (event.kind) {
      case 'deref': return this.deref(event.pointer, event.at, memory, states);
      case 'compare': return this.compared(event.test, memory, states);
      case 'call': return this.call(event.call, memory, states);
      case 'declare': return event.init ? this.stored(event.local, undefined, '=', event.init, memory, states) : states;
      case 'store': return event.value ? this.stored(undefined, event.target, event.op, event.value, memory, states) : states;
      case 'return': return event.value ? this.given(event.value, memory, this.escapes(event.value, memory, states)) : states;
    }
  }

  /** Reading through a pointer. */
  private deref(pointer: Expr, at: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    const { all } = this.pointed(pointer, memory);
    const field = at.kind === 'member' ? at.field : undefined;
    const late = all.every((t) => [...states.get(t.id)?.values() ?? []].some((i) => i.hold === 'seen'));
    for (const token of all) out = this.used(token, at, pointer, field === 'res' || field === undefined ? 'result' : field === 'flags' ? 'result' : 'looked', out, late);
    if (at.kind === 'index' && at.index) out = this.asNumber(at.index, memory, out);
    return out;
  }

  private used(token: Token, at: Expr, pointer: Expr, read: 'looked' | 'result', states: CqeStates, late = true): CqeStates {
    const before = states.get(token.id);
    if (!before?.size || isGone(before)) return states;
    const list = [...before.values()];
    if (token.source === 'parameter') {
      if (this.reporting && list.some((i) => i.validity === 'untested')) this.usesUntested.add(this.func.params.findIndex((p) => `=${p.id}` === token.id));
    } else {
      const failed = list.every((i) => i.validity === 'failed' || i.validity === 'noted') || list.some((i) => i.validity === 'failed');
      if (token.source === 'assumed' && (failed || list.some((i) => i.validity === 'untested' || i.validity === 'signed'))) this.report({ kind: 'assumed', token, at: this.place(at) });
      else if (failed || list.some((i) => i.validity === 'untested')) this.report({ kind: 'untested', token, at: this.place(at), mild: false, failed: !list.some((i) => i.validity === 'untested') });
    }
    const seen = list.find((i) => i.hold === 'seen');
    if (late && seen && (token.source !== 'batch' || CQE_CONSUMERS.get(seen.consumer!.name) !== undefined)) this.report({ kind: 'late', token, at: this.place(at), consumer: seen.consumer!, pointer });
    return new Map(states).set(token.id, mapItems(before, (i) => ({ ...i, validity: i.validity === 'failed' || i.validity === 'noted' ? 'open' : 'valid', read: i.read === 'result' ? 'result' : read })));
  }

  private compared(test: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const e of walk([test])) {
      for (const t of this.waited(e, memory).all) out = change(out, t, (i) => afterResult(i, 'open'));
      for (const t of this.pointed(e, memory).all) out = change(out, t, (i) => afterResult(i, 'open'));
      for (const t of this.results(e, memory)) out = change(out, t, (i) => afterSign(i, 'tested'));
    }
    return out;
  }

  private stored(local: Local | undefined, target: Expr | undefined, op: string, value: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = mapAll(states, (i) => (i.validity === 'failed' ? { ...i, validity: 'noted' } : i));
    if (target && namesHead(target)) return allGone(out);
    if (op !== '=') {
      for (const t of this.waited(value, memory).all) out = change(out, t, (i) => afterResult(i, 'open'));
      if (op === '+' || op === '-') out = this.asNumber(value, memory, out);
    } else {
      const keys = target ? this.flow.keys(target, memory) : local ? [local.id] : [];
      const kept = target ? keys.length > 0 && keys.every((k) => this.isOwn(k)) : local !== undefined && !local.static;
      // an object made from a cqe may give it back when it goes
      const object = local !== undefined && !local.pointer && !local.reference && !/auto|^(?:u?int|long|bool|size_t|unsigned|signed|__)/.test(local.type);
      if (!kept || object) out = this.given(value, memory, out);
      const holder = local ?? (target && bare(target).kind === 'name' ? this.local((bare(target) as Extract<Expr, { kind: 'name' }>).id) : undefined);
      if (holder && !holder.pointer && UNSIGNED.test(holder.type) && holder.type !== 'ssize_t' && !this.isComparedLater(holder)) out = this.asNumber(value, memory, out);
    }
    return this.escapes(value, memory, out);
  }
  private isOwn(key: string): boolean {
    const local = this.func.locals.get(rootOf(key));
    return local !== undefined && !local.static && !key.includes('*') && !this.func.params.some((p) => p.reference && p.id === local.id);
  }
  private local(id: string): Local | undefined {
    return this.func.locals.get(id);
  }
  private isComparedLater(local: Local): boolean {
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

  /** The cqes of an expression go where they are out of sight. */
  private given(e: Expr, memory: Memory, states: CqeStates): CqeStates {
    return this.pointed(e, memory).all.reduce((s, t) => new Map(s).set(t.id, GONE), states);
  }
  /** What is captured, or put into a list or an object on the way. */
  private escapes(e: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const x of walk([e])) {
      if (x.kind === 'lambda') out = allGone(out);
      if (x.kind === 'opaque' || x.kind === 'list') for (const p of x.kind === 'list' ? x.items.map((i) => i.value) : x.parts) out = this.given(p, memory, out);
    }
    return out;
  }

  /** `e` is used as a length, an index or a descriptor. */
  private asNumber(e: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const token of this.results(e, memory)) {
      const before = states.get(token.id);
      if (!before?.size || isGone(before) || token.source === 'parameter' || token.source === 'batch') continue;
      const list = [...before.values()];
      if (list.every((i) => i.sign === 'unknown')) this.report({ kind: 'number', token, at: this.place(bare(e)) });
      out = change(out, token, (i) => ({ ...i, sign: 'tested' }));
    }
    return out;
  }

  // ---- calls

  private call(call: Call, memory: Memory, states: CqeStates): CqeStates {
    if (call.args.some(namesHead)) return allGone(states);
    const old = `from ${callNumber(call)}`;
    if (states.has(old)) states = new Map([...states].filter(([id]) => id !== old));
    const callee = this.program.callee(call);
    if (callee) return this.projectCall(call, callee, memory, states);
    const api = call.callee.kind === 'name' && (call.macro || !this.program.defines(call.name));
    const source = api ? CQE_SOURCES.get(call.name) : undefined;
    if (source) return this.obtained(call, source, memory, states);
    if (api && CQE_CONSUMERS.has(call.name)) return this.consumed(call, memory, states);
    if (api && call.name.startsWith('io_uring_')) return this.apiCall(call, memory, states);
    return this.unknownCall(call, memory, states);
  }

  private rings(e: Expr | undefined, memory: Memory): string[] {
    return e ? pointees(this.flow.value(e, memory)) : [];
  }

  private obtained(call: Call, source: CqeSource, memory: Memory, states: CqeStates): CqeStates {
    const rings = this.rings(call.args[0], memory);
    const into = call.args[source === 'each' ? 2 : 1];
    const target = into && bare(into);
    const variable = source === 'each' ? target : target?.kind === 'unary' && target.op === '&' ? bare(target.operand) : target;
    const own = variable?.kind === 'name' && this.func.locals.has(variable.id) && !this.func.locals.get(variable.id)!.static && !this.func.params.some((p) => p.id === variable.id);
    const path = `${callNumber(call)}`;
    const targets = source === 'each' ? [] : this.rings(into, memory);
    const token: Token = { id: path, source, call, rings, targets, shared: !own, object: source === 'each' ? `@${path}*` : `@${path}/1*` };
    this.know(token);
    const out = this.before(token, call, states);
    const single = isSingle(source);
    const validity: Validity = single ? 'untested' : 'valid';
    return new Map(out).set(path, items({ validity, ...FRESH }));
  }
  /** What was handed out before and is held still, when the ring is asked for more. */
  private before(token: Token, call: Call, states: CqeStates): CqeStates {
    let out = states;
    for (const [id, all] of states) {
      const other = this.tokens.get(id)!;
      if (isGone(all)) continue;
      if (!share(other.rings, token.rings)) {
        // nothing points to the other any more
        if (other.id !== token.id && share(other.targets, token.targets)) out = new Map(out).set(id, GONE);
        continue;
      }
      if (isSingle(token.source) && (other.source === 'batch' || other.source === 'each' || other.source === 'parameter')) continue;
      // of a batch it is the first
      if (isSingle(token.source)) for (const i of all.values()) {
        if (i.hold !== 'held' || (i.validity !== 'valid' && i.validity !== 'untested')) continue;
        if (i.read === 'no' && !(token.source === 'wait' && other.source === 'wait')) continue;
        this.report({ kind: 'unseen', token: other, at: this.place(i.jump ? { span: i.jump } : other.call ?? call), again: call });
      }
      if (other.id !== token.id) out = new Map(out).set(id, GONE);
    }
    return out;
  }

  private consumed(call: Call, memory: Memory, states: CqeStates): CqeStates {
    const count = CQE_CONSUMERS.get(call.name);
    if (count === undefined) {
      const { all, sure } = call.args[1] ? this.pointed(call.args[1], memory) : { all: [], sure: false };
      if (!all.some((t) => t.source !== 'elsewhere' || states.has(t.id))) return this.fromElsewhere(call, memory, this.onRing(states, this.rings(call.args[0], memory), () => GONE));
      // whichever of several calls it was, none handed a cqe out
      const failed = (t: Token): boolean => isSingle(t.source) && states.has(t.id) && [...states.get(t.id)!.values()].every((i) => i.validity === 'failed' || i.validity === 'noted');
      if (all.length > 0 && all.every(failed) && all.every((t) => states.get(t.id)!.size > 0)) this.report({ kind: 'nothing', token: all[0]!, at: this.place(call) });
      return all.reduce<CqeStates>((s, t) => this.consume(t, call, sure, s), states);
    }
    const n = call.args[count];
    const value = n && this.flow.value(n, memory);
    const whole = value ? this.resultOf(value) : [];
    const fixed = value && constant(value);
    const rings = this.rings(call.args[0], memory);
    let out = states;
    for (const [id, before] of states) {
      const token = this.tokens.get(id)!;
      if (isGone(before) || !share(token.rings, rings)) continue;
      const all = token.source === 'batch' ? whole.includes(token) : fixed !== undefined && fixed > 0n && (token.source !== 'each' || this.isInside(call, token));
      out = all ? this.consume(token, call, true, out) : new Map(out).set(id, GONE);
    }
    return out;
  }
  private isInside(call: Call, token: Token): boolean {
    return token.call !== undefined && call.span.start > token.call.span.start;
  }

  /** A cqe that a call out of sight returned is followed from here on. */
  private fromElsewhere(call: Call, memory: Memory, states: CqeStates): CqeStates {
    const value = call.args[1] && this.flow.value(call.args[1], memory);
    const [atom] = value?.atoms.size === 1 && !value.unknown ? value.atoms.values() : [];
    if (atom?.kind !== 'call') return states;
    const token: Token = { id: elsewhere(atom), source: 'elsewhere', call: undefined, rings: this.rings(call.args[0], memory), targets: [], shared: true, object: `@${pathOf(atom)}*` };
    this.know(token);
    return new Map(states).set(token.id, items({ validity: 'valid', hold: 'seen', read: 'result', sign: 'tested', consumer: call }));
  }

  private consume(token: Token, call: Call, sure: boolean, states: CqeStates): CqeStates {
    const before = states.get(token.id);
    if (!before?.size || isGone(before)) return states;
    const list = [...before.values()];
    const batch = token.source === 'batch' && CQE_CONSUMERS.get(call.name) === undefined;
    const seen = list.find((i) => i.hold === 'seen' && i.validity !== 'failed' && i.validity !== 'noted');
    if (seen && sure && !batch && (token.source !== 'batch' || CQE_CONSUMERS.get(seen.consumer!.name) === undefined)) this.report({ kind: 'twice', token, at: this.place(call), first: seen.consumer! });
    if (token.source !== 'parameter' && token.source !== 'assumed' && list.every((i) => i.validity === 'untested')) {
      this.report({ kind: 'untested', token, at: this.place(call), mild: true, failed: false });
    }
    const unread = list.filter((i) => i.hold === 'held' && i.read !== 'result' && i.validity !== 'failed' && i.validity !== 'noted');
    if (unread.length && token.source !== 'parameter' && token.source !== 'batch') this.report({ kind: 'unread', token, at: this.place(call), looked: unread.some((i) => i.read === 'looked') });
    return new Map(states).set(token.id, mapItems(before, (i) => ({ validity: i.validity === 'untested' ? 'open' : i.validity, hold: 'seen', read: i.read, sign: i.sign, consumer: call })));
  }

  private apiCall(call: Call, memory: Memory, states: CqeStates): CqeStates {
    if (call.name === 'io_uring_queue_exit') return this.onRing(states, this.rings(call.args[0], memory), () => GONE);
    let out = states;
    const shape = PREPS.get(prepName(call.name) ?? '');
    for (const position of [shape?.fd, shape?.length]) if (position !== undefined && call.args[position]) out = this.asNumber(call.args[position], memory, out);
    for (const arg of call.args) {
      for (const t of this.pointed(arg, memory).all) out = this.used(t, arg, arg, /^io_uring_cqe_get_data/.test(call.name) ? 'looked' : 'result', out);
    }
    return out;
  }

  private onRing(states: CqeStates, rings: readonly string[], change: (all: Items) => Items): CqeStates {
    const out = new Map(states);
    for (const [id, all] of states) {
      const own = this.tokens.get(id)!.rings;
      if (!own.length || !rings.length || share(own, rings)) out.set(id, change(all));
    }
    return out;
  }

  private unknownCall(call: Call, memory: Memory, states: CqeStates): CqeStates {
    const number = call.args[NUMBER_ARGUMENTS.get(call.name) ?? Infinity];
    let out = number ? this.asNumber(number, memory, states) : states;
    if (call.args[0] && ON_DESCRIPTOR.test(call.name)) out = this.asNumber(call.args[0], memory, out);
    const guard = isGuard(call.name);
    const says = SAYS_ONLY.test(call.name) && !guard;
    for (const arg of call.args) {
      if (!says) out = this.looked(arg, guard ? 'valid' : 'open', memory, out);
      for (const t of this.pointed(arg, memory).all) {
        if (guard) {
          out = change(out, t, (i) => afterResult(i, 'valid'));
          continue;
        }
        if (call.name === 'free' || call.name === 'delete') continue;
        out = new Map(this.used(t, arg, arg, 'result', out)).set(t.id, GONE);
      }
      out = this.escapes(arg, memory, out);
    }
    // it may not come back where something failed
    if (!says) out = mapAll(out, (i) => (i.validity === 'failed' ? { ...i, validity: 'noted' } : i));
    if (says || isOutOfTheWay(call)) return out;
    const reached = call.args.flatMap((a) => pointees(this.flow.value(a, memory)));
    if (call.callee.kind === 'member') reached.push(...this.flow.keys(call.callee.object, memory), ...pointees(this.flow.value(call.callee.object, memory)));
    return this.lost(out, reached, MAY_CONSUME.test(call.name) || call.macro === true || this.program.defines(call.name));
  }
  /** Code out of sight got hold of this memory, and may consume what its rings hold. */
  private lost(states: CqeStates, reached: string[], consumes: boolean): CqeStates {
    const out = new Map(states);
    for (const id of states.keys()) {
      const { rings } = this.tokens.get(id)!;
      const inReach = rings.some((r) => reached.some((k) => within(r, k) || within(k, r)) || (consumes && (!rootOf(r).includes('~') || this.leaked.has(r))));
      if (inReach || (consumes && !rings.length)) out.set(id, GONE);
    }
    return out;
  }

  private projectCall(call: Call, callee: Func, memory: Memory, states: CqeStates): CqeStates {
    const inner = this.program.callEachOther(this.func, callee) ? undefined : cqeFlow(this.program, callee);
    if (!inner) {
      if (this.program.callEachOther(this.func, callee) || mayConsume(this.program, callee)) return this.unknownCall(call, memory, states);
      return this.passed(call, memory, states);
    }
    let out = this.passed(call, memory, states);
    if (mayConsume(this.program, callee)) {
      const own = new Set(call.args.flatMap((a) => this.pointed(a, memory).all.map((t) => t.id)));
      const reached = call.args.flatMap((a) => pointees(this.flow.value(a, memory)));
      for (const [id, s] of this.lost(out, reached, true)) if (!own.has(id)) out = new Map(out).set(id, s);
    }
    callee.params.forEach((p, i) => {
      const arg = call.args[i];
      if (arg) for (const t of this.pointed(arg, memory).all) out = this.throughParameter(t, inner, `=${p.id}`, i, arg, call, out);
    });
    return this.handedOut(call, callee, inner, memory, out);
  }
  /** Results handed to a function of the project. */
  private passed(call: Call, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const arg of call.args) {
      out = this.escapes(arg, memory, this.looked(arg, 'open', memory, out));
    }
    return out;
  }
  /** A call got the results of waits and of completions, or the addresses of what holds them. */
  private looked(arg: Expr, validity: 'valid' | 'open', memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const e of walk([arg])) {
      for (const t of this.waited(e, memory).all) out = change(out, t, (i) => afterResult(i, validity));
      for (const t of this.results(e, memory)) out = change(out, t, (i) => afterSign(i, 'tested'));
    }
    return out;
  }

  private throughParameter(token: Token, inner: CqeFlow, id: string, index: number, arg: Expr, call: Call, states: CqeStates): CqeStates {
    const ends = inner.ends.get(id);
    const list = ends && !isGone(ends) ? [...ends.values()] : [];
    let out = states;
    if (inner.usesUntested.has(index) || list.length === 0) out = this.used(token, arg, arg, list.some((i) => i.read !== 'no') && list.every((i) => i.read !== 'result') ? 'looked' : 'result', out);
    const held = list.every((i) => i.hold === 'held');
    if (!list.length || (!held && !list.every((i) => i.hold === 'seen'))) return new Map(out).set(token.id, GONE);
    const read = list.some((i) => i.read === 'result');
    if (read) out = change(out, token, (i) => ({ ...i, read: 'result', sign: 'tested' }));
    return held ? out : this.consume(token, call, true, out);
  }

  /** Cqes that a function of the project returns or puts where its caller sees them. */
  private handedOut(call: Call, callee: Func, inner: CqeFlow, memory: Memory, states: CqeStates): CqeStates {
    const summary = this.program.summaryFor(this.func, callee);
    if (!summary) return states;
    const known = new Set<string>();
    for (const value of [summary.returns, ...summary.stores.map(([, v]) => v)]) {
      for (const a of value.atoms.values()) if (a.kind === 'out' || (a.kind === 'call' && CQE_SOURCES.get(a.call.name) === 'each')) known.add(pathOf(a));
    }
    const result = new Set([...summary.returns.atoms.values()].filter((a) => a.kind === 'call').map(pathOf));
    let out = states;
    for (const [id, all] of inner.ends) {
      const token = inner.tokens.get(id)!;
      if (!known.has(id) || token.source === 'parameter') continue;
      const path = `${callNumber(call)}/${id}`;
      const list = [...all.values()];
      const valid = isGone(all) || !result.has(id) ? 'open' : list.every((i) => i.validity === 'valid') ? 'valid' : 'untested';
      const own = call.args.some((a) => a.kind === 'unary' && a.op === '&' && a.operand.kind === 'name' && this.isOwn(a.operand.id) && this.local(a.operand.id)!.type === 'io_uring_cqe');
      const here: Token = { ...token, id: path, call, targets: [], rings: token.rings.flatMap((r) => this.translated(r, call, callee, memory)), shared: !own, object: `@${callNumber(call)}/${token.object.slice(1)}` };
      this.know(here);
      out = new Map(this.before(here, call, out)).set(path, list.length && !isGone(all) && list.every((i) => i.hold === 'held') ? items({ validity: valid, ...FRESH }) : items({ validity: valid, hold: 'held', read: 'result', sign: 'tested' }));
    }
    return out;
  }
  private translated(key: string, call: Call, callee: Func, memory: Memory): string[] {
    const root = rootOf(key);
    if (!root.includes('~')) return [key];
    const arg = call.args[callee.params.findIndex((p) => p.id === root)];
    const rest = key.slice(root.length);
    return arg && rest.startsWith('*') ? pointees(this.flow.value(arg, memory)).map((k) => k + rest.slice(1)) : [];
  }

  // ---- branches and ends

  private along(edge: Edge, states: CqeStates, from: Block): CqeStates {
    let out = states;
    if (edge.jump && edge.jump.kind !== 'break') out = mapAll(out, (i) => (i.hold === 'held' ? { ...i, jump: edge.jump!.span } : i));
    const memory = edge.guard && this.ends.get(from.id);
    if (!edge.guard || !memory) return out;
    const { test, truth } = edge.guard;
    if (edge.kept) return this.compared(test, memory, out);
    const pointer = nullTest(test, truth, (e) => constant(this.flow.value(e, memory)) === 0n);
    const pointed = pointer && this.pointed(pointer.pointer, memory);
    for (const t of pointed?.all ?? []) {
      const outcome: Validity = pointer!.isNull ? (pointed!.sure ? 'failed' : 'open') : 'valid';
      out = change(out, t, (i) => afterResult(i, outcome));
    }
    const tested = operandOf(test);
    if (tested) {
      const waited = this.waited(tested.operand, memory);
      for (const t of waited.all) out = change(out, t, (i) => afterResult(i, this.outcome(t, tested, truth, waited.sure), waited.sure ? errorOf(test, truth) : undefined));
      for (const t of this.results(tested.operand, memory)) out = change(out, t, (i) => afterSign(i, signOf(tested, truth)));
    }
    for (const e of walk([test])) {
      if (e.kind === 'name' || e.kind === 'member') for (const t of this.results(e, memory)) out = change(out, t, (i) => (i.sign === 'unknown' ? { ...i, sign: 'tested' } : i));
      if (e !== bare(test)) for (const t of this.waited(e, memory).all) out = change(out, t, (i) => (i.validity === 'untested' ? { ...i, validity: 'open' } : i));
    }
    return this.byFlag(edge, out, memory);
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
      if (this.waited(e, memory).all.length || this.results(e, memory).length || this.pointed(e, memory).all.length) return states;
    }
    return allGone(states);
  }
  /** Tests that decide whether a cqe is given back, with the outcome that leads there; `both` where that is not plain. */
  private flags(): Map<Expr, boolean | 'both'> {
    return (this.flagTests ??= flagTests(this.func));
  }
  private flagTests: Map<Expr, boolean | 'both'> | undefined;

  /** The function ends with cqes in hand. */
  private leave(block: Block, states: CqeStates): void {
    if (this.func.name === 'main') return;
    const last = block.events.at(-1);
    for (const [id, all] of states) {
      const token = this.tokens.get(id)!;
      if (isGone(all) || token.shared || (token.source !== 'wait' && token.source !== 'peek' && token.source !== 'each')) continue;
      for (const i of all.values()) {
        if (i.hold !== 'held' || i.read !== 'result' || (i.validity !== 'valid' && i.validity !== 'untested')) continue;
        const at = i.jump ? { span: i.jump } : last?.kind === 'return' ? last : token.call;
        // behind its loop a count decides
        if (token.source === 'each' && !(at && this.loopOf(token).some((l) => l.start <= at.span.start && at.span.end <= l.end))) continue;
        if (at) this.report({ kind: 'unseen', token, at: this.place(at), again: undefined });
      }
    }
  }
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

/** Whether a function of the project may give cqes back, itself or through those it calls. */
function mayConsume(program: Program, func: Func): boolean {
  return program.memo.derived(func, 'consumes cqes', () => {
    if (program.mentions(func, /cqe_seen|cq_advance|khead|cq_?head/)) return true;
    for (const e of walkFunction(func)) {
      if (e.kind !== 'call') continue;
      const callee = program.callee(e);
      if (callee ? !program.callEachOther(func, callee) && mayConsume(program, callee) : !isOutOfTheWay(e) && MAY_CONSUME.test(e.name)) return true;
    }
    return false;
  });
}

/** `ret == -ETIME`: which error it is, or is not. */
function errorOf(test: Expr, truth: boolean): { name: string; is: boolean } | undefined {
  const e = bare(test);
  if (e.kind !== 'binary' || (e.op !== '==' && e.op !== '!=')) return undefined;
  for (const side of [bare(e.right), bare(e.left)]) {
    const name = side.kind === 'unary' && side.op === '-' ? bare(side.operand) : undefined;
    if (name?.kind === 'name' && /^E[A-Z]+$/.test(name.name)) return { name: name.name, is: (e.op === '==') === truth };
  }
  return undefined;
}
/** The head of the completion queue, which some move by hand. */
function namesHead(e: Expr): boolean {
  for (const x of walk([e])) if (x.kind === 'member' && /^(?:k|cq_?)?head$/.test(x.field)) return true;
  return false;
}
function isSingle(source: Token['source']): boolean {
  return source === 'wait' || source === 'peek' || source === 'assumed';
}
function elsewhere(a: Extract<Atom, { kind: 'call' }>): string {
  return `from ${pathOf(a)}`;
}
function pathOf(a: Extract<Atom, { call: Call }>): string {
  return [...a.via, a.call].map(callNumber).join('/');
}
function share(a: readonly string[], b: readonly string[]): boolean {
  return a.some((x) => b.includes(x));
}
function signOf(tested: Tested, truth: boolean): Sign {
  const { op, with: value } = tested;
  const negative = (op === '<' && value === 0n) || (op === '<=' && value === -1n);
  const positive = (op === '>=' && value === 0n) || (op === '>' && value === -1n);
  return negative || positive ? (negative === truth ? 'negative' : 'not negative') : 'tested';
}
function change(states: CqeStates, token: Token, to: (i: Item) => Item | undefined): CqeStates {
  const before = states.get(token.id);
  return before ? new Map(states).set(token.id, mapItems(before, to)) : states;
}
function mapAll(states: CqeStates, to: (i: Item) => Item | undefined): CqeStates {
  return states.size ? new Map([...states].map(([id, all]) => [id, mapItems(all, to)])) : states;
}
function allGone(states: CqeStates): CqeStates {
  return new Map([...states.keys()].map((id) => [id, GONE]));
}
