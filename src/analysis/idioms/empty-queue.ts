/** What a function does when it looks for a completion and finds none. */
import type { Block, Edge, Event } from '../flow/cfg';
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { nullTest } from '../flow/typestate';
import { constant } from '../flow/value';
import { bare, callsIn, walk, type Call, type Expr, type Name } from '../model';

/** Calls that look at the queue without waiting. */
export const LOOK = /^io_uring_(?:peek_cqe|peek_batch_cqe|cq_ready|for_each_cqe)$/;
/** Names of what enters the kernel for completions, and so runs what was deferred and finds what was polled for. */
export const ENTERING: readonly string[] = [
  'io_uring_wait_cqe', 'io_uring_wait_cqe_nr', 'io_uring_wait_cqes', 'io_uring_wait_cqe_timeout', 'io_uring_wait_cqes_min_timeout', 'io_uring_submit_and_wait', 'io_uring_submit_and_wait_timeout',
  'io_uring_submit_and_wait_min_timeout', 'io_uring_submit_and_wait_reg', 'io_uring_submit_and_get_events', 'io_uring_get_events', 'io_uring_enter', 'io_uring_enter2', '__NR_io_uring_enter', 'SYS_io_uring_enter',
];
/** io_uring_peek_cqe() with nothing there returns -EAGAIN, the others 0. */
const EAGAIN = -11n;
const TURNED: Record<string, string> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };

/**
 * Goes on from behind a look that found nothing, as far as `stop` lets it. Tells whether it leads back to the look, and
 * which events and tests lie on the ways it went.
 */
export function waysOfNothing(flow: Flow, look: Call, stop: (event: Event) => boolean): { back: boolean; events: Event[]; tests: Expr[] } {
  const isLook = (e: Event) => e.kind === 'call' && e.call === look;
  const start = flow.cfg.blocks.find((b) => b.events.some(isLook));
  const out = { back: false, events: [] as Event[], tests: [] as Expr[] };
  if (!start) return out;
  // whoever else looks meanwhile finds nothing either
  const looks = [look, ...callsIn(flow.func).filter((c) => c !== look && LOOK.test(c.name) && sameName(c.args[0], look.args[0]))];
  const seen = new Set<string>();
  const work: { block: Block; first: number; known: Known }[] = [{ block: start, first: start.events.findIndex(isLook) + 1, known: new Map() }];
  for (let next = work.pop(); next && seen.size < MOST_WAYS; next = work.pop()) {
    const { block } = next;
    let { known } = next;
    let ended = false;
    for (const event of block.events.slice(next.first)) {
      if (isLook(event)) out.back = true;
      if (isLook(event) || stop(event)) {
        ended = true;
        break;
      }
      out.events.push(event);
      known = stored(event, known);
    }
    const memory = ended ? undefined : flow.after(block);
    if (!memory) continue;
    // without a cqe a loop over them has no turn: the first way out of its head leads to its body
    const over = block.events.some((e) => e.kind === 'call' && e.call.name === 'io_uring_for_each_cqe' && looks.includes(e.call));
    for (const edge of over ? block.next.slice(1) : block.next) {
      const key = `${edge.to} ${[...known].map(([id, n]) => `${id}=${n}`).sort().join()}`;
      if (!looks.every((l) => canBe(flow, memory, l, edge)) || contradicts(edge, known) || seen.has(key)) continue;
      if (edge.guard) out.tests.push(edge.guard.test);
      seen.add(key);
      work.push({ block: flow.cfg.blocks[edge.to]!, first: 0, known });
    }
  }
  return out;
}

/** Numbers that variables were given on the way. */
type Known = ReadonlyMap<string, bigint>;
const MOST_WAYS = 2000;
function stored(event: Event, known: Known): Known {
  const id = event.kind === 'declare' ? event.local.id : event.kind === 'store' && bare(event.target).kind === 'name' ? (bare(event.target) as Name).id : undefined;
  if (id === undefined) return known;
  const value = event.kind === 'declare' ? event.init : event.kind === 'store' && event.op === '=' ? event.value : undefined;
  const number = value && bare(value);
  const out = new Map(known);
  if (number?.kind === 'int') out.set(id, number.value);
  else out.delete(id);
  return out;
}
/** `if (!first)` and the like, where the way says what the variable is. */
function contradicts({ guard }: Edge, known: Known): boolean {
  if (!guard) return false;
  const test = bare(guard.test);
  const [variable, op, other] = test.kind === 'binary' ? [bare(test.left), test.op, bare(test.right)] as const : [test, '!=', undefined] as const;
  const value = variable.kind === 'name' ? known.get(variable.id) : undefined;
  if (value === undefined || (other && other.kind !== 'int')) return false;
  return holds(op, value, other ? other.value : 0n) !== guard.truth;
}
function sameName(a: Expr | undefined, b: Expr | undefined): boolean {
  if (!a || !b) return false;
  const [x, y] = [bare(a), bare(b)];
  if (x.kind === 'unary' && y.kind === 'unary') return x.op === y.op && sameName(x.operand, y.operand);
  if (x.kind === 'member' && y.kind === 'member') return x.field === y.field && sameName(x.object, y.object);
  return x.kind === 'name' && y.kind === 'name' && x.id === y.id;
}

/** Whether an edge can be taken when the look found nothing. */
function canBe(flow: Flow, memory: Memory, look: Call, { guard }: Edge): boolean {
  if (!guard) return true;
  const isResult = (e: Expr) => bare(e) === look || [...flow.value(e, memory).atoms.values()].some((a) => a.kind === 'call' && a.call === look);
  const tested = nullTest(guard.test, guard.truth, (e) => constant(flow.value(e, memory)) === 0n);
  if (tested && isCqe(tested.pointer, look)) return tested.isNull;
  const test = bare(guard.test);
  const empty = look.name === 'io_uring_peek_cqe' ? EAGAIN : 0n;
  if (test.kind !== 'binary') return !isResult(test) || (empty !== 0n) === guard.truth;
  const op = isResult(test.left) ? test.op : isResult(test.right) ? TURNED[test.op] ?? test.op : undefined;
  if (op === undefined) return true;
  const other = isResult(test.left) ? test.right : test.left;
  const named = [...walk([other])].find((e) => e.kind === 'name' && /^E[A-Z]+$/.test(e.name));
  if (named?.kind === 'name') return ((op === '==') === /^E(?:AGAIN|WOULDBLOCK)$/.test(named.name)) === guard.truth || empty === 0n;
  const value = constant(flow.value(other, memory));
  return value === undefined || holds(op, empty, value) === guard.truth;
}
function holds(op: string, a: bigint, b: bigint): boolean {
  switch (op) {
    case '==': return a === b;
    case '!=': return a !== b;
    case '<': return a < b;
    case '<=': return a <= b;
    case '>': return a > b;
    case '>=': return a >= b;
    default: return true;
  }
}
/** The pointer that the look sets to NULL. */
function isCqe(e: Expr, look: Call): boolean {
  const [, out] = look.args;
  const target = out && bare(out);
  const pointer = bare(e);
  if (look.name !== 'io_uring_peek_cqe' || target?.kind !== 'unary' || target.op !== '&') return false;
  const variable = bare(target.operand);
  return (variable.kind === 'name' && pointer.kind === 'name' && variable.id === pointer.id)
    || (variable.kind === 'member' && pointer.kind === 'member' && variable.field === pointer.field);
}
