/** The loader on Debian's kernels, booted in emulation: what it counts there is what the programs say they did. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InstantKind, SpanFlag } from '../../src/protocol/wire';
import { decodeRecording, type Recording } from '../support/frames';
import { buildLoader, LOADER } from '../support/launch';
import { counts, expectConsistent, expectLanes } from '../support/loader';
import { debianKernel } from './debian';
import { runGuest, WHY_NO_GUEST } from './guest';

const ROOT = join(import.meta.dirname, '../..');
const PROGRAMS = ['uring-known', 'uring-corners', 'uring-forever', 'uring-storm', 'aio-known'];
const BOOT_TIMEOUT = 540_000;

/** RINGLIGHT_KERNELS=bookworm,… runs only these suites. */
const SUITES = [
  { suite: 'bookworm', version: '6.1' },
  { suite: 'bookworm-backports', version: '6.12' },
].filter(isWanted);
/** Too old: to be refused in words. */
const REFUSED = [{ suite: 'bullseye', version: '5.10' }].filter(isWanted);

function isWanted({ suite }: { suite: string }): boolean {
  return (process.env.RINGLIGHT_KERNELS ?? suite).split(',').includes(suite);
}

/** Runs the loader; what it wrote goes to NAME.ringtrace, NAME.stderr and NAME.code. */
const run = (name: string, args: string) => `ringlight-loader ${args} >${name}.ringtrace 2>${name}.stderr </dev/console; echo $? >${name}.code; echo ${name} done`;
const SCRIPT = `
ringlight-loader --doctor >doctor.json 2>doctor.stderr </dev/console; echo $? >doctor.code
ringlight-loader --self-test >self-test.stdout 2>self-test.stderr </dev/console; echo $? >self-test.code
${run('uring', '-- uring-known /disk/uring 200')}
${run('aio', '--apis libaio -- aio-known /disk/aio 200')}
${run('storm', '--apis io_uring -- uring-storm 20000')}
${run('corners', '--apis io_uring -- uring-corners /disk/corners')}
uring-forever children >forever.json &
while ! grep -q pid forever.json; do usleep 100000; done
${run('existing', '--duration 2 --pid $(sed "s/.*\\"pid\\":\\([0-9]*\\).*/\\1/" forever.json)')}
umount /sys/kernel/tracing
${run('aio-bare', '--apis libaio -- aio-known /disk/aio 200')}
touch finished
`;

const REFUSED_SCRIPT = `
ringlight-loader --doctor >doctor.json 2>doctor.stderr </dev/console
${run('uring', '-- sh -c "touch started; uring-known /disk/uring 10"')}
touch finished
`;

describe.skipIf(WHY_NO_GUEST)(`kernels ${WHY_NO_GUEST && `(skipped: ${WHY_NO_GUEST})`}`, () => {
  const programs = join(ROOT, '.build/programs-static');
  beforeAll(() => {
    buildLoader();
    execFileSync('make', ['-C', join(ROOT, 'test/programs'), `OUT=${programs}`, 'CC=gcc -static'], { stdio: ['ignore', 'ignore', 'pipe'] });
  });

  describe.each(SUITES)('Linux $version of $suite', ({ suite, version }) => {
    let out: string | undefined;
    const text = (name: string) => readFileSync(join(out!, name), 'utf8');
    const recorded = (name: string): { recording: Recording; said: Record<string, unknown>; stderr: string; code: string } => {
      const stderr = text(`${name}.stderr`);
      const code = text(`${name}.code`).trim();
      expect(code, stderr).toBe('0');
      const json = /^\{.*\}$/m.exec(stderr)?.[0];
      return { recording: decodeRecording(readFileSync(join(out!, `${name}.ringtrace`))), said: json ? JSON.parse(json) as Record<string, unknown> : {}, stderr, code };
    };
    beforeAll(async () => {
      out = await runGuest(debianKernel(suite), [LOADER, ...PROGRAMS.map((name) => join(programs, name))], SCRIPT, BOOT_TIMEOUT);
      const keep = process.env.RINGLIGHT_KERNELS_KEEP;
      if (keep) {
        mkdirSync(keep, { recursive: true });
        cpSync(out, join(keep, suite), { recursive: true });
      }
    }, BOOT_TIMEOUT + 300_000);
    afterAll(() => { if (out && existsSync(out)) rmSync(out, { recursive: true, force: true }); });

    test('doctor says that it can trace, and the programs load and attach', () => {
      const doctor = JSON.parse(text('doctor.json')) as { kernel: string; canTrace: boolean; checks: { id: string; state: string; detail: string }[] };
      expect(doctor.kernel).toMatch(new RegExp(`^${version.replace('.', '\\.')}\\.`));
      expect(doctor.checks.filter((check) => check.state === 'missing')).toEqual([]);
      expect(doctor.canTrace).toBe(true);
      expect(text('self-test.code').trim(), text('self-test.stderr')).toBe('0');
    });

    test('io_uring: counts are the program’s own, and nothing is lost', () => {
      const { recording, said } = recorded('uring');
      expectConsistent(recording);
      expectLanes(recording.spans);
      expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
      const issued = Object.values(said.ops as Record<string, number>).reduce((a, b) => a + b);
      expect(recording.goodbye).toMatchObject({
        reason: 'target-exited', exit: { code: 0 },
        totals: { apis: expect.arrayContaining([{ api: 'io_uring', submitted: issued, completed: issued, inflight: 0 }]) as unknown },
      });
      const reads = recording.spans.filter((span) => span.op === 22 && (span.flags & SpanFlag.Linked) === 0);
      expect(reads.map((span) => span.offset).sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i * 4096));
      for (const span of reads) expect(span).toMatchObject({ pid: said.pid, tid: said.pid, length: 4096, result: 4096, userData: BigInt(span.offset / 4096) });
      expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, path: '/disk/uring', direct: false }));
      expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'ring', api: 'io_uring', pid: said.pid, sq: 64, cq: 128, existed: false }));
    });

    test('io_uring: nothing is lost in a storm', () => {
      const { recording, said } = recorded('storm');
      expectConsistent(recording);
      expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
    });

    test.each([['aio', 'sys_enter_io_submit'], ['aio-bare', 'sys_enter']])('libaio: counts are the program’s own (%s, through %s)', (name, hook) => {
      const { recording, said } = recorded(name);
      expect(recording.hello.hooks).toContainEqual({ name: hook, state: 'attached' });
      expectConsistent(recording);
      expectLanes(recording.spans);
      expect(recording.spans.filter((span) => span.flags & SpanFlag.Rejected)).toMatchObject([{ fd: 999, result: said.refused }]);
      const accepted = recording.spans.filter((span) => !(span.flags & SpanFlag.Rejected));
      expect(counts(accepted, 'libaio')).toEqual(said.ops);
      expect(recording.goodbye?.totals.apis).toEqual([{ api: 'libaio', submitted: accepted.length, completed: accepted.length, inflight: 0 }]);
      expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, path: '/disk/aio', direct: true }));
    });

    test('io_uring: rings that were there before', () => {
      const { recording } = recorded('existing');
      const said = JSON.parse(text('forever.json')) as { pid: number; child: number };
      expect(recording.goodbye?.totals.lost).toEqual({ kernel: 0, stream: 0, unpaired: 0 });
      const rings = recording.infos.filter((info) => info.kind === 'ring');
      expect(rings.map((ring) => ring.pid).sort()).toEqual([said.pid, said.child].sort());
      for (const ring of rings) expect(ring).toMatchObject({ existed: true, sq: 8, cq: 16 });
      expect(new Set(recording.spans.map((span) => span.pid))).toEqual(new Set([said.pid, said.child]));
    });

    test('io_uring: rejected, skipped, multishot, foreign, overflowed', () => {
      const { recording, said } = recorded('corners');
      expectConsistent(recording);
      expectLanes(recording.spans);
      const having = (flag: number) => recording.spans.filter((span) => span.flags & flag);
      expect(having(SpanFlag.Rejected)).toMatchObject([{ op: 250, result: said.rejected }]);
      expect(having(SpanFlag.EndInferred)).toMatchObject([{ op: 0, result: 0 }]);
      expect(having(SpanFlag.Foreign)).toMatchObject([{ result: 5, userData: 99n }]);
      expect(having(SpanFlag.SqPoll)).toMatchObject([{ op: 23, result: 1 }]);
      expect(having(SpanFlag.FixedFile)).toMatchObject([{ op: 22, fd: 0, result: 1 }]);
      expect(having(SpanFlag.MultishotMore)).toHaveLength(said.multishots as number);
      expect(having(SpanFlag.Overflow)).toHaveLength(said.overflows as number);
      expect(recording.instants.filter((instant) => instant.kind === InstantKind.CqOverflow)).toHaveLength(said.overflows as number);
      expect(recording.instants.filter((instant) => instant.kind === InstantKind.LinkFailed)).toHaveLength(1);
    });
  });

  test.each(REFUSED)('Linux $version of $suite is refused, and the refusal says why', async ({ suite }) => {
    const out = await runGuest(debianKernel(suite), [LOADER, join(programs, 'uring-known')], REFUSED_SCRIPT, BOOT_TIMEOUT);
    try {
      const text = (name: string) => readFileSync(join(out, name), 'utf8');
      expect(JSON.parse(text('doctor.json'))).toMatchObject({ canTrace: false });
      expect(text('uring.code').trim()).toBe('3');
      expect(text('uring.stderr')).toMatch(/is not available: .*\. Use Linux 6\.1 or later\./);
      expect(existsSync(join(out, 'started'))).toBe(false);
    } finally {
      rmSync(out, { recursive: true, force: true });
    }
  }, BOOT_TIMEOUT + 300_000);
});
