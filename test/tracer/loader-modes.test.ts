/** How much is told: every operation, a sample, histograms; and what is told in any case. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { opName } from '../../src/protocol/ops';
import { InstantKind, SpanFlag } from '../../src/protocol/wire';
import { buildLoader } from '../support/launch';
import { buildPrograms, counted, counts, eventually, Loader, median, program, record } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const NOTHING_LOST = { kernel: 0, stream: 0, unpaired: 0 };

/** The least value of a step, as docs/trace-format.md has it. */
const leastOf = (step: number): number => (step < 8 ? step : (8 + step % 8) * 2 ** (Math.floor(step / 8) - 1));

describe.skipIf(WHY_NO_TRACING)(`modes ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
    folder = mkdtempSync(join(tmpdir(), 'ringlight-modes-'));
    file = join(folder, 'data');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('aggregate: no spans, exact counts, latencies as the program measured them', async () => {
    const { code, recording, said } = await record(['--mode', 'aggregate', '--apis', 'io_uring', '--', program('uring-known'), file, '500']);
    expect(code).toBe(0);
    expect(recording.spans).toHaveLength(0);
    expect(counted(recording)).toEqual(said.ops);
    expect(recording.instants).toContainEqual(expect.objectContaining({ kind: InstantKind.Mode, value: 0 }));
    const issued = Object.values(said.ops as Record<string, number>).reduce((a, b) => a + b);
    expect(recording.goodbye!.totals).toMatchObject({ mode: 'aggregate', apis: [{ api: 'io_uring', submitted: issued, completed: issued, inflight: 0 }], lost: NOTHING_LOST });

    const steps = recording.histograms.flatMap(({ ops }) => ops.filter((op) => op.op === 11).flatMap((op) => op.steps)).sort(([a], [b]) => a - b);
    const all = steps.flatMap(([step, count]) => Array.from({ length: count }, () => leastOf(step)));
    const measured = median(said.timeout_ns as number[]);
    expect(median(all)).toBeGreaterThan(measured * 0.8);
    expect(median(all)).toBeLessThan(measured * 1.1);
  });

  test('sampled: exact counts, and one operation in so many with all that belongs to it', async () => {
    const { recording, said } = await record(['--mode', 'sampled', '--sample', '8', '--apis', 'io_uring', '--', program('uring-known'), file, '800']);
    expect(counted(recording)).toEqual(said.ops);
    const issued = Object.values(said.ops as Record<string, number>).reduce((a, b) => a + b);
    expect(recording.spans.length).toBeGreaterThan(issued / 8 - 20);
    expect(recording.spans.length).toBeLessThanOrEqual(issued / 8);
    for (const span of recording.spans) expect(span.flags & SpanFlag.Sampled).toBeTruthy();
    expect(recording.spans.some((span) => span.flags & SpanFlag.Linked)).toBe(true);
    expect(recording.goodbye!.totals).toMatchObject({ mode: 'sampled', every: 8, apis: [{ api: 'io_uring', submitted: issued, completed: issued }], lost: NOTHING_LOST });
  });

  test('libaio is sampled too', async () => {
    const { recording, said } = await record(['--mode', 'sampled', '--sample', '4', '--apis', 'libaio', '--', program('aio-known'), file, '200']);
    // the one that io_submit refused was asked for too
    const made = said.ops as Record<string, number>;
    const ops = { ...made, PREAD: made.PREAD! + 1 };
    expect(counted(recording)).toEqual(ops);
    expect(recording.spans).toHaveLength(Math.floor(Object.values(ops).reduce((a, b) => a + b) / 4));
  });

  test.each(['spans', 'aggregate'])('%s: many kinds of operations, exactly', async (mode) => {
    const { code, recording, said } = await record(['--mode', mode, '--apis', 'io_uring', '--', program('uring-many'), file, '40']);
    expect(code).toBe(0);
    const ops = Object.fromEntries(Object.entries(said.ops as Record<string, number>).map(([op, count]) => [opName('io_uring', Number(op)), count]));
    const { spans } = recording;
    const notifications = spans.filter((span) => span.flags & SpanFlag.Notification);
    expect(mode === 'aggregate' ? counted(recording) : counts(spans.filter((span) => !notifications.includes(span)), 'io_uring')).toEqual(ops);
    expect(recording.goodbye!.totals.lost).toEqual(NOTHING_LOST);
    expect(recording.goodbye!.totals.apis).toMatchObject([{ inflight: 0 }]);
    if (mode === 'aggregate') return;

    expect(notifications).toHaveLength(said.notifications as number);
    for (const span of notifications) expect(opName('io_uring', span.op)).toBe('SEND_ZC');
    expect(spans.filter((span) => span.result === -125)).toHaveLength(said.cancelled as number);
    expect(spans.filter((span) => span.result === -62)).toHaveLength(said.timed_out as number);
    const chains = new Map<number, string[]>();
    for (const span of spans) if (span.chain) chains.set(span.chain, [...chains.get(span.chain) ?? [], opName('io_uring', span.op)]);
    const kinds = [...chains.values()].map((names) => names.sort().join(' '));
    expect(kinds.filter((kind) => kind === 'CLOSE OPENAT READ')).toHaveLength(40);
    expect(kinds.filter((kind) => kind === 'LINK_TIMEOUT RECV')).toHaveLength(40);
    for (const span of spans.filter((s) => opName('io_uring', s.op) === 'READ_FIXED')) expect(span.flags & SpanFlag.FixedBuffer).toBeTruthy();
    expect(spans.filter((span) => span.flags & SpanFlag.Signals).map((span) => opName('io_uring', span.op))).toEqual(Array.from({ length: 40 }, () => 'FADVISE'));
    for (const span of spans.filter((s) => s.flags & (SpanFlag.Polled | SpanFlag.Punted))) expect(span.parted).toBeGreaterThan(0);
    expect(recording.instants.filter((instant) => instant.kind === InstantKind.Register).length).toBeGreaterThanOrEqual(4);
  });

  test('what can not be kept up with is sampled, and each step is told', async () => {
    const loader = new Loader(['--apis', 'io_uring', '--ring-buffer', '64', '--', program('uring-storm'), '6000000']);
    loader.child.stdout.pause();
    const said = await loader.said() as unknown as { ops: { NOP: number } };
    loader.child.stdout.resume();
    expect((await loader.ended).code).toBe(0);
    const { recording } = loader;
    const { totals } = recording.goodbye!;
    expect(totals.apis).toEqual([{ api: 'io_uring', submitted: said.ops.NOP, completed: said.ops.NOP, inflight: 0 }]);
    expect(totals.lost).toEqual(NOTHING_LOST);
    const told = recording.spans.filter((span) => !(span.flags & SpanFlag.Sampled)).length;
    expect(told + (counted(recording).NOP ?? 0)).toBe(said.ops.NOP);
    const steps = recording.instants.filter((instant) => instant.kind === InstantKind.Mode).map((instant) => instant.value);
    expect(steps.slice(0, 2)).toEqual([16, 256]);
  });

  test('a ring buffer that fills up has the loader tell less', async () => {
    const loader = new Loader(['--apis', 'sync', '--', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=1', 'count=500000']);
    await eventually(() => loader.bytes.length > 100_000, 'the first calls');
    loader.child.kill('SIGSTOP');
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    loader.child.kill('SIGCONT');
    expect((await loader.ended).code).toBe(0);
    const { recording } = loader;
    const steps = recording.instants.filter((instant) => instant.kind === InstantKind.Mode).map((instant) => instant.value);
    expect(steps[0]).toBe(16);
    expect(recording.goodbye!.totals).toMatchObject({ lost: { stream: 0, unpaired: 0 } });
  });

  test.each(['spans', 'aggregate'])('%s: what hangs is told while it hangs', async (mode) => {
    const loader = new Loader(['--apis', 'io_uring', '--mode', mode, '--pending', '200', '--', program('uring-hang')]);
    await eventually(() => loader.bytes.length > 8 && loader.recording.pending.length > 0, 'a pending operation');
    const { pending } = loader.recording;
    expect(pending).toHaveLength(1);
    expect(opName('io_uring', pending[0]!.op)).toBe('RECV');
    expect(pending[0]!.duration).toBeGreaterThan(200_000_000);
    loader.child.stdin.end();
    await loader.ended;
    // told once
    expect(loader.recording.pending).toHaveLength(1);
  });

  test('the thread that polls a submission queue, by the time it takes', async () => {
    const loader = new Loader(['--apis', 'io_uring', '--', program('uring-hang'), 'sqpoll']);
    await eventually(() => loader.bytes.length > 8 && loader.recording.threads.some(({ threads }) => threads.some((thread) => thread.wall_ns > 0)), 'a thread');
    const thread = loader.recording.threads.at(-1)!.threads.find(({ role }) => role === 'sqpoll')!;
    expect(thread.cpu_ns).toBeGreaterThan(0);
    expect(thread.cpu_ns).toBeLessThanOrEqual(thread.wall_ns * 1.1);
    loader.child.stdin.end();
    await loader.ended;
  });

  test('ten thousand rings', async () => {
    const { code, recording, said } = await record(['--apis', 'io_uring', '--ring-buffer', '64', '--', program('uring-rings'), '10000', '1000']);
    expect(code).toBe(0);
    expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
    expect(recording.goodbye!.totals.lost).toEqual(NOTHING_LOST);
  });

  test('the whole machine: who uses what', async () => {
    const target = new Loader(['--duration', '60', '--', program('uring-forever')]);
    const { pid } = await target.said() as { pid: number };
    const loader = new Loader(['--all', '--mode', 'aggregate', '--apis', 'io_uring']);
    const row = () => loader.bytes.length > 8 ? loader.recording.census.flatMap(({ processes }) => processes.filter((p) => p.pid === pid)) : [];
    await eventually(() => row().length >= 3, 'three rows of the process');
    const rows = row();
    for (const { comm, apis } of rows) {
      expect(comm).toBe('uring-forever');
      expect(apis).toMatchObject([{ api: 'io_uring', rings: 1 }]);
    }
    expect(rows.at(-1)!.apis[0]!.submitted).toBeGreaterThan(rows[0]!.apis[0]!.submitted);
    loader.child.stdin.end();
    target.child.stdin.end();
    await Promise.all([loader.ended, target.ended]);
  });
});
