/** What calls do to cqes: hand them out, give them back, take them along; functions of the project by what they do. */
import { CQE_CONSUMERS, CQE_SOURCES, isGuard, type CqeSource } from '../api/names';
import { pointees, rootOf, within, type Memory } from '../flow/memory';
import type { Flow, Program } from '../flow/program';
import { callNumber, constant } from '../flow/value';
import { bare, walk, walkFunction, type Call, type Expr, type Func } from '../model';
import type { CqeFlow } from './cqe';
import { afterResult, allGone, change, GONE, isGone, items, mapAll, mapItems, type CqeStates, type Item, type Items, type Token, type Validity } from './cqe-state';
import { elsewhere, isSingle, pathOf, type CqeTokens } from './cqe-tokens';
import type { Troubles } from './cqe-trouble';
import { NUMBER_ARGUMENTS, ON_DESCRIPTOR, type CqeUses } from './cqe-uses';
import { saysAndEnds } from './macro-code';
import { isOutOfTheWay } from './out-of-sight';
import { sqeFlow } from './sqe';
import { PREPS, prepName } from './sqe-preps';
import { share, type Prep } from './sqe-events';

/** Words of functions that may give completions back where nobody sees it. */
const MAY_CONSUME = /seen|advance|reap|drain|consum|complet|cqe|\bcq_|finish|release|done|dispose|pop|context|resume|yield/i;
/** Those that say so. */
const SAYS_IT_CONSUMES = /seen|advance|reap|drain|consum|cqe|\bcq_/i;
/** Of the guards, those that do nothing but ask. */
const ASKS_ONLY = /[Aa]ssert|bug_on|abort_if|not_?null|^[A-Z][A-Z0-9_]+$/;
/** Functions that only say something. */
const SAYS_ONLY = /^(?:v?[fsd]?n?printf|f?puts|perror|syslog|strerror\w*)$|^(?!.*(?:fatal|die|panic|abort|exit|fail|throw)).*(?:log|print|trace|debug|warn|dump)/i;
/** A cqe that was just handed out. */
export const FRESH: Omit<Item, 'validity'> = { hold: 'held', read: 'no', sign: 'unknown' };

export class CqeCalls {
  private readonly func: Func;

  /** `leaked`: memory whose address is kept where others find it; `inner`: the cqes of a function that is called. */
  constructor(
    private readonly program: Program, private readonly flow: Flow, private readonly tokens: CqeTokens, private readonly uses: CqeUses, private readonly troubles: Troubles,
    private readonly leaked: ReadonlySet<string>, private readonly inner: (callee: Func) => CqeFlow | undefined,
  ) {
    this.func = flow.func;
  }

  call(call: Call, memory: Memory, states: CqeStates): CqeStates {
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

  private obtained(call: Call, source: CqeSource, memory: Memory, states: CqeStates): CqeStates {
    const rings = this.tokens.rings(call.args[0], memory);
    const into = call.args[source === 'each' ? 2 : 1];
    const target = into && bare(into);
    const variable = source === 'each' ? target : target?.kind === 'unary' && target.op === '&' ? bare(target.operand) : target;
    const own = variable?.kind === 'name' && this.func.locals.has(variable.id) && !this.func.locals.get(variable.id)!.static && !this.func.params.some((p) => p.id === variable.id);
    const path = `${callNumber(call)}`;
    const targets = source === 'each' ? [] : this.tokens.rings(into, memory);
    const token: Token = { id: path, source, call, rings, targets, shared: !own, object: source === 'each' ? `@${path}*` : `@${path}/1*`, element: variable?.kind === 'index' || (target?.kind === 'name' && this.tokens.local(target.id)?.array === true) };
    this.tokens.know(token);
    const out = this.before(token, call, states);
    const single = isSingle(source);
    const validity: Validity = single ? 'untested' : 'valid';
    return new Map(out).set(path, items({ validity, ...FRESH }));
  }
  /** What was handed out before and is held still, when the ring is asked for more. */
  private before(token: Token, call: Call, states: CqeStates): CqeStates {
    let out = states;
    for (const [id, all] of states) {
      const other = this.tokens.byId.get(id)!;
      // a function with several waits hands out by one of them
      if (isGone(all) || (other.call === token.call && other.id !== token.id)) continue;
      if (!share(other.rings, token.rings)) {
        // nothing points to the other any more
        if (other.id !== token.id && share(other.targets, token.targets)) out = without(out, id);
        continue;
      }
      if (isSingle(token.source) && (other.source === 'batch' || other.source === 'each' || other.source === 'parameter')) continue;
      // of a batch it is the first
      if (isSingle(token.source)) for (const i of all.values()) {
        if (i.hold !== 'held' || (i.validity !== 'valid' && i.validity !== 'untested')) continue;
        if (i.read === 'no' && !(token.source === 'wait' && other.source === 'wait')) continue;
        this.troubles.report({ kind: 'unseen', token: other, at: this.troubles.place(i.jump ? { span: i.jump } : other.call ?? call), again: call });
      }
      // the variable is another's from here on; what is known where the other call was made stays known there
      if (other.id !== token.id) out = share(other.targets, token.targets) ? without(out, id) : new Map(out).set(id, GONE);
    }
    return out;
  }

  private consumed(call: Call, memory: Memory, states: CqeStates): CqeStates {
    const count = CQE_CONSUMERS.get(call.name);
    if (count === undefined) {
      const { all, sure } = call.args[1] ? this.tokens.pointed(call.args[1], memory) : { all: [], sure: false };
      if (!all.some((t) => t.source !== 'elsewhere' || states.has(t.id))) return this.fromElsewhere(call, memory, this.onRing(states, this.tokens.rings(call.args[0], memory), () => GONE));
      // whichever of several calls it was, none handed a cqe out
      const failed = (t: Token): boolean => isSingle(t.source) && states.has(t.id) && [...states.get(t.id)!.values()].every((i) => i.validity === 'failed' || i.validity === 'noted');
      if (all.length > 0 && all.every(failed) && all.every((t) => states.get(t.id)!.size > 0)) this.troubles.report({ kind: 'nothing', token: all[0]!, at: this.troubles.place(call) });
      return all.reduce<CqeStates>((s, t) => this.uses.consume(t, call, sure, s), states);
    }
    const n = call.args[count];
    const value = n && this.flow.value(n, memory);
    const whole = value ? this.tokens.resultOf(value) : [];
    const fixed = value && constant(value);
    const rings = this.tokens.rings(call.args[0], memory);
    let out = states;
    for (const [id, before] of states) {
      const token = this.tokens.byId.get(id)!;
      if (isGone(before) || !share(token.rings, rings)) continue;
      const all = token.source === 'batch' ? whole.includes(token) : fixed !== undefined && fixed > 0n && (token.source !== 'each' || this.isInside(call, token));
      out = all ? this.uses.consume(token, call, true, out) : new Map(out).set(id, GONE);
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
    const token: Token = { id: elsewhere(atom), source: 'elsewhere', call: undefined, rings: this.tokens.rings(call.args[0], memory), targets: [], shared: true, object: `@${pathOf(atom)}*` };
    this.tokens.know(token);
    return new Map(states).set(token.id, items({ validity: 'valid', hold: 'seen', read: 'result', sign: 'tested', consumer: call }));
  }

  private apiCall(call: Call, memory: Memory, states: CqeStates): CqeStates {
    // the memory of its cqes goes with the ring
    if (call.name === 'io_uring_queue_exit') {
      const held = (i: Item): boolean => i.hold === 'held' && i.validity === 'valid';
      return this.onRing(states, this.tokens.rings(call.args[0], memory), (all) => ([...all.values()].every(held) ? mapItems(all, (i) => ({ ...i, hold: 'seen', read: 'result', consumer: call })) : GONE));
    }
    let out = states;
    const shape = PREPS.get(prepName(call.name) ?? '');
    for (const position of [shape?.fd, shape?.length]) if (position !== undefined && call.args[position]) out = this.uses.asNumber(call.args[position], memory, out);
    for (const arg of call.args) {
      for (const t of this.tokens.pointed(arg, memory).all) out = this.uses.used(t, arg, arg, /^io_uring_cqe_get_data/.test(call.name) ? 'looked' : 'result', out);
    }
    return out;
  }

  private onRing(states: CqeStates, rings: readonly string[], change: (all: Items) => Items): CqeStates {
    const out = new Map(states);
    for (const [id, all] of states) {
      const own = this.tokens.byId.get(id)!.rings;
      if (!own.length || !rings.length || share(own, rings)) out.set(id, change(all));
    }
    return out;
  }

  private unknownCall(call: Call, memory: Memory, states: CqeStates): CqeStates {
    const number = call.args[NUMBER_ARGUMENTS.get(call.name) ?? Infinity];
    let out = number ? this.uses.asNumber(number, memory, states) : states;
    if (call.args[0] && ON_DESCRIPTOR.test(call.name)) out = this.uses.asNumber(call.args[0], memory, out);
    const guard = isGuard(call.name);
    const says = SAYS_ONLY.test(call.name) && !guard;
    for (const arg of call.args) {
      if (!says) out = this.uses.looked(arg, guard ? 'valid' : 'open', memory, out, call);
      for (const t of this.tokens.pointed(arg, memory).all) {
        if (guard) {
          out = change(out, t, (i) => afterResult(i, 'valid'));
          // `check_task(cqe);` may do more than ask, which `assert(cqe);` does not
          if (arg.kind === 'name' && !call.macro && !ASKS_ONLY.test(call.name)) out = new Map(out).set(t.id, GONE);
          continue;
        }
        if (call.name === 'free' || call.name === 'delete') continue;
        out = new Map(this.uses.used(t, arg, arg, 'result', out)).set(t.id, GONE);
      }
      out = this.uses.escapes(arg, memory, out);
    }
    // it may not come back where something failed
    if (!says) out = mapAll(out, (i) => (i.validity === 'failed' ? { ...i, validity: 'noted' } : i));
    if (says || isOutOfTheWay(call)) return out;
    const reached = call.args.flatMap((a) => pointees(this.flow.value(a, memory)));
    if (call.callee.kind === 'member') reached.push(...this.flow.keys(call.callee.object, memory), ...pointees(this.flow.value(call.callee.object, memory)));
    const hidden = !saysAndEnds(this.program, call) && (call.macro === true || this.program.defines(call.name));
    const consumes = MAY_CONSUME.test(call.name) && (SAYS_IT_CONSUMES.test(call.name) || !this.givesBack());
    return this.lost(out, reached, consumes || hidden);
  }
  /** The function gives its cqes back itself: `complete(request)` does not do it for it. */
  private givesBack(): boolean {
    return (this.seesItself ??= walkFunction(this.func).some((e) => e.kind === 'call' && e.name === 'io_uring_cqe_seen'));
  }
  private seesItself: boolean | undefined;
  /** Code out of sight got hold of this memory, and may consume what its rings hold. */
  private lost(states: CqeStates, reached: string[], consumes: boolean): CqeStates {
    const out = new Map(states);
    for (const [id, all] of states) {
      const { rings, shared, source } = this.tokens.byId.get(id)!;
      // what was given back already, and whose variable nobody else has, stays as it is
      if (!shared && isSingle(source) && all.size > 0 && [...all.values()].every((i) => i.hold === 'seen')) continue;
      const inReach = rings.some((r) => reached.some((k) => within(r, k) || within(k, r)) || (consumes && (!rootOf(r).includes('~') || this.leaked.has(r))));
      if (inReach || (consumes && !rings.length)) out.set(id, GONE);
    }
    return out;
  }

  private projectCall(call: Call, callee: Func, memory: Memory, before: CqeStates): CqeStates {
    const states = this.asNumbers(call, callee, memory, before);
    const inner = this.program.callEachOther(this.func, callee) ? undefined : this.inner(callee);
    if (!inner) {
      if (this.program.callEachOther(this.func, callee) || mayConsume(this.program, callee)) return this.unknownCall(call, memory, states);
      return this.passed(call, memory, states);
    }
    let out = this.passed(call, memory, states);
    if (mayConsume(this.program, callee)) {
      const own = new Set(call.args.flatMap((a) => this.tokens.pointed(a, memory).all.map((t) => t.id)));
      const reached = call.args.flatMap((a) => pointees(this.flow.value(a, memory)));
      for (const [id, s] of this.lost(out, reached, true)) if (!own.has(id)) out = new Map(out).set(id, s);
    }
    callee.params.forEach((p, i) => {
      const arg = call.args[i];
      if (arg) for (const t of this.tokens.pointed(arg, memory).all) out = this.throughParameter(t, inner, `=${p.id}`, i, arg, call, out);
    });
    return this.handedOut(call, callee, inner, memory, out);
  }
  /** Results that a function of the project takes for descriptors or lengths, as they are. */
  private asNumbers(call: Call, callee: Func, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const i of numbersOf(this.program, callee)) if (call.args[i]) out = this.uses.asNumber(call.args[i], memory, out);
    return out;
  }
  /** Results handed to a function of the project. */
  private passed(call: Call, memory: Memory, states: CqeStates): CqeStates {
    let out = states;
    for (const arg of call.args) {
      out = this.uses.escapes(arg, memory, this.uses.looked(arg, 'open', memory, out, call));
    }
    return out;
  }
  private throughParameter(token: Token, inner: CqeFlow, id: string, index: number, arg: Expr, call: Call, states: CqeStates): CqeStates {
    const ends = inner.ends.get(id);
    const list = ends && !isGone(ends) ? [...ends.values()] : [];
    let out = states;
    if (inner.usesUntested.has(index) || list.length === 0) out = this.uses.used(token, arg, arg, list.some((i) => i.read !== 'no') && list.every((i) => i.read !== 'result') ? 'looked' : 'result', out);
    const held = list.every((i) => i.hold === 'held');
    if (!list.length || (!held && !list.every((i) => i.hold === 'seen'))) return new Map(out).set(token.id, GONE);
    const read = list.some((i) => i.read === 'result');
    if (read) out = change(out, token, (i) => ({ ...i, read: 'result', sign: 'tested' }));
    return held ? out : this.uses.consume(token, call, true, out);
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
    const numbers = new Set([summary.returns, ...summary.stores.map(([, v]) => v)].flatMap((v) => [...v.atoms.values()].flatMap((a) => (a.kind === 'initial' ? [a.key] : []))));
    let out = states;
    for (const [id, all] of inner.ends) {
      const token = inner.tokens.get(id)!;
      if (token.source === 'parameter') continue;
      if (!known.has(id)) {
        out = this.resultOnly(call, token, all, numbers, out);
        continue;
      }
      const path = `${callNumber(call)}/${id}`;
      const list = [...all.values()];
      const valid = isGone(all) || !result.has(id) ? 'open' : list.every((i) => i.validity === 'valid') ? 'valid' : 'untested';
      const own = call.args.some((a) => a.kind === 'unary' && a.op === '&' && a.operand.kind === 'name' && this.tokens.isOwn(a.operand.id) && this.tokens.local(a.operand.id)!.type === 'io_uring_cqe');
      const here: Token = { ...token, id: path, call, targets: [], rings: token.rings.flatMap((r) => this.translated(r, call, callee, memory)), shared: !own, object: `@${callNumber(call)}/${token.object.slice(1)}` };
      this.tokens.know(here);
      out = new Map(this.before(here, call, out)).set(path, list.length && !isGone(all) && list.every((i) => i.hold === 'held') ? items({ validity: valid, ...FRESH }) : items({ validity: valid, hold: 'held', read: 'result', sign: 'tested' }));
    }
    return out;
  }
  /** The cqe stays in there, or was given back, and its result comes out, as far as is known untested. */
  private resultOnly(call: Call, token: Token, all: Items, numbers: ReadonlySet<string>, states: CqeStates): CqeStates {
    const found = [...all.values()].filter((i) => i.validity !== 'failed' && i.validity !== 'noted');
    if (!numbers.has(`${token.object}.res`) || isGone(all) || !found.length || found.some((i) => i.sign !== 'unknown')) return states;
    const here: Token = { id: `result of ${callNumber(call)}/${token.id}`, source: 'elsewhere', call, rings: [], targets: [], shared: true, object: `@${callNumber(call)}/${token.object.slice(1)}` };
    this.tokens.know(here);
    return new Map(states).set(here.id, items({ validity: 'valid', hold: 'held', read: 'result', sign: 'unknown' }));
  }
  private translated(key: string, call: Call, callee: Func, memory: Memory): string[] {
    const root = rootOf(key);
    const of = this.program.objectOf(call, callee, key);
    if (of) return (of.deref ? pointees(this.flow.value(of.object, memory)) : this.flow.keys(of.object, memory)).map((k) => `${k}.${key}`);
    if (!root.includes('~')) return [key];
    const arg = call.args[callee.params.findIndex((p) => p.id === root)];
    const rest = key.slice(root.length);
    return arg && rest.startsWith('*') ? pointees(this.flow.value(arg, memory)).map((k) => k + rest.slice(1)) : [];
  }
}

function without(states: CqeStates, id: string): CqeStates {
  return new Map([...states].filter(([other]) => other !== id));
}

/** Parameters that are descriptors and lengths of requests which a function prepares, and that it never asks about. */
function numbersOf(program: Program, func: Func): readonly number[] {
  return program.memo.derived(func, 'parameters that are numbers of requests', () => {
    const flow = program.mentions(func, /io_uring_prep_/) ? sqeFlow(program, func) : undefined;
    if (!flow) return [];
    const asked = new Set([...walkFunction(func)].flatMap((e) => (e.kind === 'binary' || e.kind === 'conditional' || (e.kind === 'unary' && e.op === '!') ? [...walk([e])].flatMap((x) => (x.kind === 'name' ? [x.id] : [])) : [])));
    const isLength = (e: Prep, id: string): boolean => {
      const length = e.shape?.length === undefined ? undefined : e.args[e.shape.length];
      const inner = length && bare(length);
      return inner?.kind === 'name' && inner.id === id;
    };
    return func.params.flatMap((p, i) => (!p.pointer && !asked.has(p.id) && flow.of('prep').some((e) => e.fds.includes(`=${p.id}`) || isLength(e, p.id)) ? [i] : []));
  }, (a, b) => a.join() === b.join());
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

/** The head of the completion queue, which some move by hand. */
export function namesHead(e: Expr): boolean {
  for (const x of walk([e])) if (x.kind === 'member' && /^(?:k|cq_?)?head$/.test(x.field)) return true;
  return false;
}
