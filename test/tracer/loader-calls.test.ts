/** System calls as spans of their threads: what they are, and where their time went. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildLoader } from '../support/launch';
import { buildPrograms, callCounts, callName, eventually, expectConsistent, Loader, median, program, record, SYSCALL_WAYS } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const COUNT = 20;

describe.skipIf(WHY_NO_TRACING)(`system calls ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
    // a disk, because waiting for it is the point
    folder = mkdtempSync('/var/tmp/ringlight-calls-');
    file = join(folder, 'data');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('counts, arguments and sleeps', async () => {
    const { code, recording, said } = await record(['--apis', 'io_uring,epoll,sync', '--calls', '--', program('calls-known'), file, String(COUNT)]);
    expect(code).toBe(0);
    expectConsistent(recording);
    for (const name of ['sys_enter', 'sys_exit', 'sched_switch']) expect(recording.hello.hooks).toContainEqual({ name, state: 'attached' });
    for (const call of recording.calls) {
      expect(call.asleep).toBeLessThanOrEqual(call.duration);
      expect(call.blocked).toBeLessThanOrEqual(call.asleep);
      expect(call.pid).toBe(said.pid);
    }

    const calls = recording.calls.filter((call) => call.api === 'sync');
    const of = (fd: unknown) => calls.filter((call) => call.fd === fd);
    expect(callCounts(of(said.file))).toEqual(Object.fromEntries(
      ['pwrite64', 'pread64', 'pwritev', 'preadv', 'pwritev2', 'preadv2', 'write', 'read', 'writev', 'readv', 'fdatasync', 'fsync'].map((name) => [name, COUNT])));
    const positioned = new Set(['pwrite64', 'pread64', 'pwritev', 'preadv', 'pwritev2', 'preadv2']);
    const bytes: Record<string, number> = { pwrite64: 4096, pread64: 4096, pwritev: 4196, preadv: 4196, pwritev2: 4196, preadv2: 4196, write: 10, read: 10, writev: 4096, readv: 4096, fdatasync: 0, fsync: 0 };
    const seen: Record<string, number> = {};
    for (const call of of(said.file).sort((a, b) => a.start - b.start)) {
      const name = callName(call), turn = seen[name] ??= 0;
      seen[name]++;
      expect(call).toMatchObject({ length: bytes[name], result: bytes[name], offset: positioned.has(name) ? turn * 8192 : -1, ring: 0 });
    }
    const direct = of(said.direct);
    expect(callCounts(direct)).toEqual({ pread64: COUNT + 1 });
    expect(direct.filter((call) => call.result < 0)).toMatchObject([{ offset: 3, length: 5, result: said.refused }]);
    // whoever waits for the device is woken by nothing else
    const device = [...direct, ...of(said.file).filter((call) => ['fsync', 'fdatasync', 'pwritev2'].includes(callName(call)))];
    for (const call of device) expect(call.blocked).toBe(call.asleep);
    expect(device.filter((call) => call.blocked > call.duration / 2).length).toBeGreaterThan(0);

    // every second of these finds its byte there
    const pipe = of(said.pipe).sort((a, b) => a.start - b.start);
    expect(callCounts(pipe)).toEqual({ read: 2 * (said.waits as number) });
    const slept = pipe.filter((_, i) => i % 2 === 0);
    // where the machine is busy, a reader may come to its call when the writer has written
    expect(median(slept.map((call) => call.asleep))).toBeGreaterThan(4_500_000);
    for (const call of slept.filter((one) => one.duration > 4_500_000)) expect(call.asleep).toBeGreaterThan(call.duration / 2);
    for (const call of pipe) expect(call.blocked).toBe(0);
    const measured = said.pipe_ns as number[];
    expect(median(slept.map((call, i) => call.duration / measured[i]!))).toBeGreaterThan(0.9);
    expect(median(slept.map((call, i) => call.duration / measured[i]!))).toBeLessThan(1.01);
    expect(of(said.eventfd).filter((call) => callName(call) === 'read')).toHaveLength(said.waits as number);
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, fd: said.eventfd, path: 'anon_inode:[eventfd]' }));
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, fd: said.file, path: file, direct: false }));
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, fd: said.direct, path: file, direct: true }));

    const epoll = recording.calls.filter((call) => call.api === 'epoll');
    expect(callCounts(epoll)).toEqual({ epoll_wait: said.waits, epoll_pwait: said.waits });
    for (const call of epoll) expect(call).toMatchObject({ fd: said.epoll, result: 1, length: callName(call) === 'epoll_wait' ? 7 : 8 });
    for (const call of epoll.filter((one) => callName(one) === 'epoll_wait')) expect(call.asleep).toBeGreaterThan(4_000_000);
    expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, fd: said.epoll, path: 'anon_inode:[eventpoll]' }));

    const enters = recording.calls.filter((call) => call.api === 'io_uring').sort((a, b) => a.start - b.start);
    expect(enters).toMatchObject([{ call: 0, fd: said.ring, length: 1, result: 1 }, { call: 0, fd: -1, length: 2, result: 2 }]);
    for (const call of enters) expect(call.ring).toBe(recording.spans[0]!.ring);

    const totals = recording.goodbye!.totals;
    expect(totals.calls).toBe(recording.calls.length);
    expect(totals.apis.find((one) => one.api === 'sync')).toMatchObject({ submitted: calls.length, completed: calls.length });
    expect(totals.apis.find((one) => one.api === 'epoll')).toMatchObject({ submitted: epoll.length, completed: epoll.length });
  });

  test('files have their file system, and the block size of the device below', async () => {
    const [fs, device, source] = execFileSync('findmnt', ['-nro', 'FSTYPE,MAJ:MIN,SOURCE', '-T', folder], { encoding: 'utf8' }).trim().split(' ') as [string, string, string];
    const sysfs = ['queue', '../queue'].map((queue) => `/sys/dev/block/${device}/${queue}/logical_block_size`).find((path) => existsSync(path));
    const block = sysfs ? { block: Number(readFileSync(sysfs, 'utf8')) } : {};
    const { recording } = await record(['--apis', 'sync', '--', program('calls-known'), file, '1']);
    const told = (path: string) => recording.infos.filter((info) => info.kind === 'file' && info.path === path);
    expect(told(file).length).toBeGreaterThan(0);
    for (const info of told(file)) expect(info).toMatchObject({ fs, ...block });
    const [pipe] = recording.infos.filter((info) => info.kind === 'file' && info.path.startsWith('pipe:'));
    expect(pipe).toMatchObject({ fs: 'pipefs' });
    expect(pipe).not.toHaveProperty('block');
    // a program that is over before anybody can ask for its name
    const brief = await record(['--apis', 'sync', '--', 'cat', '/dev/null']);
    expect(brief.recording.infos).toContainEqual(expect.objectContaining({ kind: 'process', comm: 'cat' }));
    // the device itself lies in a file system of its own, and is what has the blocks
    if (!sysfs || spawnSync('dd', [`if=${source}`, 'of=/dev/null', 'bs=4096', 'count=1']).status !== 0) return;
    const raw = await record(['--apis', 'sync', '--', 'dd', `if=${source}`, 'of=/dev/null', 'bs=4096', 'count=3', 'iflag=direct']);
    expect(raw.recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', path: source, direct: true, fs: 'devtmpfs', ...block }));
    expect(raw.recording.calls.filter((call) => callName(call) === 'read' && call.length === 4096 && call.result === 4096)).toHaveLength(3);
  });

  test('a process that is killed inside a call, and one that stays there', async () => {
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    // until the kernel says that it reads (0) what is never written
    const reads = 'while ! grep -q "^0 " /proc/$!/syscall; do sleep 0.05; done';
    const killed = await record(['--apis', 'sync', '--', 'sh', '-c', `exec 3<>${fifo}; cat <&3 & ${reads}; kill -9 $!; wait`]);
    const last = killed.recording.calls.filter((call) => call.result === -4);
    expect(last).toMatchObject([{ call: 7, fd: 0, blocked: 0 }]);
    expect(last[0]!.asleep).toBeGreaterThan(0);
    expect(killed.recording.goodbye?.totals).toMatchObject({ lost: { kernel: 0, stream: 0, unpaired: 0 }, apis: [{ api: 'sync', inflight: 0 }] });

    const shell = spawn('sh', ['-c', `exec 3<>${fifo}; read go; cat <&3 & ${reads}; echo reads; wait`], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
    try {
      const loader = new Loader(['--pid', String(shell.pid), '--apis', 'sync']);
      await eventually(() => loader.bytes.length > 8, 'Hello');
      shell.stdin.write('go\n');
      await once(shell.stdout, 'data');
      loader.child.stdin.end();
      await loader.ended;
      const { recording } = loader;
      expect(recording.calls.filter((call) => call.length === 131072)).toEqual([]);
      // the shell waits for its children, and cat for the pipe
      expect(recording.goodbye?.totals.apis).toMatchObject([{ api: 'sync', inflight: 1 }]);
    } finally {
      process.kill(-shell.pid!, 'SIGKILL');
    }
  });

  test.each(SYSCALL_WAYS)('io_uring_enter alone, $name', async ({ how, hook }) => {
    const { recording, said } = await record(['--apis', 'io_uring', '--calls', '--', program('calls-known'), file, '1'], how);
    expect(recording.hello.hooks).toContainEqual({ name: hook('io_uring_enter'), state: 'attached' });
    expect(recording.calls).toMatchObject([{ api: 'io_uring', fd: said.ring, length: 1, result: 1 }, { api: 'io_uring', fd: -1, length: 2, result: 2 }]);
  });

  test('io_uring_enter is told only when it is asked for', async () => {
    const { recording } = await record(['--apis', 'io_uring', '--', program('calls-known'), file, '1']);
    expect(recording.calls).toEqual([]);
    expect(recording.spans).toHaveLength(3);
    expect(recording.hello.hooks).toContainEqual(expect.objectContaining({ name: 'sys_enter_io_uring_enter', state: 'off' }));
  });
});
