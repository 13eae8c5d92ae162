// The machine a measurement was made on, and the versions of what was measured.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, version } from 'node:os';
import { join } from 'node:path';

const VULNERABILITIES = '/sys/devices/system/cpu/vulnerabilities';

/** The kernel's word on each weakness that this CPU has: mitigations are a large part of what an event costs. */
function mitigations() {
  if (!existsSync(VULNERABILITIES)) return 'unknown';
  return readdirSync(VULNERABILITIES).map((name) => `${name}: ${readFileSync(join(VULNERABILITIES, name), 'utf8').trim()}`)
    .filter((line) => !line.endsWith('Not affected')).join('; ') || 'no CPU weakness known';
}

/** Share of the last five minutes in which something runnable waited for a CPU; 0 when the bench had the machine to itself. */
function cpuPressure() {
  if (!existsSync('/proc/pressure/cpu')) return undefined;
  return Number(/^some .*avg300=([\d.]+)/m.exec(readFileSync('/proc/pressure/cpu', 'latin1'))?.[1]);
}

export function machine() {
  return {
    kernel: release(), build: version(), cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown',
    memoryGb: Math.round(totalmem() / 2 ** 30), mitigations: mitigations(), load: loadavg().map((load) => Number(load.toFixed(2))), cpuPressurePercent: cpuPressure(),
  };
}

export function versions(programs) {
  return Object.fromEntries(programs.map(([name, program]) => {
    const { stdout, error } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    return [name, error ? undefined : stdout.split('\n')[0].trim()];
  }));
}
