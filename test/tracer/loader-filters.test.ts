/** Some processes of the whole machine: by name, by user, by control group. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildLoader } from '../support/launch';
import { buildPrograms, counts, eventually, Loader, program } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const USER = 65533;
const CGROUPS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((folder) => existsSync(join(folder, 'cgroup.controllers')));

interface Said { pid: number; ops: Record<string, number> }

describe.skipIf(WHY_NO_TRACING)(`filters ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  /** the program under a name that no other process of the machine has */
  let own: string;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
    folder = mkdtempSync('/var/tmp/ringlight-filters-');
    chmodSync(folder, 0o777);
    own = join(folder, `u${process.pid}`);
    copyFileSync(program('uring-known'), own);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs the program in each of the ways while the loader runs. @returns what each said, and what the loader recorded */
  async function runUnder(filter: string[], ...ways: string[][]) {
    const loader = new Loader(['--all', '--apis', 'io_uring', ...filter]);
    await eventually(() => loader.bytes.length > 8, 'Hello');
    const said = ways.map(([file, ...args], i) => JSON.parse(execFileSync(file!, [...args, join(folder, `data-${i}-${Math.random()}`), '50'], { encoding: 'utf8' })) as Said);
    loader.child.stdin.end();
    expect((await loader.ended).code).toBe(0);
    const { recording } = loader;
    expect(recording.goodbye?.totals.lost).toEqual({ kernel: 0, stream: 0, unpaired: 0 });
    return { said, recording };
  }

  test('by name, with what such processes start', async () => {
    const { said: [mine], recording } = await runUnder(['--comm', `u${process.pid}`], [own], [program('uring-known')]);
    expect(new Set(recording.spans.map((span) => span.pid))).toEqual(new Set([mine!.pid]));
    expect(counts(recording.spans, 'io_uring')).toEqual(mine!.ops);
    expect(recording.census).toEqual([]);
    const shell = join(folder, `s${process.pid}`);
    copyFileSync('/bin/sh', shell);
    const { said: [child], recording: other } = await runUnder(['--comm', `s${process.pid}`], [shell, '-c', `${program('uring-known')} "$0" "$1"; true`]);
    expect(counts(other.spans, 'io_uring')).toEqual(child!.ops);
  });

  test('by user, also one that a process becomes', async () => {
    const { said: [theirs], recording } = await runUnder(['--uid', String(USER)], ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', own], [own]);
    expect(new Set(recording.spans.map((span) => span.pid))).toEqual(new Set([theirs!.pid]));
    expect(counts(recording.spans, 'io_uring')).toEqual(theirs!.ops);
  });

  test('all filters have to be passed', async () => {
    const { recording } = await runUnder(['--uid', String(USER), '--comm', 'nobody-has-it'], ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', own]);
    expect(recording.spans).toEqual([]);
    expect(recording.infos).toEqual([]);
  });

  test.skipIf(!CGROUPS)('by control group, those below included', async () => {
    const group = join(CGROUPS!, `ringlight-${process.pid}`), below = join(group, 'below');
    mkdirSync(below, { recursive: true });
    try {
      const inside = (where: string) => ['sh', '-c', `echo $$ >${where}/cgroup.procs && exec ${own} "$0" "$1"`];
      const { said: [first, second], recording } = await runUnder(['--cgroup', group], inside(group), inside(below), [own]);
      expect(new Set(recording.spans.map((span) => span.pid))).toEqual(new Set([first!.pid, second!.pid]));
      expect(recording.spans).toHaveLength(Object.values(first!.ops).reduce((a, b) => a + b) * 2);
    } finally {
      rmdirSync(below);
      rmdirSync(group);
    }
  });
});
