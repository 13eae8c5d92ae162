import { CQE_CONSUMERS } from '../../api/names';
import type { Flow } from '../../flow/program';
import { assignmentsTo } from '../../idioms/assignments';
import { cqeFlow } from '../../idioms/cqe';
import { loopsAround, within } from '../../idioms/loops';
import { bare, expressionsOf, ownExpressions, placeIn, statements, walk, type Call, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import type { DraftFix, Rule, View } from '../rule';

type Loop = Extract<Stmt, { kind: 'loop' }>;

export const uringCqeDoubleAdvance: Rule = {
  info: {
    id: 'uring-cqe-double-advance', languages: ['c', 'cpp'], severity: 'error', confidence: 'certain',
    summary: 'The same completions are given back twice; the head of the queue runs past its tail.',
  },
  why: 'io_uring_cqe_seen() moves the head by one and io_uring_cq_advance() by a count. Both for the same cqes skip completions that were never read, and the queue then seems to hold four billion.',
  families: ['liburing'],
  check(file, func, report) {
    const reported = new Set<number>();
    for (const t of cqeFlow(file.program, func)?.troubles ?? []) {
      if (t.kind === 'nothing' && mayBeStale(func, t.token.call) && !reported.has(t.at.span.start)) {
        reported.add(t.at.span.start);
        report({
          // liburing passes over NULL
          at: t.at, severity: 'warning',
          message: 'The call that should have handed out this cqe failed: the pointer is NULL, or an older one, and then the head of the queue moves past a completion that nobody has read.',
          related: t.token.call ? [{ at: placeOf(func, t.token.call), message: 'this call failed' }] : [],
        });
        continue;
      }
      const early = t.kind === 'late' && t.token.source === 'batch' && CQE_CONSUMERS.get(t.consumer.name) !== undefined;
      const at = early ? placeOf(func, t.consumer) : t.kind === 'twice' ? t.at : undefined;
      if (!at || reported.has(at.span.start)) continue;
      reported.add(at.span.start);
      report({
        at,
        message: early ? 'The batch is given back before it is read: the kernel may overwrite the cqes, and what comes next is taken for them. Advance after the loop.'
          : 'This cqe was given back before: the head of the queue moves past a completion that nobody has read.',
        related: [early ? { at: t.at, message: 'read here' } : { at: placeOf(func, (t as Extract<typeof t, { kind: 'twice' }>).first), message: 'given back here first' }],
      });
    }
    if (!func.damaged && file.program.mentions(func, /io_uring_buf_ring_cq_advance/)) for (const { advance, add } of buffersOfSome(func)) report({
      at: placeOf(func, advance), related: [{ at: placeOf(func, add), message: 'only these give a buffer back' }],
      message: 'This moves both rings on by one count, and not every cqe here gives a buffer back: the kernel takes buffers that nobody added. Count them apart, for __io_uring_buf_ring_cq_advance().',
    });
    const flow = func.damaged || !file.program.mentions(func, /io_uring_cq_advance/) || !file.program.mentions(func, /io_uring_cqe_seen/) ? undefined : file.program.flow(func);
    if (flow) for (const { advance, seen, loop } of countedTwice(file, func, flow)) {
      if (reported.has(advance.span.start)) continue;
      report({
        at: placeOf(func, advance),
        message: 'io_uring_cqe_seen() in the loop has given these cqes back already: advancing by their count skips as many that nobody has read.',
        related: [{ at: placeOf(func, seen), message: 'given back here, one by one' }],
        fixes: fix(func, seen, loop),
      });
    }
  },
};

/** The pointer is not set to NULL before the call: declared without a value, or still that of the turn before. */
function mayBeStale(func: Func, call: Call | undefined): boolean {
  const into = call?.args[1] && bare(call.args[1]);
  const name = into?.kind === 'unary' && into.op === '&' ? bare(into.operand) : undefined;
  if (!call || name?.kind !== 'name' || !func.locals.has(name.id)) return false;
  const loop = loopsAround(func, call.span).at(-1);
  const set = assignmentsTo(func, name.id).filter((a) => a.op === '=' && a.at.span.end <= call.span.start && (!loop || within(a.at.span, loop.span)));
  return set.length === 0;
}

/** Loops that give each cqe back and count it, with an advance by that count behind them. */
function* countedTwice(file: View, func: Func, flow: Flow): Generator<{ advance: Call; seen: Call; loop: Loop }> {
  const all = [...statements(func.body)];
  const loops = all.filter((s) => s.kind === 'loop');
  const advances = all.flatMap((s) => [...walk(ownExpressions(s))]).filter((e) => e.kind === 'call' && e.name === 'io_uring_cq_advance' && e.args.length === 2) as Call[];
  for (const advance of advances) {
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
/** A count of all cqes for both rings, where buffers are added for those with IORING_CQE_F_BUFFER alone. */
function* buffersOfSome(func: Func): Generator<{ advance: Call; add: Call }> {
  const all = [...statements(func.body)];
  const callsIn = (s: Stmt, name: string) => [...walk(expressionsOf(s))].filter((e): e is Call => e.kind === 'call' && e.name === name);
  for (const advance of all.flatMap((s) => (s.kind === 'expr' ? callsIn(s, 'io_uring_buf_ring_cq_advance') : []))) {
    const count = advance.args[2] && bare(advance.args[2]);
    const loop = all.filter((s) => s.kind === 'loop' && s.span.end <= advance.span.start).at(-1);
    if (count?.kind !== 'name' || loop?.kind !== 'loop') continue;
    const some = [...statements(loop.body)].find((s) => s.kind === 'if' && s.test && [...walk([s.test])].some((e) => e.kind === 'name' && e.name === 'IORING_CQE_F_BUFFER') && callsIn(s, 'io_uring_buf_ring_add').length > 0);
    const counts = [...walk(expressionsOf(loop))].filter((e) => counted(e)?.id === count.id);
    if (!some || !counts.length || counts.some((c) => some.span.start <= c.span.start && c.span.end <= some.span.end)) continue;
    // a cqe without a buffer does not get as far as the count
    if ([...statements(loop.body)].some((s) => s.kind === 'continue' || s.kind === 'goto' || s.kind === 'break')) continue;
    yield { advance, add: callsIn(some, 'io_uring_buf_ring_add')[0]! };
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
  const holder = (wanted: (e: (typeof blocks)[number]['events'][number]) => boolean) => blocks.find((b) => b.events.some(wanted))?.id;
  const a = holder((e) => e.kind === 'call' && e.call === seen);
  const b = holder((e) => e.kind === 'store' && isCount(e.at));
  if (a === undefined || b === undefined) return false;
  // where a turn begins: the macro's head, or the block that decides on another turn
  const heads = new Set(blocks.filter((x) => x.events.some((e) => spanOfEvent(e) !== undefined && inHead(loop, spanOfEvent(e)!))).map((x) => x.id));
  return a === b || reaches(flow, a, b, heads) || reaches(flow, b, a, heads);
}
function spanOfEvent(e: Flow['cfg']['blocks'][number]['events'][number]): Span | undefined {
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

/** Takes the single call out where every turn of a loop macro makes it; without it, other loops would get the same cqe again. */
function fix(func: Func, seen: Call, loop: Loop): DraftFix[] {
  if (loop.form !== 'each') return [];
  const body = loop.body.length === 1 && loop.body[0]!.kind === 'block' ? loop.body[0].body : loop.body;
  const at = body.findIndex((s) => s.kind === 'expr' && s.expr === seen);
  if (at < 1 || [...statements(body.slice(0, at))].some((s) => s.kind === 'continue' || s.kind === 'break' || s.kind === 'goto')) return [];
  // with the blanks in front of it
  const span = { start: body[at - 1]!.span.end, end: body[at]!.span.end };
  return [{ title: 'Leave it to io_uring_cq_advance()', edits: [{ place: placeIn(func, span), text: '' }], safe: true }];
}
