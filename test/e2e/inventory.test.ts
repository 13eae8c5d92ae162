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
  vscode = await openInstalled({ folder: demo.path, vsix: VSIX, restricted: true, settings: { 'security.workspace.trust.startupPrompt': 'never' } });
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
    expect(await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).count()).toBe(1);
    await workbench.screenshot('inventory.png');
  });

  it('a file opens down to a call by keyboard alone, and Enter goes there', async () => {
    const { page } = vscode.workbench;
    const row = (label: string) => page.locator(`.pane-body .monaco-list-row[aria-label^="${label}"]`).first();
    await row('libaio/copy.c: ').click();
    for (const key of ['Home', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown', 'ArrowDown']) await page.keyboard.press(key);
    // the click above opened it
    await row('reap: ').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await row('io_getevents, line ').waitFor();
    await page.keyboard.press('ArrowDown');
    await eventually('the call to have the focus', async () => /focused/.test(await row('io_').getAttribute('class') ?? ''));
    await page.keyboard.press('Enter');
    await vscode.workbench.tab('copy.c').waitFor();
    await vscode.workbench.screenshot('inventory-open.png');
  });

  it('a scan lists files that are not open, and marks them in the view', async () => {
    const { workbench } = vscode;
    await workbench.command('Ringlight: Scan Workspace');
    await workbench.page.locator('.monaco-list-row[aria-label^="liburing/checksum.c"] .monaco-icon-label[class*="monaco-decoration"]').first().waitFor();
    await workbench.page.locator('.statusbar-item', { hasText: /Ringlight: \d+ findings in 3 files/ }).waitFor();
    expect(new Set((await workbench.problems(2)).map((p) => p.source))).toEqual(new Set(['ringlight']));
    await workbench.screenshot('scan.png');
  });
});
