/** Requests of Linux AIO between io_submit and their completion: the ways on which nothing waits for them. */
import { AIO_IOCBS, AIO_MARK, AIO_SUBMIT } from '../api/models';
import { AIO_OTHER_PREPS, AIO_TRANSFERS } from '../api/names';
import type { Edge, Event } from '../flow/cfg';
import { load, pointees, type Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { join, NOTHING, type Atom, type Value } from '../flow/value';
import { walkFunction, type Call, type Func } from '../model';
import type { View } from '../rules/rule';
import { aioCall } from './aio-call';
import { isOutOfTheWay } from './out-of-sight';
import { eventOf, wayTo } from './paths';
import { resultFlow } from './return-convention';
import { isNull, operandOf } from './tested';

export interface Submission {
  /** the call in this function: io_submit, or a project function that leads there */
  at: Call;
  event: Event;
  memory: Memory;
  /** addresses of the iocbs */
  iocbs: Value;
  transfers: { prep: Call; buffer: Value }[];
}

/** What a function hands to the kernel, helpers that do not wait for it included. */
export function submissionsIn(file: View, flow: Flow): Submission[] {
  const memories = new Map<Event, Memory>();
  const out: Submission[] = [];
  for (const effect of flow.effects) {
    if (effect.name !== AIO_SUBMIT) continue;
    const at = effect.via[0] ?? effect.call;
    const event = eventOf(flow, at);
    if (!event || (at !== effect.call && mayWait(file, at))) continue;
    if (!memories.size) flow.replay((e, m) => memories.set(e, m));
    const memory = memories.get(event);
    if (!memory) continue;
    const iocbs = flow.effects.filter((e) => e.name === AIO_IOCBS && e.call === effect.call && (e.via[0] ?? e.call) === at).flatMap((e) => e.parts).reduce(join, NOTHING);
    const marks = effect.parts.flatMap((p) => [...p.atoms.values()]).filter((a): a is Extract<Atom, { kind: 'mark' }> => a.kind === 'mark' && a.name === AIO_MARK);
    out.push({ at, event, memory, iocbs, transfers: marks.flatMap((m) => buffers(m.inputs[1]!, m.call, memory).map((buffer) => ({ prep: m.call, buffer }))) });
  }
  return out;
}
/** The kernel copies the iovec array at once; what it points to it uses later. */
function buffers(value: Value, prep: Call, memory: Memory): Value[] {
  return /v2?$/.test(prep.name) ? pointees(value).map((k) => load(memory, `${k}.iov_base`)) : [value];
}

/** Whether a call may wait for requests, fetch events, or lead to code out of sight that does. */
export function mayWait(file: View, call: Call, depth = 0): boolean {
  const known = aioCall(file, call);
  if (known) return known.name !== 'io_submit' && known.name !== 'io_setup' && known.name !== 'io_queue_init';
  const callee = file.program.callee(call);
  if (callee) return depth > 3 || anyWaits(file, callee, depth);
  if (call.callee.kind === 'name' && (AIO_TRANSFERS.has(call.name) || AIO_OTHER_PREPS.has(call.name) || /^io_set_/.test(call.name))) return false;
  return call.macro === true || !isOutOfTheWay(call);
}
function anyWaits(file: View, func: Func, depth: number): boolean {
  return file.program.memo.derived(func, `waits ${depth}`, () => func.damaged || [...walkFunction(func)].some((e) => e.kind === 'call' && mayWait(file, e, depth + 1)));
}

/** How a request can still be running at a goal: nobody waited, or a wait with a time limit ended without it. */
export type Running = 'not waited for' | 'timed out';

/** A way from a submission that succeeded to a goal (undefined: the function's end) on which the request is not over. */
export function stillRunning(file: View, flow: Flow, submission: Submission, goal: (event: Event | undefined) => boolean): { how: Running; at: Event | 'end' } | undefined {
  const results = resultFlow(file, flow.func);
  const search = {
    goal,
    stop: (e: Event) => e.kind === 'call' && e.call !== submission.at && mayWait(file, e.call),
    edge: (edge: Edge, from: Flow['cfg']['blocks'][number]) => {
      const state = edge.guard && results?.after(from);
      return !state || results?.outcome(edge, state, submission.at) !== true;
    },
  };
  const direct = wayTo(flow, submission.event, search);
  if (direct) return { how: 'not waited for', at: direct };
  for (const block of flow.cfg.blocks) {
    for (const edge of block.next) {
      const wait = edge.guard && timedOut(file, flow, edge, block, results);
      if (!wait || !wayTo(flow, submission.event, { ...search, goal: (e) => e?.kind === 'call' && e.call === wait, stop: (e) => search.stop(e) && !(e.kind === 'call' && e.call === wait) })) continue;
      const late = wayTo(flow, flow.cfg.blocks[edge.to]!, search);
      if (late) return { how: 'timed out', at: late };
    }
  }
  return undefined;
}
/** The io_getevents with a time limit that brought nothing, where an edge is only taken then. */
function timedOut(file: View, flow: Flow, edge: Edge, from: Flow['cfg']['blocks'][number], results: ReturnType<typeof resultFlow>): Call | undefined {
  const tested = operandOf(edge.guard!.test);
  const state = results?.after(from);
  const sources = tested && state && results?.sources(tested.operand, state);
  const [call] = sources?.size === 1 ? [...sources] : [];
  if (!tested || !call || typeof call === 'symbol') return undefined;
  const wait = aioCall(file, call);
  if (!wait || !/getevents/.test(wait.name) || !wait.args[4] || isNull(wait.args[4])) return undefined;
  const { truth } = edge.guard!;
  const none = tested.with === 0n ? (/^(?:==|<=)$/.test(tested.op) ? truth : /^(?:!=|>)$/.test(tested.op) ? !truth : false)
    : tested.with === 1n && (/^(?:!=|<)$/.test(tested.op) ? truth : /^(?:==|>=)$/.test(tested.op) ? !truth : false);
  return none ? call : undefined;
}

/** `free(p)` and the like, with what it gives back. */
export function freesIn(flow: Flow): { call: Call; event: Event; value: Value }[] {
  const out: { call: Call; event: Event; value: Value }[] = [];
  flow.replay((event, memory) => {
    if (event.kind === 'call' && /^(?:free|delete|munmap|(?:g_|_mm_|aligned_|numa_)free)$/.test(event.call.name) && event.call.args[0]) out.push({ call: event.call, event, value: flow.value(event.call.args[0], memory) });
  });
  return out;
}
/** Two values that are the same memory, as far as they are known. */
export function isSameMemory(a: Value, b: Value): boolean {
  return !a.unknown && !b.unknown && [...a.atoms].some(([id, atom]) => atom.kind !== 'int' && b.atoms.has(id));
}
/** An io_destroy that a way from an event leads to. */
export function destroyBehind(file: View, flow: Flow, from: Event): boolean {
  return wayTo(flow, from, { goal: (e) => e?.kind === 'call' && /^io_(?:destroy|queue_release)$/.test(aioCall(file, e.call)?.name ?? ''), stop: () => false }) !== undefined;
}
