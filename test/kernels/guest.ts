/** A machine that boots a kernel in emulation, runs a script as its first process, and hands back the files it left. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, closeSync, ftruncateSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Kernel, Machine } from './debian';

/** How each machine is emulated, where its console is, and its C library: files here, folder in the guest. */
const EMULATORS: Record<Machine, { program: string; pack: string; options: string[]; console: string; library: { files: string[]; folder: string } }> = {
  // without cx16: QEMU 7.2 emulates cmpxchg16b wrongly, and the allocator of Linux 6.12 trips over it
  x86_64: {
    program: 'qemu-system-x86_64', pack: 'qemu-system-x86', options: ['-cpu', 'max,cx16=off'], console: 'ttyS0',
    library: { files: ['/lib64/ld-linux-x86-64.so.2', '/lib/x86_64-linux-gnu/libc.so.6'], folder: 'lib64' },
  },
  // the architecture's own pointer authentication takes most of an emulated boot; this one is cheap
  aarch64: {
    program: 'qemu-system-aarch64', pack: 'qemu-system-arm', options: ['-machine', 'virt', '-cpu', 'max,pauth-impdef=on'], console: 'ttyAMA0',
    library: { files: ['ld-linux-aarch64.so.1', 'libc.so.6'].map((name) => `/usr/aarch64-linux-gnu/lib/${name}`), folder: 'lib' },
  },
};
/**
 * CPUs in turn: the kernel patches code that other CPUs run when a tracepoint is switched on, and with a thread for each
 * CPU the emulation may run the old code on.
 */
const ACCELERATOR = 'tcg,thread=single';
const DATA_BYTES = 256 << 20;
const RESULT_BYTES = 128 << 20;
/** An NVMe drive whose completions can be polled for: without queues for that IOPOLL is refused. */
const NVME_BYTES = 16 << 20;
const NVME_OPTION = 'nvme.poll_queues=1';
/** For a disk with O_DIRECT; what they need comes with them. */
const MODULES = ['virtio_pci', 'virtio_blk', 'ext4'];

/** Why no guest of this machine can be booted here, for the name of a skipped test; empty when it can. */
export function whyNoGuest(machine: Machine): string {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'needs Linux on x86-64';
  const { program: emulator, pack } = EMULATORS[machine];
  for (const [program, of] of [[emulator, pack], ['mke2fs', 'e2fsprogs'], ['dpkg-deb', 'dpkg'], ['apt-get', 'apt']] as const) {
    if (!['/usr/bin', '/bin', '/usr/sbin', '/sbin'].some((folder) => existsSync(join(folder, program)))) return `needs ${program}, of Debian's ${of}`;
  }
  return '';
}

/** Copies modules and what they depend on. @returns their paths below /lib/modules, in the order to load them */
function copyModules(kernel: Kernel, tree: string): string[] {
  // newer packages have them below /usr
  const base = [kernel.root, join(kernel.root, 'usr')].find((name) => existsSync(join(name, 'lib/modules', kernel.release)));
  if (!base) throw new Error(`${kernel.release}: the package has no modules`);
  const modules = join(base, 'lib/modules', kernel.release);
  execFileSync(kernel.ownBusybox, ['depmod', '-b', base, kernel.release], { stdio: ['ignore', 'ignore', 'pipe'] });
  const needs = new Map<string, string[]>();
  for (const line of readFileSync(join(modules, 'modules.dep'), 'utf8').split('\n')) {
    const [file, rest] = line.split(':');
    if (file && rest !== undefined) needs.set(file.trim(), rest.trim().split(/\s+/).filter(Boolean));
  }
  const nameOf = (file: string) => basename(file).replace(/\.ko.*$/, '').replaceAll('-', '_');
  const builtIn = readFileSync(join(modules, 'modules.builtin'), 'utf8').split('\n').filter(Boolean).map(nameOf);
  const order: string[] = [];
  const visit = (file: string) => {
    if (order.includes(file)) return;
    for (const needed of needs.get(file) ?? []) visit(needed);
    if (!order.includes(file)) order.push(file);
  };
  // ext4 asks for its checksum by name, which modules.dep does not tell
  for (const wanted of [...MODULES, 'crc32c_generic']) {
    const file = [...needs.keys()].find((one) => nameOf(one) === wanted);
    if (file) visit(file);
    else if (!builtIn.includes(wanted) && MODULES.includes(wanted)) throw new Error(`${kernel.release} has no module ${wanted}`);
  }
  mkdirSync(join(tree, 'modules'));
  const crc = order.findIndex((file) => nameOf(file) === 'crc32c_generic');
  if (crc > 0) order.unshift(...order.splice(crc, 1));
  return order.map((file) => {
    const plain = basename(file).replace(/\.xz$/, '');
    const bytes = file.endsWith('.xz') ? execFileSync('xz', ['-dc', join(modules, file)], { maxBuffer: 1 << 28 }) : readFileSync(join(modules, file));
    writeFileSync(join(tree, 'modules', plain), bytes);
    return plain;
  });
}

const init = (modules: string[], script: string) => `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tracefs none /sys/kernel/tracing
mount -t tmpfs none /tmp
ip link set lo up 2>/dev/null
${modules.map((name) => `insmod /modules/${name} || echo "insmod ${name} failed"`).join('\n')}
mkdir -p /disk /tmp/results
chmod 777 /tmp/results
mount -t ext4 /dev/vda /disk || echo "no disk"
cd /tmp/results
${script}
tar -cf /dev/vdb -C /tmp/results .
sync
poweroff -f
`;

/** A sparse file. */
function blank(path: string, bytes: number): string {
  const fd = openSync(path, 'w');
  ftruncateSync(fd, bytes);
  closeSync(fd);
  return path;
}

export interface Guest {
  kernel: Kernel;
  /** further words of the kernel's command line, like `lsm=landlock,bpf` */
  commandLine?: string;
  /** to be found in /bin */
  files: string[];
  /** for busybox sh, as root, in a folder for results; an ext4 disk is at /disk, an NVMe drive is /dev/nvme0n1. Its last act is to make `finished`. */
  script: string;
  /** ms until the guest is given up */
  timeout: number;
}

/**
 * Boots a guest and runs its script. @returns the folder with the results and the `console`, which the caller removes
 * @throws when it did not come to the script's end in time; with the end of its console
 */
export async function runGuest({ kernel, commandLine = '', files, script, timeout }: Guest): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ringlight-guest-'));
  try {
    const tree = join(folder, 'tree');
    for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp', 'disk']) mkdirSync(join(tree, name), { recursive: true });
    copyFileSync(kernel.busybox, join(tree, 'bin/busybox'));
    for (const file of files) cpSync(file, join(tree, 'bin', basename(file)));
    // no program there needs it, but the loader puts probes into it
    const { library } = EMULATORS[kernel.machine];
    for (const file of library.files) cpSync(file, join(tree, library.folder, basename(file)), { dereference: true });
    writeFileSync(join(tree, 'init'), init(copyModules(kernel, tree), script));
    chmodSync(join(tree, 'init'), 0o755);
    const initramfs = join(folder, 'initramfs');
    execFileSync('sh', ['-c', 'cd "$1" && find . | "$2" cpio -o -H newc >"$3"', '-', tree, kernel.ownBusybox, initramfs], { stdio: ['ignore', 'ignore', 'pipe'] });
    const data = blank(join(folder, 'data'), DATA_BYTES);
    execFileSync('/sbin/mke2fs', ['-q', '-F', '-t', 'ext4', data], { stdio: ['ignore', 'ignore', 'pipe'] });
    const results = blank(join(folder, 'results.tar'), RESULT_BYTES);
    const nvme = blank(join(folder, 'nvme'), NVME_BYTES);
    const log = join(folder, 'console');

    const emulator = EMULATORS[kernel.machine];
    const guest = spawn(emulator.program, [
      ...emulator.options, '-accel', ACCELERATOR, '-smp', '2', '-m', '1024', '-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot',
      '-kernel', kernel.image, '-initrd', initramfs, '-append', `console=${emulator.console} panic=-1 quiet mitigations=off no_timer_check ${NVME_OPTION} ${commandLine}`, '-serial', `file:${log}`,
      '-drive', `file=${data},format=raw,if=virtio,cache=unsafe`, '-drive', `file=${results},format=raw,if=virtio,cache=unsafe`,
      '-drive', `file=${nvme},format=raw,if=none,id=nvme,cache=unsafe`, '-device', 'nvme,serial=ringlight,drive=nvme',
    ], { stdio: ['ignore', 'ignore', 'pipe'] });
    let complaint = '';
    guest.stderr.on('data', (chunk: Buffer) => { complaint += chunk.toString(); });
    const timer = setTimeout(() => guest.kill('SIGKILL'), timeout);
    await new Promise<void>((resolve, reject) => {
      guest.on('error', reject);
      guest.on('close', () => resolve());
    });
    clearTimeout(timer);
    const said = existsSync(log) ? readFileSync(log, 'latin1') : '';
    const out = mkdtempSync(join(tmpdir(), 'ringlight-results-'));
    try {
      execFileSync('tar', ['-xf', results, '-C', out], { stdio: ['ignore', 'ignore', 'pipe'] });
      if (!existsSync(join(out, 'finished'))) throw new Error('no results');
    } catch {
      rmSync(out, { recursive: true, force: true });
      throw new Error(`${kernel.release} did not finish within ${timeout / 1000} s. ${complaint}\n${said.slice(-20_000)}`);
    }
    writeFileSync(join(out, 'console'), said);
    return out;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
