import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SpanFlag } from '../../src/protocol/wire';
import { span, StreamWriter, totals, WRITE } from '../support/encode';
import { syntheticRecording } from '../support/synthetic';
import { systemRecording } from '../support/synthetic-system';
import { launchBrowser, TimelinePage } from './support';

let browser: Browser;
let timeline: TimelinePage | undefined;
beforeAll(async () => { browser = await launchBrowser(); });
afterAll(() => browser.close());
afterEach(async () => {
  await timeline?.close();
  timeline = undefined;
});

async function open(bytes: Uint8Array, options?: Parameters<typeof TimelinePage.open>[2]): Promise<TimelinePage> {
  timeline = await TimelinePage.open(browser, bytes, options);
  return timeline;
}

const HOSTILE = '<img src=x onerror=alert(1)>/tmp/data';
/** Three operations with room around them, so that a test knows where each one lies. */
function threeSpans(): StreamWriter {
  return new StreamWriter().hello()
    .info({ kind: 'process', t: 0, pid: 100, comm: 'probe' })
    .info({ kind: 'file', t: 0, pid: 100, fd: 7, path: HOSTILE, direct: true })
    .spans([
      span({ start: 1_000_000, duration: 2_000_000, fd: 7, flags: SpanFlag.Direct, length: 8192, result: 8192 }),
      span({ start: 4_000_000, duration: 2_000_000, fd: 7, op: WRITE, length: 512, result: -5, flags: SpanFlag.Direct }),
      span({ start: 7_000_000, duration: 2_000_000, fd: 7, slot: 1, result: 4096, flags: SpanFlag.Punted }),
    ]).goodbye({ t: 10_000_000, totals: totals({ t: 10_000_000, spans: 3 }) });
}
/** Where a time lies on the canvas at the initial fit of a 10 ms recording, 1200 px wide. */
async function xOf(t: TimelinePage, time: number): Promise<number> {
  const { t0, t1 } = await t.drawn();
  const box = (await t.page.locator('canvas.stage').boundingBox())!;
  return box.x + 190 + ((time - t0) / (t1 - t0)) * (box.width - 190);
}
async function rowY(t: TimelinePage, slot: number): Promise<number> {
  const box = (await t.page.locator('canvas.stage').boundingBox())!;
  return box.y + 24 + 5 + slot * 15 + 7;
}

/** What axe finds, but for trifles. */
async function seriousProblems(t: TimelinePage): Promise<string[]> {
  await t.page.evaluate(readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  return t.page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }> } };
    const { violations } = await axe.run();
    return violations.filter((v) => v.impact === 'serious' || v.impact === 'critical').map((v) => `${v.id}: ${v.nodes[0]?.html}`);
  });
}

describe('timeline page', () => {
  it('draws every operation of a small recording', async () => {
    const { bytes, spans } = syntheticRecording({ perLane: 300 });
    const t = await open(bytes);
    const report = await t.drawn((r) => r.spans > 0);
    expect(report).toMatchObject({ spans: spans.length, bins: 0, tracks: 4 });
    expect(await t.page.locator('.numbers').innerText()).toContain('1 200 spans'.replace(' ', '\u202f'));
    expect(await t.trouble()).toBe('');
  });

  it('draws what the real loader recorded', async () => {
    for (const name of ['uring', 'libaio', 'calls']) {
      const t = await open(readFileSync(join(import.meta.dirname, `../fixtures/recordings/${name}.ringtrace`)));
      const { spans, calls, tracks } = t.dev.recording.status();
      await t.drawn((r) => r.spans === spans + calls && r.tracks === tracks.length);
      await t.screenshot(`real-${name}`);
      expect(await t.trouble()).toBe('');
      await t.close();
      timeline = undefined;
    }
  });

  it('draws bins when zoomed out and single operations when zoomed in, as many as there are', async () => {
    const { bytes, spans } = syntheticRecording({ perLane: 15_000 });
    const t = await open(bytes);
    const far = await t.drawn((r) => r.bins > 0);
    expect(far.spans).toBe(0);
    const canvas = (await t.page.locator('canvas.stage').boundingBox())!;
    await t.page.mouse.move(canvas.x + 250, canvas.y + 200);
    const exact = (r: { t0: number; t1: number }): number => spans.filter((s) => s.start < r.t1 && s.start + s.duration > r.t0).length;
    let report = far;
    for (let i = 0; i < 60 && (report.bins > 0 || report.spans > 400); i++) {
      const before = report.frame;
      await t.page.keyboard.press('w');
      report = await t.drawn((r) => r.frame >= before);
      await t.page.waitForTimeout(20);
    }
    await t.page.waitForTimeout(500);
    report = await t.drawn((r) => r.bins === 0 && r.spans > 0);
    expect(report.spans).toBe(exact(report));
    await t.page.keyboard.press('0');
    const back = await t.drawn((r) => r.bins > 0 && r.spans === 0);
    expect(back.t1 - back.t0).toBeCloseTo(far.t1 - far.t0, -3);
    expect(await t.trouble()).toBe('');
  });

  it('tells operation, file, size, result and latency on hover, hostile text as text', async () => {
    const t = await open(threeSpans().bytes());
    await t.drawn((r) => r.spans === 3);
    await t.page.mouse.move(await xOf(t, 2_000_000), await rowY(t, 0));
    const tip = t.page.locator('.tooltip');
    await tip.waitFor({ state: 'visible' });
    await expect.poll(() => tip.innerText()).toMatch(/READ 2\.00 ms · 8 KiB/);
    expect(await tip.innerText()).toContain(`fd 7 ${HOSTILE} (O_DIRECT)`);
    expect(await tip.innerText()).toContain('result 8192');
    expect(await tip.locator('img').count()).toBe(0);
    await t.page.mouse.move(await xOf(t, 5_000_000), await rowY(t, 0));
    await expect.poll(() => tip.innerText()).toContain('result EIO (-5)');
    await t.page.mouse.move(await xOf(t, 8_000_000), await rowY(t, 1));
    await expect.poll(() => tip.innerText()).toContain('punted to a worker thread');
    expect(await t.trouble()).toBe('');
  });

  it('selects by click and by key, shows details, announces', async () => {
    const t = await open(threeSpans().bytes());
    await t.drawn((r) => r.spans === 3);
    await t.page.mouse.click(await xOf(t, 2_000_000), await rowY(t, 0));
    await t.drawn((r) => r.selected === 0);
    const details = t.page.locator('.details');
    expect(await details.innerText()).toContain('8 KiB (8192 B)');
    await expect.poll(() => t.page.locator('[role=status]').innerText()).toMatch(/READ, 8 KiB/);
    await t.page.keyboard.press('ArrowRight');
    await t.drawn((r) => r.selected === 1);
    expect(await details.innerText()).toContain('EIO (-5)');
    await t.page.keyboard.press('ArrowDown');
    await t.drawn((r) => r.selected === 2);
    await t.page.keyboard.press('Escape');
    await t.drawn((r) => r.selected === null);
    expect(await details.isVisible()).toBe(false);
    // problems only: the failed one, then the punted one, then no more
    await t.page.keyboard.press('n');
    await t.drawn((r) => r.selected === 1);
    await t.page.keyboard.press('n');
    await t.drawn((r) => r.selected === 2);
    await t.page.keyboard.press('p');
    await t.drawn((r) => r.selected === 1);
    expect(await t.trouble()).toBe('');
  });

  it('pans and zooms by key, wheel, drag and overview, and fits again', async () => {
    const t = await open(threeSpans().bytes());
    const start = await t.drawn((r) => r.spans === 3);
    const window = async (): Promise<[number, number]> => {
      await t.page.waitForTimeout(250);
      return t.page.evaluate(() => {
        const state = JSON.parse(sessionStorage.getItem('ringlight-state')!) as { t0: number; t1: number };
        return [state.t0, state.t1];
      });
    };
    await t.page.keyboard.press('d');
    const [panned] = await window();
    expect(panned).toBeGreaterThan(start.t0);
    const x = await xOf(t, 5_000_000);
    const y = await rowY(t, 0);
    await t.page.mouse.move(x, y);
    await t.page.mouse.wheel(0, -300);
    const [a, b] = await window();
    expect(b - a).toBeLessThan(start.t1 - start.t0);
    await t.page.mouse.down();
    await t.page.mouse.move(x - 200, y, { steps: 4 });
    await t.page.mouse.up();
    const [dragged, draggedEnd] = await window();
    expect(dragged).toBeGreaterThan(a);
    expect(draggedEnd - dragged).toBeCloseTo(b - a, 0);
    const overview = (await t.page.locator('canvas.overview').boundingBox())!;
    await t.page.mouse.click(overview.x + 5, overview.y + 20);
    expect((await window())[0]).toBeLessThan(dragged);
    await t.page.keyboard.press('f');
    const [f0, f1] = await window();
    expect([f0, f1]).toEqual([start.t0, start.t1]);
    expect(await t.trouble()).toBe('');
  });

  it('has the same operations as tables, sorted and paged', async () => {
    const { bytes, spans } = syntheticRecording({ perLane: 100 });
    const t = await open(bytes);
    await t.drawn((r) => r.spans === spans.length);
    await t.page.keyboard.press('t');
    const rows = t.page.locator('table.spans tbody tr');
    await expect.poll(() => rows.count()).toBe(100);
    const ops = await t.page.locator('table.ops tbody tr').allInnerTexts();
    expect(ops.map((row) => row.split('\t').slice(0, 2))).toEqual([['READ io_uring', '100'], ['RECV io_uring', '100'], ['WRITE io_uring', '100'], ['PREAD libaio', '100']]);
    await t.page.getByRole('button', { name: 'Latency' }).click();
    const longest = spans.reduce((a, b) => (a.duration >= b.duration ? a : b));
    await expect.poll(() => rows.first().innerText()).toContain(`${(longest.duration / 1e6).toPrecision(3)} ms`);
    await t.page.locator('.pager vscode-button', { hasText: 'Next' }).click();
    await expect.poll(() => t.page.locator('.pager span').innerText()).toBe('101 – 200 of 400');
    await rows.first().getByRole('button').click();
    await t.page.locator('.details').waitFor();
    expect(await t.trouble()).toBe('');
  });

  it('opens a recording that is cut off, and says so', async () => {
    const { bytes } = syntheticRecording({ perLane: 200 });
    const t = await open(bytes.slice(0, bytes.length * 0.6));
    const report = await t.drawn((r) => r.spans > 0);
    expect(report.spans).toBe(t.dev.recording.status().spans);
    expect(await t.page.locator('.banner').innerText()).toMatch(/cut off at byte \d+/);
    await t.page.locator('.banner vscode-button', { hasText: 'Show log' }).click();
    expect(await t.page.evaluate(() => window.ringlightDev.commands)).toEqual(['showLog']);
    await t.screenshot('cut-off');
  });

  it('says what to do when there is nothing to show', async () => {
    const t = await open(new StreamWriter().hello().goodbye().bytes());
    await t.page.getByRole('heading', { name: 'No operation was seen' }).waitFor();
    await t.screenshot('empty');
    await t.close();
    timeline = await TimelinePage.open(browser, new TextEncoder().encode('not a recording at all'));
    await timeline.page.getByRole('heading', { name: 'This is not a Ringlight recording.' }).waitFor();
    await timeline.page.locator('vscode-button', { hasText: 'What is missing?' }).click();
    expect(await timeline.page.evaluate(() => window.ringlightDev.commands)).toEqual(['doctor']);
  });

  it('follows a recording that grows until it is panned, and again when told', async () => {
    const { bytes, spans } = syntheticRecording({ perLane: 2000 });
    const t = await open(bytes, { replaySeconds: 6 });
    const early = await t.drawn((r) => r.spans + r.bins > 0);
    const later = await t.drawn((r) => r.t1 > early.t1);
    expect(later.frame).toBeGreaterThan(early.frame);
    expect(await t.page.locator('.state').innerText()).toBe('Recording');
    await t.screenshot('recording');
    await t.page.keyboard.press('d');
    const follow = t.page.locator('vscode-button', { hasText: 'Follow' });
    await expect.poll(() => follow.getAttribute('aria-pressed')).toBe('false');
    await follow.click();
    await expect.poll(() => follow.getAttribute('aria-pressed')).toBe('true');
    await expect.poll(() => t.page.locator('.state').innerText(), { timeout: 30_000 }).toBe('Ended');
    expect(await follow.isVisible()).toBe(false);
    expect(t.dev.recording.status().spans).toBe(spans.length);
    await t.page.locator('vscode-button', { hasText: 'Save' }).click();
    expect(await t.page.evaluate(() => window.ringlightDev.commands)).toEqual(['save']);
    expect(await t.trouble()).toBe('');
  });

  it('comes back to the same view after it was hidden', async () => {
    const t = await open(threeSpans().bytes());
    await t.drawn((r) => r.spans === 3);
    await t.page.keyboard.press('n');
    await t.drawn((r) => r.selected === 1);
    await t.page.keyboard.press('Enter');
    await t.page.waitForTimeout(600);
    const before = await t.drawn((r) => r.selected === 1 && r.t0 > 1_500_000);
    // the editor destroys a hidden page and makes a new one
    await t.page.reload();
    const after = await t.drawn((r) => r.selected === 1);
    expect([after.t0, after.t1]).toEqual([before.t0, before.t1]);
  });

  it('is free of serious accessibility problems in four themes', async () => {
    const { bytes, spans } = syntheticRecording({ perLane: 300 });
    const t = await open(bytes);
    await t.drawn((r) => r.spans === spans.length);
    await t.page.keyboard.press('n');
    await t.drawn((r) => r.selected !== null);
    for (const theme of ['dark', 'light', 'hc-dark', 'hc-light'] as const) {
      await t.page.evaluate((name) => window.ringlightDev.setTheme(name), theme);
      await t.page.waitForTimeout(300);
      await t.screenshot(`timeline-${theme}`);
      for (const table of [false, true]) {
        if (table) {
          await t.page.keyboard.press('t');
          await expect.poll(() => t.page.locator('table.spans tbody tr').count()).toBe(100);
          await t.screenshot(`table-${theme}`);
        }
        const serious = await seriousProblems(t);
        expect(serious, `${theme}, ${table ? 'table' : 'canvas'}`).toEqual([]);
        if (table) await t.page.keyboard.press('t');
      }
    }
    await t.page.keyboard.press('?');
    await t.page.locator('dialog.help').waitFor();
    await t.page.keyboard.press('Escape');
    expect(await t.page.locator('dialog.help').isVisible()).toBe(false);
  });

  it('draws calls of threads and what is in flight still, and tells of both', async () => {
    const { bytes, spans, calls, pending } = systemRecording();
    const t = await open(bytes);
    const report = await t.drawn((r) => r.spans > 0);
    expect(report).toMatchObject({ spans: spans.length + calls.length + pending.length, bins: 0, tracks: 7 });
    expect(await t.page.locator('.numbers').innerText()).toContain(`${calls.length}`.replace(/(\d)(\d{3})$/, '$1\u202f$2'));
    expect(await t.page.locator('.banner').innerText()).toMatch(/2 operations in flight for long[^]*refused to a program/);

    // what hangs lies in the fourth row of the fifth lane, from 20 ms to the end
    const box = (await t.page.locator('canvas.stage').boundingBox())!;
    const y = box.y + 24 + 70 + 40 + 40 + 40 + 5 + 3 * 15 + 7;
    await t.page.mouse.move(await xOf(t, 90e6), y);
    const tip = t.page.locator('.tooltip');
    await expect.poll(() => tip.innerText()).toMatch(/READ in flight for 80\.0 ms · 64 KiB\nfd 5 \/srv\/store\/data\.0\next4, blocks of 4 KiB\nresult none yet/);
    await t.page.mouse.click(await xOf(t, 90e6), y);
    await t.drawn((r) => (r.selected ?? 0) > 0xf0000000);
    expect(await t.page.locator('.details').innerText()).toContain('In flight for');
    await t.page.keyboard.press('Escape');

    // a submission that slept
    await t.page.mouse.click(await xOf(t, 0.5e6), box.y + 24 + 70 + 12);
    await t.drawn((r) => (r.selected ?? 0) >= 0x80000000);
    expect(await t.page.locator('.details').innerText()).toMatch(/io_submit libaio[^]*uninterruptible[^]*4 iocbs/);
    // the neighbour in time is one of the same thread
    await t.page.keyboard.press('ArrowRight');
    await expect.poll(() => t.page.locator('.details').innerText()).toContain('io_getevents');
    // the thread below reads, from a place that is known
    await t.page.keyboard.press('ArrowDown');
    await expect.poll(() => t.page.locator('.details').innerText()).toMatch(/pread64[^]*Called from[^]*\/usr\/bin\/journald\+0x2200/);
    await expect.poll(() => t.page.locator('[role=status]').innerText()).toMatch(/sync pread64, 4 KiB, fd 7 \/var\/lib\/journal\/index \(O_DIRECT\), took .* running, .* asleep/);
    expect(await t.trouble()).toBe('');
  });

  it('shows where not every operation has a span, and counts them all the same', async () => {
    const t = await open(systemRecording().bytes);
    await t.drawn((r) => r.spans > 0);
    // the tint: the same place in the stretch and beside it, below all lanes
    const pixel = async (time: number): Promise<number[]> => {
      const x = (await xOf(t, time)) - (await t.page.locator('canvas.stage').boundingBox())!.x;
      return t.page.evaluate(([at]) => {
        const canvas = document.querySelector<HTMLCanvasElement>('canvas.stage')!;
        return [...canvas.getContext('2d')!.getImageData(Math.round(at! * devicePixelRatio), canvas.height - 60, 1, 1).data];
      }, [x]);
    };
    const [spansOnly, sampled, none, after] = await Promise.all([30e6, 50e6, 70e6, 78e6].map(pixel));
    expect(sampled).not.toEqual(spansOnly);
    expect(none).not.toEqual(sampled);
    expect(after).toEqual(spansOnly);
    await t.page.keyboard.press('t');
    await t.page.locator('table.calls').waitFor();
    const write = t.page.locator('table.ops tbody tr', { hasText: 'WRITE io_uring' });
    expect((await write.innerText()).split('\t')[1]).toMatch(/^6\u202f\d{3}$/);
    expect(await write.innerText()).toContain('all punted, all linked');
    expect(await t.page.locator('table.refused tbody').innerText()).toMatch(/node 5400\s+io_uring_setup\s+EPERM\s+seccomp\s+1/);
    expect(await t.page.locator('table.threads tbody').innerText()).toContain('polls the submission queue');
    expect(await t.page.locator('table.rings tbody').innerText()).toMatch(/fd 4 5200\s+64\s+128\s+[\d\u202f]+\s+SQPOLL/);
    expect(await t.page.locator('.insights').innerText()).toContain('io_submit blocks');
    expect(await t.trouble()).toBe('');
    for (const theme of ['dark', 'light', 'hc-dark', 'hc-light'] as const) {
      await t.page.evaluate((name) => window.ringlightDev.setTheme(name), theme);
      await t.page.waitForTimeout(300);
      await t.screenshot(`system-table-${theme}`);
      // axe itself brings styles that the policy refuses
      expect(await seriousProblems(t), theme).toEqual([]);
    }
  });

  it('shows what was only counted', async () => {
    const bytes = new StreamWriter().hello({ mode: 'aggregate' }).histograms({ from: 0, t: 500_000_000, ops: [
      { api: 'io_uring', op: 22, count: 1234, errors: 0, punted: 0, bytes: 4096, max_ns: 900, steps: [[60, 1234]] },
    ] }).goodbye({ t: 500_000_000, totals: totals({ t: 500_000_000, mode: 'aggregate' }) }).bytes();
    const t = await open(bytes);
    await expect.poll(() => t.page.locator('.numbers').innerText()).toContain('1\u202f234 counted');
    expect(await t.page.locator('.banner').innerText()).toMatch(/Histograms only\./);
    await t.page.keyboard.press('t');
    await expect.poll(() => t.page.locator('table.ops tbody').innerText()).toMatch(/READ io_uring\s+1\u202f234/);
    await t.screenshot('counted');
    expect(await t.trouble()).toBe('');
  });

  it('recolours the canvas when the theme changes', async () => {
    const t = await open(threeSpans().bytes());
    await t.drawn((r) => r.spans === 3);
    const corner = (): Promise<number[]> => t.page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>('canvas.stage')!;
      return [...canvas.getContext('2d')!.getImageData(canvas.width - 5, canvas.height - 5, 1, 1).data];
    });
    const dark = await corner();
    await t.page.evaluate(() => window.ringlightDev.setTheme('light'));
    await expect.poll(corner).not.toEqual(dark);
  });
});
