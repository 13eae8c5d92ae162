/** io_uring as the loader sees it, against what real programs know that they did. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { opName } from '../../src/protocol/ops';
import { InstantKind, SpanFlag } from '../../src/protocol/wire';
import { buildLoader } from '../support/launch';
import { buildPrograms, counts, eventually, expectConsistent, expectLanes, isAlive, Loader, median, program, record } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

describe.skipIf(WHY_NO_TRACING)(`io_uring ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
    folder = mkdtempSync(join(tmpdir(), 'ringlight-uring-'));
    file = join(folder, 'data');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('counts are the program’s own, latencies within ten percent', async () => {
    const { code, recording, said } = await record(['--apis', 'io_uring', '--', program('uring-known'), file, '500']);
    expect(code).toBe(0);
    expectConsistent(recording);
    expectLanes(recording.spans);
    expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
    const issued = Object.values(said.ops as Record<string, number>).reduce((a, b) => a + b);
    expect(recording.goodbye).toMatchObject({
      reason: 'target-exited', exit: { code: 0 },
      totals: { apis: [{ api: 'io_uring', submitted: issued, completed: issued, inflight: 0 }], spans: issued },
    });

    const measured = said.timeout_ns as number[];
    const traced = recording.spans.filter((span) => span.op === 11).sort((a, b) => a.start - b.start);
    const ratios = traced.map((span, i) => span.duration / measured[i]!);
    // what the program measured includes that it had to wait for a CPU
    expect(Math.max(...ratios)).toBeGreaterThan(0.9);
    expect(median(ratios)).toBeLessThan(1.1);
  });

  test('spans carry descriptor, offset, length, result, file and thread', async () => {
    const { recording, said } = await record(['--', program('uring-known'), file, '64']);
    const reads = recording.spans.filter((span) => span.op === 22 && (span.flags & SpanFlag.Linked) === 0);
    expect(reads.map((span) => span.offset).sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => i * 4096));
    for (const span of reads) {
      expect(span).toMatchObject({ pid: said.pid, tid: said.pid, length: 4096, result: 4096 });
      expect(span.userData).toBe(BigInt(span.offset / 4096));
      expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, fd: span.fd, path: file, direct: false }));
    }
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'ring', api: 'io_uring', pid: said.pid, sq: 64, cq: 128, existed: false }));
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'process', pid: said.pid, comm: 'uring-known' }));
    const chained = recording.spans.filter((span) => span.flags & SpanFlag.Linked);
    expect(counts(chained, 'io_uring')).toEqual({ WRITE: 64, FSYNC: 64, READ: 64 });
  });

  test('rejected, skipped, punted, polled, multishot, foreign, overflowed, polled by the kernel, fixed', async () => {
    const { code, recording, said } = await record(['--', program('uring-corners'), file]);
    expect(code).toBe(0);
    expectConsistent(recording);
    expectLanes(recording.spans);
    const spans = recording.spans;
    const having = (flag: number) => spans.filter((span) => span.flags & flag);
    const only = (flag: number) => {
      const found = having(flag);
      expect(found).toHaveLength(1);
      return found[0]!;
    };

    expect(only(SpanFlag.Rejected)).toMatchObject({ op: 250, result: said.rejected });
    expect(only(SpanFlag.EndInferred)).toMatchObject({ op: 0, result: 0 });
    expect(only(SpanFlag.PuntExpected)).toMatchObject({ op: 0 });
    expect(only(SpanFlag.PuntExpected).flags & SpanFlag.Punted).toBeTruthy();
    expect(only(SpanFlag.Foreign)).toMatchObject({ result: 5, userData: 99n });
    expect(only(SpanFlag.SqPoll)).toMatchObject({ op: 23, result: 1 });
    expect(only(SpanFlag.SqPoll).tid).not.toBe(said.pid);
    expect(only(SpanFlag.FixedFile)).toMatchObject({ op: 22, fd: 0, result: 1 });
    expect(spans).toContainEqual(expect.objectContaining({ op: 22, fd: 999, result: said.bad, flags: 0 }));

    const polled = having(SpanFlag.Polled);
    expect(polled.map((span) => span.result)).toEqual([1, -125]);
    expect(polled[0]!.duration).toBeGreaterThan(4_500_000);

    expect(having(SpanFlag.MultishotMore)).toHaveLength(said.multishots as number);
    expect(spans.filter((span) => span.op === 6 && span.result === -125)).toHaveLength(1);

    expect(having(SpanFlag.Overflow)).toHaveLength(said.overflows as number);
    expect(recording.instants.filter((instant) => instant.kind === InstantKind.CqOverflow)).toHaveLength(said.overflows as number);
    expect(recording.instants.filter((instant) => instant.kind === InstantKind.LinkFailed)).toHaveLength(1);

    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', path: 'anon_inode:[eventfd]' }));
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', path: expect.stringMatching(/^socket:\[\d+\]$/) as string }));
  });

  test('nothing is lost in a storm', async () => {
    const { recording, said } = await record(['--apis', 'io_uring', '--ring-buffer', '64', '--', program('uring-storm'), '100000']);
    expectConsistent(recording);
    expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
  });

  test('completions of a batch: each in its call, and no more than a few at one time', async () => {
    const { recording, said } = await record(['--apis', 'io_uring', '--', program('uring-batches'), '20']);
    expectConsistent(recording);
    const size = said.batch as number, began = said.began as number[], over = said.over as number[];
    const spans = [...recording.spans].sort((a, b) => a.start - b.start);
    expect(spans).toHaveLength(size * began.length);
    const base = Number(recording.hello.clock.mono_ns);
    began.forEach((first, batch) => {
      const own = spans.slice(batch * size, (batch + 1) * size);
      const ends = own.map((span) => span.start + span.duration);
      expect(own[0]!.start).toBeGreaterThanOrEqual(first - base);
      expect(Math.max(...ends)).toBeLessThanOrEqual(over[batch]! - base);
      expect(ends).toEqual([...ends].sort((a, b) => a - b));
      expect(new Set(ends).size).toBeGreaterThanOrEqual(size / 16);
    });
  });

  test('all processes: those that start and end meanwhile', async () => {
    const loader = new Loader(['--all', '--apis', 'io_uring']);
    await eventually(() => loader.bytes.length > 8, 'Hello');
    const said = JSON.parse(execFileSync(program('uring-known'), [file, '100'], { encoding: 'utf8' })) as { pid: number; ops: Record<string, number> };
    loader.child.stdin.end();
    expect((await loader.ended).code).toBe(0);
    const { recording } = loader;
    expect(recording.goodbye?.reason).toBe('stopped');
    expect(counts(recording.spans.filter((span) => span.pid === said.pid), 'io_uring')).toEqual(said.ops);
  });

  test('a process and its rings that were there before', async () => {
    const target = new Loader(['--duration', '60', '--', program('uring-forever'), 'children']);
    const said = await target.said() as { pid: number; child: number; daemon: number };
    const loader = new Loader(['--pid', String(said.pid)]);
    await eventually(() => new Set(loader.bytes.length > 8 ? loader.recording.spans.map((span) => span.pid) : []).size >= 2, 'spans of both processes');
    loader.child.stdin.end();
    expect((await loader.ended).code).toBe(0);
    const { recording } = loader;
    expect(recording.goodbye).toMatchObject({ reason: 'stopped', totals: { lost: { kernel: 0, stream: 0, unpaired: 0 } } });
    const rings = recording.infos.filter((info) => info.kind === 'ring');
    // the daemon is no descendant any more: its parent is gone
    expect(rings.map((ring) => ring.pid).sort()).toEqual([said.pid, said.child].sort());
    for (const ring of rings) expect(ring).toMatchObject({ existed: true, sq: 8, cq: 16, fd: expect.any(Number) as number });
    expect(rings.every((ring) => ring.fd >= 3)).toBe(true);
    expect(isAlive(said.pid)).toBe(true);
    target.child.stdin.end();
    await target.ended;
  });

  test('a target that forks, becomes another program, and ends with operations in flight', async () => {
    const { code, recording, said } = await record(['--apis', 'io_uring', '--', program('uring-leaves'), '20', program('uring-known'), file, '50']);
    expect(code).toBe(0);
    expect(recording.goodbye!.totals.lost).toEqual({ kernel: 0, stream: 0, unpaired: 0 });
    const parent = said.pid as number;
    const left = recording.spans.filter((span) => span.pid !== parent);
    // nobody reaps what a process leaves behind, but the kernel ends it
    expect(counts(left, 'io_uring')).toEqual({ RECV: 20 });
    for (const span of left) expect(span).toMatchObject({ result: -125 });
    const own = recording.spans.filter((span) => span.pid === parent);
    expect(counts(own, 'io_uring')).toEqual({ ...said.ops as Record<string, number>, RECV: 1 });
    expect(own.find((span) => opName('io_uring', span.op) === 'RECV')).toMatchObject({ result: -125 });
    expect(recording.infos.flatMap((info) => info.kind === 'process' && info.pid === parent ? [info.comm] : [])).toEqual(['uring-leaves', 'uring-known']);
    expect(recording.goodbye!.totals.apis).toMatchObject([{ inflight: 0 }]);
  });
});
