/**
 * What the loader is run on inside the guests, and what must come out. To add one: a program in test/programs (its
 * Makefile builds it, and every program is in a guest's /bin), and an entry here. They run in this order.
 */
import { expect } from 'vitest';
import { setupNames } from '../../src/protocol/ops';
import { InstantKind, SpanFlag } from '../../src/protocol/wire';
import { callCounts, counted, counts, expectConsistent, expectLanes, median, type Recorded } from '../support/loader';
import type { Machine } from './debian';

/** What a guest runs on; `version` is major times 1000 plus minor, so 6.12 is 6012. */
export interface Booted { machine: Machine; version: number }

export interface Workload {
  /** of the files it leaves in the results: NAME.ringtrace, NAME.stderr, NAME.code */
  name: string;
  /** the test's title */
  what: string;
  /** words before the loader, like `with-capabilities bpf,perfmon` */
  under?: string;
  /** the loader's arguments, the command to trace among them */
  loader: string;
  /** lines of busybox sh around it */
  before?: string;
  after?: string;
  /** further words of the kernel's command line; those with the same share a guest */
  commandLine?: string;
  /** kernels it can not work on */
  not?: (on: Booted) => boolean;
  /** @param file reads a file of the results */
  check: (run: Recorded, file: (name: string) => string, on: Booted) => void;
}

function checkKnown({ recording, said }: Recorded): void {
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
}

const checkAio = (hook: string) => ({ recording, said }: Recorded) => {
  expect(recording.hello.hooks).toContainEqual({ name: hook, state: 'attached' });
  expectConsistent(recording);
  expectLanes(recording.spans);
  expect(recording.spans.filter((span) => span.flags & SpanFlag.Rejected)).toMatchObject([{ fd: 999, result: said.refused }]);
  const accepted = recording.spans.filter((span) => !(span.flags & SpanFlag.Rejected));
  expect(counts(accepted, 'libaio')).toEqual(said.ops);
  expect(recording.goodbye?.totals.apis).toEqual([{ api: 'libaio', submitted: accepted.length, completed: accepted.length, inflight: 0 }]);
  expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, path: '/disk/aio', direct: true }));
};

const refusedFor = (capability: string) => ({ code, stderr }: Recorded, file: (name: string) => string) => {
  expect(code).toBe(3);
  expect(stderr).toContain(`missing: ${capability} (user id 1000)`);
  expect(() => file('started')).toThrow();
};

/** Before 5.11, memory of maps counts against RLIMIT_MEMLOCK, which the loader has to raise. */
const hasLockedMaps = ({ version }: Booted) => version < 5011;
/** io_uring tells the request at its completion. */
const namesRequests = ({ version }: Booted) => version >= 5018;

export const WORKLOADS: readonly Workload[] = [
  { name: 'uring', what: 'io_uring: counts are the program’s own, and nothing is lost', loader: '-- uring-known /disk/uring 200', check: checkKnown },
  {
    name: 'uring-as-user', what: 'io_uring: the same with CAP_BPF and CAP_PERFMON alone', before: 'rm -f /disk/uring; chmod 777 /disk',
    under: 'with-capabilities bpf,perfmon', loader: '-- uring-known /disk/uring 200', check: checkKnown, not: hasLockedMaps,
  },
  {
    name: 'uring-as-user-raising', what: 'io_uring: the same with CAP_SYS_RESOURCE as well', before: 'rm -f /disk/uring; chmod 777 /disk',
    under: 'with-capabilities bpf,perfmon,sys_resource', loader: '-- uring-known /disk/uring 200', check: checkKnown, not: (on) => !hasLockedMaps(on),
  },
  {
    name: 'not-raising', what: 'what is missing is said when CAP_SYS_RESOURCE is', under: 'with-capabilities bpf,perfmon', loader: '-- touch started',
    not: (on) => !hasLockedMaps(on), check: refusedFor('CAP_SYS_RESOURCE'),
  },
  {
    name: 'tags', what: 'io_uring: requests with the same user_data', loader: '--apis io_uring -- uring-tags /disk/tags',
    check: ({ recording, said }, _file, on) => {
      expectConsistent(recording);
      expectLanes(recording.spans);
      expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
      const having = (flag: number) => recording.spans.filter((span) => span.flags & flag);
      expect(having(SpanFlag.Rejected)).toMatchObject([{ op: 250, userData: 99n, result: said.rejected }]);
      expect(recording.spans.filter((span) => span.op === 6)).toMatchObject([{ userData: 99n, result: said.polled }]);
      expect(having(SpanFlag.Punted).filter((span) => span.userData === 7n)).toHaveLength(16);
      expect(recording.spans.filter((span) => span.userData === 2n)).toMatchObject([{ op: 0, result: said.cancelled }]);
      expect(recording.instants.filter((instant) => instant.kind === InstantKind.LinkFailed)).toHaveLength(1);
      // they end together when all were submitted, so the last is alone; workers end the reads while more are submitted
      const guessed = having(SpanFlag.Approximate);
      expect(guessed.filter((span) => span.op === 0)).toHaveLength(namesRequests(on) ? 0 : 31);
      expect(guessed.length).toBeLessThanOrEqual(namesRequests(on) ? 0 : 31 + 15);
      expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, path: '/disk/tags', direct: false }));
    },
  },
  {
    name: 'storm', what: 'io_uring: nothing is lost in a storm', loader: '--apis io_uring -- uring-storm 5000',
    check: ({ recording, said }) => {
      expectConsistent(recording);
      expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
    },
  },
  {
    name: 'corners', what: 'io_uring: rejected, skipped, multishot, foreign, overflowed', loader: '--apis io_uring -- uring-corners /disk/corners',
    not: (on) => !namesRequests(on),
    check: ({ recording, said }) => {
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
    },
  },
  {
    // its program goes on: what comes after is traced beside others that use the same hooks
    name: 'existing', what: 'io_uring: rings that were there before',
    before: 'uring-forever children >forever.json &\nwhile ! grep -q pid forever.json; do usleep 100000; done',
    loader: '--duration 2 --pid $(sed "s/.*\\"pid\\":\\([0-9]*\\).*/\\1/" forever.json)',
    check: ({ recording }, file) => {
      const said = JSON.parse(file('forever.json')) as { pid: number; child: number };
      expect(recording.goodbye?.totals.lost).toEqual({ kernel: 0, stream: 0, unpaired: 0 });
      const rings = recording.infos.filter((info) => info.kind === 'ring');
      expect(rings.map((ring) => ring.pid).sort()).toEqual([said.pid, said.child].sort());
      for (const ring of rings) expect(ring).toMatchObject({ existed: true, sq: 8, cq: 16 });
      expect(new Set(recording.spans.map((span) => span.pid))).toEqual(new Set([said.pid, said.child]));
    },
  },
  {
    name: 'aio', what: 'libaio: counts are the program’s own, through the calls’ own tracepoints',
    loader: '--apis libaio -- aio-known /disk/aio 200', check: checkAio('sys_enter_io_submit'),
  },
  {
    name: 'aio-bare', what: 'libaio: the same without tracefs, through all system calls', before: 'umount /sys/kernel/tracing',
    loader: '--apis libaio -- aio-known /disk/aio 200', after: 'mount -t tracefs none /sys/kernel/tracing', check: checkAio('sys_enter'),
  },
  {
    name: 'aio-as-user', what: 'libaio: the same with CAP_BPF and CAP_PERFMON alone', before: 'rm -f /disk/aio; chmod 777 /disk',
    under: 'with-capabilities bpf,perfmon', loader: '--apis libaio -- aio-known /disk/aio 200', check: checkAio('sys_enter'), not: hasLockedMaps,
  },
  {
    name: 'aggregate', what: 'io_uring: exact counts without spans', loader: '--mode aggregate --apis io_uring -- uring-known /disk/uring 200',
    check: ({ recording, said }) => {
      expect(recording.spans).toHaveLength(0);
      expect(counted(recording)).toEqual(said.ops);
      expect(recording.goodbye?.totals).toMatchObject({ mode: 'aggregate', lost: { kernel: 0, stream: 0, unpaired: 0 } });
    },
  },
  {
    name: 'sampled', what: 'io_uring: exact counts and one span in eight', loader: '--mode sampled --sample 8 --apis io_uring -- uring-known /disk/uring 200',
    check: ({ recording, said }) => {
      expect(counted(recording)).toEqual(said.ops);
      const issued = Object.values(said.ops as Record<string, number>).reduce((a, b) => a + b);
      expect(recording.spans.length).toBeGreaterThan(issued / 8 - 20);
      expect(recording.spans.length).toBeLessThanOrEqual(issued / 8);
      for (const span of recording.spans) expect(span.flags & SpanFlag.Sampled).toBeTruthy();
    },
  },
  {
    name: 'calls', what: 'system calls: each is there, with its arguments, and has slept where it had to', loader: '--apis io_uring,epoll,sync --calls -- calls-known /disk/calls 5',
    check: ({ recording, said }, _file, { machine }) => {
      expectConsistent(recording);
      const of = (fd: unknown) => callCounts(recording.calls.filter((call) => call.fd === fd && call.api !== 'io_uring'));
      expect(of(said.file)).toEqual(Object.fromEntries(
        ['pwrite64', 'pread64', 'pwritev', 'preadv', 'pwritev2', 'preadv2', 'write', 'read', 'writev', 'readv', 'fdatasync', 'fsync'].map((name) => [name, 5])));
      expect(of(said.direct)).toEqual({ pread64: 6 });
      // arm64 has no epoll_wait: the C library makes it an epoll_pwait
      const waits = said.waits as number;
      expect(of(said.epoll)).toEqual(machine === 'aarch64' ? { epoll_pwait: 2 * waits } : { epoll_wait: waits, epoll_pwait: waits });
      const enters = recording.calls.filter((call) => call.api === 'io_uring');
      expect(enters.map((call) => call.result)).toEqual([1, 2]);
      expect(enters.map((call) => call.fd)).toEqual(said.enters);
      const slept = recording.calls.filter((call) => call.fd === said.pipe).sort((a, b) => a.start - b.start).filter((_, i) => i % 2 === 0);
      // where the host is busy, a reader may come to its call when the writer has nearly written
      expect(median(slept.map((call) => call.asleep))).toBeGreaterThan(4_000_000);
      for (const call of recording.calls) expect(call.asleep).toBeLessThanOrEqual(call.duration);
    },
  },
  {
    name: 'disabled', what: 'io_uring that the administrator has switched off is told as that', not: ({ version }) => version < 6006,
    before: 'echo 2 >/proc/sys/kernel/io_uring_disabled', loader: '-- sh -c "uring-known /disk/uring 10 || true"', after: 'echo 0 >/proc/sys/kernel/io_uring_disabled',
    check: ({ recording }) => {
      expect(recording.infos.filter((info) => info.kind === 'refused')).toMatchObject([
        { call: 'io_uring_setup', errno: 1, cause: 'disabled', disabled: 2, seccomp: 0, container: false, comm: 'uring-known' },
      ]);
    },
  },
  {
    // commands to sockets came with 6.7; one more boot on the kernels of test:kernels is enough
    name: 'security', what: 'what the security modules are asked about io_uring', commandLine: 'lsm=lockdown,bpf', not: ({ version }) => version < 6012,
    loader: '--apis io_uring -- uring-security',
    check: ({ recording, said }) => {
      for (const name of ['lsm uring_cmd', 'lsm uring_sqpoll', 'lsm uring_override_creds']) expect(recording.hello.hooks).toContainEqual({ name, state: 'attached' });
      const asked = (value: number) => recording.instants.filter((instant) => instant.kind === InstantKind.Security && instant.value === value && instant.pid === said.pid).length;
      expect({ commands: asked(1), sqpolls: asked(2), credentials: asked(3) }).toEqual({ commands: said.commands, sqpolls: said.sqpolls, credentials: said.credentials });
    },
  },
  {
    // commands for a drive came with 5.19
    name: 'nvme', what: 'io_uring: commands for an NVMe drive, and completions that are polled for', not: ({ version }) => version < 5019,
    loader: '--apis io_uring -- uring-nvme /dev/ng0n1 /dev/nvme0n1 100',
    check: ({ recording, said }) => {
      expectConsistent(recording);
      expectLanes(recording.spans);
      expect(counts(recording.spans, 'io_uring')).toEqual(said.ops);
      const commands = recording.spans.filter((span) => span.op === 46);
      for (const span of commands) expect(span).toMatchObject({ fd: said.character, offset: said.command, pid: said.pid });
      // what the drive says of a block it does not have
      expect(commands.filter((span) => span.result !== 0)).toMatchObject([{ result: said.status, userData: 1n << 40n }]);
      const reads = recording.spans.filter((span) => span.op === 22);
      expect(reads.map((span) => span.offset)).toEqual(Array.from({ length: 100 }, (_, i) => i * 4096));
      for (const span of reads) expect(span).toMatchObject({ fd: said.block, length: 4096, result: 4096, flags: SpanFlag.Direct });
      const rings = recording.infos.filter((info) => info.kind === 'ring').map((info) => setupNames(info.flags));
      expect(rings).toEqual([['SQE128', 'CQE32'], ['IOPOLL']]);
      for (const path of ['/dev/ng0n1', '/dev/nvme0n1']) expect(recording.infos).toContainEqual(expect.objectContaining({ kind: 'file', pid: said.pid, path }));
    },
  },
  {
    name: 'no-rights', what: 'what is missing is said when CAP_PERFMON is', under: 'with-capabilities bpf,sys_resource', loader: '-- touch started',
    check: refusedFor('CAP_PERFMON'),
  },
];
