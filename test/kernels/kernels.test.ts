/** The loader on Debian's kernels, booted in emulation: what it counts there is what the programs say they did. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtLoader, makeFor } from '../../scripts/lib/machines.mjs';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { decodeRecording } from '../support/frames';
import { debianKernel, type Machine } from './debian';
import { runGuest, whyNoGuest } from './guest';
import { WORKLOADS, type Booted, type Workload } from './workloads';

const BOOT_TIMEOUT = 480_000;

/** RINGLIGHT_KERNELS=bookworm,… tries only these. RINGLIGHT_KERNELS_KEEP=FOLDER keeps what they left. */
const DIRECT_IO = ['iomap_dio_rw_begin', 'iomap_dio_complete'];
const SECURITY = ['lsm uring_cmd', 'lsm uring_sqpoll', 'lsm uring_override_creds'];
/** `lacks`: the hooks that are not to be had there; all others that are wanted must attach. */
const KERNELS: { id: string; suite: string; machine: Machine; version: string; lacks: string[] }[] = [
  {
    id: 'bullseye', suite: 'bullseye', machine: 'x86_64', version: '5.10',
    lacks: ['io_uring_req_failed', 'io_uring_cqe_overflow', 'io_uring_short_write', ...DIRECT_IO],
  },
  { id: 'bookworm', suite: 'bookworm', machine: 'x86_64', version: '6.1', lacks: DIRECT_IO },
  { id: 'bookworm-backports', suite: 'bookworm-backports', machine: 'x86_64', version: '6.12', lacks: [] },
  { id: 'trixie-backports', suite: 'trixie-backports', machine: 'x86_64', version: '7.3', lacks: [] },
  // security hooks are attached as functions, which arm64 can since 6.4
  { id: 'bookworm-arm64', suite: 'bookworm', machine: 'aarch64', version: '6.1', lacks: [...SECURITY, ...DIRECT_IO] },
];
const wanted = process.env.RINGLIGHT_KERNELS?.split(',');
const chosen = KERNELS.filter(({ id }) => !wanted || wanted.includes(id));

/** Runs the loader; what it wrote goes to NAME.ringtrace, NAME.stderr and NAME.code. A pipe that stays open is its host. */
const lines = ({ name, under = '', loader, before = '', after = '' }: Pick<Workload, 'name' | 'under' | 'loader' | 'before' | 'after'>) => `
${before}
${under} ringlight-loader ${loader} >${name}.ringtrace 2>${name}.stderr </dev/console; echo $? >${name}.code; echo "${name} done at $(cut -d" " -f1 /proc/uptime) s"
${after}`;

const scriptOf = (workloads: readonly Workload[]) => `
ringlight-loader --doctor >doctor.json 2>doctor.stderr </dev/console; echo $? >doctor.code
ringlight-loader --self-test >self-test.stdout 2>self-test.stderr </dev/console; echo $? >self-test.code
${workloads.map(lines).join('\n')}
touch finished
`;

/** Builds loader and programs for a machine. @returns the files */
function build(machine: Machine): string[] {
  const programs = join(ROOT, '.build/programs-static', machine);
  const make = (...args: string[]) => execFileSync('make', ['-j2', ...args, ...makeFor(machine)], { stdio: ['ignore', 'ignore', 'pipe'] });
  make('-C', join(ROOT, 'bpf'));
  make('-C', join(ROOT, 'test/programs'), `OUT=${programs}`, 'LINK=-static');
  return [builtLoader(machine), ...readdirSync(programs).map((name) => join(programs, name))];
}

async function boot(suite: string, machine: Machine, commandLine: string, script: string, keepAs: string): Promise<string> {
  const out = await runGuest({ kernel: debianKernel(suite, machine), commandLine, files: build(machine), script, timeout: BOOT_TIMEOUT });
  const keep = process.env.RINGLIGHT_KERNELS_KEEP;
  if (keep) {
    mkdirSync(keep, { recursive: true });
    cpSync(out, join(keep, keepAs), { recursive: true });
  }
  return out;
}

for (const { id, suite, machine, version, lacks } of chosen) {
  const why = whyNoGuest(machine);
  const [major, minor] = version.split('.').map(Number);
  const on: Booted = { machine, version: major! * 1000 + minor! };
  const workloads = WORKLOADS.filter((one) => !one.not?.(on));
  const commandLines = [...new Set(workloads.map((one) => one.commandLine ?? ''))];

  describe.skipIf(why)(`Linux ${version} of ${id}${why && ` (skipped: ${why})`}`, () => {
    describe.each(commandLines)('booted with “%s”', (commandLine) => {
      const here = workloads.filter((one) => (one.commandLine ?? '') === commandLine);
      let out: string | undefined;
      const text = (name: string) => readFileSync(join(out!, name), 'utf8');
      beforeAll(async () => { out = await boot(suite, machine, commandLine, scriptOf(here), `${id}${commandLine && `-${commandLines.indexOf(commandLine)}`}`); }, BOOT_TIMEOUT + 300_000);
      afterAll(() => { if (out && existsSync(out)) rmSync(out, { recursive: true, force: true }); });

      test('doctor says that it can trace, and the programs load and attach', () => {
        const doctor = JSON.parse(text('doctor.json')) as { kernel: string; machine: string; canTrace: boolean; checks: { id: string; state: string; detail: string }[] };
        expect(doctor.machine).toBe(machine);
        expect(doctor.kernel).toMatch(new RegExp(`^${version.replace('.', '\\.')}\\.`));
        expect(doctor.checks.filter((check) => check.state === 'missing')).toEqual([]);
        expect(doctor.canTrace).toBe(true);
        // not those of single system calls: which of them are used depends on how many are captured
        const hooks = doctor.checks.filter((check) => check.id.startsWith('hook:') && !/^hook:sys_(enter|exit)_/.test(check.id));
        expect(hooks.length).toBeGreaterThan(lacks.length);
        expect(hooks.filter((check) => check.state !== 'ok').map((check) => check.id.slice('hook:'.length)).sort()).toEqual([...lacks].sort());
        expect(text('self-test.code').trim(), text('self-test.stderr')).toBe('0');
      });

      test.each(here.map((one) => [one.what, one] as const))('%s', (_what, { name, check }) => {
        const stderr = text(`${name}.stderr`);
        const code = Number(text(`${name}.code`));
        if (code !== 0 && code !== 3) expect.fail(`status ${code}: ${stderr}`);
        const json = /^\{.*\}$/m.exec(stderr)?.[0];
        const recording = decodeRecording(readFileSync(join(out!, `${name}.ringtrace`)));
        check({ recording, said: json ? JSON.parse(json) as Record<string, unknown> : {}, stderr, code }, text, on);
      });
    });
  });
}
