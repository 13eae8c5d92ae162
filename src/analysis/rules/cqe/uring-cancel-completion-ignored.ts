import { failuresOf } from '../../idioms/op-failures';
import { sqeFlow } from '../../idioms/sqe';
import { SKIP_SUCCESS, surely } from '../../idioms/sqe-events';
import { prepName } from '../../idioms/sqe-preps';
import { pointees, within, type Memory } from '../../flow/memory';
import type { Flow } from '../../flow/program';
import { solve } from '../../flow/dataflow';
import { CQE_SOURCES, URING_SUBMIT } from '../../api/names';
import { bare, walkFunction, type Call, type Expr, type Func } from '../../model';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { atomId } from '../../flow/value';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

/** Cancellations by user data, whose second argument that is. */
const BY_DATA = /^(?:cancel|timeout_remove|poll_remove)$/;
const CANCEL_PREP = /^(?:cancel(?:64|_fd)?|timeout_remove|poll_remove)$/;
const FREES = /^(?:(?:g_|x)?free|munmap|delete)$/;

export const uringCancelCompletionIgnored: Rule = {
  info: {
    id: 'uring-cancel-completion-ignored', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic', memorySafety: true,
    summary: 'A request is taken to be over as soon as its cancellation was submitted; it completes by itself, later.',
  },
  why: 'The request that is cancelled posts a completion of its own, usually -ECANCELED, or its result when it was faster. Until then the kernel may use its memory, and user data leads to the object.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.some('tells why nothing was cancelled', (f) => file.program.mentions(f, /\b(?:ENOENT|EALREADY)\b/))) for (const { test, prep, by } of failuresOf(file, func, 'cancellation')) report({
      at: placeOf(func, test),
      message: 'A cancellation that finds its request over (-ENOENT), or running already (-EALREADY), is no failure: requests may be faster than that. Pass over both.',
      related: [{ at: placeOf(by, prep), message: 'the cancellation' }],
    });
    if (!file.program.mentions(func, /io_uring_prep_(?:cancel|timeout_remove|poll_remove)/)) return;
    const flow = file.program.flow(func);
    if (!flow) return;
    for (const { free, cancel } of freedTooEarly(file, func, flow)) report({
      at: placeOf(func, free),
      message: 'The cancelled request may still be running: its own completion comes later, with -ECANCELED or its result. Free this when that has arrived.',
      related: [{ at: placeOf(func, cancel), message: 'the cancellation' }],
    });
    const number = file.program.some('numbers as user data', (f) => file.program.mentions(f, /io_uring_sqe_set_data64/));
    if (number) for (const call of walkFunction(func)) {
      if (call.kind !== 'call' || !isNumberAsPointer(call)) continue;
      report({
        at: placeOf(func, call), severity: 'hint',
        message: 'The request was tagged with a number: io_uring_prep_cancel64() takes it as it is.',
      });
    }
  },
};

/** `io_uring_prep_cancel(sqe, (void *)(uintptr_t)tag, 0)` */
function isNumberAsPointer(call: Call): boolean {
  const key = call.args[1];
  return call.name === 'io_uring_prep_cancel' && key?.kind === 'cast' && key.operand.kind === 'cast' && /int|long|size_t|u64/.test(key.operand.type);
}

/** `one`: one completion was waited for, of the request or of its cancellation, and nobody asked of which. */
type Cancelled = ReadonlyMap<Call, 'queued' | 'submitted' | 'one'>;

/** Objects that are freed after their cancellation was submitted and before the request is known to have completed. */
function freedTooEarly(file: View, func: Func, flow: Flow): { free: Call; cancel: Call }[] {
  const { program } = file;
  if (!program.mentions(func, /free|munmap|delete/) || skipsSuccess(file, func)) return [];
  const asks = program.mentions(func, /user_data|get_data/);
  const keys = new Map<Call, { ids: Set<string>; objects: string[] }>();
  const out = new Map<number, { free: Call; cancel: Call }>();
  const memories = new Map<object, Memory>();
  flow.replay((event, memory) => memories.set(event, memory));
  const step = (event: Parameters<Parameters<Flow['replay']>[0]>[0], state: Cancelled, report: boolean): Cancelled => {
    const memory = memories.get(event);
    if (event.kind !== 'call' || !memory) return state;
    const { call } = event;
    const op = prepName(call.name);
    if (op !== undefined && CANCEL_PREP.test(op)) {
      const value = BY_DATA.test(op) && call.args[1] ? flow.value(call.args[1], memory) : undefined;
      if (!value || value.unknown) return state;
      keys.set(call, { ids: new Set([...value.atoms.values()].filter((a) => a.kind !== 'int').map(atomId)), objects: pointees(value) });
      return new Map(state).set(call, 'queued');
    }
    if (URING_SUBMIT.has(call.name)) return call.name === 'io_uring_submit' ? new Map([...state.keys()].map((c) => [c, 'submitted'])) : new Map();
    if (/^io_uring_wait_cqe(?:_timeout)?$/.test(call.name) && !asks) return new Map([...state].flatMap(([c, stage]) => (stage === 'submitted' ? [[c, 'one'] as const] : [])));
    if (CQE_SOURCES.has(call.name) || call.name === 'io_uring_queue_exit') return new Map();
    if (FREES.test(call.name) && call.args[0]) {
      if (report) for (const [cancel, stage] of state) {
        if (stage !== 'queued' && concerns(flow, call.args[0], memory, keys.get(cancel)!)) out.set(call.span.start, { free: call, cancel });
      }
      return state;
    }
    const known = program.callee(call) ? !program.mentions(program.callee(call)!, /cqe|wait|reap/) : isOutOfTheWay(call);
    return known ? state : new Map();
  };
  const entries = solve<Cancelled>(flow.cfg, {
    start: new Map(), step: (e, s) => step(e, s, false),
    join: (a, b) => new Map([...a].filter(([c, stage]) => b.get(c) === stage)), equal: (a, b) => a.size === b.size && [...a].every(([c, stage]) => b.get(c) === stage),
  });
  for (const [id, entry] of entries ?? []) flow.cfg.blocks[id]!.events.reduce<Cancelled>((s, e) => step(e, s, true), entry);
  return [...out.values()];
}
/** The object that is the key, or memory that it holds. */
function concerns(flow: Flow, freed: Expr, memory: Memory, key: { ids: Set<string>; objects: string[] }): boolean {
  const value = flow.value(bare(freed), memory);
  if ([...value.atoms.keys()].some((id) => key.ids.has(id))) return true;
  const held = flow.keys(bare(freed), memory);
  return held.length > 0 && held.every((k) => key.objects.some((o) => within(k, o)));
}
function skipsSuccess(file: View, func: Func): boolean {
  const flow = sqeFlow(file.program, func);
  return flow?.of('flags').some((f) => surely(f.bits, SKIP_SUCCESS)) === true || file.program.mentions(func, /refs?\b|refcount|_(?:put|get|unref)\s*\(/);
}
