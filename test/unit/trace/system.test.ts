/** Calls, modes, histograms, pending operations, refusals, threads: from bytes to answers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Call, InstantKind, SpanFlag, type CallName } from '../../../src/protocol/wire';
import { describe as detailOf, formatSummary, queryRows, queryTiles, StreamReader, Summaries, type TraceStore } from '../../../src/trace';
import { FIRST_CALL, FIRST_PENDING } from '../../../src/trace/handles';
import { call, READ, span, StreamWriter, totals, WRITE, type CallInput } from '../../support/encode';
import { SYSTEM_END, SYSTEM_MODES, systemRecording } from '../../support/synthetic-system';

function read(bytes: Uint8Array, chunk = bytes.length): StreamReader {
  const reader = new StreamReader();
  for (let at = 0; at < bytes.length; at += chunk) reader.push(bytes.subarray(at, at + chunk));
  return reader;
}
function summarise(writer: StreamWriter): ReturnType<Summaries['summary']> {
  const reader = read(writer.goodbye({ t: 1_000_000, totals: totals({ t: 1_000_000 }) }).bytes());
  return new Summaries(reader.store).summary(reader.finish());
}
const idsOf = (writer: StreamWriter): string[] => summarise(writer).insights.map((i) => i.id);

/** What the store kept of a call, as the encoder's input. */
function stored(store: TraceStore, row: number): CallInput {
  const detail = detailOf(store, FIRST_CALL + row)!;
  const { calls } = store;
  return {
    api: detail.api, call: detail.op as CallName, start: detail.start, duration: detail.duration, asleep: detail.asleep, blocked: detail.blocked, pid: detail.pid, tid: detail.tid,
    ring: calls.ring(row), fd: detail.fd, offset: BigInt(detail.offset), length: detail.length, result: detail.result, stack: calls.stack(row),
  };
}

const anyCall = fc.record({
  api: fc.constantFrom('io_uring' as const, 'libaio' as const, 'epoll' as const, 'sync' as const), call: fc.constantFrom(...(Object.keys(Call) as CallName[])),
  start: fc.integer({ min: -1e6, max: 2 ** 51 }), duration: fc.nat(2 ** 50), asleep: fc.double({ min: 0, max: 1, noNaN: true }), blocked: fc.double({ min: 0, max: 1, noNaN: true }),
  pid: fc.nat(2 ** 31 - 1), tid: fc.nat(2 ** 31 - 1), ring: fc.nat(2 ** 32 - 1), fd: fc.integer({ min: -1, max: 2 ** 31 - 1 }),
  offset: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), length: fc.nat(2 ** 52), result: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), stack: fc.nat(2 ** 32 - 1),
}).map((c): CallInput => {
  const asleep = Math.floor(c.asleep * c.duration);
  return { ...c, asleep, blocked: Math.floor(c.blocked * asleep) };
});

describe('commands of URING_CMD', () => {
  it('are told by name where a name is known', () => {
    const command = (fd: number, offset: bigint) => ({ ...span({ op: 46, fd, offset }), api: 'io_uring' as const });
    const { store } = read(new StreamWriter().hello()
      .info({ kind: 'file', t: 0, pid: 1, fd: 3, path: '/dev/ng0n1', direct: false }).info({ kind: 'file', t: 0, pid: 1, fd: 4, path: 'socket:[77]', direct: false })
      .spans([command(3, 0xc0484e80n), command(4, 2n), command(3, 2n), span({ op: 22, fd: 3, offset: 2n })].map((s, i) => ({ ...s, pid: 1, start: 1000 + i }))).bytes());
    expect([0, 1, 2, 3].map((i) => detailOf(store, i)).map((d) => d!.command)).toEqual(['NVME_URING_CMD_IO (0xc0484e80)', 'SOCKET_URING_OP_GETSOCKOPT (0x2)', '0x2', '']);
  });
});

describe('calls', () => {
  it('reads back every field under any chunking', () => {
    fc.assert(fc.property(fc.array(fc.array(anyCall, { maxLength: 12 }), { maxLength: 4 }), fc.integer({ min: 1, max: 400 }), (batches, chunk) => {
      const writer = new StreamWriter().hello();
      for (const batch of batches) writer.calls(batch);
      const reader = read(writer.goodbye().bytes(), chunk);
      expect(reader.finish()).toEqual({ kind: 'complete' });
      const expected = batches.flat();
      expect(reader.store.calls.length).toBe(expected.length);
      expected.forEach((c, i) => expect(stored(reader.store, i)).toEqual(c));
    }), { numRuns: 150 });
  });

  it('holds what a thread waited to how long it was in the call', () => {
    const { store } = read(new StreamWriter().hello().calls([call({ duration: 100, asleep: 5000, blocked: 9000 })]).bytes());
    expect(stored(store, 0)).toMatchObject({ duration: 100, asleep: 100, blocked: 100 });
  });

  it('gives each thread a track, whose rows are told apart from spans', () => {
    const reader = read(new StreamWriter().hello().info({ kind: 'file', t: 0, pid: 100, fd: 3, path: '/data', direct: true, fs: 'xfs', block: 512 })
      .spans([span({ start: 10 })]).calls([call({ start: 20, tid: 100 }), call({ start: 25, tid: 101, call: 'fsync', result: -5 }), call({ start: 5000, tid: 100 })]).goodbye().bytes());
    const { store } = reader;
    expect(store.describeTracks().map((t) => [t.kind, t.tid, t.spans])).toEqual([['ops', 0, 1], ['calls', 100, 2], ['calls', 101, 1]]);
    const { tiles } = queryTiles(store, { t0: 0, t1: 6000, width: 500, tracks: store.tracks.map((t) => t.id) });
    expect(tiles.flatMap((t) => (t.kind === 'spans' ? [...t.index] : []))).toEqual([0, FIRST_CALL, FIRST_CALL + 2, FIRST_CALL + 1]);
    expect(detailOf(store, FIRST_CALL)).toMatchObject({ kind: 'call', op: 'pread64', path: '/data', fs: 'xfs', block: 512, direct: true });
    const rows = queryRows(store, { t0: 0, t1: 6000, sort: 'start', offset: 0, limit: 10 }).rows;
    expect(rows.map((r) => [r.kind, r.op, r.start])).toEqual([['span', 'READ', 10], ['call', 'pread64', 20], ['call', 'fsync', 25], ['call', 'pread64', 5000]]);
    expect(store.nextProblem(-1, 1)).toBe(FIRST_CALL + 1);
    expect(store.nextProblem(FIRST_CALL + 1, 1)).toBeUndefined();
    for (const nonsense of [1, FIRST_CALL + 3, FIRST_PENDING, 2 ** 32, -1, 0.5, NaN]) expect(detailOf(store, nonsense)).toBeNull();
  });
});

describe('whole recordings', () => {
  const { bytes, spans, calls } = systemRecording();

  it('open up to the cut, wherever it is', () => {
    let before = 0;
    for (let cut = 8; cut < bytes.length; cut += 251) {
      const reader = read(bytes.subarray(0, cut), 997);
      expect(reader.finish().kind).toBe('truncated');
      const rows = reader.store.calls.length + reader.store.spans.length;
      expect(rows).toBeGreaterThanOrEqual(before);
      before = rows;
    }
    expect(read(bytes).finish()).toEqual({ kind: 'complete' });
  });

  it('count each call and operation once, whole and while they grow', () => {
    const reader = new StreamReader();
    const summaries = new Summaries(reader.store);
    for (let at = 0; at < bytes.length; at += 4096) {
      reader.push(bytes.subarray(at, at + 4096));
      summaries.summary(undefined);
    }
    const summary = summaries.summary(reader.finish());
    expect(summary).toEqual(new Summaries(read(bytes).store).summary({ kind: 'complete' }));
    expect(summary.records).toBe(spans.length);
    for (const c of summary.calls) {
      const same = calls.filter((one) => one.api === c.api && one.call === c.call);
      expect(c).toMatchObject({
        count: same.length, errors: same.filter((one) => one.result < 0).length, total_ns: same.reduce((n, one) => n + one.duration, 0),
        asleep_ns: same.reduce((n, one) => n + one.asleep, 0), blocked_ns: same.reduce((n, one) => n + one.blocked, 0), max_ns: Math.max(...same.map((one) => one.duration)),
      });
    }
    expect(summary.calls.reduce((n, c) => n + c.count, 0)).toBe(calls.length);
    const op = (api: string, name: string) => summary.apis.find((one) => one.api === api && one.op === name)!;
    // outside of the stretches in which the histograms count
    const plain = (c: { start: number; duration: number }): boolean => c.start + Math.max(1, c.duration) < SYSTEM_MODES[0][0] || c.start + Math.max(1, c.duration) >= SYSTEM_MODES[2][0];
    for (const [api, name, number] of [['epoll', 'PWAIT', 'epoll_pwait'], ['sync', 'PREAD', 'pread64'], ['sync', 'READ', 'read'], ['sync', 'FDATASYNC', 'fdatasync']] as const) {
      expect(op(api, name).count, name).toBe(calls.filter((c) => c.call === number && plain(c)).length);
    }
    const writes = spans.filter((s) => s.api === 'io_uring' && s.op === WRITE);
    const exact = writes.filter((s) => !(s.flags & SpanFlag.Sampled));
    expect(writes.length).toBeGreaterThan(exact.length);
    expect(op('io_uring', 'WRITE')).toMatchObject({ count: exact.length + 6000, errors: 4, bytes: exact.length * 4096 + 6000 * 4096, punted: exact.length + 6000, max_ns: 2_400_000 });
    expect(op('io_uring', 'WRITE').ways).toMatchObject({ spans: writes.length, inline: 0, punted: writes.length, punted_expected: 0, linked: writes.length });
    const sends = spans.filter((s) => s.op === 47);
    const notifications = sends.filter((s) => s.flags & SpanFlag.Notification).length;
    expect(op('io_uring', 'SEND_ZC').ways).toMatchObject({ spans: sends.length - notifications, notifications, sqpoll: sends.length - notifications, fixed_file: sends.length - notifications });
    expect(summary.apis.filter((a) => a.api === 'posix-aio').map((a) => [a.op, a.count])).toEqual([['READ', 30], ['WRITE', 24], ['FSYNC', 6]]);
    expect(summary.modes).toEqual([
      { from: 0, to: 40e6, mode: 'spans', every: 1 }, { from: 40e6, to: 60e6, mode: 'sampled', every: 16 }, { from: 60e6, to: 75e6, mode: 'aggregate', every: 0 }, { from: 75e6, to: SYSTEM_END, mode: 'spans', every: 1 },
    ]);
    expect(summary.threads[0]).toMatchObject({ tid: 5210, role: 'sqpoll', comm: 'iou-sqp-5200', idle_ns: 100_000_000, submitted: sends.length });
    expect(summary.refused).toEqual([{ pid: 5400, comm: 'node', call: 'io_uring_setup', error: 'EPERM', cause: 'seccomp', seccomp: 2, disabled: 0, container: true, count: 1 }]);
    expect(summary.pending.map((p) => [p.op, p.path, p.age_ns])).toEqual([['ACCEPT', 'socket:[73]', 92e6], ['READ', '/srv/store/data.0', 80e6]]);
    expect(summary.census?.processes).toHaveLength(2);
  });

  it('say in text what happened', () => {
    const text = formatSummary(new Summaries(read(bytes).store).summary({ kind: 'complete' }));
    for (const words of [
      /from 40\.0 ms to 60\.0 ms: sampled 1 in 16, the rest in histograms/, /from 60\.0 ms to 75\.0 ms: histograms only/, /^api +system call +recorded/m, /^libaio +io_submit +\d+/m, /^way taken$/m,
      /io_uring WRITE +all punted, all linked/, /node \(5400\): io_uring_setup EPERM, seccomp/, /io_uring READ on \/srv\/store\/data\.0, 80\.0 ms: store \(5200\), user_data 0xbad/,
    ]) expect(text).toMatch(words);
  });
});

describe('histograms of the loader', () => {
  it('give percentiles within 7 % of the exact ones', () => {
    // as docs and wire.ts say what a step holds
    const stepOf = (ns: number): number => {
      if (ns < 8) return ns;
      const e = Math.floor(Math.log2(ns));
      return (e - 2) * 8 + Math.floor(ns / 2 ** (e - 3)) - 8;
    };
    fc.assert(fc.property(fc.array(fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1)), { minLength: 1, maxLength: 200 }), (values) => {
      const steps = new Map<number, number>();
      for (const value of values) steps.set(stepOf(value), (steps.get(stepOf(value)) ?? 0) + 1);
      const { apis: [op] } = summarise(new StreamWriter().hello({ mode: 'aggregate' }).histograms({ from: 0, t: 1000, ops: [
        { api: 'io_uring', op: READ, count: values.length, errors: 0, punted: 0, bytes: 0, max_ns: Math.max(...values), steps: [...steps].sort((a, b) => a[0] - b[0]) },
      ] }));
      const sorted = [...values].sort((a, b) => a - b);
      for (const [p, got] of [[0.5, op!.p50_ns], [0.9, op!.p90_ns], [0.99, op!.p99_ns], [1, op!.max_ns]] as const) {
        const exact = sorted[Math.ceil(p * values.length) - 1]!;
        expect(Math.abs(got - exact)).toBeLessThanOrEqual(Math.max(exact * 0.07, 1));
      }
    }));
  });
});

describe('pending operations', () => {
  const open = span({ start: 1000, duration: 500, ring: 1, slot: 2, result: 0 });

  it('are open until their span comes, and then are it', () => {
    const writer = new StreamWriter().hello().pending([open]);
    const { store } = read(writer.bytes());
    expect(queryTiles(store, { t0: 0, t1: 5000, width: 100, tracks: [0] }).pending[0]).toMatchObject({ track: 0, index: Uint32Array.of(FIRST_PENDING), slot: Uint16Array.of(2) });
    expect(detailOf(store, FIRST_PENDING)).toMatchObject({ kind: 'pending', op: 'READ', duration: 500 });
    expect(store.nextProblem(-1, 1)).toBe(FIRST_PENDING);
    expect(store.describeTracks()[0]).toMatchObject({ depth: 3, spans: 0 });

    const { store: later } = read(writer.spans([{ ...open, duration: 9000, result: 4096 }]).bytes());
    expect(queryTiles(later, { t0: 0, t1: 5000, width: 100, tracks: [0] }).pending).toEqual([]);
    expect(later.nextProblem(-1, 1)).toBeUndefined();
    expect(new Summaries(later).summary(undefined).pending).toEqual([]);
  });

  it('stay suspects when the recording ends before them', () => {
    const summary = summarise(new StreamWriter().hello().pending([open]).spans([{ ...open, duration: 20_000, flags: SpanFlag.Unfinished }]));
    expect(summary.pending).toMatchObject([{ op: 'READ', start_ns: 1000, age_ns: 999_000 }]);
  });

  it('stay suspects when they are given up, however that came', () => {
    const summary = summarise(new StreamWriter().hello().info({ kind: 'file', t: 0, pid: 100, fd: 3, path: '/data', direct: false })
      .pending([open]).spans([{ ...open, duration: 20_000, result: -125 }]));
    expect(summary.pending).toMatchObject([{ op: 'READ', age_ns: 20_000, cancelled: true }]);
    expect(summary.insights[0]).toMatchObject({ id: 'pending', message: expect.stringContaining('cancelled after 20.0 µs') as string });
  });

  it('are another operation with another start, ring or slot, and are told once', () => {
    const other = { duration: 9000, result: 1 };
    const { store } = read(new StreamWriter().hello().pending([open, open]).spans([{ ...open, ...other, slot: 3 }, { ...open, ...other, ring: 9 }, { ...open, ...other, start: 1001 }]).bytes());
    expect(store.pending.all.map((op) => op.state)).toEqual(['open']);
  });
});

describe('findings', () => {
  const aio = { api: 'libaio', ring: 1 } as const;
  const submit = (fields: Partial<CallInput>): CallInput => call({ ...aio, call: 'io_submit', fd: -1, offset: -1n, length: 1, result: 1, ...fields });
  const file = (direct: boolean): StreamWriter => new StreamWriter().hello().info({ kind: 'file', t: 0, pid: 100, fd: 3, path: '/data', direct });

  it('blame a submission that sleeps on the file it was for, with the time it slept', () => {
    const slept = submit({ start: 1000, duration: 900_000, asleep: 800_000, blocked: 700_000 });
    const writer = (direct: boolean): StreamWriter => file(direct).spans([span({ ...aio, op: 0, start: 2000, duration: 2_000_000, submit: 900_000 })]).calls([slept]);
    const [found] = summarise(writer(false)).insights;
    expect(found).toMatchObject({ id: 'blocking-submit', severity: 'warning', rule: 'aio-buffered-io' });
    expect(found!.message).toContain('/data');
    expect(found!.evidence).toContain('1 of 1 call of io_submit were in uninterruptible sleep: 700 µs of 900 µs');
    expect(summarise(writer(true)).insights).toMatchObject([{ id: 'blocking-submit', severity: 'information' }]);
    // off the CPU because somebody else ran
    expect(idsOf(file(false).calls([{ ...slept, blocked: 0 }]))).toEqual([]);
    // too short to be noticed, and no file known
    expect(idsOf(new StreamWriter().hello().calls([submit({ duration: 900_000, asleep: 3000, blocked: 3000 })]))).toEqual([]);
    // submitted by another thread meanwhile
    expect(summarise(file(false).spans([span({ ...aio, op: 0, tid: 7, start: 2000, duration: 2_000_000 })]).calls([slept])).insights[0]!.rule).toBeUndefined();
  });

  it('know the block size of the device', () => {
    const sized = (block: number): StreamWriter => new StreamWriter().hello().info({ kind: 'file', t: 0, pid: 100, fd: 3, path: '/data', direct: true, block })
      .spans([span({ flags: SpanFlag.Direct, result: -22, length: 1024, offset: 512n })]);
    expect(summarise(sized(4096)).insights[0]).toMatchObject({ rule: 'direct-length-unaligned', message: expect.stringContaining('4096') as string });
    expect(summarise(sized(512)).insights[0]!.rule).toBeUndefined();
  });

  it('tell of a thread that polls for nothing, and only of that', () => {
    const poller = (cpu: number, wall: number, submissions: number, mode: 'spans' | 'sampled' = 'spans'): StreamWriter => new StreamWriter().hello({ mode })
      .spans(Array.from({ length: submissions }, (_, i) => span({ tid: 200, start: i, duration: 1, flags: SpanFlag.SqPoll })))
      .threads({ t: 900_000, threads: [{ pid: 100, tid: 200, role: 'sqpoll', cpu_ns: cpu, wall_ns: wall }] });
    expect(idsOf(poller(1.9e9, 2e9, 5))).toEqual(['sqpoll-idle']);
    expect(idsOf(poller(1.9e9, 2e9, 3000))).toEqual([]);
    expect(idsOf(poller(0.6e9, 9e9, 5))).toEqual([]);
    expect(idsOf(poller(0.4e9, 0.4e9, 5))).toEqual([]);
    expect(idsOf(poller(1.9e9, 2e9, 5, 'sampled'))).toEqual([]);
  });

  it('take a read of a file that does not end for a hang, and an accept for what it is', () => {
    const writer = new StreamWriter().hello().info({ kind: 'file', t: 0, pid: 100, fd: 3, path: '/data', direct: true }).info({ kind: 'file', t: 0, pid: 100, fd: 4, path: 'socket:[1]', direct: false })
      .pending([span({ start: 100, fd: 3 }), span({ start: 200, fd: 4, op: 13, slot: 1 }), span({ start: 300, fd: 4, op: READ, slot: 2 }), span({ start: 400, fd: 99, op: WRITE, slot: 3 })]);
    const { insights } = summarise(writer);
    expect(insights.map((i) => [i.id, i.severity])).toEqual([['pending', 'warning'], ['pending-waits', 'information']]);
    expect(insights[0]!.message).toMatch(/READ on \/data does not end: it has been in flight for 1\.00 ms/);
    expect(insights[1]!.message).toContain('3 operations');
  });

  it('say why io_uring was refused and what to do', () => {
    const refused = (cause: 'seccomp' | 'disabled' | 'arguments', seccomp: number, disabled: number): StreamWriter => new StreamWriter().hello()
      .info({ kind: 'refused', t: 1, pid: 7, tid: 7, comm: 'node', call: 'io_uring_setup', errno: 1, cause, seccomp, disabled, container: true });
    expect(summarise(refused('seccomp', 2, 0)).insights[0]).toMatchObject({ id: 'refused', evidence: expect.stringContaining('EPERM, process 7; seccomp mode 2, kernel.io_uring_disabled 0, in a container') as string });
    expect(summarise(refused('disabled', 0, 2)).insights[0]!.message).toContain('kernel.io_uring_group');
    expect(summarise(refused('arguments', 0, 0)).insights[0]).toMatchObject({ severity: 'information', rule: 'uring-setup-params-invalid' });
  });

  it('count wake-ups with one event, where they are many and fast', () => {
    const waits = (n: number, result: number, apart: number): StreamWriter => new StreamWriter().hello()
      .calls(Array.from({ length: n }, (_, i) => call({ api: 'epoll', call: 'epoll_wait', start: i * apart, duration: 100, result, length: 64 })));
    expect(idsOf(waits(1000, 1, 500_000))).toEqual(['single-wakeups']);
    expect(idsOf(waits(1000, 3, 500_000))).toEqual([]);
    expect(idsOf(waits(1000, 1, 5_000_000))).toEqual([]);
    expect(idsOf(waits(10, 1, 500_000))).toEqual([]);
  });

  it('tell of short writes, failed links and a mode that changed by itself', () => {
    expect(idsOf(new StreamWriter().hello().spans([span({ op: WRITE, result: 100 })]))).toEqual(['short-write']);
    expect(idsOf(new StreamWriter().hello().spans([span({ op: READ, result: 100 })]))).toEqual([]);
    expect(idsOf(new StreamWriter().hello().instants([{ kind: InstantKind.LinkFailed, time: 1, pid: 1, tid: 1, ring: 1, value: 5 }]))).toEqual(['link-failed']);
    expect(idsOf(new StreamWriter().hello().instants([{ kind: InstantKind.Mode, time: 500_000, pid: 0, tid: 0, ring: 0, value: 8 }]))).toEqual(['stepped-down']);
    // asked for
    expect(idsOf(new StreamWriter().hello({ mode: 'sampled' }))).toEqual([]);
  });

  it('leave a descriptor that is not ready out of the failures', () => {
    const calls = (result: number): StreamWriter => new StreamWriter().hello().calls([call({ call: 'read', result })]);
    expect(idsOf(calls(-11))).toEqual([]);
    expect(summarise(calls(-5)).insights[0]!.message).toBe('1 of 1 read returned an error.');
  });
});

describe('docs/summary.md', () => {
  it('names every member of a summary', () => {
    const summary = new Summaries(read(systemRecording().bytes).store).summary({ kind: 'truncated', at: 1, message: '' });
    const page = readFileSync(join(import.meta.dirname, '../../../docs/summary.md'), 'utf8');
    const named = new Set([...page.matchAll(/`([a-z0-9_]+)`/g)].map((m) => m[1]!));
    const members = new Set<string>();
    const walk = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(walk);
      else if (typeof value === 'object' && value !== null) {
        for (const [name, inner] of Object.entries(value)) {
          members.add(name);
          walk(inner);
        }
      }
    };
    // the members of hooks are names
    walk({ ...summary, hooks: 0 });
    expect([...members].filter((name) => !named.has(name))).toEqual([]);
    expect(members.size).toBeGreaterThan(80);
  });
});

describe('stacks', () => {
  it('are files and offsets where the mappings are known, and never more than was sent', () => {
    const { store } = read(systemRecording().bytes);
    const calls = queryRows(store, { t0: 0, t1: SYSTEM_END, sort: 'start', offset: 0, limit: 1000 }).rows;
    expect(calls.find((r) => r.op === 'pread64')!.stack).toEqual(['/usr/bin/journald+0x2200', '7f0000001000']);
    expect(calls.find((r) => r.op === 'WRITE')!.stack).toEqual(['55e000000400']);
    expect(calls.find((r) => r.op === 'read')!.stack).toEqual([]);
  });
});
