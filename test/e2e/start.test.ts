/** `npm start` as a user runs it: it serves, the demo is open with Ringlight in it, and Ctrl-C leaves nothing behind. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CODE_SERVER, ROOT } from '../../scripts/lib/paths.mjs';
import { launchChromium } from '../support/chromium';
import { Workbench, eventually } from '../support/workbench';

let cache: string;

beforeAll(() => {
  // a cache of its own, but VS Code is not built again for it
  cache = mkdtempSync(join(tmpdir(), 'ringlight-start-'));
  mkdirSync(join(cache, 'ringlight'));
  symlinkSync(CODE_SERVER.dir, join(cache, 'ringlight', basename(CODE_SERVER.dir)));
});
afterAll(() => rmSync(cache, { recursive: true, force: true }));

/** Every living process started with our cache folder in its environment. */
function leftovers(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`XDG_CACHE_HOME=${cache}\0`) ? [readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ')] : [];
    } catch { return []; }
  });
}

/** Starts, waits for the address, lets `visit` look at it, and ends it as Ctrl-C does. */
async function start(visit: (url: string) => Promise<void>): Promise<{ status: number | null; text: string; milliseconds: number }> {
  const begun = Date.now();
  const child = spawn(process.execPath, [join(ROOT, 'scripts/start.mjs')], { env: { ...process.env, XDG_CACHE_HOME: cache, DISPLAY: '', WAYLAND_DISPLAY: '' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  child.stdout.on('data', (data: Buffer) => { text += data.toString(); });
  child.stderr.on('data', (data: Buffer) => { text += data.toString(); });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  let milliseconds = 0;
  try {
    const url = await eventually('the address', () => {
      if (child.exitCode !== null) throw new Error(`npm start ended:\n${text}`);
      return Promise.resolve(/http:\/\/127\.0\.0\.1:\S+/.exec(text)?.[0]);
    }, 240_000);
    milliseconds = Date.now() - begun;
    await visit(url);
  } finally {
    child.kill('SIGINT');
  }
  return { status: await ended, text, milliseconds };
}

describe('npm start', () => {
  it('opens the demo with Ringlight, and ends in order', async () => {
    const { status, text } = await start(async (url) => {
      const browser = await launchChromium();
      try {
        const workbench = new Workbench(await browser.newPage({ viewport: { width: 1400, height: 900 } }));
        await workbench.page.goto(url);
        await workbench.ready();
        await workbench.openFile('libaio/copy.c');
        const problems = await workbench.problems();
        expect(problems.map((problem) => problem.source)).toContain('ringlight');
        await workbench.screenshot('npm-start.png');
      } finally {
        await browser.close();
      }
    });
    expect(status, text).toBe(0);
    expect(leftovers()).toEqual([]);
  });

  it('is quick the second time, and keeps what the user changed in the demo', async () => {
    const profiles = join(cache, 'ringlight/profiles');
    const mine = join(profiles, readdirSync(profiles)[0] ?? '', 'demo/libaio/copy.c');
    writeFileSync(mine, '/* mine */\n');
    const { status, milliseconds, text } = await start(() => Promise.resolve());
    expect(status, text).toBe(0);
    expect(text).toContain('Ringlight into code-server  ready');
    expect(milliseconds).toBeLessThan(60_000);
    expect(existsSync(mine) && readFileSync(mine, 'utf8')).toBe('/* mine */\n');
    expect(leftovers()).toEqual([]);
  });
});
