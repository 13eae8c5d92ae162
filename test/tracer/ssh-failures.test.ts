/** What goes wrong with ssh, each by a real ssh client against a real sshd: every way gets its own name and remedy. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSsh } from '../../src/launch/ssh';
import { LaunchError } from '../../src/launch/failure';
import type { LaunchFailure } from '../../src/protocol/launch';
import { ASKPASS, buildAskpass, buildLoader, LOADERS, leftovers, NOTHING, quietOptions, settled } from '../support/launch';
import { addUser, removeUser, SECRET, startSshd, WHY_NO_SSHD, type TestSshd, type TestUser } from '../support/sshd';

describe.skipIf(WHY_NO_SSHD)(`ssh failures ${WHY_NO_SSHD && `(skipped: ${WHY_NO_SSHD})`}`, () => {
  let sshd: TestSshd;
  let user: TestUser;
  const before = leftovers();

  beforeAll(async () => {
    buildLoader();
    buildAskpass();
    user = addUser('fail');
    sshd = await startSshd([user]);
  });
  afterAll(async () => {
    await sshd?.stop();
    if (user) removeUser(user);
    expect(await settled(before)).toEqual(NOTHING);
  });

  async function failure(host: string, more: Partial<Parameters<typeof openSsh>[1]> = {}): Promise<LaunchFailure> {
    try {
      const place = await openSsh(host, { ...quietOptions(), loaders: LOADERS, sshConfig: sshd.config, ...more });
      await place.close();
    } catch (error) {
      expect(error).toBeInstanceOf(LaunchError);
      return (error as LaunchError).failure;
    }
    throw new Error('it connected');
  }

  test.each([
    ['changed-key', 'host-key', /not the one your known_hosts file has/],
    ['unknown-key', 'host-key', /not known yet/],
    ['denied', 'auth', /did not accept this login/],
    ['closed-port', 'unreachable', /Nothing listens for ssh/],
    ['no-such-name', 'unreachable', /does not resolve/],
    ['-oProxyCommand=touch /tmp/owned', 'bad-host', /option/],
  ])('%s is %s', async (host, code, message) => {
    const result = await failure(host);
    expect(result).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(result.hint).toMatch(/\S.*\.$|ssh-add|ssh /);
  });

  test('a changed host key is refused without asking anybody', async () => {
    const asked: string[] = [];
    expect(await failure('changed-key', { askpass: ASKPASS, ask: (prompt) => { asked.push(prompt); return Promise.resolve('yes'); } })).toMatchObject({ code: 'host-key' });
    expect(asked).toEqual([]);
  });

  test('a configuration that ssh refuses is named as such', async () => {
    expect(await failure('anything', { sshConfig: `${sshd.folder}/nothing` })).toMatchObject({ code: 'ssh-failed', message: expect.stringMatching(/configuration/) as string });
  });

  test('a wrong password ends as auth, after ssh has asked three times, and is in no message', async () => {
    const asked: [string, boolean][] = [];
    const logged: string[] = [];
    const result = await failure(`${user.name}-password`, {
      askpass: ASKPASS, onLog: (_level, text) => logged.push(text),
      ask: (prompt, secret) => { asked.push([prompt, secret]); return Promise.resolve('wr0ng-pass'); },
    });
    expect(result.code).toBe('auth');
    expect(asked).toHaveLength(3);
    expect(asked[0]![0]).toMatch(/password/i);
    expect(asked.every(([, secret]) => secret)).toBe(true);
    expect(JSON.stringify([result, logged])).not.toMatch('wr0ng-pass');
  });

  test('cancelling the question cancels the launch', async () => {
    expect(await failure(`${user.name}-password`, { askpass: ASKPASS, ask: () => Promise.resolve(undefined) })).toMatchObject({ code: 'cancelled' });
  });

  test('aborting while a question is open leaves nothing', async () => {
    const abort = new AbortController();
    const result = await failure(`${user.name}-password`, {
      askpass: ASKPASS, signal: abort.signal,
      ask: () => { abort.abort(); return new Promise(() => undefined); },
    });
    expect(result.code).toBe('cancelled');
  });

  test('aborting before the connection stands leaves nothing', async () => {
    const abort = new AbortController();
    const result = failure('root', { signal: abort.signal });
    abort.abort();
    expect((await result).code).toBe('cancelled');
  });

  test('a secret with quotes and spaces reaches ssh unchanged', async () => {
    // what fails here is at most the loader, not the login
    const result = await failure(`${user.name}-password`, { loaders: '/nonexistent', askpass: ASKPASS, ask: () => Promise.resolve(SECRET) });
    expect(result.code).toBe('no-loader');
  });

  test.each([
    ['riscv64', 'uname -m', 'unsupported-machine', /it is riscv64, and this build has x86_64/],
    ['FreeBSD', 'uname -s', 'unsupported-machine', /does not run Linux \(it says FreeBSD\)/],
  ])('a machine that says %s to %s is %s', async (answer, asked, code, message) => {
    const [program, flag] = asked.split(' ');
    shadow(user, program!, `[ "$1" = ${flag} ] && echo ${answer} || exec /usr/bin/${program} "$@"`);
    expect(await failure(user.name)).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test('a shell that runs nothing is named, with what it said', async () => {
    writeFileSync(join(user.home, '.bashrc'), 'echo "This account is not available."; exit 1\n');
    expect(await failure(user.name)).toMatchObject({ code: 'ssh-failed', message: expect.stringMatching(/did not run/) as string, detail: expect.stringMatching(/not available/) as string });
  });
});

/** Puts a script before the real program in that user's PATH. */
function shadow(user: TestUser, program: string, script: string): void {
  mkdirSync(join(user.home, 'bin'), { recursive: true });
  writeFileSync(join(user.home, 'bin', program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  writeFileSync(join(user.home, '.bashrc'), 'PATH="$HOME/bin:$PATH"\n');
}
