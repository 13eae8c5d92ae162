/** What the loader answers to questions and to nonsense. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DoctorReport } from '../../src/protocol/launch';
import { encodeArgs } from '../../src/launch/loader-args';
import { decodeRecording } from '../support/frames';
import { buildLoader, LOADER } from '../support/launch';
import { buildPrograms, Loader, program } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

function run(args: string[], input?: Buffer) {
  return spawnSync(LOADER, args, { input, maxBuffer: 1 << 26 });
}

describe('arguments', () => {
  beforeAll(() => buildLoader());

  test.each([
    [[], /nothing to trace/],
    [['--bogus'], /“--bogus” is not an option/],
    [['--pid'], /--pid wants a value/],
    [['--pid', '0'], /process id, not “0”/],
    [['--pid', '-1'], /process id/],
    [['--pid', '12x'], /process id, not “12x”/],
    [['--pid', '99999999999'], /process id/],
    [['--pid', '1', '--all'], /one of --pid, --all and a command/],
    [['--all', '--apis', 'aio'], /knows io_uring, libaio, posix-aio, epoll and sync, not “aio”/],
    [['--all', '--apis', ''], /at least one/],
    [['--all', '--duration', '0'], /positive number/],
    [['--all', '--duration', 'nan'], /positive number/],
    [['--all', '--ring-buffer', '3'], /power of two/],
    [['--all', '--cwd', '/tmp'], /are for a command/],
    [['--all', '--stacks', '0'], /--stacks wants a number from 1/],
    [['--comm', 'x', '--', 'true'], /are for --all/],
    [['--all', '--comm', 'sixteen bytes, or'], /up to 15 bytes/],
    [['--all', '--uid', 'root'], /a user's number/],
    [['--all', '--cgroup', '/tmp'], /control group \(version 2\)/],
    [['--env', 'NONSENSE', '--', 'true'], /NAME=VALUE/],
    [['--'], /no command after/],
    [['--', ''], /no command after/],
    [['--args-from-stdin', '--all'], /no other arguments/],
  ])('%j is refused', (args, words) => {
    const { status, stdout, stderr } = run(args);
    expect(status).toBe(2);
    expect(stdout).toHaveLength(0);
    expect(stderr.toString()).toMatch(/^ringlight-loader: .+\n$/);
    expect(stderr.toString()).toMatch(words);
  });

  test.each([
    ['', /stdin ended/],
    ['x\n', /not a size/],
    ['-1\n', /not a size/],
    ['99999999999\n', /not a size/],
    ['12345678901234567890\n', /did not begin with a line/],
    ['10\n--all', /ended before the 10 bytes/],
    ['7\n--bogus', /“--bogus” is not an option/],
  ])('arguments from stdin: %j is refused', (input, words) => {
    const { status, stderr } = run(['--args-from-stdin'], Buffer.from(input));
    expect(status).toBe(2);
    expect(stderr.toString()).toMatch(words);
  });

  test('--version and --help', () => {
    expect(run(['--version']).stdout.toString()).toMatch(/^ringlight-loader \d+\.\d+\.\d+\n$/);
    expect(run(['--help']).stdout.toString()).toMatch(/^usage: /);
  });
});

describe.skipIf(WHY_NO_TRACING)(`answers ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  beforeAll(() => {
    buildLoader();
    buildPrograms();
  });

  test('--doctor and --self-test', () => {
    const doctor = run(['--doctor']);
    expect(doctor.status).toBe(0);
    const report = JSON.parse(doctor.stdout.toString()) as DoctorReport;
    expect(report).toMatchObject({ version: 1, canTrace: true, machine: 'x86_64' });
    expect(report.kernel).not.toBe('');
    for (const check of report.checks) {
      expect(check.id).not.toBe('');
      expect(check.detail).not.toBe('');
      if (check.state !== 'ok') expect(check.remedy).toBeTruthy();
    }
    expect(report.checks).toContainEqual(expect.objectContaining({ id: 'hook:io_uring_complete', state: 'ok', detail: 'attached' }));
    expect(run(['--self-test']).status).toBe(0);
  });

  test('without the right to trace it says what is missing', () => {
    const folder = mkdtempSync('/tmp/ringlight-nobody-');
    chmodSync(folder, 0o755);
    const copy = join(folder, 'loader');
    copyFileSync(LOADER, copy);
    chmodSync(copy, 0o755);
    try {
      const as = (...args: string[]) => spawnSync('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', copy, ...args]);
      const traced = as('--', 'true');
      expect(traced.status).toBe(3);
      expect(traced.stderr.toString()).toMatch(/missing: CAP_BPF and CAP_PERFMON \(user id 65534\)/);
      const recording = decodeRecording(traced.stdout);
      expect(recording.logs).toMatchObject([{ level: 'error', code: 'no-privilege', hint: expect.stringMatching(/sudo/) as string }]);
      expect(recording.goodbye?.reason).toBe('cannot-trace');
      const doctor = as('--doctor');
      expect(doctor.status).toBe(3);
      const report = JSON.parse(doctor.stdout.toString()) as DoctorReport;
      expect(report.canTrace).toBe(false);
      expect(report.checks).toContainEqual(expect.objectContaining({ id: 'capabilities', state: 'missing' }));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test.each([
    [['--', '/no/such/program'], 'bad-target', /“\/no\/such\/program” could not be run: No such file/],
    [['--', '/etc/passwd'], 'bad-target', /could not be run: Permission denied/],
    [['--cwd', '/no/such/folder', '--', 'true'], 'bad-target', /“\/no\/such\/folder” can not be the working directory/],
    [['--pid', '4194000'], 'target-gone', /no process 4194000/],
  ])('%j: %s', async (args, code, words) => {
    const loader = new Loader(args);
    expect((await loader.ended).code).toBe(2);
    expect(loader.stderr).toMatch(words);
    const { recording } = loader;
    expect(recording.logs).toMatchObject([{ level: 'error', code, message: expect.stringMatching(words) as string }]);
    expect(recording.goodbye?.reason).toBe('error');
  });

  test('Hello tells the state of each hook, and why', async () => {
    const loader = new Loader(['--apis', 'io_uring', '--', 'true']);
    await loader.ended;
    const { hooks } = loader.recording.hello;
    expect(hooks).toContainEqual({ name: 'io_uring_complete', state: 'attached' });
    expect(hooks).toContainEqual({ name: 'sys_enter', state: 'off', why: 'what it is for is not captured' });
    for (const hook of hooks) expect(hook.state === 'attached' ? hook.why === undefined : hook.why !== '').toBe(true);
  });

  test('arguments from stdin, with text that a shell would spoil; stdin stays the stop signal', async () => {
    const text = `a b'"$(id)\\;\n☃`;
    const loader = new Loader(['--args-from-stdin']);
    loader.child.stdin.write(encodeArgs(['--cwd', '/', '--env', `TEXT=${text}`, '--', 'sh', '-c', 'printf %s "$TEXT|$1|$PWD" >&2; sleep 60', 'sh', text]));
    await new Promise<void>((resolve) => { loader.child.stderr.on('data', () => { if (loader.stderr.endsWith('|/')) resolve(); }); });
    expect(loader.stderr).toBe(`${text}|${text}|/`);
    loader.child.stdin.end();
    expect((await loader.ended).code).toBe(0);
    expect(loader.recording.hello.target).toMatchObject({ kind: 'command', argv: ['sh', '-c', expect.any(String) as string, 'sh', text] });
  });

  test('names that are not text do not break the stream', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringlight-names-'));
    const loader = new Loader(['--cwd', folder, '--', 'bash', '-c', `exec "$0" "$(printf '\\xff\\x01"\\\\')" 1`, program('uring-known')]);
    await loader.ended;
    rmSync(folder, { recursive: true, force: true });
    expect(loader.recording.goodbye).toBeDefined();
    expect(loader.recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', path: `${folder}/\ufffd\u0001"\\` }));
  });
});
