/** Kernels as Debian ships them, fetched through apt and unpacked into the cache; nothing of this machine's set-up changes. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { privateApt } from '../support/apt';

export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ringlight/kernels');

/** An unpacked kernel: its image, its modules below `root`, and a static busybox. */
export interface Kernel { release: string; image: string; root: string; busybox: string }

/** The newest cloud kernel of a suite. Fetched once; delete the suite's folder in {@link CACHE} to get a newer one. */
export function debianKernel(suite: string): Kernel {
  const folder = join(CACHE, suite);
  const root = join(folder, 'root');
  const ready = join(folder, 'release');
  if (!existsSync(ready)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(root, { recursive: true });
    const apt = privateApt(folder, suite);
    const image = /Depends: (linux-image-\S+)/.exec(apt('apt-cache', 'depends', 'linux-image-cloud-amd64'))?.[1];
    if (!image) throw new Error(`${suite} has no linux-image-cloud-amd64`);
    apt('apt-get', 'download', image);
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
