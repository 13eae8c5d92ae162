/** Kernels as Debian ships them, fetched through apt and unpacked into the cache; nothing of this machine's set-up changes. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { machine as ownMachine } from 'node:os';
import { join } from 'node:path';
import { MACHINES } from '../../scripts/lib/machines.mjs';
import { CACHE } from '../../scripts/lib/paths.mjs';
import { privateApt, unpackPackages } from '../../scripts/lib/private-apt.mjs';

/** As `uname -m` says it. */
export type Machine = keyof typeof MACHINES;

/** An unpacked kernel: its image, its modules below `root`, a static busybox for it and one for this machine. */
export interface Kernel { release: string; machine: Machine; image: string; root: string; busybox: string; ownBusybox: string }

const KERNELS = join(CACHE, 'kernels');
/** Any release's busybox does. */
const BUSYBOX_SUITE = 'bookworm';

/**
 * The newest cloud kernel of a suite. Fetched once; delete its folder in the cache to get a newer one.
 * @throws when the archive can not be reached
 */
export function debianKernel(suite: string, machine: Machine): Kernel {
  const folder = join(KERNELS, `${suite}-${machine}`);
  const root = join(folder, 'root');
  const ready = join(folder, 'release');
  if (!existsSync(ready)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(root, { recursive: true });
    const architecture = MACHINES[machine];
    const apt = privateApt(folder, suite, { architecture });
    const needs = (name: string) => [...apt('apt-cache', 'depends', name).matchAll(/Depends: (linux-[a-z]+-\d\S+)/g)].map((match) => match[1]!);
    const pack = needs(`linux-image-cloud-${architecture}`).find((name) => name.startsWith('linux-image-'));
    if (!pack) throw new Error(`${suite} has no linux-image-cloud-${architecture}`);
    const release = pack.slice('linux-image-'.length);
    // newer ones are split: image and modules are in packages of their own
    unpackPackages(apt, folder, [pack, ...needs(pack).filter((name) => name.endsWith(release))], root);
    rmSync(join(folder, 'apt'), { recursive: true });
    writeFileSync(ready, release);
  }
  const release = readFileSync(ready, 'utf8');
  // newer packages have no /boot
  const image = [`boot/vmlinuz-${release}`, `usr/lib/modules/${release}/vmlinuz`].map((name) => join(root, name)).find((file) => existsSync(file));
  if (!image) throw new Error(`${suite}: linux-image-${release} holds no vmlinuz`);
  return { release, machine, root, image, busybox: busybox(machine), ownBusybox: busybox(ownMachine() as Machine) };
}

/** Debian's static busybox. */
function busybox(machine: Machine): string {
  const folder = join(KERNELS, `busybox-${machine}`);
  const found = () => ['usr/bin/busybox', 'bin/busybox'].map((name) => join(folder, name)).find((file) => existsSync(file));
  const file = found();
  if (file) return file;
  unpackPackages(privateApt(folder, BUSYBOX_SUITE, { architecture: MACHINES[machine] }), folder, ['busybox-static'], folder);
  rmSync(join(folder, 'apt'), { recursive: true });
  return found() ?? (() => { throw new Error('busybox-static holds no busybox'); })();
}
