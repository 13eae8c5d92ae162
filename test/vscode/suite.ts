/**
 * Runs inside the extension host of a real VS Code: every `*.suite.ts` beside this file, with mocha. What came of each
 * test goes to the file named by RINGLIGHT_SUITE_RESULTS, for whoever started this VS Code.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Mocha from 'mocha';

interface Result { title: string; state: 'passed' | 'failed' | 'skipped'; milliseconds: number; message?: string }

const TEST_TIMEOUT_MS = 90_000;

export async function run(): Promise<void> {
  const results = process.env['RINGLIGHT_SUITE_RESULTS'];
  if (!results) throw new Error('RINGLIGHT_SUITE_RESULTS must name the file for the results');
  const mocha = new Mocha({ ui: 'tdd', timeout: TEST_TIMEOUT_MS });
  for (const name of readdirSync(__dirname).filter((file) => file.endsWith('.suite.js')).sort()) mocha.addFile(join(__dirname, name));
  const tests: Result[] = [];
  const record = (test: Mocha.Runnable, state: Result['state'], error?: unknown): void => {
    const message = error === undefined ? undefined : error instanceof Error ? error.stack ?? error.message : String(error);
    tests.push({ title: test.fullTitle(), state, milliseconds: test.duration ?? 0, ...(message === undefined ? {} : { message }) });
    console.log(`${state}: ${test.fullTitle()}${message ? `\n${message}` : ''}`);
  };
  const failures = await new Promise<number>((resolve) => {
    mocha.run(resolve)
      .on('pass', (test) => record(test, 'passed'))
      // a hook that fails is reported as well, in place of its tests
      .on('fail', (test, error) => record(test, 'failed', error))
      .on('pending', (test) => record(test, 'skipped'));
  });
  writeFileSync(results, JSON.stringify({ tests }, null, 1));
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
