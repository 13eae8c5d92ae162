// apt with lists and caches of its own: what it fetches leaves this machine's set-up as it was, and needs no root.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The archives that this machine's apt knows, from either format of its lists. */
function archives() {
  const found = [];
  const folder = '/etc/apt/sources.list.d';
  const files = ['/etc/apt/sources.list', ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [])];
  for (const file of files.filter((name) => existsSync(name))) {
    const text = readFileSync(file, 'utf8').replace(/^\s*#.*\n?/gm, '');
    if (file.endsWith('.list')) {
      for (const [, options = '', uri] of text.matchAll(/^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)/gm)) found.push({ uri, options: options.split(/\s+/).filter(Boolean) });
    } else if (file.endsWith('.sources')) {
      for (const stanza of text.split(/\n\s*\n/)) {
        const key = /^Signed-By:\s*(\/\S+)/im.exec(stanza)?.[1];
        const uris = /^URIs:\s*(.+)$/im.exec(stanza)?.[1]?.split(/\s+/) ?? [];
        for (const uri of uris) found.push({ uri, options: key ? [`signed-by=${key}`] : [] });
      }
    }
  }
  return found.filter((one, i) => found.findIndex((other) => other.uri === one.uri) === i);
}

/** Lines for apt: a release's suites that its archives have, backports from the main archive only. */
function sourcesOf(suite, kind, architecture) {
  const lines = archives().flatMap(({ uri, options }) => {
    const bare = uri.replace(/\/+$/, '');
    const kept = [...options.filter((option) => !option.startsWith('arch=')), ...(architecture ? [`arch=${architecture}`] : [])];
    const line = (type, of) => `${type} ${kept.length > 0 ? `[${kept.join(' ')}] ` : ''}${uri} ${of} main`;
    if (bare.endsWith('/debian')) return [line(kind, suite)];
    // sources come from the release alone: they change a few times a year; sid has no security suite
    if (kind === 'deb' && bare.endsWith('/debian-security') && !suite.includes('-') && suite !== 'sid') return [line('deb', `${suite}-security`)];
    return [];
  });
  if (!lines.some((line) => line.endsWith(` ${suite} main`))) throw new Error('apt on this machine knows no archive whose address ends in /debian');
  return `${lines.join('\n')}\n`;
}

/** An apt for one suite that keeps everything below `folder`/apt and works in `folder`. Its lists are fetched here. */
export function privateApt(folder, suite, { kind = 'deb', architecture } = {}) {
  for (const name of ['apt/state/lists/partial', 'apt/cache/archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'apt/sources.list'), sourcesOf(suite, kind, architecture));
  const apt = (program, ...args) => execFileSync(program, [
    '-o', `Dir::Etc::sourcelist=${join(folder, 'apt/sources.list')}`, '-o', 'Dir::Etc::sourceparts=/dev/null',
    '-o', `Dir::State=${join(folder, 'apt/state')}`, '-o', `Dir::Cache=${join(folder, 'apt/cache')}`,
    ...(architecture ? ['-o', `APT::Architecture=${architecture}`, '-o', `APT::Architectures=${architecture}`] : []),
    '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Languages=none', '-o', 'Acquire::Retries=2', ...args,
  ], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 });
  apt('apt-get', 'update');
  return apt;
}

/** Fetches packages with an apt of `folder` and unpacks them below `root`; nothing is installed. */
export function unpackPackages(apt, folder, names, root) {
  mkdirSync(root, { recursive: true });
  apt('apt-get', 'download', ...names);
  for (const name of readdirSync(folder).filter((one) => one.endsWith('.deb'))) {
    execFileSync('dpkg-deb', ['-x', join(folder, name), root]);
    rmSync(join(folder, name));
  }
}
