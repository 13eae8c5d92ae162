/** Kernels as Debian ships them, fetched through apt and unpacked into the cache; nothing of this machine's set-up changes. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ringlight/kernels');

/** An unpacked kernel: its image, its modules below `root`, and a static busybox. */
export interface Kernel { release: string; image: string; root: string; busybox: string }

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
function sourcesOf(suite: string): string {
  const lines = archives().flatMap(({ uri, options }) => {
    const bare = uri.replace(/\/+$/, '');
    if (bare.endsWith('/debian')) return [`deb ${options} ${uri} ${suite} main`];
    if (bare.endsWith('/debian-security') && !suite.includes('-')) return [`deb ${options} ${uri} ${suite}-security main`];
    return [];
  });
  if (!lines.some((line) => line.endsWith(` ${suite} main`))) throw new Error('apt on this machine knows no archive whose address ends in /debian');
  return `${lines.join('\n')}\n`;
}

function apt(folder: string, program: 'apt-get' | 'apt-cache', ...args: string[]): string {
  return execFileSync(program, [
    '-o', `Dir::Etc::sourcelist=${join(folder, 'apt/sources.list')}`, '-o', 'Dir::Etc::sourceparts=/dev/null',
    '-o', `Dir::State=${join(folder, 'apt/state')}`, '-o', `Dir::Cache=${join(folder, 'apt/cache')}`,
    '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Languages=none', '-o', 'Acquire::Retries=2', ...args,
  ], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The newest cloud kernel of a suite. Fetched once; delete the suite's folder in {@link CACHE} to get a newer one. */
export function debianKernel(suite: string): Kernel {
  const folder = join(CACHE, suite);
  const root = join(folder, 'root');
  const ready = join(folder, 'release');
  if (!existsSync(ready)) {
    rmSync(folder, { recursive: true, force: true });
    for (const name of ['apt/state/lists/partial', 'apt/cache/archives/partial', 'root']) mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, 'apt/sources.list'), sourcesOf(suite));
    apt(folder, 'apt-get', 'update');
    const image = /Depends: (linux-image-\S+)/.exec(apt(folder, 'apt-cache', 'depends', 'linux-image-cloud-amd64'))?.[1];
    if (!image) throw new Error(`${suite} has no linux-image-cloud-amd64`);
    apt(folder, 'apt-get', 'download', image);
    for (const name of readdirSync(folder).filter((one) => one.endsWith('.deb'))) {
      execFileSync('dpkg-deb', ['-x', join(folder, name), root]);
      rmSync(join(folder, name));
    }
    writeFileSync(ready, image.slice('linux-image-'.length));
  }
  const release = readFileSync(ready, 'utf8');
  return { release, root, image: join(root, 'boot', `vmlinuz-${release}`), busybox: busybox() };
}

/** Debian's static busybox, from the release that this machine's archives offer. */
function busybox(): string {
  const folder = join(CACHE, 'busybox');
  const file = join(folder, 'bin/busybox');
  const merged = join(folder, 'usr/bin/busybox');
  if (!existsSync(file) && !existsSync(merged)) {
    mkdirSync(folder, { recursive: true });
    execFileSync('apt-get', ['-o', 'APT::Sandbox::User=root', 'download', 'busybox-static'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    const deb = readdirSync(folder).find((name) => name.endsWith('.deb'));
    if (!deb) throw new Error('apt-get download busybox-static left nothing');
    execFileSync('dpkg-deb', ['-x', join(folder, deb), folder]);
  }
  return existsSync(file) ? file : merged;
}
