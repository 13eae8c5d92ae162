/** The view and the scan as they look: from the VSIX, in a real workbench, in restricted mode. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VSIX } from '../../scripts/lib/vsix.mjs';
import { copyDemo, type DemoCopy } from '../support/demo-copy';
import { openInstalled, type Installed } from '../support/vscode-server';
import { eventually } from '../support/workbench';

let demo: DemoCopy;
let vscode: Installed;
beforeAll(async () => {
  demo = copyDemo();
  vscode = await openInstalled({ folder: demo.path, vsix: VSIX, settings: { 'security.workspace.trust.startupPrompt': 'never', 'security.workspace.trust.enabled': true } });
});
afterAll(async () => {
  await vscode?.close();
  demo?.remove();
});

describe('in a folder that nobody trusts yet', () => {
  it('the view lists what the workspace uses, and says it to screen readers', async () => {
    const { workbench } = vscode;
    const { page } = workbench;
    await page.locator('.activitybar .action-item a[aria-label^="Ringlight"]').click();
    const rows = page.locator('.pane-body .monaco-list-row');
    await eventually('the families', async () => (await rows.allInnerTexts()).some((t) => t.startsWith('libaio')));
    expect(await page.locator('.monaco-list-row[aria-label^="libaio: "]').first().getAttribute('aria-label')).toMatch(/^libaio: \d+ calls in 1 file, libaio: asynchronous/);
    await workbench.screenshot('inventory.png');
  });

  it('a file opens down to a call by keyboard alone, and Enter goes there', async () => {
    const { page } = vscode.workbench;
    await page.locator('.monaco-list-row[aria-label^="libaio/copy.c: "]').click();
    const call = page.locator('.monaco-list-row[aria-label^="io_"]');
    await eventually('a call', async () => {
      if (await call.count()) return true;
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowRight');
      return false;
    });
    await call.first().click();
    await vscode.workbench.tab('copy.c').waitFor();
    await vscode.workbench.screenshot('inventory-open.png');
  });

  it('a scan fills Problems with files that are not open', async () => {
    const { workbench } = vscode;
    await workbench.command('Ringlight: Scan Workspace');
    const problems = await eventually('findings of several files', async () => {
      const found = await workbench.problems(2);
      return found.some((p) => p.code === 'uring-null-sqe') && found.some((p) => p.code === 'aio-buffered-io') && found;
    });
    expect(new Set(problems.map((p) => p.source))).toEqual(new Set(['ringlight']));
    await workbench.screenshot('scan.png');
  });
});
