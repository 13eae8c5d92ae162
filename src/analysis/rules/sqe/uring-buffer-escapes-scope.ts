import { automaticBehind, automaticField, type Automatic } from '../../idioms/automatic';
import { sqeFlow } from '../../idioms/sqe';
import { ringsOf } from '../../idioms/sqe-chain';
import { mayBeSameRing, mayReach, share, type Prep, type SqeEvent, type UserData } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { bare, isWithin, statements, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

export const uringBufferEscapesScope: Rule = {
  info: {
    id: 'uring-buffer-escapes-scope', languages: ['c', 'cpp'], severity: 'error', confidence: 'likely', memorySafety: true,
    summary: 'The function returns while the kernel still reads or writes a buffer of its own.',
  },
  why: 'The kernel uses the buffer until the request completes. A local array, or memory freed before that, belongs to somebody else by then: data of others is overwritten, or sent.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /io_uring_|sqe|ring/i) || isCoroutine(file, func)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const e of flow.events) {
      if (e.kind !== 'prep' && e.kind !== 'data') continue;
      const found = e.kind === 'prep' ? bufferOf(file, flow, e) : userDataOf(file, flow, e);
      if (!found) continue;
      const { argument, automatic } = found;
      // what main() owns lives as long as the program, but for its blocks
      const returns = func.name !== 'main' && (returnsInFlight(flow, e) || (e.kind === 'data' && cancelledAndLeft(flow, e)));
      if (!returns) {
        if (e.kind === 'prep' && usedAgainInFlight(flow, e, automatic)) report({
          at: placeOf(func, bare(argument)),
          message: `${automatic.name} ends with its block while this request is still under way, and the next turn of the loop gets the same memory. Keep the buffer in the request, or wait here.`,
          related: [{ at: placeOf(func, { span: automatic.at }), message: 'it lives in this block' }],
        });
        continue;
      }
      report({
        at: placeOf(func, bare(argument)),
        message: e.kind === 'data'
          ? `The function returns before this request completes, and ${automatic.name}, which the user data points to, ends with it: whoever handles the completion gets a dangling pointer.`
          : `The function returns before this request completes, and ${automatic.name} ends with it: the kernel uses the memory later. Keep the buffer in the request, or wait here.`,
        related: [{ at: placeOf(func, { span: automatic.at }), message: 'it lives in this function' }, ...returnBehind(func, e)],
      });
    }
    if (func.name !== 'main') for (const { prep, argument, freed } of freedEarly(flow)) {
      report({
        at: placeOf(func, bare(argument)),
        message: 'This buffer is freed before the request completes: the kernel uses the memory later. Free it when the completion was seen.',
        related: [{ at: placeOf(func, freed), message: 'freed here' }, ...returnBehind(func, prep)],
      });
    }
  },
};

/** Frames of coroutines: its locals live on while it is suspended. */
export function isCoroutine(file: View, func: Func): boolean {
  return file.program.mentions(func, /\bco_(?:await|return|yield)\b/);
}

function bufferOf(file: View, { flow }: SqeFlow, e: Prep): { argument: Expr; automatic: Automatic } | undefined {
  if (!e.shape) return undefined;
  const { buffer, vector } = e.shape;
  const plain = buffer === undefined ? undefined : e.args[buffer];
  if (plain) {
    const automatic = automaticBehind(file, flow, plain, e.memory);
    return automatic && { argument: plain, automatic };
  }
  const structure = vector === undefined ? undefined : e.args[vector];
  if (!structure) return undefined;
  const path = e.shape.structs?.[0]?.what === 'msghdr' ? ['msg_iov', 'iov_base'] : ['iov_base'];
  const automatic = automaticField(file, flow, structure, e.memory, path);
  return automatic && { argument: structure, automatic };
}
function userDataOf(file: View, { flow }: SqeFlow, e: UserData): { argument: Expr; automatic: Automatic } | undefined {
  if (!e.value) return undefined;
  const automatic = automaticBehind(file, flow, e.value, e.memory);
  return automatic?.what === 'variable' ? { argument: e.value, automatic } : undefined;
}

/** No way on from here reaps, or leads to code out of sight that may, once the request was submitted; and the function's end is reached. */
export function returnsInFlight(flow: SqeFlow, from: Prep | UserData): boolean {
  const rings = flow.of('get').filter((g) => share(g.sqes, from.sqes)).flatMap((g) => [...g.rings]);
  let waits = false;
  const exits = flow.walk(from, (e) => {
    if (e.kind === 'unseen' || (e.kind === 'reap' && mayBeSameRing(e.rings, rings))) waits = true;
    return undefined;
  }, { submitted: true });
  if (exits && !waits) return true;
  let settled = false;
  const late = flow.walkOverdue(from, rings, (e) => {
    if (e.kind === 'unseen' || (e.kind === 'reap' && mayBeSameRing(e.rings, rings)) || (e.kind === 'prep' && /^(?:cancel|timeout_remove|poll_remove|shutdown)/.test(e.op ?? ''))) settled = true;
    return undefined;
  });
  return late && !settled;
}

/** A loop comes round to the same preparation with the buffer of a block inside it, and nothing on the way waits. */
function usedAgainInFlight(flow: SqeFlow, prep: Prep, automatic: Automatic): boolean {
  if (!automatic.inLoop || automatic.what !== 'variable' || automatic.scope === flow.flow.func.bodySpan) return false;
  // of an sqe that a called function takes itself, the call tells the ring
  const rings = prep.sqes.length ? ringsOf(flow, prep.sqes) : flow.of('queue').flatMap((q) => (q.call === prep.call ? [...q.rings] : []));
  const settles = (e: SqeEvent): boolean => (e.kind === 'unseen' && mayReach(e, rings)) || (e.kind === 'reap' && mayBeSameRing(e.rings, rings)) || (e.kind === 'submit' && e.waits) || e.kind === 'escape'
    || (e.kind === 'prep' && /^(?:cancel|timeout_remove|poll_remove|shutdown)/.test(e.op ?? ''));
  // a wait in the block may be there for it, whatever its condition
  const waits = flow.events.some((e) => settles(e) && e.span.start > prep.span.start && isWithin(e.span, automatic.scope));
  return !waits && flow.reaches(prep, (e) => e === prep, settles);
}

/** A cancellation of the request is queued, so that it is known to run, and nothing waits on any way on from there. */
function cancelledAndLeft(flow: SqeFlow, e: UserData): boolean {
  const own = e.value && [...flow.flow.value(e.value, e.memory).atoms.keys()];
  if (own?.length !== 1) return false;
  const rings = flow.of('get').filter((g) => share(g.sqes, e.sqes)).flatMap((g) => [...g.rings]);
  return flow.of('prep').some((p) => {
    const target = /^cancel(?:64)?$/.test(p.op ?? '') && !p.inside ? p.args[1] : undefined;
    if (!target || !share([...flow.flow.value(target, p.memory).atoms.keys()], own) || !flow.reaches(e, (x) => x === p)) return false;
    let waits = false;
    const exits = flow.walk(p, (x) => {
      if (x.kind === 'unseen' || x.kind === 'queue' || (x.kind === 'submit' && x.waits) || (x.kind === 'reap' && mayBeSameRing(x.rings, rings))) waits = true;
      return undefined;
    });
    return exits && !waits;
  });
}

function* freedEarly(flow: SqeFlow): Generator<{ prep: Prep; argument: Expr; freed: { span: { start: number; end: number } } }> {
  for (const prep of flow.of('prep')) {
    const argument = prep.shape?.buffer === undefined ? undefined : prep.args[prep.shape.buffer];
    if (!argument || !returnsInFlight(flow, prep)) continue;
    const memory = [...flow.flow.value(argument, prep.memory).atoms.keys()];
    if (!memory.length) continue;
    const freed = flow.events.find((e) => e.kind === 'freed' && share(e.memories, memory) && flow.reaches(prep, (x) => x === e, undefined, { submitted: true }));
    if (freed) yield { prep, argument, freed };
  }
}

function returnBehind(func: Func, e: { span: { end: number } }) {
  const back = [...statements(func.body)].find((s) => s.kind === 'return' && s.span.start > e.span.end);
  return back ? [{ at: placeOf(func, back), message: 'and returns here' }] : [];
}
