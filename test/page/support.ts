/** Chromium on the real page with the real recording; only the editor between them is replaced (scripts/dev-page.mjs). */
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { DrawnReport } from '../../src/protocol/page';
import { startDevPage, type DevPage } from '../../scripts/dev-page.mjs';
import '../../webview/dev/bridge-types';

export const ARTIFACTS = join(import.meta.dirname, '../../test-artifacts/page');

export function launchBrowser(): Promise<Browser> {
  mkdirSync(ARTIFACTS, { recursive: true });
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

export class TimelinePage {
  private constructor(readonly page: Page, readonly dev: DevPage, private readonly folder: string, private readonly problems: string[]) {}

  static async open(browser: Browser, bytes: Uint8Array, options: { theme?: string; replaySeconds?: number; width?: number; height?: number } = {}): Promise<TimelinePage> {
    const folder = mkdtempSync(join(tmpdir(), 'ringlight-page-'));
    const file = join(folder, 'recording.ringtrace');
    writeFileSync(file, bytes);
    const dev = await startDevPage(file, { replaySeconds: options.replaySeconds });
    const page = await browser.newPage({ viewport: { width: options.width ?? 1200, height: options.height ?? 720 } });
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    // a refused style or script shows up here
    page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
    await page.goto(`${dev.url}?theme=${options.theme ?? 'dark'}`);
    return new TimelinePage(page, dev, folder, problems);
  }

  /** What the page last reported to have drawn, once `accept` likes it. */
  async drawn(accept: (report: DrawnReport) => boolean = () => true): Promise<DrawnReport> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const last = await this.page.evaluate(() => window.ringlightDev.drawn.at(-1));
      if (last && accept(last)) return last;
      if (Date.now() > deadline) throw new Error(`the page never drew what was expected; last: ${JSON.stringify(last)}; ${await this.trouble()}`);
      await this.page.waitForTimeout(30);
    }
  }

  /** Errors of the page: script, policy, refused requests. Empty when all is well. */
  async trouble(): Promise<string> {
    return [...this.problems, ...(await this.page.evaluate(() => window.ringlightDev.errors))].join('; ');
  }

  async screenshot(name: string): Promise<void> {
    await this.page.screenshot({ path: join(ARTIFACTS, `${name}.png`) });
  }

  async close(): Promise<void> {
    await this.page.close();
    await this.dev.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
