/** Tracing over SSH from the editor: a real sshd, a host of a ssh configuration, the timeline beside the program's end. */
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VSIX } from '../../scripts/lib/vsix.mjs';
import { copyDemo, type DemoCopy } from '../support/demo-copy';
import { buildReads, READS } from '../support/launch';
import { startSshd, WHY_NO_SSHD, type TestSshd } from '../support/sshd';
import { openInstalled, type Installed } from '../support/vscode-server';
import { eventually } from '../support/workbench';

const COUNT = 5000;
let demo: DemoCopy;
let sshd: TestSshd;
let vscode: Installed;

describe.skipIf(WHY_NO_SSHD !== '')('tracing over ssh from the editor', () => {
  beforeAll(async () => {
    demo = copyDemo();
    buildReads();
    sshd = await startSshd();
    vscode = await openInstalled({ folder: demo.path, vsix: VSIX, settings: { 'ringlight.trace.sshConfigFile': sshd.config } });
  });
  afterAll(async () => {
    await vscode?.close();
    await sshd?.stop();
    demo?.remove();
  });

  it('asks where and what, traces there, and shows every operation', async () => {
    const { workbench } = vscode;
    await workbench.openFile('libaio/copy.c');
    await workbench.command('Ringlight: Trace…');
    await workbench.quickInput('trace where?');
    await workbench.pick(/^\s*root\s*$/);
    await workbench.quickInput('trace what?');
    await workbench.pick('Command…');
    await workbench.quickInput('Command to trace');
    await workbench.answer(`${READS} ${COUNT} 1000`);

    const page: Frame = await workbench.webview('.ringlight canvas');
    const state = () => page.locator('.toolbar .state').innerText();
    await eventually('recording', async () => await state() === 'Recording');
    await workbench.screenshot('remote-recording.png');
    await eventually('the end', async () => await state() === 'Ended');
    await workbench.screenshot('remote-ended.png');
    const spans = await page.locator('.toolbar .number', { hasText: /spans$/ }).locator('b').innerText();
    expect(Number(spans.replace(/\D/g, ''))).toBe(COUNT);
  });

  it('says what to do when the host does not answer', async () => {
    const { workbench } = vscode;
    await workbench.command('Ringlight: Trace…');
    await workbench.quickInput('trace where?');
    await workbench.pick('closed-port');
    await workbench.quickInput('trace what?');
    await workbench.pick('Command…');
    await workbench.quickInput('Command to trace');
    await workbench.answer(READS);
    const toast = await workbench.notification('Nothing listens for ssh on closed-port');
    expect(await toast.innerText()).toContain('Check that sshd runs there');
    await workbench.screenshot('remote-unreachable.png');
  });
});
