// `npm test`: sets up, then runs every check in order and closes with "N passed, N failed, N skipped".
// `npm test -- --only unit,page` runs some. A later stage still runs when an earlier one failed, except after a build that did.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { withLock } from './lib/lock.mjs';
import { ROOT } from './lib/paths.mjs';
import { PURPOSES } from './lib/debian.mjs';
import { endWithUs } from './lib/shell.mjs';
import { StepFailed, main, runSteps } from './lib/steps.mjs';
import { closingLine, countResults } from './lib/results.mjs';
import { mountTracefs, setupSteps } from './setup.mjs';

const RESULTS = join(ROOT, '.build/results');
const node = (...args) => [process.execPath, args];
const npmRun = (name) => ['npm', ['run', '--silent', name]];
const vitest = (project, env = {}) => ({
  name: project,
  env,
  command: node('node_modules/vitest/vitest.mjs', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${join(RESULTS, `${project}.json`)}`),
  results: join(RESULTS, `${project}.json`),
});

const STAGES = [
  { name: 'build', command: node('scripts/build.mjs'), vital: true },
  { name: 'typecheck', command: npmRun('typecheck') },
  { name: 'lint', command: npmRun('lint') },
  vitest('unit'), vitest('server'), vitest('realworld'), vitest('tracer'), vitest('page'),
  // one of them: `npm run test:kernels` boots them all
  vitest('kernels', { RINGLIGHT_KERNELS: 'bookworm' }),
  { name: 'package', command: node('scripts/package.mjs') },
  vitest('e2e'),
];

const HELP = `npm test -- [--only STAGE,…] [--no-setup]

Stages, in order: ${STAGES.map((s) => s.name).join(', ')}.
--only      run these (what they need must have been built: add build, and package before e2e)
--no-setup  do not look for missing packages first
`;

/** Runs one stage with its output passed through; resolves to its exit status. */
function runStage({ command: [program, args], env }) {
  return new Promise((resolve) => {
    const child = endWithUs(spawn(program, args, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit'] }));
    child.on('error', (error) => { console.error(error.message); resolve(1); });
    child.on('close', (status, signal) => { if (signal) console.error(`ended by ${signal}`); resolve(status ?? 1); });
  });
}

function chosen(only) {
  if (!only) return STAGES;
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !STAGES.some((s) => s.name === name));
  if (unknown.length > 0) throw new StepFailed(`Unknown stage: ${unknown.join(', ')}.`, `choose from ${STAGES.map((s) => s.name).join(', ')}.`);
  return STAGES.filter((s) => names.includes(s.name));
}

await main(async () => {
  const { values } = parseArgs({ options: { only: { type: 'string' }, 'no-setup': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } });
  if (values.help) { process.stdout.write(HELP); return 0; }
  const stages = chosen(values.only);
  if (!values['no-setup']) await withLock(() => runSteps(setupSteps(Object.keys(PURPOSES))));
  mountTracefs();
  rmSync(RESULTS, { recursive: true, force: true });
  mkdirSync(RESULTS, { recursive: true });

  const sum = { passed: 0, failed: 0, skipped: 0 };
  const lines = [];
  const reasons = [];
  for (const stage of stages) {
    console.log(`\n━━━ ${stage.name} ━━━`);
    const started = Date.now();
    const status = await runStage(stage);
    let report;
    if (stage.results) {
      try { report = countResults(JSON.parse(readFileSync(stage.results, 'utf8'))); } catch { /* it did not get so far */ }
    }
    const counts = report ?? { passed: 0, failed: 0, skipped: 0, skippedTests: [] };
    // a stage that failed without a failed test (type errors, a crash, no tests at all) counts as one
    const failed = status !== 0 && counts.failed === 0 ? 1 : counts.failed;
    sum.passed += counts.passed;
    sum.failed += failed;
    sum.skipped += counts.skipped;
    reasons.push(...counts.skippedTests.map((test) => `${stage.name}: ${relative(ROOT, test.file)}: ${test.name}${test.reason ? ` (${test.reason})` : ''}`));
    const detail = stage.results ? `  ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped` : '';
    lines.push(`${failed > 0 ? '✗' : '✓'} ${stage.name.padEnd(10)} ${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s${detail}`);
    if (failed > 0 && stage.vital) { lines.push('  the rest needs it and was not run'); break; }
  }
  console.log(`\n${lines.join('\n')}`);
  if (reasons.length > 0) console.log(`\nSkipped:\n${reasons.map((line) => `  ${line}`).join('\n')}`);
  const tested = stages.some((stage) => stage.results);
  const ok = sum.failed === 0 && (!tested || sum.passed > 0);
  if (!ok && sum.failed === 0) console.log('\nNo test ran.');
  console.log(`\n${closingLine(sum)}`);
  return ok ? 0 : 1;
});
