// A child process with what it cost.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Runs a Node program; its own word on its greatest memory comes through a file. @returns wall seconds, MB, status, stdout */
export function nodeCosts(scratch, args, options = {}) {
  const preload = join(scratch, 'costs.cjs');
  const told = join(scratch, 'costs.json');
  writeFileSync(preload, `if (require('node:worker_threads').isMainThread) process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(told)}, JSON.stringify(process.resourceUsage())));\n`);
  const start = performance.now();
  const run = spawnSync(process.execPath, ['--require', preload, ...args], { encoding: 'utf8', maxBuffer: 256 << 20, ...options });
  const seconds = (performance.now() - start) / 1000;
  if (run.error) throw run.error;
  const usage = JSON.parse(readFileSync(told, 'utf8'));
  rmSync(told);
  return { seconds, maxRssMb: usage.maxRSS / 1024, cpuSeconds: (usage.userCPUTime + usage.systemCPUTime) / 1e6, status: run.status, stdout: run.stdout, stderr: run.stderr };
}
