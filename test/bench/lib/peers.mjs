// liburing's own programs, one at a time, through this analysis, clang-tidy and cppcheck, in turns. A peer that is not installed
// is left out.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeCosts } from './child.mjs';
import { liburing } from './liburing.mjs';
import { median } from './numbers.mjs';

const PEERS = {
  'clang-tidy': { programs: ['clang-tidy-19', 'clang-tidy'], args: (file, home) => ['--quiet', file, '--', '-std=gnu11', '-D_GNU_SOURCE', `-I${home}/src/include`] },
  cppcheck: { programs: ['cppcheck'], args: (file, home) => ['--quiet', '--enable=warning', '--std=c11', `-I${home}/src/include`, file] },
};

function installed(programs) {
  return programs.find((program) => !spawnSync(program, ['--version']).error);
}

export async function peers({ root, scratch, rounds }) {
  const { home, files } = await liburing(root, scratch);
  const lines = files.reduce((sum, file) => sum + readFileSync(file, 'utf8').split('\n').length, 0);
  const found = Object.entries(PEERS).flatMap(([name, { programs, args }]) => {
    const program = installed(programs);
    return program ? [{ name, program, args, seconds: [] }] : [];
  });
  const own = [];
  for (let i = 0; i < rounds; i++) {
    own.push(nodeCosts(scratch, [join(root, 'dist/cli.js'), 'lint', ...files, '--format', 'json']).seconds);
    // one process a file, as these are run from editors and build systems
    for (const peer of found) {
      const start = performance.now();
      for (const file of files) spawnSync(peer.program, peer.args(file, home), { stdio: 'ignore' });
      peer.seconds.push((performance.now() - start) / 1000);
    }
  }
  const perFile = (seconds) => Number((1000 * seconds / files.length).toFixed(2));
  return {
    files: files.length, lines, rounds, ringlightMsAFile: perFile(median(own)),
    peers: Object.fromEntries(found.map(({ name, seconds }) => [name, { msAFile: perFile(median(seconds)), timesAsLong: median(seconds.map((s, i) => s / own[i])) }])),
    missing: Object.keys(PEERS).filter((name) => !found.some((f) => f.name === name)),
  };
}
