/** Tracing a real liburing program over a real ssh, and what is left when something dies. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runDoctor } from '../../src/launch';
import { ASKPASS, buildAskpass, buildLoader, buildReads, leftovers, NOTHING, quietOptions, reads, READS, settled, trace, type Leftovers } from '../support/launch';
import { addUser, makeNoisy, removeUser, SECRET, startSshd, WHY_NO_SSHD, type TestSshd, type TestUser } from '../support/sshd';

describe.skipIf(WHY_NO_SSHD)(`tracing over ssh ${WHY_NO_SSHD && `(skipped: ${WHY_NO_SSHD})`}`, () => {
  let sshd: TestSshd;
  let sudoer: TestUser;
  let plain: TestUser;
  let locked: TestUser;
  let users: TestUser[] = [];
  let before: Leftovers;

  beforeAll(async () => {
    buildLoader();
    buildAskpass();
    buildReads();
    sudoer = addUser('sudoer', 'ALL=(root) NOPASSWD: ALL');
    plain = addUser('plain');
    locked = addUser('asked', 'ALL=(root) ALL');
    users = [sudoer, plain, locked];
    makeNoisy(sudoer);
    sshd = await startSshd(users);
  });
  afterAll(async () => {
    await sshd?.stop();
    users.forEach(removeUser);
    rmSync(READS, { force: true });
  });
  beforeEach(() => { before = leftovers(); });
  afterEach(async () => { expect(await settled(before)).toEqual(NOTHING); });

  const ssh = () => ({ sshConfig: sshd.config });
  const command = (count: number, delay = 0) => ({ kind: 'command' as const, argv: [READS, String(count), String(delay)] });
  const uploaded = (user: string) => {
    const folder = readdirSync(sshd.runtime(user)).find((name) => name.startsWith('ringlight-'))!;
    const [loader, ...rest] = readdirSync(join(sshd.runtime(user), folder));
    expect(rest).toEqual([]);
    return join(sshd.runtime(user), folder, loader!);
  };

  test('the counts are exact, the loader is uploaded once, a changed one is replaced', async () => {
    const first = await trace({ host: 'root', target: command(1234) }, ssh());
    expect(first.end).toEqual({ code: 0, signal: null });
    expect(reads(first.summary)).toBe(1234);
    expect(first.summary.complete).toBe(true);
    expect(first.output).toMatch(/^1234 reads as uid 0/);
    expect(first.phases[0]).toBe('Connecting to root');
    expect(first.phases[1]).toMatch(/^Uploading the loader \(\d+\.\d MB\)$/);
    expect(first.phases.at(-1)).toBe('Starting');
    const path = uploaded('root');
    expect(statSync(path).mode & 0o777).toBe(0o700);

    const second = await trace({ host: 'root', target: command(10) }, ssh());
    expect(second.phases).toEqual(['Connecting to root', 'Starting']);
    expect(reads(second.summary)).toBe(10);

    const whole = readFileSync(path);
    appendFileSync(path, 'x');
    const third = await trace({ host: 'root', target: command(11) }, ssh());
    expect(third.phases).toHaveLength(3);
    expect(reads(third.summary)).toBe(11);
    expect(readFileSync(path).equals(whole)).toBe(true);
  });

  test('arguments, folder and environment arrive as they are, whatever they hold', async () => {
    const mark = `a'b"c $(id) \`id\` ; & | \\ \n !x * ~ ü`;
    const request = { host: 'root', target: { ...command(1), cwd: '/usr/lib', env: { MARK: mark } } };
    const traced = await trace(request, ssh());
    expect(traced.end).toEqual({ code: 0, signal: null });
    expect(traced.output).toContain(`in /usr/lib, HOME /root, MARK ${mark}\n`);
    const echo = await trace({ host: 'root', target: { kind: 'command', argv: ['printf', '<%s>', mark, '', '--pid'] } }, ssh());
    expect(echo.output).toBe(`<${mark}><><--pid>`);
  });

  test('a login shell that prints on both streams, a user that needs sudo: the target runs as that user', async () => {
    const { end, summary, output } = await trace({ host: sudoer.name, target: command(55) }, ssh());
    expect(end).toEqual({ code: 0, signal: null });
    expect(reads(summary)).toBe(55);
    expect(output).toBe(`55 reads as uid ${sudoer.uid} in ${sudoer.home}, HOME ${sudoer.home}, MARK (null)\n`);
  });

  test('sudo with a password: asked once for each trace, again after a wrong one, never logged', async () => {
    const asked: string[] = [];
    const answers = ['wr0ng-pass', SECRET];
    const { end, summary, output, logs } = await trace({ host: locked.name, target: command(7) }, {
      ...ssh(), ask: (prompt, secret) => { asked.push(`${prompt} ${secret}`); return Promise.resolve(answers[asked.length - 1]); },
    });
    expect(end).toEqual({ code: 0, signal: null });
    expect(reads(summary)).toBe(7);
    expect(output).toMatch(new RegExp(`^7 reads as uid ${locked.uid}`));
    expect(asked).toHaveLength(2);
    expect(asked[0]).toBe(`Password of ${locked.name} on ${locked.name}, for sudo: true`);
    expect(JSON.stringify([logs, output])).not.toMatch(/wr0ng|battery/);
  });

  test('a wrong password for sudo to the end, a cancelled one, none to ask: each says so', async () => {
    const target = command(1);
    expect((await trace({ host: locked.name, target }, { ...ssh(), ask: () => Promise.resolve('no') })).end.failure)
      .toMatchObject({ code: 'no-privilege', message: expect.stringMatching(/did not accept the password/) as string });
    expect((await trace({ host: locked.name, target }, { ...ssh(), ask: () => Promise.resolve(undefined) })).end.failure).toMatchObject({ code: 'cancelled' });
    expect((await trace({ host: locked.name, target }, ssh())).end.failure).toMatchObject({ code: 'no-privilege' });
  });

  test('no sudo right: no-privilege, with what to do', async () => {
    const { end, bytes } = await trace({ host: plain.name, target: command(1) }, { ...ssh(), ask: () => Promise.resolve(SECRET) });
    expect(end.failure).toMatchObject({ code: 'no-privilege', hint: expect.stringMatching(/setcap cap_bpf,cap_perfmon/) as string });
    expect(bytes).toHaveLength(0);
  });

  test('a key with a passphrase, asked through askpass', async () => {
    const asked: string[] = [];
    const { end, summary } = await trace({ host: 'root-passphrase', target: command(3) }, {
      ...ssh(), askpass: ASKPASS, ask: (prompt, secret) => { asked.push(`${prompt} ${secret}`); return Promise.resolve(SECRET); },
    });
    expect(end).toEqual({ code: 0, signal: null });
    expect(reads(summary)).toBe(3);
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatch(/passphrase for .*locked.* true$/);
  });

  test('an unknown host key is asked for, shown, and accepted with yes', async () => {
    const asked: [string, boolean][] = [];
    const { end, summary } = await trace({ host: 'unknown-key', target: command(3) }, {
      ...ssh(), askpass: ASKPASS, ask: (prompt, secret) => { asked.push([prompt, secret]); return Promise.resolve('yes'); },
    });
    expect(end).toEqual({ code: 0, signal: null });
    expect(reads(summary)).toBe(3);
    expect(asked).toEqual([[expect.stringMatching(/SHA256:/) as string, false]]);
  });

  test('a target that fails: status 1, and the recording is whole', async () => {
    const { end, summary } = await trace({ host: 'root', target: { kind: 'command', argv: ['sh', '-c', `${READS} 5; exit 3`] } }, ssh());
    expect(end).toEqual({ code: 1, signal: null });
    expect(reads(summary)).toBe(5);
    expect(summary.target_exit).toEqual({ code: 3 });
  });

  test('a command that does not exist is the target’s fault', async () => {
    const { end } = await trace({ host: 'root', target: { kind: 'command', argv: ['/no/such/program'] } }, ssh());
    expect(end.failure).toMatchObject({ code: 'bad-target', message: expect.stringMatching(/no\/such\/program/) as string, hint: expect.stringMatching(/exists/) as string });
    const gone = await trace({ host: 'root', target: { kind: 'pid', pid: 4_000_000 } }, ssh());
    expect(gone.end.failure).toMatchObject({ code: 'target-gone' });
  });

  test('stop ends a long trace in order', async () => {
    const { end, summary } = await trace({ host: 'root', target: command(1_000_000, 1000) }, ssh(), (session) => void setTimeout(() => {
      // what the other tests find gone is there now
      const now = leftovers();
      expect(now.programs.length).toBeGreaterThan(before.programs.length);
      expect(now.processes.length).toBeGreaterThan(before.processes.length + 4);
      expect(now.folders).toHaveLength(before.folders.length + 1);
      void session.stop();
    }, 1500));
    expect(end).toEqual({ code: 0, signal: null });
    expect(summary.complete).toBe(true);
    expect(reads(summary)).toBeGreaterThan(100);
  });

  test.each([
    ['the session’s ssh client', /^\d+ ssh .*ControlMaster=no.*args-from-stdin/, 'connection-lost'],
    ['the shared connection', /^\d+ ssh .*-M -S/, 'connection-lost'],
    ['the loader', /^\d+ ringlight-loade .*args-from-stdin$/, 'loader-died'],
  ])('%s is killed: a message, a recording up to there, nothing left', async (_what, is, code) => {
    for (const host of ['root', sudoer.name]) {
      const { end, summary } = await trace({ host, target: command(1_000_000, 1000) }, ssh(), () => void setTimeout(() => {
        const victims = leftovers().processes.filter((line) => !before.processes.includes(line) && is.test(line));
        expect(victims, leftovers().processes.join('\n')).toHaveLength(1);
        execFileSync('kill', ['-9', victims[0]!.split(' ')[0]!]);
      }, 1500));
      expect(end.failure, host).toMatchObject({ code, message: expect.stringContaining(host) as string, hint: expect.stringMatching(/\S/) as string });
      expect(summary.complete).toBe(false);
      expect(reads(summary)).toBeGreaterThan(10);
      expect(await settled(before)).toEqual(NOTHING);
    }
  });

  test('cancelling at each phase leaves nothing', async () => {
    rmSync(uploaded('root'));
    for (const phase of ['Connecting', 'Uploading', 'Starting']) {
      const abort = new AbortController();
      const { end, phases } = await trace({ host: 'root', target: command(1_000_000, 1000) }, {
        ...ssh(), signal: abort.signal, onPhase: (text) => { if (text.startsWith(phase)) abort.abort(); },
      });
      expect(phases.at(-1)).toMatch(new RegExp(`^${phase}`));
      expect(end, phase).toMatchObject({ code: null, failure: { code: 'cancelled' } });
      expect(await settled(before)).toEqual(NOTHING);
    }
  });

  test('a folder mounted noexec is passed over, and the next one taken', async () => {
    const folder = sshd.runtime(sudoer.name);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `noexec,mode=700,uid=${sudoer.uid},gid=${sudoer.gid}`, 'ringlight-test', folder]);
    try {
      const { end, summary, logs } = await trace({ host: sudoer.name, target: command(21) }, ssh());
      expect(end).toEqual({ code: 0, signal: null });
      expect(reads(summary)).toBe(21);
      expect(logs.join('\n')).toMatch(/upload to place 0: no-exec/);
      expect(readdirSync(join(sudoer.home, '.cache', `ringlight-${sudoer.uid}`))).toHaveLength(1);
    } finally {
      execFileSync('umount', [folder]);
    }
  });

  test('the doctor: fine for root, fine with sudo, one remedy where it is not', async () => {
    const options = { ...quietOptions(), ...ssh() };
    const root = await runDoctor('root', options);
    expect(root).toMatchObject({ version: 1, host: 'root', canTrace: true, machine: 'x86_64' });
    expect((await runDoctor(sudoer.name, options)).canTrace).toBe(true);
    const bad = await runDoctor(plain.name, options);
    expect(bad.canTrace).toBe(false);
    expect(bad.checks.filter((check) => check.state === 'missing').every((check) => check.remedy)).toBe(true);
    const closed = await runDoctor('closed-port', options);
    expect(closed.checks).toMatchObject([{ id: 'connection', state: 'missing', remedy: expect.stringMatching(/sshd/) as string }]);
  });
});
