/** A made-up recording of everything that is not a plain span: calls of threads, modes, histograms, what hangs, what was refused. */
import { InstantKind, SpanFlag, type Histograms } from '../../src/protocol/wire';
import { call, READ, span, StreamWriter, totals, WRITE, type CallInput, type SpanInput } from './encode';
import { random } from './synthetic';

const MS = 1_000_000;
/** ns from its beginning to its end */
export const SYSTEM_END = 100 * MS;
/** From 40 ms on one in 16, from 60 ms on none, from 75 ms on all again. */
export const SYSTEM_MODES = [[40 * MS, 16], [60 * MS, 0], [75 * MS, 1]] as const;
const SEND_ZC = 47;
const RECV = 27;

/** A closed loop of calls of one thread. */
function thread(pid: number, tid: number, until: number, next: () => number, turn: (i: number) => Partial<CallInput>[]): CallInput[] {
  const made: CallInput[] = [];
  let at = Math.round(next() * 300_000);
  for (let i = 0; at < until; i++) {
    for (const fields of turn(i)) {
      const duration = Math.round((fields.duration ?? 20_000) * (0.6 + next() * 0.8));
      const asleep = Math.min(duration, Math.round((fields.asleep ?? 0) * duration));
      made.push(call({ pid, tid, ...fields, start: at, duration, asleep, blocked: Math.min(asleep, Math.round((fields.blocked ?? 0) * duration)) }));
      at += duration + Math.round(4000 + next() * 20_000);
    }
  }
  return made;
}

/** `asleep` and `blocked` of a turn are shares of its duration. */
export function systemCalls(next = random(5)): CallInput[] {
  return [
    thread(5000, 5000, SYSTEM_END - 8 * MS, next, () => [
      { api: 'libaio', call: 'io_submit', ring: 1, fd: -1, offset: -1n, length: 4, result: 4, duration: 900_000, asleep: 0.8, blocked: 0.7 },
      { api: 'libaio', call: 'io_getevents', ring: 1, fd: -1, offset: -1n, length: 4, result: 4, duration: 40_000, asleep: 0.4, blocked: 0 },
    ]),
    thread(5000, 5001, SYSTEM_END - 8 * MS, next, (i) => [
      { call: 'pread64', fd: 7, offset: BigInt(i) * 4096n, duration: 180_000, asleep: 0.7, blocked: 0.7, stack: 1 },
      ...(i % 20 === 19 ? [{ call: 'fdatasync' as const, fd: 7, offset: -1n, length: 0, result: 0, duration: 4 * MS, asleep: 0.9, blocked: 0.9 }] : []),
    ]),
    thread(5100, 5100, SYSTEM_END - 8 * MS, next, (i) => [
      { api: 'epoll', call: 'epoll_pwait', fd: 4, offset: -1n, length: 64, result: 1, duration: 300_000, asleep: 0.95 },
      { call: 'read', fd: 9, offset: -1n, result: i % 12 === 11 ? -11 : 512, length: 4096, duration: 9_000 },
      { call: 'write', fd: 9, offset: -1n, result: i % 40 === 39 ? -32 : 512, length: 512, duration: 14_000 },
    ]),
  ].flat().sort((a, b) => a.start + a.duration - b.start - b.duration);
}

function systemSpans(next: () => number): SpanInput[] {
  const spans: SpanInput[] = [];
  // four iocbs for each io_submit, of a file that is not open with O_DIRECT
  for (let at = 200_000, i = 0; at < SYSTEM_END - 2 * MS; i++) {
    for (let slot = 0; slot < 4; slot++) {
      spans.push(span({ api: 'libaio', op: 1, pid: 5000, tid: 5000, ring: 1, slot, fd: 6, start: at + slot * 1000, duration: 700_000 + slot * 10_000, submit: 900_000, offset: BigInt(4 * i + slot) * 4096n, userData: BigInt(i) }));
    }
    at += 950_000 + Math.round(next() * 100_000);
  }
  // chains of write and fsync, reads that part, zero-copy sends by a polling thread
  for (let at = 500_000, i = 1; at < SYSTEM_END - 4 * MS; i++) {
    const every = SYSTEM_MODES.findLast(([time]) => time <= at)?.[1] ?? 1;
    const sampled = every === 1 ? 0 : SpanFlag.Sampled;
    if (every > 0 && (every === 1 || i % 4 === 0)) {
      const write = 300_000 + Math.round(next() * 200_000);
      spans.push(
        span({ op: WRITE, pid: 5200, tid: 5200, ring: 2, slot: 0, fd: 5, start: at, duration: write, parted: 12_000, flags: SpanFlag.Punted | SpanFlag.Linked | sampled, chain: i, stack: 2, userData: 1n }),
        span({ op: 3, pid: 5200, tid: 5200, ring: 2, slot: 1, fd: 5, start: at + write, duration: 700_000, parted: 1000, flags: SpanFlag.Punted | SpanFlag.PuntExpected | SpanFlag.Linked | sampled, chain: i, length: 0, result: i % 9 === 8 ? -125 : 0, offset: 0n, userData: 2n }),
        span({ op: RECV, pid: 5200, tid: 5200, ring: 2, slot: 2, fd: 8, start: at + 50_000, duration: 1_200_000, parted: 90_000, flags: SpanFlag.Polled | SpanFlag.MultishotMore | sampled, offset: -1n, length: 0, result: 1200, userData: 3n }),
        span({ op: SEND_ZC, pid: 5200, tid: 5210, ring: 3, slot: 0, fd: 1, start: at, duration: 150_000, flags: SpanFlag.SqPoll | SpanFlag.FixedFile | SpanFlag.FixedBuffer | SpanFlag.Signals | sampled, offset: -1n, length: 65536, result: 65536, userData: 4n }),
        span({ op: SEND_ZC, pid: 5200, tid: 5210, ring: 3, slot: 0, fd: 1, start: at + 150_000, duration: 220_000, flags: SpanFlag.SqPoll | SpanFlag.FixedFile | SpanFlag.Notification | sampled, offset: -1n, length: 65536, result: 0, userData: 4n }),
      );
    }
    at += 1_600_000 + Math.round(next() * 300_000);
  }
  // POSIX AIO
  for (let i = 0; i < 60; i++) spans.push(span({ api: 'posix-aio', op: i % 10 === 9 ? 2 : i % 2, pid: 5300, tid: 5301, ring: 4, slot: 0, fd: 3, start: 300_000 + i * 1_500_000, duration: 1_300_000, length: i % 10 === 9 ? 0 : 16384, result: i % 10 === 9 ? 0 : 16384, offset: BigInt(i) * 16384n }));
  return spans.sort((a, b) => a.start + a.duration - b.start - b.duration);
}

/** What the histograms say: `n` writes and fsyncs between two moments. */
function counted(from: number, t: number, n: number): Histograms {
  return { from, t, ops: [
    { api: 'io_uring', op: WRITE, count: n, errors: 2, punted: n, bytes: n * 4096, max_ns: 2_400_000, steps: [[131, Math.floor(n * 0.9)], [139, n - Math.floor(n * 0.9)]] },
    { api: 'io_uring', op: 3, count: n, errors: 1, punted: n, bytes: 0, max_ns: 3_100_000, steps: [[140, n]] },
  ] };
}

export interface SystemRecording { bytes: Uint8Array; spans: SpanInput[]; calls: CallInput[]; pending: SpanInput[] }

export function systemRecording({ end = true }: { end?: boolean } = {}): SystemRecording {
  const next = random(21);
  const calls = systemCalls(next);
  const spans = systemSpans(next);
  const pending = [
    span({ pid: 5200, tid: 5200, ring: 2, slot: 3, fd: 5, op: READ, start: 20 * MS, duration: 30 * MS, length: 65536, result: 0, userData: 0xbadn }),
    span({ pid: 5200, tid: 5200, ring: 2, slot: 4, fd: 11, op: 13, start: 8 * MS, duration: 40 * MS, length: 0, result: 0, userData: 0xaccen }),
  ];
  const all = totals({ t: SYSTEM_END, spans: spans.length, calls: calls.length });
  const process = (pid: number, comm: string) => ({ kind: 'process', t: 0, pid, comm }) as const;
  const file = (pid: number, fd: number, path: string, direct = false) => ({ kind: 'file', t: 0, pid, fd, path, direct, ...(path.startsWith('/') ? { fs: 'ext4', block: 4096 } : {}) }) as const;
  const writer = new StreamWriter().hello({ target: { kind: 'all' } })
    .info(process(5000, 'journald')).info(process(5100, 'echo-epoll')).info(process(5200, 'store')).info(process(5300, 'old-db'))
    .info({ kind: 'thread', t: 0, pid: 5000, tid: 5001, comm: 'reader' }).info({ kind: 'thread', t: 0, pid: 5200, tid: 5210, comm: 'iou-sqp-5200' })
    .info({ kind: 'ring', t: 0, ring: 1, api: 'libaio', pid: 5000, fd: -1, sq: 128, cq: 0, flags: 0, existed: false })
    .info({ kind: 'ring', t: 0, ring: 2, api: 'io_uring', pid: 5200, fd: 3, sq: 64, cq: 128, flags: 0, existed: false })
    .info({ kind: 'ring', t: 0, ring: 3, api: 'io_uring', pid: 5200, fd: 4, sq: 64, cq: 128, flags: 2, existed: false })
    .info({ kind: 'ring', t: 0, ring: 4, api: 'posix-aio', pid: 5300, fd: -1, sq: 0, cq: 0, flags: 0, existed: false })
    .info(file(5000, 6, '/var/lib/journal/current.log')).info(file(5000, 7, '/var/lib/journal/index', true)).info(file(5100, 9, 'socket:[71]'))
    .info(file(5200, 5, '/srv/store/data.0')).info(file(5200, 8, 'socket:[72]')).info(file(5200, 11, 'socket:[73]')).info(file(5300, 3, '/srv/old/table.db'))
    .info({ kind: 'stack', t: 0, stack: 1, pid: 5000, frames: ['55d000001200', '7f0000001000'] })
    .info({ kind: 'stack', t: 0, stack: 2, pid: 5200, frames: ['55e000000400'] })
    .info({ kind: 'module', t: 0, pid: 5000, start: '55d000000000', end: '55d000010000', offset: '1000', path: '/usr/bin/journald', build_id: 'ab12' })
    .info({ kind: 'refused', t: 5 * MS, pid: 5400, tid: 5400, comm: 'node', call: 'io_uring_setup', errno: 1, cause: 'seccomp', seccomp: 2, disabled: 0, container: true });
  const batches: [number, () => void][] = [];
  for (let i = 0; i < spans.length; i += 100) batches.push([spans[Math.min(spans.length, i + 100) - 1]!.start, () => writer.spans(spans.slice(i, i + 100))]);
  for (let i = 0; i < calls.length; i += 100) batches.push([calls[Math.min(calls.length, i + 100) - 1]!.start, () => writer.calls(calls.slice(i, i + 100))]);
  for (const [time, value] of SYSTEM_MODES) batches.push([time, () => writer.instants([{ kind: InstantKind.Mode, time, pid: 0, tid: 0, ring: 0, value }])]);
  batches.push([60 * MS, () => writer.histograms(counted(40 * MS, 60 * MS, 1000))], [75 * MS, () => writer.histograms(counted(60 * MS, 75 * MS, 5000))]);
  for (const one of pending) batches.push([one.start + one.duration, () => writer.pending([one])]);
  batches.push([90 * MS, () => writer.instants([
    { kind: InstantKind.Register, time: 2 * MS, pid: 5200, tid: 5200, ring: 3, value: 2 }, { kind: InstantKind.ShortWrite, time: 30 * MS, pid: 5200, tid: 5205, ring: 2, value: 512 },
    { kind: InstantKind.LinkFailed, time: 33 * MS, pid: 5200, tid: 5200, ring: 2, value: 2 }, { kind: InstantKind.Security, time: 1 * MS, pid: 5200, tid: 5200, ring: 3, value: 2 },
  ])]);
  for (const [, write] of batches.sort((a, b) => a[0] - b[0])) write();
  writer.threads({ t: SYSTEM_END, threads: [
    { pid: 5200, tid: 5210, role: 'sqpoll', cpu_ns: 4_900_000_000, wall_ns: 5_000_000_000 }, { pid: 5200, tid: 5205, role: 'worker', cpu_ns: 12_000_000, wall_ns: 90_000_000 },
  ] });
  writer.census({ t: SYSTEM_END, more: 1, processes: [
    { pid: 5200, comm: 'store', uid: 0, apis: [{ api: 'io_uring', submitted: 12_300, completed: 12_298, rings: 2 }] },
    { pid: 5000, comm: 'journald', uid: 101, apis: [{ api: 'libaio', submitted: 420, completed: 420, rings: 1 }] },
  ] });
  writer.totals(all);
  if (end) writer.goodbye({ t: SYSTEM_END, totals: all });
  return { bytes: writer.bytes(), spans, calls, pending };
}
