// node_modules as package-lock.json says, installed only when it is not.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';

/** npm keeps what it installed in node_modules/.package-lock.json; true when that is what the lock asks for. */
export function nodeModulesAreCurrent(root = ROOT) {
  const read = (...parts) => {
    try { return JSON.parse(readFileSync(join(root, ...parts), 'utf8')).packages; } catch { return undefined; }
  };
  const wanted = read('package-lock.json');
  const have = read('node_modules', '.package-lock.json');
  if (!wanted || !have) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith('node_modules/')) return true; // the workspaces themselves
    if (!have[path]) return entry.optional === true; // another platform's binary
    return have[path].version === entry.version && have[path].integrity === entry.integrity;
  });
}

/** A step for {@link runSteps}. */
export function npmStep() {
  return {
    title: 'npm packages',
    advice: 'If the registry could not be reached, check the network (and npm\'s proxy settings) and run this again.',
    done: () => nodeModulesAreCurrent(),
    run: ({ sh }) => sh('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=http'], { cwd: ROOT }),
  };
}
