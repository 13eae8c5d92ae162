// `npm run test:desktop`: the suite of test/vscode in desktop VS Code, which @vscode/test-electron downloads.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refreshDemo } from './lib/demo-workspace.mjs';
import { ROOT } from './lib/paths.mjs';
import { closingLine } from './lib/results.mjs';
import { StepFailed, main } from './lib/steps.mjs';

const SUITE = join(ROOT, 'dist/test/suite.js');
const RESULTS = join(ROOT, '.build/results/desktop.json');

await main(async () => {
  if (!existsSync(SUITE)) throw new StepFailed('The suite is not built.', 'run `npm run build` first.');
  if (!process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) throw new StepFailed('Desktop VS Code needs a display, and there is none here.', 'run it under a desktop, or as `xvfb-run npm run test:desktop`. `npm test` runs the same suite without one.');
  const { downloadAndUnzipVSCode, runTests } = await import('@vscode/test-electron');
  let vscodeExecutablePath;
  try {
    vscodeExecutablePath = await downloadAndUnzipVSCode({ cachePath: join(ROOT, '.build/vscode-test') });
  } catch (error) {
    throw new StepFailed(`Desktop VS Code could not be downloaded: ${error.message}.`, 'it needs the internet; `npm test` runs the same suite in the VS Code server without it.');
  }
  mkdirSync(join(RESULTS, '..'), { recursive: true });
  rmSync(RESULTS, { force: true });
  const base = mkdtempSync(join(tmpdir(), 'ringlight-desktop-'));
  const demo = join(base, 'demo');
  refreshDemo(join(ROOT, 'demo'), demo, join(base, 'manifest.json'));
  let status = 0;
  try {
    await runTests({
      vscodeExecutablePath, extensionDevelopmentPath: ROOT, extensionTestsPath: SUITE,
      extensionTestsEnv: { RINGLIGHT_SUITE_RESULTS: RESULTS },
      launchArgs: [demo, '--disable-extensions', '--disable-workspace-trust', '--disable-gpu', ...(process.getuid() === 0 ? ['--no-sandbox', '--user-data-dir', join(ROOT, '.build/desktop-data')] : [])],
    });
  } catch (error) {
    console.error(error.message);
    status = 1;
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
  if (!existsSync(RESULTS)) throw new StepFailed('The suite did not run to its end.');
  const { tests } = JSON.parse(readFileSync(RESULTS, 'utf8'));
  const count = (state) => tests.filter((test) => test.state === state).length;
  console.log(closingLine({ passed: count('passed'), failed: count('failed'), skipped: count('skipped') }));
  return status;
});
