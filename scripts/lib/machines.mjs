// The machines a loader is built for, and what a cross compiler needs of the other one's libraries.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { machine } from 'node:os';
import { join } from 'node:path';
import { CACHE, ROOT } from './paths.mjs';
import { privateApt, unpackPackages } from './private-apt.mjs';
import { StepFailed } from './steps.mjs';

/** As `uname -m` says it → as Debian says it. */
export const MACHINES = { x86_64: 'amd64', aarch64: 'arm64' };
/** Those that this machine builds for with a cross compiler. */
export const FOREIGN = Object.keys(MACHINES).filter((name) => name !== machine());

/** Where `make -C bpf` leaves a loader, and where dist/ has it. */
export const builtLoader = (name) => join(ROOT, 'bpf/.output', name, 'ringlight-loader');
export const LOADERS = Object.keys(MACHINES).map((name) => `dist/loader/${name}/ringlight-loader`);

/** Static libraries of the loader, and of the programs that tests run in an emulated machine. */
const LIBRARIES = ['libbpf-dev', 'libelf-dev', 'zlib1g-dev', 'liburing-dev', 'libaio-dev'];
/** The release that the cross compiler is of: its C library and these belong together. */
const codename = () => /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];

/** Folder with another machine's `usr/lib` and `usr/include`, for SYSROOT of the makefiles. */
export const sysroot = (name) => join(CACHE, `sysroot-${codename()}-${name}`);

/** Words for `make` to build for a machine. */
export const makeFor = (name) => [`MACHINE=${name}`, ...(FOREIGN.includes(name) ? [`SYSROOT=${sysroot(name)}`] : [])];

/**
 * A step for {@link runSteps}: libraries of the other machines, unpacked into the cache. Debian's multiarch would install
 * them beside this machine's own, and some of their packages exclude each other.
 */
export function sysrootStep() {
  const absent = () => FOREIGN.filter((name) => !existsSync(sysroot(name)));
  return {
    title: `libraries of ${FOREIGN.join(', ')}`,
    advice: 'If the archive could not be reached, check the network and run this again.',
    done: () => absent().length === 0,
    run: async ({ say }) => {
      for (const name of absent()) {
        say(LIBRARIES.join(' '));
        const draft = `${sysroot(name)}.draft`; // only the holder of the set-up lock is here
        rmSync(draft, { recursive: true, force: true });
        mkdirSync(draft, { recursive: true });
        try {
          unpackPackages(privateApt(draft, codename(), { architecture: MACHINES[name] }), draft, LIBRARIES, draft);
        } catch (error) {
          throw new StepFailed(`apt could not fetch ${LIBRARIES.join(' ')} for ${MACHINES[name]}: ${error.message}`);
        }
        rmSync(join(draft, 'apt'), { recursive: true });
        renameSync(draft, sysroot(name));
      }
    },
  };
}
