import { automaticBehind, automaticField, type Automatic } from '../../idioms/automatic';
import { sqeFlow } from '../../idioms/sqe';
import { mayBeSameRing, share, type Prep, type UserData } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { bare, statements, type Expr, type Func } from '../../model';
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
    if (!file.program.mentions(func, /io_uring_|sqe|ring/i) || isExempt(file, func)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const e of flow.events) {
      if (e.kind !== 'prep' && e.kind !== 'data') continue;
      const found = e.kind === 'prep' ? bufferOf(file, flow, e) : userDataOf(file, flow, e);
      if (!found || !returnsInFlight(flow, e)) continue;
      const { argument, automatic } = found;
      report({
        at: placeOf(func, bare(argument)),
        message: e.kind === 'data'
          ? `The function returns before this request completes, and ${automatic.name}, which the user data points to, ends with it: whoever handles the completion gets a dangling pointer.`
          : `The function returns before this request completes, and ${automatic.name} ends with it: the kernel uses the memory later. Keep the buffer in the request, or wait here.`,
        related: [{ at: placeOf(func, { span: automatic.at }), message: 'it lives in this function' }, ...returnBehind(func, e)],
      });
    }
    for (const { prep, argument, freed } of freedEarly(flow)) {
      report({
        at: placeOf(func, bare(argument)),
        message: 'This buffer is freed before the request completes: the kernel uses the memory later. Free it when the completion was seen.',
        related: [{ at: placeOf(func, freed), message: 'freed here' }, ...returnBehind(func, prep)],
      });
    }
  },
};

/** Frames of coroutines outlive a suspension, and what `main` owns lives as long as the program. */
function isExempt(file: View, func: Func): boolean {
  return func.name === 'main' || isCoroutine(file, func);
}
/** Its locals live on while it is suspended. */
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
  if (!e.value || e.inside) return undefined;
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
