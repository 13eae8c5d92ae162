/** apt with lists and caches of its own: what it fetches leaves this machine's set-up as it was, and needs no root. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Archive { uri: string; options: string }

/** The archives that this machine's apt knows, from either format of its lists. */
function archives(): Archive[] {
  const found: Archive[] = [];
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])];
  for (const file of files.filter((name) => existsSync(name))) {
    const text = readFileSync(file, 'utf8').replace(/^\s*#.*\n?/gm, '');
    if (file.endsWith('.list')) {
      for (const [, options = '', uri] of text.matchAll(/^deb\s+(\[[^\]]*\]\s+)?(\S+)/gm)) found.push({ uri: uri!, options: options.trim() });
    } else if (file.endsWith('.sources')) {
      for (const stanza of text.split(/\n\s*\n/)) {
        const key = /^Signed-By:\s*(\/\S+)/im.exec(stanza)?.[1];
        const uris = /^URIs:\s*(.+)$/im.exec(stanza)?.[1]?.split(/\s+/) ?? [];
        for (const uri of uris) found.push({ uri, options: key ? `[signed-by=${key}]` : '' });
      }
    }
  }
  return found.filter((one, i) => found.findIndex((other) => other.uri === one.uri) === i);
}

/** Lines for apt: a release's suites that its archives have, backports from the main archive only. */
function sourcesOf(suite: string, kind: 'deb' | 'deb-src'): string {
  const lines = archives().flatMap(({ uri, options }) => {
    const bare = uri.replace(/\/+$/, '');
    if (bare.endsWith('/debian')) return [`${kind} ${options} ${uri} ${suite} main`];
    // sources come from the release alone: they change a few times a year
    if (kind === 'deb' && bare.endsWith('/debian-security') && !suite.includes('-')) return [`deb ${options} ${uri} ${suite}-security main`];
    return [];
  });
  if (!lines.some((line) => line.endsWith(` ${suite} main`))) throw new Error('apt on this machine knows no archive whose address ends in /debian');
  return `${lines.join('\n')}\n`;
}

export type PrivateApt = (program: 'apt-get' | 'apt-cache', ...args: string[]) => string;

/** An apt for one suite that keeps everything below `folder`/apt and works in `folder`. Its lists are fetched here. */
export function privateApt(folder: string, suite: string, kind: 'deb' | 'deb-src' = 'deb'): PrivateApt {
  for (const name of ['apt/state/lists/partial', 'apt/cache/archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'apt/sources.list'), sourcesOf(suite, kind));
  const apt: PrivateApt = (program, ...args) => execFileSync(program, [
    '-o', `Dir::Etc::sourcelist=${join(folder, 'apt/sources.list')}`, '-o', 'Dir::Etc::sourceparts=/dev/null',
    '-o', `Dir::State=${join(folder, 'apt/state')}`, '-o', `Dir::Cache=${join(folder, 'apt/cache')}`,
    '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Languages=none', '-o', 'Acquire::Retries=2', ...args,
  ], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 });
  apt('apt-get', 'update');
  return apt;
}
