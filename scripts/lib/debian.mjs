// Debian packages by purpose: what is missing is installed through apt where root or sudo allows.
import { spawnSync } from 'node:child_process';
import { which, succeeds } from './shell.mjs';
import { StepFailed } from './steps.mjs';

/** For the loader of the machine that this one is not. */
const CROSS_COMPILER = process.arch === 'arm64' ? ['gcc-x86-64-linux-gnu', 'libc6-dev-amd64-cross'] : ['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross'];

export const PURPOSES = {
  loader: ['clang-19', 'llvm-19', 'libbpf-dev', 'libelf-dev', 'zlib1g-dev', 'bpftool', 'make', 'gcc', 'libc6-dev', ...CROSS_COMPILER],
  demo: ['libaio-dev', 'liburing-dev', 'make', 'gcc', 'libc6-dev'],
  vscode: ['build-essential', 'pkg-config', 'python3', 'libkrb5-dev', 'libsecret-1-dev', 'libx11-dev', 'libxkbfile-dev'],
  tests: ['fio', 'mariadb-server-core', 'openssh-server', 'openssh-client', 'strace', 'sudo', 'procps', 'libcap2-bin', 'liburing-dev', 'libaio-dev'],
  kernels: ['qemu-system-x86', 'qemu-system-arm', 'e2fsprogs', 'xz-utils'],
  browser: ['chromium'],
};

/** What these purposes need and this machine lacks. Rust from elsewhere (rustup) counts. */
export function missingPackages(purposes) {
  const wanted = [...new Set(purposes.flatMap((purpose) => PURPOSES[purpose]))];
  // Debian's own `cargo` is too old for the registry's sparse index; this is its current one
  if (purposes.includes('demo') && !which('cargo')) wanted.push('cargo-web');
  const asked = spawnSync('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\n', ...wanted], { encoding: 'utf8' });
  if (asked.error) throw new StepFailed('This is not a Debian system: dpkg-query was not found.', `Install by other means what these Debian packages hold: ${wanted.join(' ')}.`);
  const installed = new Set(asked.stdout.split('\n').filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0]));
  return wanted.filter((name) => !installed.has(name));
}

/** The words that make a command root's, or undefined where nothing does. May ask for a password on a terminal. */
function becomeRoot() {
  if (process.getuid() === 0) return [];
  if (!which('sudo')) return undefined;
  if (succeeds('sudo', ['-n', 'true'])) return ['sudo', '-n'];
  if (!process.stdin.isTTY) return undefined;
  process.stderr.write('\nsudo asks for your password to install Debian packages.\n');
  return spawnSync('sudo', ['-v'], { stdio: 'inherit' }).status === 0 ? ['sudo', '-n'] : undefined;
}

/** A step for {@link runSteps} that installs what the purposes need. */
export function debianStep(purposes) {
  let missing;
  return {
    title: 'Debian packages',
    advice: 'If apt could not reach its archive, check the network and run this again; if another apt was running, wait for it.',
    done: () => (missing = missingPackages(purposes)).length === 0,
    run: async ({ sh, say }) => {
      const prefix = becomeRoot();
      if (!prefix) {
        throw new StepFailed(
          `These Debian packages are missing, and neither root nor sudo is at hand to install them:\n\n    ${missing.join(' ')}`,
          `as root, run\n\n    apt-get update && apt-get install -y --no-install-recommends ${missing.join(' ')}\n\nand then this again.`);
      }
      const apt = (...args) => {
        const [command, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300', ...args];
        return sh(command, rest);
      };
      say(`${missing.length} to install: ${missing.join(' ')}`);
      await apt('update');
      await apt('install', '-y', '--no-install-recommends', ...missing);
      const still = missingPackages(purposes);
      if (still.length > 0) throw new StepFailed(`apt-get succeeded, yet these are still missing: ${still.join(' ')}`);
    },
  };
}
