// The loader as a tracer of a workload: it records to a file, which is read and removed at its end.
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ending, start } from './scene.mjs';

const ARCHITECTURES = { x64: 'x86_64', arm64: 'aarch64' };
const ATTACH_MOST_MS = 20_000;

/** The loader of this machine's architecture. */
export function loaderPath(root) {
  return join(root, 'bpf/.output', ARCHITECTURES[arch()] ?? arch(), 'ringlight-loader');
}

/** Which of the modes this loader has; one without the option knows spans alone. */
export function loaderModes(loader) {
  const help = execFileSync(loader, ['--help'], { encoding: 'utf8' });
  return ['spans', 'sampled', 'aggregate'].filter((mode) => mode === 'spans' || (/--mode\b/.test(help) && help.includes(mode)));
}

/** CPU time of all threads so far, in ns, and the most memory it had, in MB. */
function costs(pid) {
  const threads = readdirSync(`/proc/${pid}/task`).map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1'));
  const peak = /VmHWM:\s*(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return { cpuNs: threads.reduce((sum, line) => sum + Number(line.split(' ')[0]), 0), maxRssMb: Number(peak) / 1024 };
}

/** The numbers of `ringlight report` on a recording. */
async function readReport(root, file) {
  const child = start(process.execPath, [join(root, 'dist/cli.js'), 'report', file, '--format', 'json'], ['ignore', 'pipe', 'pipe']);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece) => { text += piece; });
  const { code } = await child.ended;
  if (code !== 0) throw new Error(`the recording could not be read: ${child.errors()}`);
  return JSON.parse(text);
}

/**
 * Attaches the loader to a process. `stop()` ends it as a host does, by closing its stdin.
 * @returns stop: resolves to `{ report, operations, bytes, cpuNs, attachCpuNs, maxRssMb }`; CPU time is without that of attaching
 */
export async function attachLoader({ root, loader, recordings }, pid, options) {
  const file = join(recordings, 'recording.ringtrace');
  const out = openSync(file, 'w');
  const child = start(loader, [...options, '--pid', String(pid)], ['pipe', out, 'pipe']);
  closeSync(out);
  const until = Date.now() + ATTACH_MOST_MS;
  while (statSync(file).size === 0) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > until) throw new Error(`the loader did not attach: ${child.errors()}`);
    await sleep(5);
  }
  const attachCpuNs = costs(child.pid).cpuNs;
  return {
    async stop() {
      const { cpuNs, maxRssMb } = costs(child.pid);
      child.stdin.end();
      const { code, signal } = await ending(child);
      if (code !== 0) throw new Error(`the loader ended with ${signal ?? code}: ${child.errors()}`);
      const report = await readReport(root, file);
      const bytes = statSync(file).size;
      rmSync(file);
      return { report, operations: report.records, bytes, cpuNs: cpuNs - attachCpuNs, attachCpuNs, maxRssMb };
    },
  };
}

export const lostOf = (report) => report.lost.kernel + report.lost.stream + report.lost.unpaired;
