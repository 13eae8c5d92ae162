// `npm run bench -- NAME [options]`: runs test/bench/NAME.mjs, which prints one JSON object.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './lib/paths.mjs';
import { endWithUs } from './lib/shell.mjs';
import { StepFailed, main } from './lib/steps.mjs';

const FOLDER = join(ROOT, 'test/bench');

await main(() => {
  const [name, ...args] = process.argv.slice(2);
  const known = existsSync(FOLDER) ? readdirSync(FOLDER).filter((file) => file.endsWith('.mjs')).map((file) => file.slice(0, -'.mjs'.length)) : [];
  if (!known.includes(name)) throw new StepFailed(name ? `No benchmark named ${name}.` : 'Which benchmark?', `choose from: ${known.join(', ') || '(there are none yet)'}.`);
  const child = endWithUs(spawn(process.execPath, [join(FOLDER, `${name}.mjs`), ...args], { cwd: ROOT, stdio: 'inherit' }));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 1));
  });
});
