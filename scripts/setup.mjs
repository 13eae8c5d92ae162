// Sets up what is missing on this machine and in this clone: `node scripts/setup.mjs [loader demo vscode tests kernels browser]`.
// Needs nothing but Node: it runs before node_modules exists.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { codeServerStep } from './lib/code-server.mjs';
import { PURPOSES, debianStep } from './lib/debian.mjs';
import { withLock } from './lib/lock.mjs';
import { sysrootStep } from './lib/machines.mjs';
import { npmStep } from './lib/npm.mjs';
import { ROOT } from './lib/paths.mjs';
import { StepFailed, main, runSteps } from './lib/steps.mjs';

const OLDEST_NODE = 20;

/** The steps that bring a machine to where these purposes work; `vscode` also installs code-server. */
export function setupSteps(purposes) {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    throw new StepFailed(`Node ${process.versions.node} is too old: Ringlight needs Node ${OLDEST_NODE} or newer.`, 'install Node 20 and run this again.');
  }
  const steps = [debianStep(purposes), npmStep()];
  if (purposes.includes('loader')) steps.push(sysrootStep());
  if (purposes.includes('vscode')) steps.push(codeServerStep());
  return steps;
}

/** A step that builds dist/. Cheap when nothing changed: esbuild takes a second and make knows what is stale. */
export function buildStep() {
  return {
    title: 'build',
    advice: 'if it is your change, mend it; else please report it with the log.',
    run: ({ sh }) => sh(process.execPath, [join(ROOT, 'scripts/build.mjs')], { cwd: ROOT }),
  };
}

/** Some kernel interfaces live in tracefs, which a minimal system has not mounted. Only root can; others go without. */
export function mountTracefs() {
  if (process.getuid() === 0 && !existsSync('/sys/kernel/tracing/events')) spawnSync('mount', ['-t', 'tracefs', 'tracefs', '/sys/kernel/tracing'], { stdio: 'ignore' });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const purposes = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PURPOSES);
    const unknown = purposes.filter((purpose) => !(purpose in PURPOSES));
    if (unknown.length > 0) throw new StepFailed(`Unknown purpose: ${unknown.join(', ')}.`, `choose from ${Object.keys(PURPOSES).join(', ')}.`);
    await withLock(() => runSteps(setupSteps(purposes)));
  });
}
