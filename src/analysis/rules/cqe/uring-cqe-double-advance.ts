import { CQE_CONSUMERS } from '../../api/names';
import { assignmentsTo } from '../../idioms/assignments';
import { cqeFlow } from '../../idioms/cqe';
import { advancedFirst, buffersOfSome, countedTwice, oneSlotEach } from '../../idioms/cqe-counts';
import { loopsAround, within, type Loop } from '../../idioms/loops';
import { bare, placeIn, statements, type Call, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { DraftFix, Rule } from '../rule';

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
    const flow = func.damaged || !file.program.mentions(func, /io_uring_cq_advance/) ? undefined : file.program.flow(func);
    if (!flow) return;
    for (const { advance, look } of advancedFirst(file, func, flow)) {
      if (reported.has(advance.span.start)) continue;
      reported.add(advance.span.start);
      report({
        at: placeOf(func, advance), related: [{ at: placeOf(func, look), message: 'looked for here' }],
        message: 'All cqes that are there are given back before anybody has looked at one: they are lost, and what follows sees others or none. Advance after the loop.',
      });
    }
    for (const { advance, count } of oneSlotEach(file, func)) report({
      at: placeOf(func, advance), severity: 'warning', related: count === bare(advance.args[1]!) ? [] : [{ at: placeOf(func, count), message: 'counted as one here' }],
      message: 'On a ring with IORING_SETUP_CQE_MIXED a cqe of 32 bytes takes two slots, and this counts it as one: the head stops in the middle of it. Add up io_uring_cqe_nr(cqe).',
    });
    if (file.program.mentions(func, /io_uring_cqe_seen/)) for (const { advance, seen, loop } of countedTwice(file, func, flow)) {
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
