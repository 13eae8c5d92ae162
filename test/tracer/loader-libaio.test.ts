/** Kernel AIO as the loader sees it, through either kind of system call hook. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SpanFlag } from '../../src/protocol/wire';
import { buildLoader } from '../support/launch';
import { buildPrograms, callCounts, callName, counts, expectConsistent, expectLanes, median, program, record, SYSCALL_WAYS } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

describe.skipIf(WHY_NO_TRACING)(`libaio ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
    // a disk, because O_DIRECT is the point
    folder = mkdtempSync(join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), 'ringlight-aio-'));
    file = join(folder, 'data');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(SYSCALL_WAYS)('counts are the program’s own, latencies within ten percent, $name', async ({ how, hook }) => {
    const { code, recording, said } = await record(['--apis', 'libaio', '--', program('aio-known'), file, '400'], how);
    expect(code).toBe(0);
    expect(recording.hello.hooks).toContainEqual({ name: hook('io_submit'), state: 'attached' });
    expectConsistent(recording);
    expectLanes(recording.spans);

    const rejected = recording.spans.filter((span) => span.flags & SpanFlag.Rejected);
    expect(rejected).toMatchObject([{ fd: 999, result: said.refused }]);
    const accepted = recording.spans.filter((span) => !(span.flags & SpanFlag.Rejected));
    expect(counts(accepted, 'libaio')).toEqual(said.ops);
    expect(recording.goodbye?.totals.apis).toEqual([{ api: 'libaio', submitted: accepted.length, completed: accepted.length, inflight: 0 }]);

    const direct = accepted.filter((span) => span.flags & SpanFlag.Direct && span.op <= 1);
    expect(direct).toHaveLength((said.ops as Record<string, number>).PREAD! + (said.ops as Record<string, number>).PWRITE! - (said.buffered as number));
    // while others do direct I/O on the CPU, the kernel's event of an end is missing now and then, of a few at once
    const ended = direct.filter((span) => !(span.flags & SpanFlag.EndIsReap));
    expect(ended.length).toBeGreaterThanOrEqual(direct.length - 16);
    for (const span of ended) expect(span.reap).toBeGreaterThan(0);
    for (const span of direct) {
      expect(span.submit).toBeGreaterThan(0);
      expect(span.result).toBe(span.length);
    }
    const buffered = accepted.filter((span) => span.op === 0 && !(span.flags & SpanFlag.Direct));
    expect(buffered).toHaveLength(said.buffered as number);
    // they are done by the time io_submit returns, which is what makes them no asynchronous I/O
    for (const span of buffered) {
      expect(span.flags & SpanFlag.EndIsReap).toBe(0);
      expect(span.duration).toBeLessThanOrEqual(span.submit);
    }

    const check = (spans: typeof accepted, measured: number[], time: (span: typeof accepted[0]) => number) => {
      expect(spans).toHaveLength(measured.length);
      const ratios = spans.sort((a, b) => a.start - b.start).map((span, i) => time(span) / measured[i]!);
      // what the program measured includes that it had to wait for a CPU
      expect(Math.max(...ratios)).toBeGreaterThan(0.9);
      expect(median(ratios)).toBeLessThan(1.1);
    };
    for (const span of accepted.filter((one) => one.op === 5)) expect(span.flags & SpanFlag.EndIsReap).toBeTruthy();
    check(accepted.filter((span) => span.op === 5), said.poll_ns as number[], (span) => span.duration);
    check(accepted.filter((span) => span.length === 8 << 20), said.large_ns as number[], (span) => span.duration);

    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, path: file, direct: true }));
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, path: file, direct: false }));
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', path: expect.stringMatching(/^pipe:\[\d+\]$/) as string }));
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'ring', api: 'libaio', pid: said.pid, sq: 8, existed: false }));

    // eight iocbs a call, then an fsync, the refused one, and the polls and large reads one by one
    const submits = 3 * 400 / 8 + 1 + (said.poll_ns as number[]).length + (said.large_ns as number[]).length;
    expect(callCounts(recording.calls)).toEqual({ io_submit: submits + 1, io_getevents: submits });
    expect(recording.goodbye?.totals.calls).toBe(recording.calls.length);
    const sum = (name: string) => recording.calls.reduce((all, call) => all + (callName(call) === name ? Math.max(call.result, 0) : 0), 0);
    expect([sum('io_submit'), sum('io_getevents')]).toEqual([accepted.length, accepted.length]);
    for (const call of recording.calls) expect(call.ring).toBe(accepted[0]!.ring);
  });

  test('a submit that waits for the disk is blocked, one with O_DIRECT is not', async () => {
    const { code, recording, said } = await record(['--apis', 'libaio', '--', program('aio-cold'), file, '40']);
    expect(code).toBe(0);
    expectConsistent(recording);
    const submits = recording.calls.filter((call) => callName(call) === 'io_submit').sort((a, b) => a.start - b.start);
    expect(submits).toHaveLength(80);
    const [cold, direct] = [submits.slice(0, 40), submits.slice(40)];
    for (const call of submits) {
      expect(call).toMatchObject({ pid: said.pid, tid: said.pid, length: 1, result: 1, fd: -1, offset: -1 });
      expect(call.asleep).toBeLessThanOrEqual(call.duration);
      expect(call.blocked).toBeLessThanOrEqual(call.asleep);
    }
    expect(cold.filter((call) => call.blocked > call.duration / 2).length).toBeGreaterThanOrEqual(20);
    // a lock of the kernel may be taken now and then
    expect(direct.filter((call) => call.blocked > 0).length).toBeLessThanOrEqual(4);
    // the reap waits instead, and can be interrupted
    const reaps = recording.calls.filter((call) => callName(call) === 'io_getevents').sort((a, b) => a.start - b.start).slice(40);
    expect(reaps.filter((call) => call.asleep > 0).length).toBeGreaterThan(0);
    for (const call of reaps) expect(call.blocked).toBe(0);
  });
});
