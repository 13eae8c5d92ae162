/** A made-up but plausible recording: rings and aio contexts of two processes, with failures, punts and losses. */
import { InstantKind, SpanFlag, type ApiName } from '../../src/protocol/wire';
import { READ, span, StreamWriter, totals, WRITE, type SpanInput } from './encode';

/** Deterministic: mulberry32. */
export function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface Lane { api: ApiName; pid: number; ring: number; depth: number; op: number; fd: number; /** mean ns */ latency: number; direct: boolean }

export const LANES: Lane[] = [
  { api: 'io_uring', pid: 4711, ring: 1, depth: 16, op: READ, fd: 5, latency: 180_000, direct: true },
  { api: 'io_uring', pid: 4711, ring: 2, depth: 4, op: WRITE, fd: 6, latency: 900_000, direct: false },
  { api: 'libaio', pid: 4711, ring: 3, depth: 8, op: 0, fd: 7, latency: 400_000, direct: false },
  { api: 'io_uring', pid: 4720, ring: 4, depth: 32, op: 27, fd: 9, latency: 2_500_000, direct: false },
];

/** A closed loop on one lane: each completion submits the next one into its slot. */
export function laneSpans(lane: Lane, count: number, next: () => number, begin = 0): SpanInput[] {
  const free = Array.from({ length: lane.depth }, (_, slot) => begin + slot * 2000);
  const made: SpanInput[] = [];
  for (let i = 0; i < count; i++) {
    let slot = 0;
    for (let s = 1; s < free.length; s++) if (free[s]! < free[slot]!) slot = s;
    const slow = next() < 0.01 ? 12 : 1;
    const duration = Math.round(lane.latency * slow * (0.35 + next() * 1.1 - Math.log(1 - next()) * 0.2));
    const start = free[slot]!;
    const failed = next() < 0.004;
    const length = lane.op === 27 ? 65536 : 4096 << Math.floor(next() * 4);
    const flags = (lane.direct ? SpanFlag.Direct : 0)
      | (lane.op === WRITE && next() < 0.4 ? SpanFlag.Punted : 0) | (lane.op === 27 ? SpanFlag.Polled : 0)
      | (slow > 1 && next() < 0.1 && lane.api === 'io_uring' ? SpanFlag.Overflow : 0);
    made.push(span({
      ...lane, tid: lane.pid + (slot % 2), start, duration, slot, flags, length, result: failed ? (next() < 0.5 ? -11 : -5) : length,
      offset: BigInt(i) * 4096n, userData: 0x7f00_0000_1000n + BigInt(slot * 64), reap: Math.round(next() * 20_000),
      submit: lane.api === 'libaio' ? duration + Math.round(next() * 5000) : -1,
    }));
    free[slot] = start + duration + Math.round(1500 + next() * 8000 + (i % 400 === 399 ? 2_000_000 : 0));
  }
  return made;
}

/** `perLane` spans on each of {@link LANES}, in completion order, batched as a loader would. */
export function syntheticRecording({ perLane = 500, end = true, seed = 7 }: { perLane?: number; end?: boolean; seed?: number } = {}): { bytes: Uint8Array; spans: SpanInput[] } {
  const next = random(seed);
  const spans = LANES.flatMap((lane) => laneSpans(lane, perLane, next)).sort((a, b) => a.start + a.duration - b.start - b.duration);
  const last = spans.at(-1)!;
  const t = last.start + last.duration;
  const writer = new StreamWriter().hello({ target: { kind: 'command', pid: 4711, argv: ['./build/copy-file', '--direct', '/var/tmp/in.dat', '/var/tmp/out.dat'] } })
    .info({ kind: 'process', t: 0, pid: 4711, comm: 'copy-file' }).info({ kind: 'process', t: 0, pid: 4720, comm: 'echo-server' })
    .info({ kind: 'thread', t: 0, pid: 4711, tid: 4712, comm: 'iou-wrk-4711' })
    .info({ kind: 'ring', t: 0, ring: 1, api: 'io_uring', pid: 4711, fd: 3, sq: 64, cq: 128, flags: 0, existed: false })
    .info({ kind: 'ring', t: 0, ring: 2, api: 'io_uring', pid: 4711, fd: 4, sq: 8, cq: 16, flags: 0, existed: false })
    .info({ kind: 'ring', t: 0, ring: 3, api: 'libaio', pid: 4711, fd: -1, sq: 128, cq: 0, flags: 0, existed: false })
    .info({ kind: 'ring', t: 0, ring: 4, api: 'io_uring', pid: 4720, fd: 7, sq: 256, cq: 512, flags: 0, existed: true })
    .info({ kind: 'file', t: 0, pid: 4711, fd: 5, path: '/var/tmp/in.dat', direct: true })
    .info({ kind: 'file', t: 0, pid: 4711, fd: 6, path: '/var/tmp/out.dat', direct: false })
    .info({ kind: 'file', t: 0, pid: 4711, fd: 7, path: '/var/tmp/journal.log', direct: false })
    .info({ kind: 'file', t: 0, pid: 4720, fd: 9, path: 'socket:[81234]', direct: false });
  for (let i = 0; i < spans.length; i += 200) writer.spans(spans.slice(i, i + 200));
  writer.instants([
    { kind: InstantKind.Lost, time: Math.round(t * 0.6), pid: 4720, tid: 4720, ring: 4, value: 37 },
    { kind: InstantKind.CqOverflow, time: Math.round(t * 0.3), pid: 4711, tid: 4711, ring: 1, value: 1 },
  ]);
  const all = totals({ t, spans: spans.length, lost: { kernel: 37, stream: 0, unpaired: 0 } });
  writer.totals(all);
  if (end) writer.goodbye({ t, totals: all });
  return { bytes: writer.bytes(), spans };
}
