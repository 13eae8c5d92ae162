/** The VS Code workbench in a browser page, driven by keyboard and read by its accessible parts, as a user would. */
import type { Frame, Locator, Page } from 'playwright-core';
import { artifact } from './artifacts';

const DEADLINE_MS = 60_000;
const POLL_MS = 100;
/** After this long a step that can be repeated is. */
const SOON_MS = 5_000;

/** Polls until `probe` gives something other than undefined or false; says what it waited for when it never does. */
export async function eventually<T>(what: string, probe: () => Promise<T | undefined | false>, deadlineMs = DEADLINE_MS): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`waited ${deadlineMs / 1000} s in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A row of the Problems view; `line` and `column` are 1-based. */
export interface Problem { severity: string; message: string; source: string; code: string; line: number; column: number }

export class Workbench {
  constructor(readonly page: Page) {}

  /** Waits until the workbench is up. */
  async ready(): Promise<void> {
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: DEADLINE_MS });
    await this.page.locator('.explorer-folders-view .monaco-list-row').first().waitFor({ timeout: DEADLINE_MS });
  }

  /** Runs a command by its title in the palette, like `Ringlight: Trace…`. */
  async command(title: string): Promise<void> {
    await this.choose('F1', `>${title}`, title);
  }

  /** Opens a file of the workspace by its path relative to the folder, and waits for its text. */
  async openFile(path: string): Promise<Locator> {
    const name = path.split('/').pop() ?? path;
    await this.choose('Control+P', path, name);
    await this.tab(name).waitFor({ timeout: DEADLINE_MS });
    const editor = this.page.locator('.editor-instance .monaco-editor').filter({ visible: true }).first();
    await editor.waitFor({ timeout: DEADLINE_MS });
    return editor;
  }

  /** The tab of an editor by its label. */
  tab(label: string | RegExp): Locator {
    return this.page.locator('.tabs-container .tab').filter({ hasText: label });
  }

  /** Moves the cursor, 1-based. */
  async goTo(line: number, column = 1): Promise<void> {
    await this.openQuickInput('Control+G');
    await this.input().fill(`:${line}:${column}`);
    await this.page.keyboard.press('Enter');
    await this.page.locator('.quick-input-widget').waitFor({ state: 'hidden', timeout: DEADLINE_MS });
  }

  /** Waits for a quick pick's row with this text and takes it. */
  async pick(label: string | RegExp, timeout = DEADLINE_MS): Promise<void> {
    await this.page.locator('.quick-input-widget .monaco-list-row:visible').filter({ hasText: label }).first().click({ timeout });
  }

  /** Waits for a quick pick or an input box whose title or placeholder has this text. */
  async quickInput(title: string): Promise<Locator> {
    const widget = this.page.locator('.quick-input-widget:visible').filter({ hasText: title });
    await widget.waitFor({ timeout: DEADLINE_MS });
    return widget;
  }

  /** Fills the open quick input and accepts it. */
  async answer(text: string): Promise<void> {
    await this.input().fill(text);
    await this.page.keyboard.press('Enter');
  }

  /** Gives the open file dialog a path. It fills its input by itself as folders are listed, so what was given is checked. */
  async answerFileDialog(path: string): Promise<void> {
    await this.input().waitFor({ timeout: DEADLINE_MS });
    await eventually('the file dialog to take the path', async () => {
      await this.input().fill(path, { timeout: SOON_MS });
      await new Promise((resolve) => setTimeout(resolve, 500));
      if (await this.input().inputValue() !== path) return false;
      await this.page.keyboard.press('Enter');
      return this.input().waitFor({ state: 'hidden', timeout: SOON_MS }).then(() => true, () => false);
    });
  }

  /** Labels of the open quick pick's visible rows. */
  async choices(): Promise<string[]> {
    const rows = this.page.locator('.quick-input-widget .monaco-list-row a.label-name');
    await rows.first().waitFor({ timeout: DEADLINE_MS });
    return rows.allInnerTexts();
  }

  /** What the Problems view lists, opened if need be. Waits until it has `atLeast` rows. */
  async problems(atLeast = 1): Promise<Problem[]> {
    const rows = this.page.locator('.markers-panel .monaco-list-row').filter({ has: this.page.locator('.marker-icon') });
    if (!await this.page.locator('.markers-panel').isVisible()) await this.command('Problems: Focus on Problems View');
    await this.page.locator('.markers-panel').waitFor({ timeout: DEADLINE_MS });
    await eventually(`${atLeast} problems`, async () => await rows.count() >= atLeast);
    return rows.evaluateAll((elements) => elements.map((element) => {
      const text = (selector: string): string => element.querySelector(selector)?.textContent ?? '';
      const place = /Ln (\d+), Col (\d+)/.exec(text('.marker-line'));
      const icon = element.querySelector('.marker-icon');
      return {
        severity: ['error', 'warning', 'info'].find((name) => icon?.classList.contains(name)) ?? '',
        message: text('.marker-message'), source: text('.marker-source'), code: text('.marker-code'),
        line: Number(place?.[1]), column: Number(place?.[2]),
      };
    }));
  }

  /** What the terminal in view shows, a line a row. */
  async terminalText(): Promise<string> {
    const rows = await this.page.locator('.terminal-wrapper.active .xterm-rows > div').allInnerTexts();
    return rows.map((row) => row.replace(/\u00a0/g, ' ').trimEnd()).join('\n');
  }

  /** Texts of the notifications now on screen. */
  notifications(): Promise<string[]> {
    return this.page.locator('.notification-toast .notification-list-item-message').allInnerTexts();
  }

  /** Waits for a notification with this text. */
  async notification(text: string | RegExp): Promise<Locator> {
    const toast = this.page.locator('.notification-toast').filter({ hasText: text });
    await toast.first().waitFor({ timeout: DEADLINE_MS });
    return toast.first();
  }

  /** The document inside a webview: of the `nth` one, once `selector` exists in it. */
  async webview(selector: string, nth = 0): Promise<Frame> {
    return eventually(`a webview with ${selector}`, async () => {
      const outer = await this.page.locator('iframe.webview').nth(nth).elementHandle({ timeout: 1000 }).catch(() => null);
      const frame = await outer?.contentFrame();
      const inner = await (await frame?.$('#active-frame'))?.contentFrame();
      return await inner?.$(selector).catch(() => null) ? inner ?? undefined : undefined;
    });
  }

  /** Keeps a picture under test-artifacts/. */
  async screenshot(name: string): Promise<string> {
    const path = artifact(name);
    await this.page.screenshot({ path });
    return path;
  }

  private input(): Locator { return this.page.locator('.quick-input-widget input.input:visible').first(); }

  /** Opens a quick pick with a key, filters it and takes the row with this label. */
  private async choose(key: string, filter: string, label: string): Promise<void> {
    // an editor that opens meanwhile takes the focus, and with it the quick pick: then once more
    await eventually(`“${label}” in the quick pick of ${key}`, async () => {
      await this.openQuickInput(key);
      return this.input().fill(filter, { timeout: SOON_MS }).then(() => this.pick(label, SOON_MS)).then(() => true, () => false);
    });
  }

  /** Keys pressed while the workbench settles can get lost, so they are pressed again. */
  private async openQuickInput(key: string): Promise<void> {
    await eventually(`the quick input of ${key}`, async () => {
      await this.page.keyboard.press(key);
      return this.input().waitFor({ timeout: SOON_MS }).then(() => true, () => false);
    });
  }
}
