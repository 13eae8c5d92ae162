// `npm run package`: makes dist/ringlight-<version>.vsix from what was built, and refuses to make a hollow one.
import { existsSync, rmSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { spawnSync } from 'node:child_process';
import { LOADERS } from './lib/machines.mjs';
import { ROOT } from './lib/paths.mjs';
import { StepFailed, main } from './lib/steps.mjs';
import { REQUIRED, VSIX } from './lib/vsix.mjs';
import { zipEntries } from './lib/zip.mjs';

const MOST_LOADER_BYTES = 2_000_000;

await main(async () => {
  const absent = REQUIRED.filter((file) => !existsSync(join(ROOT, file)));
  if (absent.length > 0) throw new StepFailed(`Not built: ${absent.join(', ')}.`, 'run `npm run build` first.');
  rmSync(VSIX, { force: true });
  const made = spawnSync(process.execPath, [
    join(ROOT, 'node_modules/@vscode/vsce/vsce'), 'package', '--no-dependencies', '--out', VSIX,
    // the bundles hold all they need, and links in the README stay as they are
    '--allow-missing-repository', '--no-rewrite-relative-links',
  ], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (made.status !== 0) throw new StepFailed(`vsce failed with status ${made.status}.`);

  const entries = new Map(zipEntries(VSIX).map((entry) => [entry.name, entry]));
  const missing = REQUIRED.filter((file) => !findIgnoringCase(entries, `extension/${file}`));
  if (missing.length > 0) throw new StepFailed(`The VSIX lacks ${missing.join(', ')}.`, 'look at .vscodeignore.');
  for (const file of LOADERS) {
    const { mode } = entries.get(`extension/${file}`);
    if ((mode & 0o111) !== 0o111) throw new StepFailed(`${file} in the VSIX is not executable (mode ${mode.toString(8)}).`);
    const { size } = statSync(join(ROOT, file));
    if (size > MOST_LOADER_BYTES) throw new StepFailed(`${file} has ${size} bytes, and a loader is to have ${MOST_LOADER_BYTES} at most: it is uploaded to the machines it runs on.`);
  }
  const bytes = [...entries.values()].reduce((sum, entry) => sum + entry.packed, 0);
  console.log(`${relative(ROOT, VSIX)}: ${entries.size} files, ${(bytes / 1024 / 1024).toFixed(1)} MiB`);
});

/** vsce lower-cases the names of the README and the CHANGELOG. */
function findIgnoringCase(entries, name) {
  return [...entries.keys()].find((key) => key.toLowerCase() === name.toLowerCase());
}
