/** Chains of linked sqes: which preparations follow each other in a batch, and which of them carry a link. */
import { bare, walk, type Expr, type Span } from '../model';
import { HARDLINK, LINK, mayBeSameRing, mayReach, share, surely, type Flags, type Prep, type SqeEvent, type Submit } from './sqe-events';
import type { SqeFlow } from './sqe-flow';
import { hasFlag } from './sqe-flags';

const LINKS = LINK | HARDLINK;

/** The rings an sqe may be of; empty when unknown. */
export function ringsOf(flow: SqeFlow, sqes: readonly string[]): string[] {
  return flow.of('get').filter((g) => share(g.sqes, sqes)).flatMap((g) => [...g.rings]);
}

/** Whether a request carries a link. */
export function isLinked(flow: SqeFlow, prep: Prep): 'yes' | 'no' | 'unknown' {
  return hasFlag(flow, prep, LINKS);
}

/** Something that puts another request into the ring's queue, or may. */
export function queues(e: SqeEvent, rings: readonly string[], own: readonly string[]): boolean {
  return (e.kind === 'queue' && mayBeSameRing(e.rings, rings)) || (e.kind === 'unseen' && !e.fills && mayReach(e, rings))
    || (e.kind === 'prep' && !share(e.sqes, own));
}

/** A function of the file that hands out sqes submits when the queue is full. */
export function makesRoom(flow: SqeFlow, x: Submit): boolean {
  return x.inside && flow.of('get').some((g) => g.inside && g.span.start === x.span.start && g.span.end === x.span.end);
}

/** The preparations that can come right before another in the same batch. */
export function before(flow: SqeFlow, prep: Prep): Prep[] {
  const rings = ringsOf(flow, prep.sqes);
  return flow.of('prep').filter((p) => p !== prep && mayBeSameRing(ringsOf(flow, p.sqes), rings)
    && flow.reaches(p, (x) => x === prep, (x) => (x.kind === 'submit' && mayBeSameRing(x.rings, rings) && !makesRoom(flow, x)) || (x !== prep && x !== p && queues(x, rings, [])), { ahead: true }));
}
/** The preparations that can come right behind another in the same batch. */
export function behind(flow: SqeFlow, prep: Prep): Prep[] {
  return flow.of('prep').filter((p) => p !== prep && before(flow, p).includes(prep));
}

/** The name of the link flag in an expression, or the whole of it. */
export function linkFlag(e: Flags): Span {
  const names = e.value ? [...walk([e.value])] : [];
  return (names.find((n) => n.kind === 'name' && /^IOSQE_IO_(?:HARD)?LINK$/.test(n.name)) ?? e).span;
}
/** Flags that certainly hold a link. */
export function setsLink(e: SqeEvent): e is Flags {
  return e.kind === 'flags' && !e.inside && e.how !== 'remove' && surely(e.bits, LINKS);
}
/** The variable an sqe argument is. */
export function sqeName(prep: Prep): string | undefined {
  // io_uring_prep_rw() takes the opcode first
  const e: Expr | undefined = prep.inside ? undefined : prep.call?.args[prep.call.name === 'io_uring_prep_rw' ? 1 : 0];
  const inner = e && bare(e);
  return inner?.kind === 'name' ? inner.name : undefined;
}
