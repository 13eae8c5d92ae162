/** The hosts a user can pick: those that the ssh configuration names, Include'd files too. */
import { LineType, parse, type Line } from 'ssh-config';
import { readdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** As deep as ssh itself follows Include. */
const MAX_DEPTH = 16;

/**
 * Names of `Host` lines in the order of the files, without patterns (`*`, `?`, `!`) and without doubles.
 * A file that is missing or cannot be read adds nothing: ssh itself is the judge of its configuration.
 * @param sshConfig path of the file; absent: `~/.ssh/config`
 */
export async function listSshHosts(sshConfig = join(homedir(), '.ssh', 'config')): Promise<string[]> {
  const hosts = new Set<string>();
  await collect(sshConfig, hosts, 0);
  return [...hosts];
}

async function collect(file: string, hosts: Set<string>, depth: number): Promise<void> {
  let lines: Line[];
  try {
    lines = parse(await readFile(file, 'utf8'));
  } catch {
    return;
  }
  await walk(lines, hosts, depth);
}

async function walk(lines: Line[], hosts: Set<string>, depth: number): Promise<void> {
  for (const line of lines) {
    if (line.type !== LineType.DIRECTIVE) continue;
    const name = line.param.toLowerCase();
    const values = typeof line.value === 'string' ? [line.value] : line.value.map((v) => v.val);
    if (name === 'host') for (const value of values) if (value && !/[*?!]/.test(value)) hosts.add(value);
    if (name === 'include' && depth < MAX_DEPTH) {
      for (const value of values) for (const file of await expand(value)) await collect(file, hosts, depth + 1);
    }
    if ('config' in line) await walk(line.config, hosts, depth);
  }
}

/** Files an Include names: `~`, relative to `~/.ssh`, and wildcards in any part of the path. */
async function expand(pattern: string): Promise<string[]> {
  const path = pattern.startsWith('~/') ? join(homedir(), pattern.slice(2))
    : isAbsolute(pattern) ? pattern : join(homedir(), '.ssh', pattern);
  let found = ['/'];
  for (const part of path.split('/').filter(Boolean)) {
    if (!/[*?[]/.test(part)) {
      found = found.map((folder) => join(folder, part));
      continue;
    }
    const matches = wildcard(part);
    const next: string[] = [];
    for (const folder of found) {
      const names = await readdir(folder).catch((): string[] => []);
      next.push(...names.filter((name) => matches.test(name)).sort().map((name) => join(folder, name)));
    }
    found = next;
  }
  return found;
}

/** A shell wildcard for one part of a path as a regular expression; like glob(3), `*` does not match a leading dot. */
function wildcard(part: string): RegExp {
  const source = part.replace(/\[(!?)([^\]]+)\]|\*|\?|[.+^${}()|\\[\]]/g, (token, not: string | undefined, set: string | undefined) =>
    token === '*' ? '[^/]*' : token === '?' ? '[^/]' : set !== undefined ? `[${not ? '^' : ''}${set.replaceAll('\\', '\\\\')}]` : `\\${token}`);
  return new RegExp(`^${part.startsWith('.') ? '' : '(?!\\.)'}${source}$`);
}
