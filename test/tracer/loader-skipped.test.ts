/**
 * Since Linux 7.0 a kernel skips a program while another run of it is preempted on the CPU; second programs are there for that.
 * A loader of its own skips a quarter of the first programs' runs on any kernel: nothing must be missing, or be there twice.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { machine, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SpanFlag } from '../../src/protocol/wire';
import { buildPrograms, callCounts, counted, counts, expectConsistent, expectLanes, program, record, SYSCALL_WAYS } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const BPF = join(import.meta.dirname, '../../bpf');
const SKIPPING = join(BPF, `.output/${machine()}-skipping/ringlight-loader`);
/** In place of the loader, which comes as the next word. */
const SKIPPING_LOADER = ['sh', '-c', 'shift; exec "$0" "$@"', SKIPPING];
const NOTHING_LOST = { kernel: 0, stream: 0, unpaired: 0 };
const total = (ops: unknown) => Object.values(ops as Record<string, number>).reduce((a, b) => a + b);

describe.skipIf(WHY_NO_TRACING)(`programs that are skipped ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  beforeAll(() => {
    execFileSync('make', ['-C', BPF, '-j2', 'SKIPPING=1'], { stdio: ['ignore', 'ignore', 'pipe'] });
    buildPrograms();
    folder = mkdtempSync(join(existsSync('/var/tmp') ? '/var/tmp' : tmpdir(), 'ringlight-skipped-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('io_uring: every operation is a span, once', async () => {
    const { code, recording, said } = await record(['--apis', 'io_uring', '--', program('uring-known'), join(folder, 'uring'), '400'], SKIPPING_LOADER);
    expect(code).toBe(0);
    expectConsistent(recording);
    expectLanes(recording.spans);
    expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
    const issued = total(said.ops);
    expect(recording.goodbye!.totals).toMatchObject({ apis: [{ api: 'io_uring', submitted: issued, completed: issued, inflight: 0 }], lost: NOTHING_LOST });
  });

  test('io_uring: histograms and a sample', async () => {
    for (const mode of [['--mode', 'aggregate'], ['--mode', 'sampled', '--sample', '8']]) {
      const { recording, said } = await record([...mode, '--apis', 'io_uring', '--', program('uring-known'), join(folder, 'uring'), '400'], SKIPPING_LOADER);
      expect(counted(recording)).toEqual(said.ops);
      const issued = total(said.ops);
      expect(recording.goodbye!.totals).toMatchObject({ apis: [{ api: 'io_uring', submitted: issued, completed: issued, inflight: 0 }], lost: NOTHING_LOST });
    }
  });

  test.each(SYSCALL_WAYS)('libaio, $name', async ({ how, hook }) => {
    const { recording, said } = await record(['--apis', 'libaio', '--', program('aio-known'), join(folder, 'aio'), '400'], [...how, ...SKIPPING_LOADER]);
    expect(recording.hello.hooks).toContainEqual({ name: hook('io_submit'), state: 'attached' });
    expectConsistent(recording);
    const accepted = recording.spans.filter((span) => !(span.flags & SpanFlag.Rejected));
    expect(counts(accepted, 'libaio')).toEqual(said.ops);
    expect(recording.goodbye?.totals.apis).toEqual([{ api: 'libaio', submitted: accepted.length, completed: accepted.length, inflight: 0 }]);
  });

  test('system calls, also those of children', async () => {
    const { recording, said } = await record(['--apis', 'sync', '--', 'sh', '-c', '"$0" "$1" 20; true', program('calls-known'), join(folder, 'calls')], SKIPPING_LOADER);
    expectConsistent(recording);
    expect(callCounts(recording.calls.filter((call) => call.pid === said.pid && call.fd === said.file))).toEqual(Object.fromEntries(
      ['pwrite64', 'pread64', 'pwritev', 'preadv', 'pwritev2', 'preadv2', 'write', 'read', 'writev', 'readv', 'fdatasync', 'fsync'].map((name) => [name, 20])));
  });
});
