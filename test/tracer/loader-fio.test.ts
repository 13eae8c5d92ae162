/** fio counts its operations too. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildLoader } from '../support/launch';
import { callCounts, counts, expectConsistent, expectLanes, record } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const WHY_NOT = WHY_NO_TRACING || (hasFio() ? '' : 'needs fio');

function hasFio(): boolean {
  try {
    return execFileSync('fio', ['--version'], { encoding: 'utf8' }).startsWith('fio-');
  } catch {
    return false;
  }
}

describe.skipIf(WHY_NOT)(`fio ${WHY_NOT && `(skipped: ${WHY_NOT})`}`, () => {
  let folder: string;
  beforeAll(() => {
    buildLoader();
    folder = mkdtempSync('/var/tmp/ringlight-fio-');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    { engine: 'io_uring', read: 'READ', write: 'WRITE', more: ['--thread', '--numjobs=2'] },
    { engine: 'io_uring', read: 'READV', write: 'WRITEV', more: ['--nonvectored=0', '--sqthread_poll=1'] },
    { engine: 'libaio', read: 'PREAD', write: 'PWRITE', more: ['--numjobs=2', '--iodepth_batch_submit=4'] },
    { engine: 'posixaio', read: 'READ', write: 'WRITE', more: ['--numjobs=2'] },
  ] as const)('$engine $read', async ({ engine, read, write, more }) => {
    const api = engine === 'posixaio' ? 'posix-aio' : engine;
    const { code, stderr, recording } = await record([
      '--apis', api, '--', 'fio', '--name=known', `--ioengine=${engine}`, '--rw=randrw', '--bs=4k', '--direct=1', '--size=8m', '--iodepth=16',
      '--number_ios=3000', `--directory=${folder}`, '--output-format=json', '--group_reporting', ...more,
    ]);
    expect(code, stderr).toBe(0);
    const job = (JSON.parse(stderr.slice(stderr.indexOf('{'), stderr.lastIndexOf('}') + 1)) as { jobs: Record<'read' | 'write', { total_ios: number; io_bytes: number }>[] }).jobs[0]!;
    expectConsistent(recording);
    expectLanes(recording.spans);
    expect(counts(recording.spans, api)).toEqual({ [read]: job.read.total_ios, [write]: job.write.total_ios });
    const bytes = recording.spans.reduce((sum, span) => sum + span.result, 0);
    expect(bytes).toBe(job.read.io_bytes + job.write.io_bytes);
    expect(recording.spans.reduce((sum, span) => sum + span.length, 0)).toBe(bytes);
  });

  test('psync: plain calls', async () => {
    const { code, stderr, recording } = await record(['--apis', 'sync', '--', 'fio', '--name=known', '--ioengine=psync', '--rw=randrw', '--bs=4k', '--direct=1', '--size=8m', '--fsync=50',
      '--number_ios=1000', `--directory=${folder}`, '--output-format=json', '--thread']);
    expect(code, stderr).toBe(0);
    const job = (JSON.parse(stderr.slice(stderr.indexOf('{'), stderr.lastIndexOf('}') + 1)) as { jobs: (Record<'read' | 'write', { total_ios: number }> & { sync: { total_ios: number } })[] }).jobs[0]!;
    const file = recording.infos.find((info) => info.kind === 'file' && info.path.startsWith(folder) && info.direct)!;
    const calls = recording.calls.filter((call) => file.kind === 'file' && call.fd === file.fd && call.tid !== call.pid && (call.length === 4096 || call.length === 0));
    expect(callCounts(calls)).toEqual({ pread64: job.read.total_ios, pwrite64: job.write.total_ios, fsync: job.sync.total_ios });
    expect(recording.goodbye?.totals.lost).toEqual({ kernel: 0, stream: 0, unpaired: 0 });
  });
});
