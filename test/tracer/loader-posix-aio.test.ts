/** POSIX AIO as the loader sees it: the C library's functions, and the threads that serve them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SpanFlag } from '../../src/protocol/wire';
import { buildLoader } from '../support/launch';
import { buildPrograms, counts, eventually, expectConsistent, expectLanes, Loader, program, record } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

describe.skipIf(WHY_NO_TRACING)(`POSIX AIO ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
    folder = mkdtempSync('/var/tmp/ringlight-posix-');
    file = join(folder, 'data');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('counts are the program’s own, each with its thread', async () => {
    const { code, recording, said } = await record(['--apis', 'posix-aio', '--', program('posix-known'), file, '40']);
    expect(code).toBe(0);
    for (const name of ['aio_read', 'aio_write', 'aio_fsync', 'lio_listio', 'sys_enter', 'sys_exit']) expect(recording.hello.hooks).toContainEqual({ name, state: 'attached' });
    expectConsistent(recording);
    expectLanes(recording.spans);
    expect(counts(recording.spans, 'posix-aio')).toEqual(said.ops);
    expect(recording.calls).toEqual([]);

    expect(recording.spans.filter((span) => span.result === -125)).toMatchObject([{ fd: said.pipe, parted: 0, flags: 0 }]);
    const all = recording.spans.length;
    expect(recording.goodbye?.totals.apis).toEqual([{ api: 'posix-aio', submitted: all, completed: all, inflight: 0 }]);

    const files = said.files as [number, number];
    const served = recording.spans.filter((span) => files.includes(span.fd));
    expect(served).toHaveLength(all - 3);
    for (const span of served) {
      expect(span).toMatchObject({ pid: said.pid, tid: said.pid, flags: 0, result: span.length, length: span.op === 2 ? 0 : 4096 });
      expect(span.parted).toBeGreaterThan(0);
      expect(span.parted).toBeLessThanOrEqual(span.duration + 1);
    }
    // the writes share their buffer, so only the offset told them apart
    const writes = served.filter((span) => span.op === 1).sort((a, b) => a.start - b.start).slice(0, 40);
    expect(new Set(writes.map((span) => span.userData)).size).toBe(1);
    expect(writes.map((span) => span.offset)).toEqual(Array.from({ length: 40 }, (_, i) => i * 4096));
    // one after the other on each descriptor: a thread begins none before it has ended the one before
    for (const fd of files) {
      const turns = writes.filter((span) => span.fd === fd).map((span) => ({ begins: span.start + span.parted - 1, ends: span.start + span.duration })).sort((a, b) => a.begins - b.begins);
      turns.slice(1).forEach((turn, i) => expect(turn.begins).toBeGreaterThanOrEqual(turns[i]!.ends));
    }
    expect(recording.spans).toContainEqual(expect.objectContaining({ op: 0, fd: 999, result: -9 }));
    const pipe = recording.spans.find((span) => span.fd === said.pipe && span.result === 1)!;
    expect(pipe.offset).toBe(-1);
    expect(pipe.duration / (said.pipe_ns as number)).toBeGreaterThan(0.9);
    expect(pipe.duration).toBeLessThanOrEqual(said.pipe_ns as number);

    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'ring', api: 'posix-aio', pid: said.pid, existed: false }));
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, fd: files[0], path: file }));
  });

  test('what is cancelled, and what is refused', async () => {
    const { code, recording, said } = await record(['--apis', 'posix-aio', '--', program('posix-refused'), file]);
    expect(code).toBe(0);
    for (const name of ['aio_cancel', 'aio_cancel returns', 'aio_read returns', 'lio_listio returns']) expect(recording.hello.hooks).toContainEqual({ name, state: 'attached' });
    const pipe = recording.spans.filter((span) => span.fd === said.pipe).sort((a, b) => a.start - b.start);
    expect(pipe).toMatchObject([{ result: 1 }, { result: -125, flags: 0 }, { result: -125, flags: 0 }, { result: -125, flags: 0 }]);
    // taken back while the first one waited
    for (const span of pipe.slice(1)) expect(span.start + span.duration).toBeLessThan(pipe[0]!.start + pipe[0]!.duration);
    const rejected = recording.spans.filter((span) => span.flags & SpanFlag.Rejected).sort((a, b) => a.start - b.start);
    expect(rejected).toMatchObject([
      { op: 1, fd: said.file, result: -22 }, { op: 2, fd: 999, result: -9 }, { op: 2, fd: said.file, result: -22 }, { op: 0, fd: said.file, result: -22, offset: 7 },
    ]);
    expect(recording.spans.filter((span) => span.fd === said.file && !rejected.includes(span))).toMatchObject([{ result: 1 }, { result: 1 }]);
    expect(recording.spans).toHaveLength(10);
    expect(recording.goodbye?.totals.apis).toEqual([{ api: 'posix-aio', submitted: 10, completed: 10, inflight: 0 }]);
  });

  test('the threads’ calls are plain ones too, where these are captured', async () => {
    const { recording, said } = await record(['--apis', 'posix-aio,sync', '--', program('posix-known'), file, '10']);
    expect(counts(recording.spans, 'posix-aio')).toEqual(said.ops);
    const helpers = recording.calls.filter((call) => (said.files as number[]).includes(call.fd) && call.tid !== said.pid);
    // without the read that failed, those of the pipe; with those of a thread of the program
    expect(helpers).toHaveLength(recording.spans.length - 3 + 5);
  });

  test('a process that runs already', async () => {
    const go = join(folder, 'go');
    const target = new Loader(['--duration', '60', '--apis', 'io_uring', '--', 'sh', '-c', `while ! test -e ${go}; do sleep 0.05; done; exec "$0" "$1" 20`, program('posix-known'), file]);
    const pid = await eventually(() => target.bytes.length > 8 && target.recording.hello.target.pid, 'the command');
    const loader = new Loader(['--pid', String(pid), '--apis', 'posix-aio']);
    await eventually(() => loader.bytes.length > 8, 'Hello');
    writeFileSync(go, '');
    const said = await target.said();
    await loader.ended;
    expect(counts(loader.recording.spans, 'posix-aio')).toEqual(said.ops);
    await target.ended;
  });

  test('without the right to probe programs it says so, and traces the rest', async () => {
    const { code, recording, said } = await record(['--apis', 'posix-aio,io_uring', '--', program('posix-known'), file, '10'],
      ['setpriv', '--bounding-set=-all,+bpf,+perfmon,+dac_read_search,+sys_ptrace', '--inh-caps=-all']);
    expect(code).toBe(0);
    expect(said.pid).toBeGreaterThan(0);
    expect(recording.hello.hooks).toContainEqual({ name: 'aio_read', state: 'unavailable', why: 'the C library could not be probed: Permission denied' });
    expect(recording.hello.hooks).toContainEqual(expect.objectContaining({ name: 'sys_enter', state: 'off' }));
    expect(recording.logs).toMatchObject([{ level: 'warning', code: 'cannot-trace', hint: expect.stringMatching(/CAP_SYS_ADMIN/) as string }]);
    expect(recording.goodbye?.totals.apis.map((one) => one.api)).toEqual(['io_uring']);
  });
});
