/** Getting the right to trace on this machine, as real users with and without sudo. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { TraceSummary } from '../../src/protocol/summary';
import { INSTALLED_LOADER } from '../../src/launch/scripts';
import { buildCli, buildLoader, buildReads, leftovers, LOADER, NOTHING, reads, READS, settled, type Leftovers } from '../support/launch';
import { addUser, removeUser, WHY_NO_SSHD, type TestUser } from '../support/sshd';

describe.skipIf(WHY_NO_SSHD)(`rights on this machine ${WHY_NO_SSHD && `(skipped: ${WHY_NO_SSHD})`}`, () => {
  let sudoer: TestUser;
  let plain: TestUser;
  let tty: TestUser;
  let users: TestUser[] = [];
  let folder: string;
  let cli: string;
  let before: Leftovers;

  beforeAll(() => {
    buildLoader();
    buildReads();
    const built = dirname(buildCli());
    // a place that other users can read, too
    folder = mkdtempSync(join(tmpdir(), 'ringlight-rights-'));
    chmodSync(folder, 0o755);
    execFileSync('cp', ['-r', built, join(folder, 'dist')]);
    execFileSync('chmod', ['-R', 'a+rX', folder]);
    cli = join(folder, 'dist/cli.js');
    copyFileSync(process.execPath, join(folder, 'node'));
    sudoer = addUser('local', 'ALL=(root) NOPASSWD: ALL');
    plain = addUser('none');
    tty = addUser('tty', 'ALL=(root) NOPASSWD: ALL');
    execFileSync('sh', ['-c', `echo 'Defaults:${tty.name} requiretty' >> /etc/sudoers.d/${tty.name}`]);
    users = [sudoer, plain, tty];
  });
  afterAll(() => {
    users.forEach(removeUser);
    rmSync(folder, { recursive: true, force: true });
    rmSync(READS, { force: true });
  });
  beforeEach(() => { before = leftovers(); });
  afterEach(async () => { expect(await settled(before)).toEqual(NOTHING); });

  /** The command line as that user, without a terminal. */
  async function ringlight(user: TestUser, args: string[], how: string[] = []): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const child = spawn('setpriv', [
      '--reuid', String(user.uid), '--regid', String(user.gid), '--init-groups', '--reset-env', ...how, '--',
      join(folder, 'node'), cli, ...args,
    ], { cwd: user.home, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
    const [code] = await once(child, 'close') as [number | null];
    return { code, stdout, stderr };
  }
  const command = ['--', 'env', `MARK=it's`, READS, '77'];

  test('with sudo: the target runs as the user, in their folder, with their environment', async () => {
    const { code, stdout, stderr } = await ringlight(sudoer, ['trace', '--format', 'json', ...command]);
    expect(code, stderr).toBe(0);
    expect(reads(JSON.parse(stdout) as TraceSummary)).toBe(77);
    expect(stderr).toMatch(`77 reads as uid ${sudoer.uid} in ${sudoer.home}, HOME ${sudoer.home}, MARK it's\n`);
  });

  test('without sudo: status 3 and what to do', async () => {
    const { code, stdout, stderr } = await ringlight(plain, ['trace', ...command]);
    expect(code).toBe(3);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/may not trace on this machine/);
    expect(stderr).toMatch(/setcap cap_bpf,cap_perfmon/);
  });

  test('requiretty and no-new-privileges are named', async () => {
    const insists = await ringlight(tty, ['trace', ...command]);
    expect(insists.code).toBe(3);
    expect(insists.stderr).toMatch(/requiretty/);
    const bound = await ringlight(sudoer, ['trace', ...command], ['--no-new-privs']);
    expect(bound.code).toBe(3);
    expect(bound.stderr).toMatch(/no new privileges/);
  });

  test('the doctor says the same, with one remedy for each thing missing', async () => {
    const bad = await ringlight(plain, ['doctor']);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/✗ Right to trace: .*\n {4}→ \S/);
    const good = await ringlight(sudoer, ['doctor', '--format', 'json']);
    expect(good.code, good.stderr).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({ version: 1, canTrace: true });
  });

  test.skipIf(existsSync(INSTALLED_LOADER))('the remedy works: an installed loader with capabilities needs no sudo', async () => {
    mkdirSync(dirname(INSTALLED_LOADER), { recursive: true });
    try {
      execFileSync('install', ['-D', '-m', '750', '-g', String(plain.gid), LOADER, INSTALLED_LOADER]);
      execFileSync('setcap', ['cap_bpf,cap_perfmon,cap_dac_read_search+ep', INSTALLED_LOADER]);
      const { code, stdout, stderr } = await ringlight(plain, ['trace', '--format', 'json', ...command]);
      expect(code, stderr).toBe(0);
      expect(reads(JSON.parse(stdout) as TraceSummary)).toBe(77);
      expect(stderr).toMatch(`77 reads as uid ${plain.uid}`);
    } finally {
      rmSync(dirname(INSTALLED_LOADER), { recursive: true, force: true });
    }
  });
});
