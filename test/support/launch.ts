/** What the tests of launching share. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync, type BuildOptions } from 'esbuild';
import { startLoader, type ConnectOptions, type LoaderEnd, type LoaderSession } from '../../src/launch';
import type { TraceRequest } from '../../src/protocol/launch';
import type { TraceSummary } from '../../src/protocol/summary';
import { StreamReader, Summaries } from '../../src/trace';

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

/** A liburing program that says how many reads it did; see test/programs/steady-reads.c. Each test process has its own. */
export const READS = `/tmp/ringlight-test-reads-${process.pid}`;

/** Compiles it where every user may run it. */
export function buildReads(): void {
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', READS, join(ROOT, 'test/programs/steady-reads.c'), '-luring']);
}

/** The command line, bundled with its askpass and the loader beside it, as in dist/. @returns path of cli.js */
export function buildCli(): string {
  const folder = join(ROOT, '.build/test/cli');
  const options: BuildOptions = { bundle: true, platform: 'node', format: 'cjs', target: 'node20', mainFields: ['main', 'module'] };
  buildSync({ ...options, entryPoints: [join(ROOT, 'src/cli/main.ts')], outfile: join(folder, 'cli.js') });
  buildSync({ ...options, entryPoints: [join(ROOT, 'src/launch/askpass.ts')], outfile: join(folder, 'askpass.js') });
  mkdirSync(join(folder, 'loader/x86_64'), { recursive: true });
  copyFileSync(LOADER, join(folder, 'loader/x86_64/ringlight-loader'));
  return join(folder, 'cli.js');
}

/** A run of the loader with everything it gave, decoded. */
export interface Traced {
  end: LoaderEnd;
  output: string;
  phases: string[];
  logs: string[];
  bytes: Buffer;
  summary: TraceSummary;
}

/** Traces and waits for the end. `during` is called once recording has begun. */
export async function trace(request: TraceRequest, more: Partial<ConnectOptions> = {}, during?: (session: LoaderSession) => unknown): Promise<Traced> {
  const chunks: Buffer[] = [];
  const phases: string[] = [];
  const logs: string[] = [];
  let output = '';
  let begun = false;
  const session: LoaderSession = startLoader(request, {
    ...quietOptions(), ...more,
    onStdout: (chunk) => {
      chunks.push(chunk);
      if (!begun) void Promise.resolve(during?.(session));
      begun = true;
    },
    onOutput: (text) => { output += text; },
    onLog: (level, text) => logs.push(`${level}: ${text}`),
    onPhase: (text) => {
      phases.push(text);
      more.onPhase?.(text);
    },
  });
  const end = await session.done;
  const bytes = Buffer.concat(chunks);
  const reader = new StreamReader();
  reader.push(bytes);
  return { end, output, phases, logs, bytes, summary: new Summaries(reader.store).summary(reader.finish()) };
}

/** Count of io_uring reads in a summary. */
export function reads(summary: TraceSummary): number {
  return summary.apis.filter((op) => op.api === 'io_uring' && op.op === 'READ').reduce((sum, op) => sum + op.count, 0);
}

/** Options that ask nobody and say nothing. */
export function quietOptions(): ConnectOptions {
  return { loaders: LOADERS, onLog: () => undefined };
}

export interface Leftovers {
  /** ids of BPF programs of ours */
  programs: number[];
  /** pid, comm and command line */
  processes: string[];
  folders: string[];
}

/** What a trace must not leave: its BPF programs, loader and ssh processes, private folders. */
export function leftovers(): Leftovers {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    const line = `${read(`/proc/${pid}/comm`).trim()} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`;
    return /ringlight-loader\S* --(args|doctor)|ringlight-test-reads-\d+ \d|ssh .*ringlight-[A-Za-z0-9]{6}\/control/.test(line) ? [`${pid} ${line}`] : [];
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

/** Empty when the process has gone meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
