/** fio counts its operations too. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildLoader } from '../support/launch';
import { counts, expectConsistent, expectLanes, record } from '../support/loader';
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
  ] as const)('$engine $read', async ({ engine, read, write, more }) => {
    const { code, stderr, recording } = await record([
      '--', 'fio', '--name=known', `--ioengine=${engine}`, '--rw=randrw', '--bs=4k', '--direct=1', '--size=8m', '--iodepth=16',
      '--number_ios=3000', `--directory=${folder}`, '--output-format=json', '--group_reporting', ...more,
    ]);
    expect(code, stderr).toBe(0);
    const job = (JSON.parse(stderr.slice(stderr.indexOf('{'), stderr.lastIndexOf('}') + 1)) as { jobs: Record<'read' | 'write', { total_ios: number; io_bytes: number }>[] }).jobs[0]!;
    expectConsistent(recording);
    expectLanes(recording.spans);
    expect(counts(recording.spans, engine)).toEqual({ [read]: job.read.total_ios, [write]: job.write.total_ios });
    const bytes = recording.spans.reduce((sum, span) => sum + span.result, 0);
    expect(bytes).toBe(job.read.io_bytes + job.write.io_bytes);
    expect(recording.spans.reduce((sum, span) => sum + span.length, 0)).toBe(bytes);
  });
});
