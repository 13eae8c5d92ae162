/** The extension as a user has it: from its VSIX, in a real workbench, on the demo workspace, tracing a real program. */
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LOADERS } from '../../scripts/lib/machines.mjs';
import { VSIX } from '../../scripts/lib/vsix.mjs';
import type { TraceSummary } from '../../src/protocol/summary';
import { copyDemo, type DemoCopy } from '../support/demo-copy';
import { openInstalled, type Installed } from '../support/vscode-server';
import { eventually } from '../support/workbench';

const canTrace = process.getuid?.() === 0;

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

/** Text of the toolbar's state badge, like `Recording`. */
const stateOf = (page: Frame): Promise<string> => page.locator('.toolbar .state').innerText();

/** What of a canvas is used here; this file is type-checked without the browser's types. */
interface Canvas {
  width: number;
  height: number;
  getContext(kind: '2d'): { getImageData(x: number, y: number, width: number, height: number): { data: { buffer: ArrayBuffer } } } | null;
}

/** How many pixels of the lanes are not of the commonest colour: nothing is drawn when there are none. */
function inkOf(page: Frame): Promise<number> {
  return page.locator('canvas').evaluateAll((canvases: Canvas[]) => {
    let ink = 0;
    for (const canvas of canvases) {
      const context = canvas.getContext('2d');
      if (!context || canvas.width === 0 || canvas.height === 0) continue;
      const counts = new Map<number, number>();
      const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
      for (const pixel of new Uint32Array(data.buffer)) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
      ink += canvas.width * canvas.height - Math.max(...counts.values());
    }
    return ink;
  });
}

function report(file: string): TraceSummary {
  return JSON.parse(execFileSync(process.execPath, [join(vscode.extensionFolder, 'dist/cli.js'), 'report', file, '--format', 'json'], { encoding: 'utf8' })) as TraceSummary;
}

describe('the installed extension', () => {
  it.each(LOADERS)('%s can be run', (loader) => {
    expect(statSync(join(vscode.extensionFolder, loader)).mode & 0o111).toBe(0o111);
  });

  it('underlines the buffered libaio submit, and its hover says why', async () => {
    const { workbench } = vscode;
    await workbench.openFile('libaio/copy.c');
    const found = await eventually('the finding', async () => (await workbench.problems()).find((problem) => problem.code === 'aio-buffered-io'));
    expect(found.source).toBe('ringlight');
    expect(found.severity).toBe('warning');
    await workbench.goTo(found.line, found.column);
    await workbench.page.locator('.view-lines .view-line span span', { hasText: /^io_submit$/ }).first().hover();
    const hover = workbench.page.locator('.monaco-hover:visible').filter({ hasText: 'O_DIRECT' });
    await hover.first().waitFor();
    await workbench.screenshot('diagnostic.png');
    await workbench.page.keyboard.press('Escape');
  });

  it.skipIf(!canTrace)('traces the program and draws its spans while it runs; saved, it opens again', async () => {
    const { workbench } = vscode;
    await workbench.command('Ringlight: Trace…');
    await workbench.quickInput('trace where?');
    await workbench.pick('This machine');
    await workbench.quickInput('trace what?');
    await workbench.pick('trace libaio copy');

    const timeline = await workbench.webview('.ringlight canvas');
    await eventually('spans drawn while recording', async () => await stateOf(timeline) === 'Recording' && await inkOf(timeline) > 500);
    await workbench.screenshot('timeline-recording.png');
    await eventually('the end of the program', async () => await stateOf(timeline) === 'Ended');
    await workbench.screenshot('timeline-ended.png');

    const file = join(demo.path, 'copy.ringtrace');
    await timeline.locator('.toolbar vscode-button', { hasText: 'Save' }).click();
    await workbench.answerFileDialog(file);
    await eventually('the saved recording', () => Promise.resolve(existsSync(file)));
    const said = /(\d+) reads, (\d+) writes/.exec(await workbench.terminalText());
    expect(said, 'what the program says it did').not.toBeNull();
    const summary = report(file);
    expect(summary.complete).toBe(true);
    expect(summary.lost).toEqual({ kernel: 0, stream: 0, unpaired: 0 });
    const counts = Object.fromEntries(summary.apis.map((api) => [`${api.api} ${api.op}`, api.count]));
    expect(counts).toEqual({ 'libaio PREAD': Number(said?.[1]), 'libaio PWRITE': Number(said?.[2]) });

    await workbench.command('View: Close All Editors');
    await workbench.page.locator('.explorer-folders-view .monaco-list-row', { hasText: 'copy.ringtrace' }).dblclick();
    const again = await workbench.webview('.ringlight canvas');
    await eventually('the saved spans', async () => await inkOf(again) > 500);
    await workbench.screenshot('timeline-opened.png');

    // a single operation: what it was is in the tooltip
    await workbench.command('Notifications: Clear All Notifications');
    await workbench.command('View: Toggle Panel Visibility');
    await again.locator('canvas.stage').focus();
    await workbench.page.keyboard.press('Enter');
    await again.locator('.details vscode-button', { hasText: 'Zoom to it' }).click();
    await workbench.page.keyboard.press('s');
    const lanes = await again.locator('canvas.stage').boundingBox();
    if (!lanes) throw new Error('the lanes are not on screen');
    const tooltip = again.locator('.tooltip');
    await eventually('the tooltip of a span', async () => {
      await workbench.page.mouse.move(lanes.x + 185 + (lanes.width - 185) / 2, lanes.y + 40 + Math.random() * 30);
      return tooltip.isVisible();
    });
    const words = await tooltip.innerText();
    for (const part of [/PREAD|PWRITE/, /fd \d+/, /64 KiB/, /result 65536/, /[µm]s/]) expect(words).toMatch(part);
    await workbench.screenshot('timeline-spans.png');
  });
});
