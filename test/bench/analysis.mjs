// The analysis, measured: npm run bench -- analysis [--only keystrokes,scan,peers] [--lines N] [--edits N] [--megabytes N].
// Prints one JSON object. `keystrokes`: a big C file as it is typed in; `scan`: a whole source tree, and the language server's
// memory after it; `peers`: the same C files through clang-tidy and cppcheck, where those are installed, in turns.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keystrokes } from './lib/keystrokes.mjs';
import { peers } from './lib/peers.mjs';
import { scan } from './lib/scan.mjs';

const option = (name) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};
const number = (name, otherwise) => Number(option(name) ?? otherwise);
const only = option('only')?.split(',');

const root = fileURLToPath(new URL('../..', import.meta.url));
execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), '--no-loader'], { cwd: root, stdio: ['ignore', 2, 2] });
const scratch = mkdtempSync(join(tmpdir(), 'ringlight-bench-'));
try {
  const measured = {};
  const parts = {
    keystrokes: () => keystrokes({ root, scratch, lines: number('lines', 10_000), edits: number('edits', 400), memoryEdits: number('memory-edits', 10_000) }),
    scan: () => scan({ root, scratch, megabytes: number('megabytes', 100), rounds: number('rounds', 5) }),
    peers: () => peers({ root, scratch, rounds: number('rounds', 5) }),
  };
  for (const [name, run] of Object.entries(parts)) if (!only || only.includes(name)) measured[name] = await run();
  console.log(JSON.stringify(measured, null, 1));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
