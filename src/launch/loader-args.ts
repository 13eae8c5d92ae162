/** A trace request as the loader's arguments, which travel over its stdin and never through a command line. */
import type { TraceRequest } from '../protocol/launch';
import { fail } from './failure';

/**
 * @param env the user's own environment, given where sudo would replace it by root's; the request's wins
 * @throws LaunchError `bad-target`
 */
export function loaderArgs(request: TraceRequest, env: Record<string, string> = {}): string[] {
  const { target, durationSeconds, apis } = request;
  const args: string[] = [];
  if (apis) args.push('--apis', apis.join(','));
  args.push(...howMuch(request), ...filters(request));
  if (durationSeconds !== undefined) {
    if (!(durationSeconds > 0) || !Number.isFinite(durationSeconds)) throw badTarget(`the duration ${durationSeconds} is not a positive number of seconds`);
    args.push('--duration', String(durationSeconds));
  }
  switch (target.kind) {
    case 'all':
      args.push('--all');
      break;
    case 'pid':
      if (!Number.isSafeInteger(target.pid) || target.pid <= 0) throw badTarget(`${target.pid} is not a process id`);
      args.push('--pid', String(target.pid));
      break;
    case 'command':
      if (!target.argv[0]) throw badTarget('there is no command to run');
      if (target.cwd !== undefined) {
        if (!target.cwd.startsWith('/')) throw badTarget(`the working directory ${target.cwd} is not absolute`);
        args.push('--cwd', target.cwd);
      }
      for (const [key, value] of Object.entries({ ...env, ...target.env })) {
        if (key === '' || key.includes('=')) throw badTarget(`${JSON.stringify(key)} cannot be the name of an environment variable`);
        args.push('--env', `${key}=${value}`);
      }
      args.push('--', ...target.argv);
  }
  if (args.some((arg) => arg.includes('\0'))) throw badTarget('an argument holds a NUL character');
  return args;
}

function howMuch({ mode, sample, calls, stacks, pendingMs }: TraceRequest): string[] {
  return [
    ...(mode === undefined ? [] : ['--mode', mode]),
    ...(sample === undefined ? [] : ['--sample', whole('the sample', sample, 2)]),
    ...(calls ? ['--calls'] : []),
    ...(stacks ? ['--stacks', whole('the number of submissions for a stack', stacks, 1)] : []),
    ...(pendingMs === undefined ? [] : ['--pending', whole('the age of pending operations', pendingMs, 0)]),
  ];
}

function filters({ comm, uid, cgroup, target }: TraceRequest): string[] {
  if (target.kind !== 'all' && [comm, uid, cgroup].some((filter) => filter !== undefined)) throw badTarget('name, user and control group are for tracing every process');
  if (comm === '' || cgroup === '') throw badTarget('a filter is empty');
  return [
    ...(comm === undefined ? [] : ['--comm', comm]),
    ...(uid === undefined ? [] : ['--uid', whole('the user id', uid, 0)]),
    ...(cgroup === undefined ? [] : ['--cgroup', cgroup]),
  ];
}

function whole(what: string, value: number, least: number): string {
  if (!Number.isSafeInteger(value) || value < least) throw badTarget(`${what}, ${value}, is not a whole number from ${least} on`);
  return String(value);
}

/** What `--args-from-stdin` reads: the size in bytes, a line end, and the arguments, each ended by NUL (the last may be empty). */
export function encodeArgs(args: readonly string[]): Buffer {
  const body = Buffer.from(args.map((arg) => `${arg}\0`).join(''), 'utf8');
  return Buffer.concat([Buffer.from(`${body.length}\n`), body]);
}

function badTarget(why: string): Error {
  return fail('bad-target', `This cannot be traced: ${why}.`, 'Correct the target and start again.');
}
