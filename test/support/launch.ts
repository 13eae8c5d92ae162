/** What the tests of launching share. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import type { ConnectOptions } from '../../src/launch';

const ROOT = join(import.meta.dirname, '../..');
/** Folder of the loaders as `make -C bpf` leaves them. */
export const LOADERS = join(ROOT, 'bpf/.output');
export const LOADER = join(LOADERS, 'x86_64/ringlight-loader');
/** The askpass program, bundled for the tests. */
export const ASKPASS = join(ROOT, '.build/test/askpass.js');

export function buildAskpass(): void {
  buildSync({ entryPoints: [join(ROOT, 'src/launch/askpass.ts')], outfile: ASKPASS, bundle: true, platform: 'node', format: 'cjs', target: 'node20' });
}

/** Makes sure the loader is built. */
export function buildLoader(): void {
  execFileSync('make', ['-C', join(ROOT, 'bpf'), '-j2'], { stdio: ['ignore', 'ignore', 'pipe'] });
  if (!existsSync(LOADER)) throw new Error(`make did not make ${LOADER}`);
}

/** Options that ask nobody and say nothing. */
export function quietOptions(): ConnectOptions {
  return { loaders: LOADERS, onLog: () => undefined };
}

export interface Leftovers {
  /** ids of BPF programs of ours */
  programs: number[];
  processes: string[];
  folders: string[];
}

/** What a trace must not leave: its BPF programs, loader and ssh processes, private folders. */
export function leftovers(): Leftovers {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    const line = commandLine(pid);
    return /ringlight-loader|ssh .*ringlight-[A-Za-z0-9]{6}\/control/.test(line) ? [`${pid} ${line}`] : [];
  });
  return { programs: bpfPrograms(), processes, folders: readdirSync(tmpdir()).filter((name) => /^ringlight-[A-Za-z0-9]{6}$/.test(name)) };
}

/** Waits until nothing is left that was not there before; the differences otherwise. */
export async function settled(before: Leftovers, milliseconds = 15_000): Promise<Leftovers> {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const now = leftovers();
    const more: Leftovers = {
      programs: now.programs.filter((id) => !before.programs.includes(id)),
      processes: now.processes.filter((line) => !before.processes.includes(line)),
      folders: now.folders.filter((name) => !before.folders.includes(name)),
    };
    if (more.programs.length + more.processes.length + more.folders.length === 0 || Date.now() > deadline) return more;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
}
export const NOTHING: Leftovers = { programs: [], processes: [], folders: [] };

function bpfPrograms(): number[] {
  const list = JSON.parse(execFileSync('bpftool', ['prog', 'show', '-j'], { encoding: 'utf8', maxBuffer: 1 << 26 })) as { id: number }[];
  return list.map((program) => program.id);
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
