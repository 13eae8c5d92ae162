/** Where a loader runs: this machine or one behind ssh. The rest of the launch does not tell them apart. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { machine as machineName, release, userInfo } from 'node:os';
import { join } from 'node:path';
import type { LaunchFailure } from '../protocol/launch';
import { start } from './child';
import { fail } from './failure';
import type { ConnectOptions } from './options';
import { INSTALLED_LOADER } from './scripts';

/** What was found out about the target machine. */
export interface Facts {
  /** `uname -m` */
  machine: string;
  /** `uname -r` */
  kernel: string;
  uid: number;
  user: string;
  /** of the user's own environment: HOME, PATH, USER and the like, which sudo would replace by root's */
  env: Record<string, string>;
}

export interface Place {
  /** `this machine`, or the host as the user wrote it */
  name: string;
  facts: Facts;
  /** path of the loader there */
  loader: string;
  /** starts a program there; its stdin stays open until we close it */
  spawn(argv: readonly string[]): ChildProcessWithoutNullStreams;
  /** set when stderr's own part begins with this line (login shells print before it) */
  stderrMarker?: string;
  /** names a lost connection, or a refusal before the program ran; undefined: the status is the program's own */
  explain(end: { code: number | null; signal: NodeJS.Signals | null; stderr: string }): Promise<LaunchFailure | undefined>;
  /** ends the connection and removes what it needed; resolves when no process is left */
  close(): Promise<void>;
}

/** What loaders are built for, as `uname -m` says it. */
export const MACHINES = ['x86_64', 'aarch64'] as const;

/** The loaders shipped with us. @returns machine → path of those that are there */
export async function shippedLoaders(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const machine of MACHINES) {
    const path = join(folder, machine, 'ringlight-loader');
    if (await stat(path).then((s) => s.isFile(), () => false)) found.set(machine, path);
  }
  return found;
}

export function unsupportedMachine(where: string, machine: string, shipped: Iterable<string>): Error {
  const have = [...shipped];
  return have.length === 0
    ? fail('no-loader', 'This build of Ringlight has no loader in it.', 'Build it with “npm run build”, or install the packaged extension.')
    : fail('unsupported-machine', `There is no loader for ${where}: it is ${machine}, and this build has ${have.join(', ')}.`, 'Trace on a machine of that kind.');
}

/** SHA-256 of a file, hex. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

export async function openLocal(options: ConnectOptions): Promise<Place> {
  const name = 'this machine';
  if (process.platform !== 'linux') {
    throw fail('unsupported-machine', 'This machine does not run Linux.', 'Choose a Linux host to trace over ssh.');
  }
  const shipped = await shippedLoaders(options.loaders);
  const machine = machineName();
  const own = shipped.get(machine);
  if (own === undefined) throw unsupportedMachine(name, machine, shipped.keys());
  const runs = await access(own, constants.X_OK).then(() => true, () => false);
  if (!runs) throw fail('no-loader', `The loader ${own} is not executable.`, `Make it so: chmod +x ${own}`);
  // an administrator may have installed the same loader with rights of its own
  const installed = await sha256(INSTALLED_LOADER).catch(() => undefined);
  const loader = installed !== undefined && installed === await sha256(own) ? INSTALLED_LOADER : own;
  const env = Object.fromEntries(Object.entries(process.env).filter((e): e is [string, string] => e[1] !== undefined));
  return {
    name,
    facts: { machine, kernel: release(), uid: process.getuid!(), user: userInfo().username, env },
    loader,
    spawn: (argv) => start(argv),
    explain: () => Promise.resolve(undefined),
    close: () => Promise.resolve(),
  };
}
