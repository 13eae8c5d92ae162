/** The canvas of lanes: draws a frame from what the tile source has, and knows what lies where. */
import type { DrawnReport, RecordingStatus, SpanDetail, SpanTile } from '../src/protocol/page';
import { formatDuration, plural } from '../src/protocol/units';
import { InstantKind } from '../src/protocol/wire';
import { Canvas } from './canvas';
import { element } from './dom';
import { drawBins } from './draw-bins';
import { describeInstant, drawGrid, drawGutter, drawInstants, drawModes, drawModeWords, drawOutline } from './draw-frame';
import { drawSpans } from './draw-spans';
import { hitTest, laneAt, type Hit } from './hit-test';
import { AXIS_HEIGHT, layOut, type Lane } from './layout';
import type { TileSource } from './tile-source';
import type { Theme } from './theme';
import { TimeScale } from './time-scale';
import type { TipLine } from './tooltip';
import type { Viewport } from './viewport';

export const GUTTER = 190;

export class Stage {
  readonly node = element('canvas', {
    class: 'stage', tabindex: 0, role: 'application', 'aria-label': 'Timeline. Press question mark for the keys, t for the same operations as a table.',
  });
  readonly canvas: Canvas;
  lanes: Lane[] = [];
  /** of all lanes, CSS pixels */
  contentHeight = 0;
  scrollY = 0;
  order: number[] = [];
  hover: Hit | undefined;
  hoveredLane: number | undefined;

  constructor(private readonly viewport: Viewport, readonly source: TileSource, resized: () => void) {
    this.canvas = new Canvas(this.node, resized);
  }

  get scale(): TimeScale {
    return new TimeScale(this.viewport.t0, this.viewport.t1, GUTTER, Math.max(1, this.node.clientWidth - GUTTER));
  }
  get lanesHeight(): number {
    return Math.max(0, this.node.clientHeight - AXIS_HEIGHT);
  }

  layOut(status: RecordingStatus): void {
    const { lanes, height } = layOut(status.tracks, this.order, this.lanesHeight);
    this.lanes = lanes;
    this.contentHeight = height;
    this.scrollY = Math.max(0, Math.min(this.scrollY, height - this.lanesHeight));
  }

  private visible(): Lane[] {
    return this.lanes.filter((lane) => lane.top + lane.height > this.scrollY && lane.top < this.scrollY + this.lanesHeight);
  }

  /** Asks for the tiles that the next frames will want. */
  want(revision: number): void {
    const { t0, t1 } = this.viewport;
    this.source.want(t0, t1, Math.round(this.scale.width), this.visible().map((lane) => lane.track.id), revision);
  }

  draw(theme: Theme, selected: SpanDetail | undefined): Omit<DrawnReport, 'frame' | 'selected'> {
    const ctx = this.canvas.begin(theme.background);
    const { width, height } = this.canvas;
    const { scale, viewport } = this;
    const report = { t0: viewport.t0, t1: viewport.t1, tracks: 0, spans: 0, bins: 0 };
    const { tiles = [], pending = [], modes = [] } = this.source.tiles ?? {};
    drawGrid(ctx, theme, scale, height, viewport.end);
    ctx.save();
    ctx.beginPath();
    ctx.rect(scale.left, AXIS_HEIGHT, scale.width, height);
    ctx.clip();
    drawModes(ctx, theme, scale, height, modes);
    for (const lane of this.visible()) {
      const top = AXIS_HEIGHT + lane.top - this.scrollY;
      const tile = tiles.find((t) => t.track === lane.track.id);
      if (!tile) continue;
      report.tracks++;
      if (tile.kind === 'spans') report.spans += drawSpans(ctx, theme, scale, lane, top, tile);
      else report.bins += drawBins(ctx, theme, scale, lane, top, tile);
      const open = pending.find((t) => t.track === lane.track.id);
      if (open) report.spans += drawSpans(ctx, theme, scale, lane, top, open, true);
    }
    drawModeWords(ctx, theme, scale, height, modes);
    this.outlines(ctx, theme, selected);
    ctx.restore();
    if (this.source.tiles) drawInstants(ctx, theme, scale, height, this.source.tiles.instants);
    drawGutter(ctx, theme, GUTTER, height, this.visible(), this.scrollY, this.hoveredLane);
    this.separators(ctx, theme, width);
    return report;
  }

  private separators(ctx: CanvasRenderingContext2D, theme: Theme, width: number): void {
    ctx.save();
    ctx.beginPath();
    ctx.rect(0, AXIS_HEIGHT, width, this.canvas.height);
    ctx.clip();
    ctx.fillStyle = theme.line;
    for (const lane of this.visible()) ctx.fillRect(0, Math.round(AXIS_HEIGHT + lane.top + lane.height - this.scrollY) - 1, width, 1);
    ctx.restore();
  }

  private outlines(ctx: CanvasRenderingContext2D, theme: Theme, selected: SpanDetail | undefined): void {
    const { hover } = this;
    if (hover?.kind === 'span') drawOutline(ctx, theme.foreground, 1, this.spanBox(hover.lane, hover.tile.start[hover.i]!, hover.tile.duration[hover.i]!, hover.tile.slot[hover.i]!));
    if (!selected) return;
    const found = this.find(selected.index, selected.track);
    if (found) drawOutline(ctx, theme.focus, 2, this.spanBox(found.lane, selected.start, selected.duration, found.tile.slot[found.i]!));
  }

  private spanBox(lane: Lane, start: number, duration: number, slot: number): { x: number; y: number; w: number; h: number } {
    const { scale } = this;
    const x = Math.max(scale.left - 4, scale.x(start));
    const end = Math.min(scale.left + scale.width + 4, scale.x(start + duration));
    const y = AXIS_HEIGHT + lane.top - this.scrollY + lane.rowsTop + slot * lane.rowHeight;
    return { x, y, w: Math.max(1.5, end - x), h: Math.max(1, lane.rowHeight - (lane.rowHeight >= 6 ? 1.5 : 0)) };
  }

  /** Where a span is drawn, if its track is shown as spans. */
  find(index: number, track: number): { lane: Lane; tile: SpanTile; i: number } | undefined {
    const lane = this.lanes.find((l) => l.track.id === track);
    const { tiles = [], pending = [] } = this.source.tiles ?? {};
    for (const tile of lane ? [...tiles, ...pending] : []) {
      const i = tile.track === track && tile.kind === 'spans' ? tile.index.indexOf(index) : -1;
      if (i >= 0) return { lane: lane!, tile: tile as SpanTile, i };
    }
    return undefined;
  }

  /** Brings a track's lane into view. */
  revealLane(track: number): void {
    const lane = this.lanes.find((l) => l.track.id === track);
    if (!lane) return;
    if (lane.top < this.scrollY) this.scrollY = lane.top;
    else if (lane.top + lane.height > this.scrollY + this.lanesHeight) this.scrollY = Math.min(lane.top, lane.top + lane.height - this.lanesHeight);
  }

  at(x: number, y: number): Hit | undefined {
    return hitTest(this.lanes, this.source.tiles?.tiles ?? [], this.source.tiles?.pending ?? [], this.scale, x, y, this.scrollY);
  }
  laneAt(y: number): Lane | undefined {
    return laneAt(this.lanes, y, this.scrollY);
  }

  /** What to say about a place that is not a span. */
  tipAt(x: number, y: number, hit: Hit | undefined): TipLine[] {
    const { instants } = this.source.tiles ?? {};
    if (instants && y < AXIS_HEIGHT + 6) {
      const lines = [...instants.time.keys()].filter((i) => instants.kind[i] !== InstantKind.Mode && Math.abs(this.scale.x(instants.time[i]!) - x) < 6)
        .map((i) => describeInstant(instants.kind[i]!, instants.value[i]!));
      if (lines.length > 0) return lines;
    }
    if (x < GUTTER) {
      const track = this.laneAt(y)?.track;
      return track ? [{ strong: track.comm || 'process', rest: String(track.pid) }, track.label, track.kind === 'calls' ? plural(track.spans, 'call') : `${plural(track.spans, 'span')}, up to ${track.depth} in flight`] : [];
    }
    if (hit?.kind !== 'bin') return [];
    const { tile, i, lane } = hit;
    const failed = tile.failed[i]!;
    const calls = lane.track.kind === 'calls';
    return [
      { strong: plural(tile.count[i]!, calls ? 'call' : 'operation'), rest: `in ${formatDuration(tile.width)}` },
      ...(failed > 0 ? [{ bad: `${failed} failed` }] : []),
      `longest ${formatDuration(tile.longest[i]!)}${calls ? '' : `, up to ${tile.depth[i]} in flight`}`, 'zoom in to see each one',
    ];
  }
}
