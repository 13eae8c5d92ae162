/** The whole recording on one strip, with the window marked: drag to move it, click to jump. */
import type { Tile } from '../src/protocol/page';
import { InstantKind } from '../src/protocol/wire';
import { Canvas } from './canvas';
import type { Client } from './client';
import { element } from './dom';
import type { Tiles } from './tile-source';
import type { Theme } from './theme';
import { TimeScale } from './time-scale';
import type { Viewport } from './viewport';

const REFRESH_MS = 1000;

export class Overview {
  readonly node = element('canvas', { class: 'overview', 'aria-hidden': 'true' });
  private readonly canvas: Canvas;
  private tiles: Tiles | undefined;
  private counts: Float64Array = new Float64Array(0);
  private failed: Float64Array = new Float64Array(0);
  private revision = -1;
  private askedAt = -Infinity;
  private asking = false;
  private later: number | undefined;

  constructor(private readonly client: Client, private readonly viewport: Viewport, private readonly invalidate: () => void, private readonly failedToLoad: (e: Error) => void) {
    this.canvas = new Canvas(this.node, invalidate);
    this.node.addEventListener('pointerdown', (event) => this.drag(event));
  }

  /** Asks for a fresh picture when the recording has grown, at most once a second. */
  refresh(end: number, tracks: number[], revision: number): void {
    if (revision === this.revision || this.asking || end <= 0 || tracks.length === 0 || this.node.clientWidth === 0) return;
    const wait = this.askedAt + REFRESH_MS - performance.now();
    if (wait > 0) {
      clearTimeout(this.later);
      this.later = window.setTimeout(this.invalidate, wait);
      return;
    }
    this.asking = true;
    this.askedAt = performance.now();
    this.client.request('tiles', { t0: 0, t1: end, width: this.node.clientWidth, tracks }).then((tiles) => {
      this.tiles = tiles;
      this.revision = revision;
      this.sum(tiles);
    }, this.failedToLoad).finally(() => {
      this.asking = false;
      this.invalidate();
    });
  }

  private sum({ t0, t1, tiles }: Tiles): void {
    const n = Math.max(1, this.node.clientWidth);
    this.counts = new Float64Array(n);
    this.failed = new Float64Array(n);
    for (const tile of tiles) this.add(tile, t0, (t1 - t0) / n, n);
  }
  private add(tile: Tile, t0: number, perPixel: number, n: number): void {
    const columns = (time: number, until: number, each: (x: number) => void): void => {
      const from = Math.max(0, Math.floor((time - t0) / perPixel));
      const to = Math.min(n - 1, Math.max(from, Math.ceil((until - t0) / perPixel) - 1));
      for (let x = from; x <= to; x++) each(x);
    };
    if (tile.kind === 'spans') {
      for (let i = 0; i < tile.index.length; i++) {
        columns(tile.start[i]!, tile.start[i]! + tile.duration[i]!, (x) => {
          this.counts[x]!++;
          this.failed[x]! += tile.failed[i]!;
        });
      }
      return;
    }
    // two bins may share a column: the deeper one counts
    const depth = new Float64Array(n);
    for (let i = 0; i < tile.count.length; i++) {
      const from = tile.t0 + i * tile.width;
      columns(from, from + tile.width, (x) => {
        depth[x] = Math.max(depth[x]!, tile.depth[i]!);
        this.failed[x] = Math.max(this.failed[x]!, tile.failed[i]!);
      });
    }
    for (let x = 0; x < n; x++) this.counts[x]! += depth[x]!;
  }

  private get scale(): TimeScale {
    return new TimeScale(0, Math.max(1, this.viewport.end), 0, Math.max(1, this.canvas.width));
  }

  draw(theme: Theme): void {
    const ctx = this.canvas.begin(theme.band);
    const { width, height } = this.canvas;
    const stretch = this.tiles && this.viewport.end > 0 ? this.tiles.t1 / this.viewport.end : 1;
    const step = (width / Math.max(1, this.counts.length)) * Math.min(1, stretch);
    const most = this.counts.reduce((a, b) => Math.max(a, b), 1);
    for (let i = 0; i < this.counts.length; i++) {
      if (this.counts[i] === 0) continue;
      const h = Math.max(1.5, (this.counts[i]! / most) * (height - 8));
      ctx.fillStyle = theme.accent;
      ctx.fillRect(i * step, height - 2 - h, Math.max(1, step), h);
      if (this.failed[i]! > 0) {
        ctx.fillStyle = theme.error;
        ctx.fillRect(i * step, height - 5, Math.max(1.5, step), 4);
      }
    }
    const scale = this.scale;
    const instants = this.tiles?.instants;
    for (let i = 0; instants && i < instants.time.length; i++) {
      if (instants.kind[i] !== InstantKind.Lost) continue;
      ctx.fillStyle = theme.error;
      ctx.fillRect(scale.x(instants.time[i]!) - 1, 0, 2, height);
    }
    this.drawWindow(ctx, theme, scale, width, height);
  }

  private drawWindow(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, width: number, height: number): void {
    const left = Math.max(0, scale.x(this.viewport.t0));
    const right = Math.min(width, Math.max(left + 3, scale.x(this.viewport.t1)));
    ctx.fillStyle = theme.background;
    ctx.globalAlpha = 0.6;
    ctx.fillRect(0, 0, left, height);
    ctx.fillRect(right, 0, width - right, height);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = theme.focus;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(left + 0.75, 0.75, Math.max(1, right - left - 1.5), height - 1.5);
  }

  private drag(event: PointerEvent): void {
    const at = (e: PointerEvent): number => this.scale.time(e.offsetX);
    const first = at(event);
    const { viewport } = this;
    const inside = first >= viewport.t0 && first <= viewport.t1;
    const grip = inside ? first - viewport.t0 : viewport.span / 2;
    const move = (e: PointerEvent): void => {
      const t0 = at(e) - grip;
      viewport.show(t0, t0 + viewport.span);
    };
    if (!inside) move(event);
    this.node.setPointerCapture(event.pointerId);
    this.node.addEventListener('pointermove', move);
    const done = (): void => this.node.removeEventListener('pointermove', move);
    this.node.addEventListener('pointerup', done, { once: true });
    this.node.addEventListener('pointercancel', done, { once: true });
  }
}
