// `npm run package`: makes dist/ringlight-<version>.vsix from what was built, and refuses to make a hollow one.
import { existsSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { spawnSync } from 'node:child_process';
import { ROOT } from './lib/paths.mjs';
import { StepFailed, main } from './lib/steps.mjs';
import { LOADER, REQUIRED, VSIX } from './lib/vsix.mjs';
import { zipEntries } from './lib/zip.mjs';

await main(async () => {
  const absent = [...REQUIRED, LOADER].filter((file) => !existsSync(join(ROOT, file)));
  if (absent.length > 0) throw new StepFailed(`Not built: ${absent.join(', ')}.`, 'run `npm run build` first.');
  rmSync(VSIX, { force: true });
  const made = spawnSync(process.execPath, [
    join(ROOT, 'node_modules/@vscode/vsce/vsce'), 'package', '--no-dependencies', '--out', VSIX,
    // the bundles hold all they need, and links in the README stay as they are
    '--allow-missing-repository', '--no-rewrite-relative-links',
  ], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (made.status !== 0) throw new StepFailed(`vsce failed with status ${made.status}.`);

  const entries = new Map(zipEntries(VSIX).map((entry) => [entry.name, entry]));
  const missing = [...REQUIRED, LOADER].filter((file) => !findIgnoringCase(entries, `extension/${file}`));
  if (missing.length > 0) throw new StepFailed(`The VSIX lacks ${missing.join(', ')}.`, 'look at .vscodeignore.');
  const loader = entries.get(`extension/${LOADER}`);
  if ((loader.mode & 0o111) !== 0o111) throw new StepFailed(`The loader in the VSIX is not executable (mode ${loader.mode.toString(8)}).`);
  const bytes = [...entries.values()].reduce((sum, entry) => sum + entry.packed, 0);
  console.log(`${relative(ROOT, VSIX)}: ${entries.size} files, ${(bytes / 1024 / 1024).toFixed(1)} MiB`);
});

/** vsce lower-cases the names of the README and the CHANGELOG. */
function findIgnoringCase(entries, name) {
  return [...entries.keys()].find((key) => key.toLowerCase() === name.toLowerCase());
}
