/** APIs that a program asked for and did not get. */
import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RefusedInfo } from '../../src/protocol/wire';
import { buildLoader } from '../support/launch';
import { buildPrograms, program, record, SYSCALL_WAYS, type Recorded } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const SETTING = '/proc/sys/kernel/io_uring_disabled';
const disabled = existsSync(SETTING) ? Number(readFileSync(SETTING, 'utf8')) : -1;

function refusals({ recording }: Recorded): RefusedInfo[] {
  return recording.infos.filter((info) => info.kind === 'refused');
}

describe.skipIf(WHY_NO_TRACING)(`refusals ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  beforeAll(() => {
    buildLoader();
    buildPrograms();
  });

  test.each(SYSCALL_WAYS)('a filter and a mistake are told apart, $name', async ({ how, hook }) => {
    const recorded = await record(['--', program('setup-refused')], how);
    const { recording, said } = recorded;
    expect(recorded.code).toBe(0);
    expect(recording.hello.hooks).toContainEqual({ name: hook('io_uring_setup'), state: 'attached' });
    const mistake = { pid: said.pid, tid: said.pid, comm: 'setup-refused', errno: 22, cause: 'arguments', seccomp: 0, disabled, container: false };
    const filtered = { ...mistake, cause: 'seccomp', seccomp: 2 };
    expect(refusals(recorded)).toMatchObject([
      { ...mistake, call: 'io_uring_setup' },
      { ...mistake, call: 'io_setup' },
      { ...filtered, pid: said.child, tid: said.child, call: 'io_uring_setup', errno: 38 },
      { ...filtered, call: 'io_uring_setup', errno: 1 },
      { ...filtered, call: 'io_setup', errno: 1 },
    ]);
  });

  test('in a container', async () => {
    const recorded = await record(['--', 'unshare', '--pid', '--fork', program('setup-refused')]);
    expect(refusals(recorded)).toHaveLength(5);
    for (const refusal of refusals(recorded)) expect(refusal.container).toBe(true);
  });

  test('a program that gets what it asks for is refused nothing', async () => {
    expect(refusals(await record(['--', program('calls-known'), '/dev/null', '0']))).toEqual([]);
  });

  test('io_uring alone does not slow the machine’s system calls for this', async () => {
    const recorded = await record(['--apis', 'io_uring', '--', program('setup-refused')]);
    expect(recorded.recording.hello.hooks).toContainEqual({ name: 'sys_exit_io_uring_setup', state: 'off', why: expect.stringMatching(/slow every system call/) as string });
    expect(refusals(recorded)).toEqual([]);
  });
});
