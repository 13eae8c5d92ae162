/** Parses the JSON frames. Names and paths in them are hostile text: checked for type and size here, escaped by whoever shows them. */
import * as v from 'valibot';
import { API_NAMES, type Census, type Goodbye, type Hello, type Histograms, type Info, type LogEntry, type Threads, type Totals } from '../protocol/wire';
import { decodeUtf8 } from './utf8';

const time = v.pipe(v.number(), v.finite(), v.minValue(-Number.MAX_SAFE_INTEGER), v.maxValue(Number.MAX_SAFE_INTEGER));
const count = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
const int = v.pipe(v.number(), v.integer(), v.minValue(-Number.MAX_SAFE_INTEGER), v.maxValue(Number.MAX_SAFE_INTEGER));
/** Linux keeps paths under 4096 bytes; longer text is cut, not refused. */
const text = v.pipe(v.string(), v.transform((s) => (s.length > 4096 ? s.slice(0, 4096) : s)));
const mode = v.picklist(['spans', 'sampled', 'aggregate']);
const exit = v.object({ code: v.optional(int), signal: v.optional(int) });
const lost = v.object({ kernel: count, stream: count, unpaired: count });

const totals = v.object({
  t: time,
  apis: v.array(v.object({ api: v.picklist(API_NAMES), submitted: count, completed: count, inflight: count })),
  spans: count,
  calls: v.optional(count, 0),
  lost,
  mode,
  every: v.optional(count),
});
const hello = v.object({
  protocol: int,
  loader: text,
  machine: text,
  kernel: text,
  clock: v.object({ mono_ns: v.pipe(v.string(), v.regex(/^\d{1,20}$/)), wall_ms: time }),
  cpus: count,
  mode,
  target: v.object({ kind: v.picklist(['command', 'pid', 'all']), pid: v.optional(int), argv: v.optional(v.array(text)) }),
  hooks: v.array(v.object({ name: text, state: v.picklist(['attached', 'unavailable', 'off']), why: v.optional(text) })),
});
const info = v.variant('kind', [
  v.object({ kind: v.literal('process'), t: time, pid: int, comm: text }),
  v.object({ kind: v.literal('thread'), t: time, pid: int, tid: int, comm: text }),
  v.object({
    kind: v.literal('ring'), t: time, ring: count, api: v.picklist(['io_uring', 'libaio', 'posix-aio']), pid: int,
    fd: int, sq: count, cq: count, flags: count, existed: v.boolean(),
  }),
  v.object({ kind: v.literal('file'), t: time, pid: int, fd: int, path: text, direct: v.boolean(), fs: v.optional(text), block: v.optional(count) }),
  v.object({
    kind: v.literal('refused'), t: time, pid: int, tid: int, comm: text, call: text, errno: count,
    cause: v.picklist(['seccomp', 'disabled', 'missing', 'policy', 'arguments', 'unknown']), seccomp: int, disabled: int, container: v.boolean(),
  }),
  v.object({ kind: v.literal('stack'), t: time, stack: count, pid: int, frames: v.array(text) }),
  v.object({ kind: v.literal('module'), t: time, pid: int, start: text, end: text, offset: text, path: text, build_id: v.optional(text) }),
]);
const log = v.object({ t: time, level: v.picklist(['info', 'warning', 'error']), code: text, message: text, hint: v.optional(text) });
const goodbye = v.object({
  t: time,
  reason: v.picklist(['target-exited', 'stopped', 'duration', 'signal', 'error', 'cannot-trace']),
  exit: v.optional(exit),
  totals,
});

const histograms = v.object({
  from: time, t: time,
  ops: v.array(v.object({
    api: v.picklist(API_NAMES), op: count, count, errors: count, punted: count, bytes: count, max_ns: count, steps: v.array(v.strictTuple([count, count])),
  })),
});
const census = v.object({
  t: time, more: count,
  processes: v.array(v.object({
    pid: int, comm: text, uid: count,
    apis: v.array(v.object({ api: v.picklist(API_NAMES), submitted: count, completed: count, rings: count })),
  })),
});
const threads = v.object({ t: time, threads: v.array(v.object({ pid: int, tid: int, role: v.picklist(['sqpoll', 'worker']), cpu_ns: count, wall_ns: count })) });

export type Parsed<T> = { value: T } | { problem: string };

function parser<T>(name: string, schema: v.GenericSchema<unknown, T>): (payload: Uint8Array) => Parsed<T> {
  return (payload) => {
    let json: unknown;
    try {
      json = JSON.parse(decodeUtf8(payload));
    } catch {
      return { problem: `a ${name} frame is not JSON` };
    }
    const parsed = v.safeParse(schema, json);
    if (parsed.success) return { value: parsed.output };
    const issue = parsed.issues[0];
    return { problem: `a ${name} frame is malformed at ${v.getDotPath(issue) ?? 'its root'}` };
  };
}

export const parseHello = parser<Hello>('hello', hello);
export const parseInfo = parser<Info>('info', info);
export const parseTotals = parser<Totals>('totals', totals);
export const parseLog = parser<LogEntry>('log', log);
export const parseGoodbye = parser<Goodbye>('goodbye', goodbye);
export const parseHistograms = parser<Histograms>('histograms', histograms);
export const parseCensus = parser<Census>('census', census);
export const parseThreads = parser<Threads>('threads', threads);
