/** Each of the kernel's buffers and tables filled beyond its size: what can not be kept is counted, and nothing else is wrong. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { opName } from '../../src/protocol/ops';
import { InstantKind, SpanFlag } from '../../src/protocol/wire';
import type { Recording } from '../support/frames';
import { buildLoader } from '../support/launch';
import { buildPrograms, counted, counts, eventually, Loader, program, record } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const NOTHING_LOST = { kernel: 0, stream: 0, unpaired: 0 };
/** Places of the tables of threads, of processes, and of requests that complete several times. */
const PLACES = 16384;

/** Records a program of which the loader sees nothing until it is over, so that what it does stays in the kernel's buffers. */
async function recordBlindly(options: string[], command: string[]): Promise<{ recording: Recording; said: Record<string, unknown> }> {
  const target = spawn('/bin/sh', ['-c', 'read -r go && exec "$@"', 'gate', ...command]);
  let output = '';
  target.stdout.on('data', (chunk: Buffer) => { output += chunk.toString(); });
  const over = new Promise((resolve) => { target.on('close', resolve); });
  const loader = new Loader(['--mode', 'spans', ...options, '--pid', String(target.pid)]);
  await eventually(() => loader.bytes.length > 8, 'Hello');
  loader.child.kill('SIGSTOP');
  target.stdin.write('go\n');
  await over;
  loader.child.kill('SIGCONT');
  expect((await loader.ended).code).toBe(0);
  const { recording } = loader;
  expect(recording.goodbye?.totals.lost).toMatchObject({ stream: 0, unpaired: 0 });
  return { recording, said: JSON.parse(output) as Record<string, unknown> };
}

/** What was lost in the kernel, which instants tell as well. */
function lostOf(recording: Recording): number {
  const lost = recording.goodbye!.totals.lost.kernel;
  expect(recording.instants.filter(({ kind }) => kind === InstantKind.Lost).reduce((sum, { value }) => sum + value, 0)).toBe(lost);
  return lost;
}

describe.skipIf(WHY_NO_TRACING)(`full maps ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
    folder = mkdtempSync('/var/tmp/ringlight-full-');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a lane: each record is told or counted as lost, and the counts of operations are right', async () => {
    const { recording, said } = await recordBlindly(['--apis', 'io_uring', '--ring-buffer', '1'], [program('uring-storm'), '100000']);
    const issued = (said.ops as { NOP: number }).NOP;
    expect(recording.goodbye!.totals.apis).toEqual([{ api: 'io_uring', submitted: issued, completed: issued, inflight: 0 }]);
    // those at the edge have lost their completion
    const cut = recording.spans.filter(({ flags }) => flags & (SpanFlag.EndInferred | SpanFlag.Unfinished)).length;
    expect(cut).toBeLessThanOrEqual(2 * 64);
    expect(2 * recording.spans.length - cut + lostOf(recording)).toBe(2 * issued);
    expect(recording.spans.length).toBeGreaterThan(8000);
    expect(recording.spans.filter(({ flags }) => flags & ~(SpanFlag.EndInferred | SpanFlag.Unfinished))).toEqual([]);
  });

  test('the buffer of system calls', async () => {
    const { recording, said } = await recordBlindly(['--apis', 'sync'], [program('calls-flood'), '400000', '1']);
    const { submitted, completed } = recording.goodbye!.totals.apis[0]!;
    expect(completed).toBe(submitted);
    // besides, what starting the program takes
    expect(submitted - (said.reads as number)).toBeGreaterThanOrEqual(0);
    expect(submitted - (said.reads as number)).toBeLessThan(20);
    const slept = recording.calls.filter((call) => call.asleep > 0).length;
    const lost = lostOf(recording);
    expect(lost).toBeGreaterThan(50_000);
    // a call that slept has a second record
    expect(recording.calls.length + lost).toBeGreaterThanOrEqual(submitted);
    expect(recording.calls.length + lost).toBeLessThanOrEqual(submitted + slept + 20);
  });

  test('the buffer of names: the operations are all there, and some files have none', async () => {
    const { recording, said } = await recordBlindly(['--apis', 'io_uring'], [program('uring-flood'), 'files', '5000', folder]);
    expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
    expect(recording.spans.filter(({ result, length, flags }) => result !== 1 || length !== 1 || flags !== 0)).toEqual([]);
    const named = recording.infos.filter((info) => info.kind === 'file' && info.path.startsWith(folder)).length;
    expect(named).toBeGreaterThan(1000);
    expect(named).toBeLessThan(5000);
    expect(named + lostOf(recording)).toBe(5000);
  });

  test('the tables of operations in flight: what has no place there has a span', async () => {
    const { recording, said } = await record(['--mode', 'aggregate', '--apis', 'io_uring', '--', program('uring-flood'), 'polls', '150000']);
    const { POLL_ADD: issued } = said.ops as { POLL_ADD: number };
    const spans = recording.spans.length;
    expect(spans).toBeGreaterThan(150_000 - 2 * 65_536);
    expect(spans).toBeLessThan(50_000);
    expect(recording.spans.filter(({ op, result, flags }) => op !== 6 || result !== 1 || flags !== 0)).toEqual([]);
    expect(counted(recording)).toEqual({ POLL_ADD: issued - spans });
    expect(recording.goodbye!.totals).toMatchObject({ mode: 'aggregate', lost: NOTHING_LOST, apis: [{ submitted: issued, completed: issued, inflight: 0 }] });
  });

  test('the table of requests that complete several times, likewise', async () => {
    const count = PLACES + 1000;
    const { recording, said } = await record(['--mode', 'sampled', '--sample', '16', '--apis', 'io_uring', '--', program('uring-flood'), 'shots', String(count)]);
    const sampled = recording.spans.filter(({ flags }) => flags & SpanFlag.Sampled);
    const unkept = recording.spans.filter(({ flags }) => !(flags & SpanFlag.Sampled));
    expect(sampled.length).toBe(2 * Math.floor(PLACES / 16));
    expect(unkept).toHaveLength(2 * 1000);
    expect(unkept.filter(({ flags }) => flags & SpanFlag.MultishotMore)).toHaveLength(1000);
    for (const span of unkept) expect(opName('io_uring', span.op)).toBe('POLL_ADD');
    expect(counted(recording)).toEqual({ ...said.ops as Record<string, number>, POLL_ADD: 2 * PLACES });
    expect(recording.goodbye!.totals).toMatchObject({ lost: NOTHING_LOST, apis: [{ submitted: count + 1, completed: count + 1, inflight: 0 }] });
  });

  test('the table of threads: calls of those without a place are counted as lost', async () => {
    const threads = PLACES + 600;
    const { recording, said } = await record(['--mode', 'spans', '--apis', 'sync', '--', program('calls-flood'), '2', String(threads)]);
    // the first thread has a place too
    expect(lostOf(recording)).toBe(2 * (threads + 1 - PLACES));
    const reads = recording.calls.filter((call) => call.length === 1).length;
    expect(reads).toBe(said.reads as number - lostOf(recording));
    expect(recording.goodbye!.totals).toMatchObject({ calls: recording.calls.length, lost: { stream: 0, unpaired: 0 } });
  });

  test('the table of processes: those without a place are counted as lost', async () => {
    const children = PLACES + 100;
    const { code, recording } = await record(['--mode', 'spans', '--apis', 'io_uring', '--', program('many-processes'), String(children)]);
    expect(code).toBe(0);
    // the first process has a place too
    expect(lostOf(recording)).toBe(children + 1 - PLACES);
    expect(recording.goodbye).toMatchObject({ reason: 'target-exited', exit: { code: 0 }, totals: { lost: { stream: 0, unpaired: 0 } } });
  });

  test('the table of aio contexts: one that gave way is met again', async () => {
    const { recording, said } = await record(['--mode', 'spans', '--apis', 'libaio', '--', program('aio-contexts'), String(PLACES + 600), join(folder, 'data')]);
    expect(recording.goodbye!.totals.lost).toEqual(NOTHING_LOST);
    expect(counts(recording.spans, 'libaio')).toEqual(said.ops);
    expect(recording.spans.filter(({ result, length }) => result !== 512 || length !== 512)).toEqual([]);
    const rings = new Set(recording.infos.flatMap((info) => info.kind === 'ring' ? [info.ring] : []));
    expect(recording.spans.filter(({ ring }) => !rings.has(ring))).toEqual([]);
  });
});
