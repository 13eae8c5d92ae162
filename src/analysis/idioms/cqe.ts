/**
 * What a function does with cqes: which call hands one out, whether that is known to have succeeded, what is read of it, and
 * where it is given back to the ring. Functions of the project that are called count by what they do.
 */
import type { Block, Event } from '../flow/cfg';
import { CQE_CONSUMERS } from '../api/names';
import { solve } from '../flow/dataflow';
import { rootOf, type Memory } from '../flow/memory';
import { nullTest } from '../flow/typestate';
import type { Flow, Program } from '../flow/program';
import { bare, callsIn, expressionsOf, isWithin, statements, walk, walkFunction, type Expr, type Func, type Local, type Span } from '../model';
import { CqeBranches } from './cqe-branches';
import { CqeCalls, FRESH, namesHead } from './cqe-calls';
import { afterResult, allGone, change, equalCqeStates, isGone, items, joinCqeStates, mapAll, type CqeStates, type Item, type Items, type Token } from './cqe-state';
import { CqeTokens } from './cqe-tokens';
import { Troubles, type Trouble } from './cqe-trouble';
import { CqeUses, UNSIGNED } from './cqe-uses';
import { isNull } from './tested';

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
    if (!program.mentions(func, /cqe|io_uring_submit_and_wait|(?:->|\.)\s*res\b/) && !asksForResults(program, func)) return undefined;
    const flow = program.flow(func);
    return flow && new Analysis(program, flow).run();
  });
}

/** Whether a function calls one of the project that works with cqes itself, and may get the result of one from it. */
function asksForResults(program: Program, func: Func): boolean {
  return callsIn(func).some((c) => {
    const callee = program.callee(c);
    return callee !== undefined && !program.callEachOther(func, callee) && program.mentions(callee, /cqe/) && program.mentions(callee, /(?:->|\.)\s*res\b/);
  });
}

class Analysis {
  private readonly memories = new Map<Event, Memory>();
  private readonly ends = new Map<number, Memory>();
  private readonly func: Func;
  private readonly tokens: CqeTokens;
  private readonly troubles: Troubles;
  private readonly uses: CqeUses;
  private readonly calls: CqeCalls;
  private readonly branches: CqeBranches;

  constructor(private readonly program: Program, private readonly flow: Flow) {
    this.func = flow.func;
    this.tokens = new CqeTokens(flow);
    this.troubles = new Troubles(flow.func);
    this.uses = new CqeUses(flow, this.tokens, this.troubles);
    this.branches = new CqeBranches(flow, this.tokens, this.uses);
    const leaked = new Set<string>();
    const leak = (e: Expr, memory: Memory): void => {
      for (const a of flow.value(e, memory).atoms.values()) if (a.kind === 'address') leaked.add(a.key);
    };
    flow.replay((event, memory) => {
      this.memories.set(event, memory);
      if (event.kind === 'call' && !event.call.name.startsWith('io_uring_')) for (const arg of event.call.args) leak(arg, memory);
      if (event.kind !== 'store' || !event.value || flow.keys(event.target, memory).every((k) => this.tokens.isOwn(k) && k === rootOf(k))) return;
      leak(event.value, memory);
    });
    this.calls = new CqeCalls(program, flow, this.tokens, this.uses, this.troubles, leaked, (callee) => cqeFlow(program, callee));
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
      this.tokens.know(token);
      start.set(token.id, items({ validity: 'untested', ...FRESH }));
    });
    const entries = solve<CqeStates>(this.flow.cfg, {
      start, step: (e, s) => this.step(e, s), along: (e, s, from) => this.branches.along(e, s, this.ends.get(from.id)), join: joinCqeStates, equal: equalCqeStates,
    });
    if (!entries) return undefined;
    this.troubles.reporting = true;
    const given: { block: Block; states: CqeStates }[] = [];
    let ends: CqeStates = new Map();
    for (const [id, entry] of entries) {
      const block = this.flow.cfg.blocks[id]!;
      const out = block.events.reduce<CqeStates>((s, e) => this.step(e, s), entry);
      if (block.throws && this.func.name !== this.func.owner.replace(/^.*::/, '')) this.leave(block, out);
      if (!block.next.some((e) => e.to === this.flow.cfg.exit)) continue;
      ends = joinCqeStates(ends, out);
      this.leave(block, out);
      given.push({ block, states: out });
    }
    for (const token of this.tokens.byId.values()) {
      if (token.source === 'parameter') this.forgotten(token, given);
      else this.leftForNull(token, given);
    }
    return { troubles: this.troubles.all, ends, tokens: this.tokens.byId, usesUntested: this.uses.usesUntested };
  }

  private step(event: Event, states: CqeStates): CqeStates {
    const memory = this.memories.get(event);
    if (!memory) return states;
    switch (event.kind) {
      case 'deref': return this.deref(event.pointer, event.at, memory, states);
      case 'compare': return this.uses.compared(event.test, memory, states);
      case 'streamed': return states;
      case 'call': return this.calls.call(event.call, memory, states);
      case 'declare': return event.init ? this.stored(event.local, undefined, '=', event.init, memory, states) : states;
      case 'store': return event.value ? this.stored(undefined, event.target, event.op, event.value, memory, states) : this.stepsOn(event) ? this.nextElement(states) : states;
      case 'return': return event.value ? this.uses.given(event.value, memory, this.uses.escapes(event.value, memory, states)) : states;
    }
  }

  /** Reading through a pointer. */
  private deref(pointer: Expr, at: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    const { all } = this.tokens.pointed(pointer, memory);
    const field = at.kind === 'member' ? at.field : undefined;
    const late = all.every((t) => [...states.get(t.id)?.values() ?? []].some((i) => i.hold === 'seen'));
    for (const token of all) out = this.uses.used(token, at, pointer, field === 'res' || field === undefined ? 'result' : field === 'flags' ? 'result' : 'looked', out, late);
    if (at.kind === 'index' && at.index) out = this.uses.asNumber(at.index, memory, out);
    return out;
  }

  private stored(local: Local | undefined, target: Expr | undefined, op: string, value: Expr, memory: Memory, states: CqeStates): CqeStates {
    let out = this.chosen(value, mapAll(states, (i) => (i.validity === 'failed' ? { ...i, validity: 'noted' } : i)));
    if (target && namesHead(target)) return allGone(out);
    if (op !== '=') {
      for (const t of this.tokens.waited(value, memory).all) out = change(out, t, (i) => afterResult(i, 'open'));
      if (op === '+' || op === '-') out = this.uses.asNumber(value, memory, out);
    } else {
      const keys = target ? this.flow.keys(target, memory) : local ? [local.id] : [];
      const kept = target ? keys.length > 0 && keys.every((k) => this.tokens.isOwn(k)) : local !== undefined && !local.static;
      if (this.isOnlyElement(value)) for (const t of this.tokens.pointed(value, memory).all) if (t.source === 'batch') out = change(out, t, (i) => ({ ...i, sign: 'unknown' }));
      // an object made from a cqe may give it back when it goes
      const object = local !== undefined && !local.pointer && !local.reference && !/auto|^(?:u?int|long|bool|size_t|unsigned|signed|__)/.test(local.type);
      if (!kept || object) out = this.uses.given(value, memory, out);
      const field = target && bare(target);
      if (field?.kind === 'member' && field.field === 'iov_len') out = this.uses.asNumber(value, memory, out);
      const holder = local ?? (target && bare(target).kind === 'name' ? this.tokens.local((bare(target) as Extract<Expr, { kind: 'name' }>).id) : undefined);
      if (holder && !holder.pointer && UNSIGNED.test(holder.type) && holder.type !== 'ssize_t' && !this.uses.isComparedLater(holder)) out = this.uses.asNumber(value, memory, out);
    }
    return this.uses.escapes(value, memory, out);
  }

  /** `i++` in the head of a loop that takes elements by that index. */
  private stepsOn({ at }: Extract<Event, { kind: 'store' }>): boolean {
    return this.loopSteps().has(at);
  }
  /** Elements of a batch are other ones from here on; where every turn asks about its own, all have been asked about behind the loop. */
  private nextElement(states: CqeStates): CqeStates {
    let out = states;
    for (const [id, all] of states) {
      const token = this.tokens.byId.get(id)!;
      if (token.source === 'batch' && [...all.values()].some((i) => i.sign === 'unknown')) out = change(out, token, (i) => ({ ...i, sign: 'unknown' }));
    }
    return out;
  }
  private steps: Set<Expr> | undefined;
  private loopSteps(): ReadonlySet<Expr> {
    if (this.steps) return this.steps;
    this.steps = new Set();
    for (const s of statements(this.func.body)) {
      const update = s.kind === 'loop' && s.form === 'for' && s.update ? bare(s.update) : undefined;
      const stepped = update?.kind === 'unary' && update.op === '++' ? bare(update.operand) : undefined;
      if (s.kind !== 'loop' || !update || stepped?.kind !== 'name') continue;
      const takes = [...walk(expressionsOf(s))].some((e) => e.kind === 'index' && e.index !== undefined && bare(e.index).kind === 'name' && (bare(e.index) as { id?: string }).id === stepped.id);
      if (takes) this.steps.add(update);
    }
    return this.steps;
  }

  /** `r = more ? io_uring_peek_cqe(ring, &cqe) : -EAGAIN`: where there was no look, the result tells, and nobody reads the old cqe. */
  private chosen(value: Expr, states: CqeStates): CqeStates {
    const e = bare(value);
    if (e.kind !== 'conditional') return states;
    const looks = [e.then, e.otherwise].map((x) => [...walk([x])].find((c) => c.kind === 'call' && /^io_uring_(?:peek|wait)_cqe/.test(c.name)));
    if (looks.filter((l) => l !== undefined).length !== 1) return states;
    const call = looks.find((l) => l !== undefined);
    const targets = [...this.tokens.byId.values()].filter((t) => t.call === call).flatMap((t) => t.targets);
    let out = states;
    for (const t of this.tokens.byId.values()) if (t.targets.some((x) => targets.includes(x))) out = change(out, t, (i) => (i.hold === 'seen' ? undefined : i));
    return out;
  }

  /** `cqe = cqes[i];`, the only place where the function takes a cqe out of the batch: the next one is another. */
  private isOnlyElement(value: Expr): boolean {
    const element = bare(value);
    const array = element.kind === 'index' ? bare(element.object) : undefined;
    if (array?.kind !== 'name') return false;
    return [...walkFunction(this.func)].filter((e) => e.kind === 'index' && bare(e.object).kind === 'name' && (bare(e.object) as { id?: string }).id === array.id).length === 1;
  }

  /** The function ends with cqes in hand. */
  private leave(block: Block, states: CqeStates): void {
    if (this.func.name === 'main') return;
    const last = block.events.at(-1);
    for (const [id, all] of states) {
      const token = this.tokens.byId.get(id)!;
      if (isGone(all) || token.shared || (token.source !== 'wait' && token.source !== 'peek' && token.source !== 'each')) continue;
      for (const i of all.values()) {
        if (i.hold !== 'held' || i.read !== 'result' || (i.validity !== 'valid' && i.validity !== 'untested')) continue;
        const at = block.throws ? { span: block.throws } : i.jump ? { span: i.jump } : last?.kind === 'return' ? last : token.call;
        // behind its loop a count decides
        if (token.source === 'each' && !(at && this.loopOf(token).some((l) => l.start <= at.span.start && at.span.end <= l.end))) continue;
        if (at) this.troubles.report({ kind: 'unseen', token, at: this.troubles.place(at), again: undefined });
      }
    }
  }
  /** `if (!request) return;` with the cqe in hand, in a function that gives it back on its other ways. */
  private leftForNull(token: Token, ends: readonly { block: Block; states: CqeStates }[]): void {
    if (token.shared || (token.source !== 'wait' && token.source !== 'peek')) return;
    const of = (states: CqeStates): Item[] => [...states.get(token.id)?.values() ?? []];
    if (!ends.some(({ states }) => of(states).some((i) => i.hold === 'seen' && i.consumer?.name === 'io_uring_cqe_seen'))) return;
    for (const { block, states } of ends) {
      const at = block.events.at(-1);
      const all = of(states);
      if (at?.kind !== 'return' || !all.length || !all.every((i) => i.hold === 'held' && i.read === 'looked' && i.validity === 'valid')) continue;
      const around = [...statements(this.func.body)].filter((s) => s.kind === 'if' && isWithin(at.span, s.span)).at(-1);
      const test = around?.kind === 'if' && around.test && nullTest(around.test, true, isNull);
      if (test && test.isNull) this.troubles.report({ kind: 'unseen', token, at: this.troubles.place(at), again: undefined });
    }
  }
  /** A cqe that was handed in is given back on all ways but this one, and no caller gives any back. */
  private forgotten(token: Token, ends: readonly { block: Block; states: CqeStates }[]): void {
    const last = ends.map(({ block, states }) => ({ at: block.events.at(-1), all: [...states.get(token.id)?.values() ?? []] }));
    const seen = this.func.body.some((s) => s.kind === 'expr' && s.expr.kind === 'call' && CQE_CONSUMERS.has(s.expr.name) && s.expr.args.some((a) => a.kind === 'name' && `=${a.id}` === token.id));
    if (!seen) return;
    const users = this.program.users(this.func);
    if (!users.length || users.some((f) => this.program.mentions(f, /cqe_?seen|cq_?advance|consume|release|ack/i))) return;
    for (const { at, all } of last) {
      if (at?.kind === 'return' && all.length > 0 && all.every((i) => i.hold === 'held' && i.read !== 'no')) this.troubles.report({ kind: 'unseen', token, at: this.troubles.place(at), again: undefined });
    }
  }
  /** The loop macro that hands a cqe out. */
  private loopOf(token: Token): Span[] {
    return [...statements(this.func.body)].filter((s) => s.kind === 'loop' && s.form === 'each' && s.test?.kind === 'assign' && s.test.value === token.call).map((s) => s.span);
  }
}
