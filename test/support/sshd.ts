/** A real sshd on loopback, with users of its own, for the tests of tracing over ssh. Needs root. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why tests with users and an sshd cannot run here; empty when they can. */
export const WHY_NO_SSHD = process.getuid?.() !== 0 ? 'needs root: it starts an sshd and creates users' : '';

/** The passphrase of the second key, and the password of the users. */
export const SECRET = 'correct horse; "battery" $taple';

export interface TestUser {
  name: string;
  home: string;
  uid: number;
  gid: number;
}

export interface TestSshd {
  /** everything lives in here; readable by all, writable by root */
  folder: string;
  /** file for `ssh -F` with these hosts for each user U (`root` included): `U` (plain key), `U-passphrase`, `U-password`,
   * and for root: `unknown-key`, `changed-key`, `denied`, `closed-port`, `no-such-name` */
  config: string;
  port: number;
  /** folder that XDG_RUNTIME_DIR names in a session of this user: where the loader is put first */
  runtime(user: string): string;
  stop(): Promise<void>;
}

/**
 * A user with a password, a home and nothing else; removed by {@link removeUser}.
 * @param sudo a line for sudoers after the user's name; absent: no sudo
 */
export function addUser(role: string, sudo?: string): TestUser {
  const name = `ringlight-${role}-${process.pid}`;
  const home = join('/home', name);
  execFileSync('useradd', ['--create-home', '--home-dir', home, '--shell', '/bin/bash', name]);
  execFileSync('chpasswd', { input: `${name}:${SECRET}\n` });
  if (sudo !== undefined) writeFileSync(join('/etc/sudoers.d', name), `${name} ${sudo}\n`, { mode: 0o440 });
  const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { name, home, uid: id('-u'), gid: id('-g') };
}

export function removeUser(user: TestUser): void {
  rmSync(join('/etc/sudoers.d', user.name), { force: true });
  execFileSync('userdel', ['--remove', '--force', user.name], { stdio: 'ignore' });
}

/** Starts it and waits until it listens. */
export async function startSshd(users: TestUser[] = []): Promise<TestSshd> {
  const folder = mkdtempSync(join(tmpdir(), 'ringlight-sshd-'));
  chmodSync(folder, 0o755);
  const at = (name: string) => join(folder, name);
  const key = (name: string, passphrase = '') => execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', name, '-f', at(name)]);
  for (const name of ['host-key', 'other-host-key', 'plain', 'stranger']) key(name);
  key('locked', SECRET);
  writeFileSync(at('authorized_keys'), readFileSync(at('plain.pub'), 'utf8') + readFileSync(at('locked.pub'), 'utf8'), { mode: 0o644 });

  const names = ['root', ...users.map((user) => user.name)];
  const runtime = (user: string) => at(`run-${user}`);
  mkdirSync(runtime('root'), { mode: 0o700 });
  for (const user of users) {
    mkdirSync(runtime(user.name), { mode: 0o700 });
    execFileSync('chown', [`${user.uid}:${user.gid}`, runtime(user.name)]);
  }

  const port = await freePort();
  const closedPort = await freePort();
  if (!existsSync('/run/sshd')) mkdirSync('/run/sshd', { mode: 0o755 });
  writeFileSync(at('sshd_config'), [
    `Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${at('host-key')}`, `PidFile ${at('sshd.pid')}`,
    `AuthorizedKeysFile ${at('authorized_keys')}`, 'StrictModes no', 'UsePAM no', 'PermitRootLogin yes',
    'PasswordAuthentication yes', 'KbdInteractiveAuthentication no', 'LogLevel ERROR', 'MaxStartups 100', 'PrintMotd no',
    ...names.flatMap((name) => [`Match User ${name}`, `  SetEnv XDG_RUNTIME_DIR=${runtime(name)}`]), '',
  ].join('\n'));

  const hostKey = readFileSync(at('host-key.pub'), 'utf8');
  const knownAs = (name: string, publicKey: string) => writeFileSync(at(name), `[127.0.0.1]:${port} ${publicKey}`);
  knownAs('known_hosts', hostKey);
  knownAs('changed_hosts', readFileSync(at('other-host-key.pub'), 'utf8'));
  const entry = (host: string, ...lines: string[]) => [`Host ${host}`, ...lines.map((line) => `  ${line}`)];
  const plain = `IdentityFile ${at('plain')}`;
  writeFileSync(at('ssh_config'), [
    ...names.flatMap((name) => [
      ...entry(name, `User ${name}`, plain),
      ...entry(`${name}-passphrase`, `User ${name}`, `IdentityFile ${at('locked')}`),
      ...entry(`${name}-password`, `User ${name}`, 'PubkeyAuthentication no'),
    ]),
    ...entry('unknown-key', 'User root', plain, `UserKnownHostsFile ${at('new_hosts')}`, 'StrictHostKeyChecking ask'),
    ...entry('changed-key', 'User root', plain, `UserKnownHostsFile ${at('changed_hosts')}`),
    ...entry('denied', 'User root', `IdentityFile ${at('stranger')}`, 'PreferredAuthentications publickey'),
    ...entry('closed-port', `Port ${closedPort}`),
    ...entry('no-such-name', 'HostName host.invalid'),
    ...entry('*', 'HostName 127.0.0.1', `Port ${port}`, 'IdentitiesOnly yes', 'IdentityAgent none', 'StrictHostKeyChecking yes',
      `UserKnownHostsFile ${at('known_hosts')}`, 'GlobalKnownHostsFile /dev/null'),
    '',
  ].join('\n'));

  const sshd = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', at('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  sshd.stderr.on('data', (chunk: Buffer) => { words += chunk.toString(); });
  await listening(port, sshd, () => words);
  return {
    folder, config: at('ssh_config'), port, runtime,
    async stop() {
      if (sshd.exitCode === null) {
        sshd.kill('SIGTERM');
        await once(sshd, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a careless ~/.bashrc does: print, on both streams, before anything we asked for. */
export function makeNoisy(user: TestUser): void {
  const rc = join(user.home, '.bashrc');
  writeFileSync(rc, 'echo "Welcome back! loader=/bin/false"\necho "you have mail" >&2\nprintf "no line end"\n');
  appendFileSync(join(user.home, '.profile'), 'echo profile\n');
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(port: number, sshd: ChildProcess, words: () => string): Promise<void> {
  const { connect } = await import('node:net');
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    if (sshd.exitCode !== null) throw new Error(`sshd left with status ${sshd.exitCode}: ${words()}`);
    const socket = connect(port, '127.0.0.1');
    const up = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (up) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error(`sshd does not listen on port ${port}: ${words()}`);
}
