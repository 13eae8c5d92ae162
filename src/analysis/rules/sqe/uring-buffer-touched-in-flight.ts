import { changesIn, loopsAround } from '../../idioms/loops';
import { isLinked, ringsOf } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { mayBeSameRing, mayReach, type Freed, type Prep, type SqeEvent, type Touch } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { bytesOf } from '../../idioms/sqe-reader';
import { bare, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';
import { returnsInFlight } from './uring-buffer-escapes-scope';

/** A request with a buffer that is named as a whole; parts of one may be told apart by what is added. */
interface Pending { prep: Prep; buffer: Expr; text: string; memories: readonly string[]; into: boolean }

export const uringBufferTouchedInFlight: Rule = {
  info: {
    id: 'uring-buffer-touched-in-flight', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic',
    summary: 'A buffer is used again while the kernel still reads or writes it.',
  },
  why: 'From the submission to the completion the buffer is the kernel’s. What is written to it meanwhile may go out instead of what was meant, and what is read from it is not there yet.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /io_uring_prep_(?:read|write|recv|send)/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    const pending = flow.of('prep').map((p) => pendingOf(file, flow, p)).filter((p) => p !== undefined);
    const said = new Set<number>();
    for (const p of pending) {
      for (const draft of [touched(file, flow, p), filledAnew(file, flow, p), queuedTwice(file, flow, p, pending)]) {
        if (!draft || said.has(draft.at.span.start)) continue;
        said.add(draft.at.span.start);
        report(draft);
      }
    }
  },
};

function pendingOf(file: View, flow: SqeFlow, prep: Prep): Pending | undefined {
  const argument = prep.inside || prep.shape?.buffer === undefined || prep.op === 'provide_buffers' ? undefined : prep.call?.args[prep.shape.buffer];
  const buffer = argument && bytesOf(argument);
  if (!buffer || !isWhole(buffer)) return undefined;
  const memories = memoriesOf(flow, buffer, prep);
  return memories.length === 1 ? { prep, buffer, text: textOf(file, flow.flow.func, buffer), memories, into: prep.shape!.into === true } : undefined;
}
/** `buffer`, `c->in`; not `buffer + n`, `pool[i]`. */
function isWhole(e: Expr): boolean {
  return e.kind === 'name' || (e.kind === 'member' && isWhole(bare(e.object)));
}
function memoriesOf(flow: SqeFlow, e: Expr, at: Prep): string[] {
  const value = flow.flow.value(e, at.memory);
  return value.unknown ? [] : [...value.atoms.keys()];
}
function textOf(file: View, func: Func, e: Expr): string {
  return file.source(placeOf(func, e)).replace(/\s/g, '');
}
/** Completions may have been seen: by a reap, or out of sight. */
function mayBeDone(e: SqeEvent, rings: readonly string[]): boolean {
  return (e.kind === 'reap' && mayBeSameRing(e.rings, rings)) || (e.kind === 'unseen' && (e.keys.length === 0 || mayReach(e, rings)));
}

function touched(file: View, flow: SqeFlow, p: Pending): Draft | undefined {
  const { func } = flow.flow;
  const rings = ringsOf(flow, p.prep.sqes);
  if (!rings.length) return undefined;
  const way = { ahead: true, submitted: true };
  const ends = (e: SqeEvent) => mayBeDone(e, rings);
  for (const submit of flow.of('submit')) {
    if (submit.inside || !mayBeSameRing(submit.rings, rings) || !flow.reaches(p.prep, (e) => e === submit, ends, way)) continue;
    let found: Touch | Freed | undefined;
    flow.walk(submit, (e) => {
      if (found || ends(e)) return 'end';
      if (e.kind === 'freed' && e.memories.length === 1 && p.memories.includes(e.memories[0]!)) found = e;
      if (e.kind === 'touch' && (e.writes || p.into) && e.memories.length === 1 && p.memories.includes(e.memories[0]!) && textOf(file, func, e.pointer) === p.text) found = e;
      return found ? 'end' : undefined;
    }, way);
    // a loop that waits may take no turn, but not on purpose
    const doneBetween = found && flow.events.some((r) => ends(r) && flow.reaches(submit, (e) => e === r, undefined, way) && flow.reaches(r, (e) => e === found, undefined, way));
    if (!found || doneBetween || (found.kind === 'freed' && returnsInFlight(flow, p.prep))) continue;
    const verb = found.kind === 'freed' ? 'is freed' : found.writes ? 'is written' : 'is read';
    return {
      at: placeOf(func, found),
      message: `The buffer ${verb} while the request that was submitted above may still ${p.into ? 'write' : 'read'} it. Wait for its completion first.`,
      related: [{ at: placeOf(func, p.prep), message: 'given to the kernel here' }, { at: placeOf(func, submit), message: 'submitted here' }],
    };
  }
  return undefined;
}

/** A loop that fills one buffer, queues it and submits, turn after turn, with no completion taken anywhere in it. */
function filledAnew(file: View, flow: SqeFlow, p: Pending): Draft | undefined {
  const { func } = flow.flow;
  const rings = ringsOf(flow, p.prep.sqes);
  const loop = loopsAround(func, p.prep.span).at(-1);
  if (!rings.length || p.into || !loop || changesIn(loop, p.buffer)) return undefined;
  const inLoop = (e: { span: { start: number; end: number } }): boolean => loop.span.start <= e.span.start && e.span.end <= loop.span.end;
  const ends = (e: SqeEvent) => mayBeDone(e, rings);
  if (flow.events.some((e) => ends(e) && inLoop(e))) return undefined;
  const filled = flow.of('touch').find((e) => e.writes && inLoop(e) && e.span.end <= p.prep.span.start && e.memories.length === 1 && p.memories.includes(e.memories[0]!) && textOf(file, func, e.pointer) === p.text);
  const submit = flow.of('submit').find((e) => !e.inside && inLoop(e) && mayBeSameRing(e.rings, rings) && flow.reaches(p.prep, (x) => x === e, ends, { ahead: true }));
  if (!filled || !submit || !flow.reaches(submit, (e) => e === filled, ends, { submitted: true })) return undefined;
  return {
    at: placeOf(func, filled),
    message: 'Each turn of this loop writes to the buffer again while the request of the turn before may still read it. Wait for its completion first, or give each a buffer of its own.',
    related: [{ at: placeOf(func, p.prep), message: 'given to the kernel here' }, { at: placeOf(func, submit), message: 'submitted here' }],
  };
}

/** Two requests at once, of which one writes to the buffer. */
function queuedTwice(file: View, flow: SqeFlow, p: Pending, pending: Pending[]): Draft | undefined {
  const { func } = flow.flow;
  const rings = ringsOf(flow, p.prep.sqes);
  if (!rings.length || isLinked(flow, p.prep) !== 'no') return undefined;
  const ends = (e: SqeEvent) => mayBeDone(e, rings);
  const loop = loopsAround(func, p.prep.span).find((l) => flow.of('get').some((g) => l.span.start <= g.span.start && g.span.end <= l.span.end));
  const again = p.into && loop && !changesIn(loop, p.buffer) && flow.reaches(p.prep, (e) => e === p.prep, ends)
    && !flow.events.some((r) => ends(r) && flow.reaches(p.prep, (e) => e === r) && flow.reaches(r, (e) => e === p.prep));
  const other = again ? undefined : pending.find((o) => o !== p && (o.into || p.into) && o.text === p.text && o.memories[0] === p.memories[0]
    && flow.reaches(o.prep, (e) => e === p.prep, ends, { ahead: true }) && isLinked(flow, o.prep) === 'no');
  if (!again && !other) return undefined;
  return {
    at: placeOf(func, p.buffer),
    message: again ? 'Each turn of this loop queues a request that writes to the same buffer, and none is waited for in between: they overwrite each other. Give each a buffer of its own.'
      : 'Two requests in flight use this buffer, and one of them writes to it: which comes first is chance. Wait for the first, link them, or use two buffers.',
    related: other ? [{ at: placeOf(func, other.prep), message: 'the other request' }] : [],
  };
}
