/** Cqes that are given back by a count: which loop counts them, and whether the count is right for the ring. */
import { CQE_CONSUMERS, CQE_SOURCES, SQE_SOURCES } from '../api/names';
import type { Event } from '../flow/cfg';
import type { Flow } from '../flow/program';
import { bare, callsIn, expressionsOf, statements, walk, walkFunction, type Call, type Expr, type Func, type Span, type Stmt } from '../model';
import type { View } from '../rules/rule';
import { placeOf } from '../source-file';
import { assignmentsTo } from './assignments';
import { loopsAround, type Loop } from './loops';
import { isOutOfTheWay } from './out-of-sight';
import { eventOf, wayTo } from './paths';
import { ringUses, setupFlag, surely } from './ring-setup';
import { lvalue } from './tested';

/** Loops that give each cqe back and count it, with an advance by that count behind them. */
export function* countedTwice(file: View, func: Func, flow: Flow): Generator<{ advance: Call; seen: Call; loop: Loop }> {
  const all = [...statements(func.body)];
  const loops = all.filter((s) => s.kind === 'loop');
  for (const advance of advances(func)) {
    const count = bare(advance.args[1]!);
    if (count.kind !== 'name') continue;
    const before = loops.filter((l) => l.span.end <= advance.span.start && innermost(loops, l.span) === innermost(loops, advance.span));
    const loop = before.sort((a, b) => b.span.end - a.span.end)[0];
    if (!loop) continue;
    const inside = [...walk(expressionsOf(loop))];
    const seen = inside.find((e): e is Call => e.kind === 'call' && e.name === 'io_uring_cqe_seen' && ringOf(file, func, e) === ringOf(file, func, advance));
    const counts = inside.filter((e) => counted(e)?.id === count.id);
    if (seen && counts.length && counts.some((c) => onOneWay(flow, loop, seen, c))) yield { advance, seen, loop };
  }
}
/** An advance by the number of all cqes there are, and behind it the first look at them, which are other ones by then. */
export function* advancedFirst(file: View, func: Func, flow: Flow): Generator<{ advance: Call; look: Call }> {
  for (const advance of advances(func)) {
    const [from, behind] = [wholeCount(file, func, flow, advance), eventOf(flow, advance)];
    const ring = ringOf(file, func, advance);
    const looks = (e: Event | undefined): boolean => e?.kind === 'call' && LOOKS.test(e.call.name) && ringOf(file, func, e.call) === ring && (e.call.name !== 'io_uring_for_each_cqe' || readsInTurn(func, e.call));
    const isAdvance = (e: Event): boolean => e === behind;
    if (!from || !behind || wayTo(flow, from, { goal: looks, stop: isAdvance })) continue;
    const look = wayTo(flow, behind, { goal: looks, stop: (e) => e.kind === 'call' && (ENTERS.test(e.call.name) || !isOutOfTheWay(e.call)) });
    if (typeof look === 'object' && look.kind === 'call') yield { advance, look: look.call };
  }
}
/** Calls that hand out cqes that are there already. */
const LOOKS = /^io_uring_(?:for_each_cqe|peek_cqe|peek_batch_cqe)$/;
/** Calls that may bring new ones. */
const ENTERS = /^io_uring_(?:submit|wait|get_events|enter|sqring_wait|register|queue)/;

/** Where the number that is advanced by was made, of all cqes there are: io_uring_cq_ready(), or a loop that only counts. */
function wholeCount(file: View, func: Func, flow: Flow, advance: Call): Event | undefined {
  const count = bare(advance.args[1]!);
  const made = count.kind === 'call' ? [count] : count.kind === 'name' ? assignmentsTo(func, count.id).filter((a) => a.op === '=').map((a) => a.value && bare(a.value)) : [];
  const ready = made.find((e) => e?.kind === 'call' && e.name === 'io_uring_cq_ready' && ringOf(file, func, e) === ringOf(file, func, advance));
  if (ready) return made.length === 1 ? eventOf(flow, ready) : undefined;
  if (count.kind !== 'name') return undefined;
  const loops = [...statements(func.body)].filter((s): s is Loop => s.kind === 'loop' && [...walk(expressionsOf(s))].some((e) => counted(e)?.id === count.id));
  const head = loops.length === 1 ? headOf(loops[0]!) : undefined;
  return head && !readsInTurn(func, head) && ringOf(file, func, head) === ringOf(file, func, advance) ? eventOf(flow, head) : undefined;
}
/** The call of the macro that a loop is. */
function headOf(loop: Loop): Call | undefined {
  const test = loop.form === 'each' && loop.test?.kind === 'assign' ? loop.test.value : undefined;
  return test?.kind === 'call' && test.name === 'io_uring_for_each_cqe' ? test : undefined;
}
/** The loop looks at its cqe. */
function readsInTurn(func: Func, head: Call): boolean {
  const loop = loopsAround(func, head.span).at(-1);
  const cqe = head.args[2] && lvalue(head.args[2]);
  return !loop || cqe === undefined || [...walk(loop.body.flatMap(expressionsOf))].some((e) => lvalue(e) === cqe);
}

/** An advance that takes every cqe of a ring with IORING_SETUP_CQE_MIXED for one slot, and where each is counted so. */
export function* oneSlotEach(file: View, func: Func): Generator<{ advance: Call; count: Expr }> {
  if (!advances(func).length || file.program.mentions(func, /io_uring_cqe_nr/)) return;
  const mixed = new Set(ringUses(file, func).filter((u) => surely(u.flags, setupFlag('CQE_MIXED'))).map((u) => u.call));
  for (const advance of advances(func)) {
    if (!mixed.has(advance)) continue;
    const count = bare(advance.args[1]!);
    if (count.kind === 'int' && count.value === 1n) {
      // which of two advances it is, the flag decides
      if (!file.program.mentions(func, /IORING_CQE_F_32/)) yield { advance, count };
    } else if (count.kind === 'name') {
      const steps = assignmentsTo(func, count.id).filter((a) => a.op !== '=');
      const [step] = steps;
      const one = step && (step.value === undefined || (step.value.kind === 'int' && step.value.value === 1n)) && step.op === '+';
      const loop = step && loopsAround(func, step.at.span).at(-1);
      if (steps.length === 1 && one && loop && loop.span.end <= advance.span.start && [...walk(expressionsOf(loop))].some((e) => e.kind === 'call' && LOOKS.test(e.name) && mixed.has(e))) yield { advance, count: step.at };
    }
  }
}
/**
 * Advances in a function that waits for completions and looks at the result of none: it is not handed one, or does no more with
 * those it is than to ask whose they are (`looked`). `source`: where the first comes from.
 */
export function advancedUnread(file: View, func: Func): { advance: Call; source: Call | undefined; looked: boolean }[] {
  const found = func.damaged || func.inner.length ? [] : advances(func);
  const calls = found.length ? callsIn(func) : [];
  if (!calls.some((c) => ENTERS.test(c.name) || LOOKS.test(c.name))) return [];
  const sources = calls.filter((c) => CQE_SOURCES.has(c.name));
  const uses = sources.map((c) => useOfCqes(func, c));
  if (uses.includes('other') || calls.some((c) => file.program.callee(c) !== undefined && file.program.mentions(file.program.callee(c)!, /cqe|\bcq_/))) return [];
  const advance = found.at(-1)!;
  // a function that queues to one ring may throw away what another hands out
  if (calls.some((c) => (SQE_SOURCES.has(c.name) || CQE_SOURCES.has(c.name)) && ringOf(file, func, c) !== ringOf(file, func, advance))) return [];
  return [{ advance, source: sources[0], looked: uses.includes('asked whose') }];
}
/** What a function does with the cqes that a call hands out in a variable of its own. */
function useOfCqes(func: Func, source: Call): 'none' | 'asked whose' | 'other' {
  const into = source.args[source.name === 'io_uring_for_each_cqe' ? 2 : 1];
  const variable = into && behindIndex(into);
  if (variable?.kind !== 'name' || !func.locals.has(variable.id) || func.params.some((p) => p.id === variable.id)) return 'other';
  const of = (e: Expr | undefined): Expr[] => {
    const name = e && behindIndex(e);
    return name?.kind === 'name' && name.id === variable.id ? [name] : [];
  };
  const fine = new Set<Expr>();
  let asked = false;
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && (CQE_SOURCES.has(e.name) || CQE_CONSUMERS.has(e.name))) e.args.flatMap(of).forEach((n) => fine.add(n));
    const asks = e.kind === 'call' && /^io_uring_cqe_get_data(?:64)?$/.test(e.name) ? of(e.args[0]) : e.kind === 'member' && e.field === 'user_data' ? of(e.object) : [];
    asks.forEach((n) => fine.add(n));
    asked ||= asks.length > 0;
    // the macro's own
    if (e.kind === 'assign' && bare(e.value) === source) of(e.target).forEach((n) => fine.add(n));
  }
  const other = [...walkFunction(func)].some((e) => e.kind === 'name' && e.id === variable.id && !fine.has(e));
  return other ? 'other' : asked ? 'asked whose' : 'none';
}
/** The variable of `&cqe`, `cqes[i]`, `&cqes[i]`. */
function behindIndex(e: Expr): Expr {
  const inner = bare(e);
  return inner.kind === 'index' ? behindIndex(inner.object) : inner.kind === 'unary' && (inner.op === '&' || inner.op === '*') ? behindIndex(inner.operand) : inner;
}

function advances(func: Func): Call[] {
  return callsIn(func).filter((c) => c.name === 'io_uring_cq_advance' && c.args.length === 2);
}

/** A count of all cqes for both rings, where buffers are added for those with IORING_CQE_F_BUFFER alone. */
export function* buffersOfSome(func: Func): Generator<{ advance: Call; add: Call }> {
  const all = [...statements(func.body)];
  const callsOf = (s: Stmt, name: string) => [...walk(expressionsOf(s))].filter((e): e is Call => e.kind === 'call' && e.name === name);
  for (const advance of all.flatMap((s) => (s.kind === 'expr' ? callsOf(s, 'io_uring_buf_ring_cq_advance') : []))) {
    const count = advance.args[2] && bare(advance.args[2]);
    const loop = all.filter((s) => s.kind === 'loop' && s.span.end <= advance.span.start).at(-1);
    if (count?.kind !== 'name' || loop?.kind !== 'loop') continue;
    const some = [...statements(loop.body)].find((s) => s.kind === 'if' && s.test && [...walk([s.test])].some((e) => e.kind === 'name' && e.name === 'IORING_CQE_F_BUFFER') && callsOf(s, 'io_uring_buf_ring_add').length > 0);
    const counts = [...walk(expressionsOf(loop))].filter((e) => counted(e)?.id === count.id);
    if (!some || !counts.length || counts.some((c) => some.span.start <= c.span.start && c.span.end <= some.span.end)) continue;
    // a cqe without a buffer does not get as far as the count
    if ([...statements(loop.body)].some((s) => s.kind === 'continue' || s.kind === 'goto' || s.kind === 'break')) continue;
    yield { advance, add: callsOf(some, 'io_uring_buf_ring_add')[0]! };
  }
}
function innermost(loops: Loop[], at: Span): Loop | undefined {
  return loops.filter((l) => l.span.start < at.start && at.end <= l.span.end && l.span.end - l.span.start > at.end - at.start).sort((a, b) => b.span.start - a.span.start)[0];
}
function ringOf(file: View, func: Func, call: Call): string {
  return call.args[0] ? file.source(placeOf(func, call.args[0])).replace(/^&|\s/g, '') : '';
}
/** The variable of `n++` and `n += …`. */
function counted(e: Expr): { id: string } | undefined {
  const target = e.kind === 'unary' && e.op === '++' ? bare(e.operand) : e.kind === 'assign' && e.op === '+' ? bare(e.target) : undefined;
  return target?.kind === 'name' ? target : undefined;
}

/** Whether both happen in one turn of the loop. */
function onOneWay(flow: Flow, loop: Loop, seen: Call, count: Expr): boolean {
  const blocks = flow.cfg.blocks;
  const isCount = (at: Expr) => at === count;
  const holder = (wanted: (e: Event) => boolean) => blocks.find((b) => b.events.some(wanted))?.id;
  const a = holder((e) => e.kind === 'call' && e.call === seen);
  const b = holder((e) => e.kind === 'store' && isCount(e.at));
  if (a === undefined || b === undefined) return false;
  // where a turn begins: the macro's head, or the block that decides on another turn
  const heads = new Set(blocks.filter((x) => x.events.some((e) => spanOfEvent(e) !== undefined && inHead(loop, spanOfEvent(e)!))).map((x) => x.id));
  return a === b || reaches(flow, a, b, heads) || reaches(flow, b, a, heads);
}
function spanOfEvent(e: Event): Span | undefined {
  return e.kind === 'call' ? e.call.span : e.kind === 'store' ? e.at.span : undefined;
}
function inHead(loop: Loop, span: Span): boolean {
  return loop.test !== undefined && loop.test.span.start <= span.start && span.end <= loop.test.span.end;
}
function reaches(flow: Flow, from: number, to: number, without: Set<number>): boolean {
  const seen = new Set<number>();
  const stack = [from];
  for (let id = stack.pop(); id !== undefined; id = stack.pop()) {
    for (const edge of flow.cfg.blocks[id]!.next) {
      if (edge.to === to) return true;
      if (seen.has(edge.to) || without.has(edge.to)) continue;
      seen.add(edge.to);
      stack.push(edge.to);
    }
  }
  return false;
}
