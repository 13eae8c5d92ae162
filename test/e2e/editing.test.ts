/** What a finding offers in the editor: its quick fixes, the refactoring, the words that silence it, and how long it took. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VSIX } from '../../scripts/lib/vsix.mjs';
import { copyDemo, type DemoCopy } from '../support/demo-copy';
import { openInstalled, type Installed } from '../support/vscode-server';
import { eventually } from '../support/workbench';

let demo: DemoCopy;
let vscode: Installed;
beforeAll(async () => {
  demo = copyDemo();
  vscode = await openInstalled({ folder: demo.path, vsix: VSIX });
});
afterAll(async () => {
  await vscode?.close();
  demo?.remove();
});

/** Lines of the editor as they are drawn. */
async function drawn(): Promise<string> {
  const lines = await vscode.workbench.page.locator('.editor-instance .view-lines .view-line').allInnerTexts();
  return lines.join('\n').replace(/\u00a0/g, ' ');
}
/** The entries of the menu that a key opens. */
async function menu(key: string, entry: string): Promise<string[]> {
  const { page } = vscode.workbench;
  const widget = page.locator('.action-widget:visible');
  await eventually(`“${entry}” in the menu of ${key}`, async () => {
    await page.keyboard.press(key);
    return widget.getByText(entry).first().waitFor({ timeout: 5_000 }).then(() => true, () => false);
  });
  return widget.locator('.monaco-list-row.action').allInnerTexts();
}

describe('in the editor', () => {
  it('a finding has its quick fixes, and what silences it', async () => {
    const { workbench } = vscode;
    await workbench.openFile('libaio/copy.c');
    const found = await eventually('the finding', async () => (await workbench.problems()).find((problem) => problem.code === 'aio-buffered-io'));
    await workbench.page.locator('.editor-instance .view-lines').click();
    await workbench.goTo(found.line, found.column + 1);
    const offered = await menu('Control+.', 'Open with O_DIRECT');
    await workbench.screenshot('quick-fixes.png');
    expect(offered).toEqual(expect.arrayContaining(['Suppress aio-buffered-io on this line', 'Suppress aio-buffered-io in this file', 'Explain aio-buffered-io', 'Migrate this libaio call sequence to liburing']));
    await workbench.page.keyboard.press('Escape');
  });

  it('the status item tells the findings and the time they took', async () => {
    const { workbench } = vscode;
    const { page } = workbench;
    await page.locator('[id="status.languageStatus"]').first().hover();
    const item = page.locator('.hover-language-status:visible');
    await item.filter({ hasText: /Ringlight: \d+ findings/ }).first().waitFor();
    expect((await item.allInnerTexts()).join('\n')).toMatch(/Ringlight: \d+ findings[^]*\d+\.\d ms/);
    await workbench.screenshot('status.png');
    await page.mouse.move(600, 300);
  });

  it('the refactoring takes the file to liburing', async () => {
    const { workbench } = vscode;
    const { page } = workbench;
    await menu('Control+Shift+R', 'Migrate this libaio call sequence to liburing');
    await workbench.screenshot('refactorings.png');
    await page.locator('.action-widget:visible').getByText('Migrate this libaio call sequence to liburing').click();
    await eventually('the calls of liburing', async () => /io_uring_prep_read\(/.test(await drawn()));
    await eventually('findings of libaio to go', async () => !(await workbench.problems(0)).some((p) => p.code.startsWith('aio-')));
    await workbench.screenshot('migration.png');
    await page.locator('.editor-instance .view-lines').click();
    await page.keyboard.press('Control+Z');
  });

  it('a comment that silences is completed', async () => {
    const { workbench } = vscode;
    const { page } = workbench;
    await page.locator('.editor-instance .view-lines').click();
    await workbench.goTo(1, 1);
    await page.keyboard.press('Control+Enter');
    await page.keyboard.type('// ringl');
    await page.keyboard.press('Control+Space');
    const rows = page.locator('.suggest-widget:visible .monaco-list-row');
    await rows.filter({ hasText: 'ringlight-disable-next-line' }).first().waitFor();
    await page.keyboard.press('Enter');
    await rows.filter({ hasText: 'aio-buffered-io' }).first().waitFor();
    await workbench.screenshot('completion.png');
    await page.keyboard.press('Escape');
  });
});
