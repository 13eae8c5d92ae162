/** Draws one track where its spans would be thinner than a pixel: how deep the queue was, how slow, what failed. */
import type { BinTile } from '../src/protocol/page';
import { formatDuration } from '../src/protocol/units';
import type { Lane } from './layout';
import type { Theme } from './theme';
import type { TimeScale } from './time-scale';

/** What falls into one pixel column; bins are no wider than that when they are fresh. */
interface Columns { count: Float64Array; depth: Float64Array; longest: Float64Array; failed: Float64Array }

/** How many bins with something in them lie in the window. */
export function drawBins(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, lane: Lane, top: number, tile: BinTile): number {
  const { columns, drawn } = toColumns(tile, scale);
  const floor = Math.round(top + lane.height) - 5;
  const room = lane.height - 10;
  const max = (values: Float64Array): number => values.reduce((a, b) => Math.max(a, b), 1);
  const fullest = max(columns.count);
  const slowest = max(columns.longest);
  const deepest = Math.max(max(columns.depth), lane.track.depth);
  const n = columns.count.length;

  // height: operations in flight; strength: how many operations
  ctx.fillStyle = theme.accent;
  for (let x = 0; x < n; x++) {
    if (columns.count[x] === 0) continue;
    ctx.globalAlpha = theme.highContrast ? 1 : 0.45 + 0.4 * Math.sqrt(columns.count[x]! / fullest);
    const h = Math.max(2, Math.round((columns.depth[x]! / deepest) * room));
    ctx.fillRect(scale.left + x, floor - h, 1, h);
  }
  ctx.globalAlpha = 1;
  drawLongest(ctx, theme, scale, columns, floor, room - 2, slowest);

  // foot: failures, wide enough to be seen however few
  ctx.fillStyle = theme.error;
  for (let x = 0; x < n; x++) if (columns.failed[x]! > 0) ctx.fillRect(scale.left + x - 0.5, floor, 2, 4);

  if (drawn > 0) drawScale(ctx, theme, scale, top, `longest ${formatDuration(slowest)}`);
  return drawn;
}

function toColumns(tile: BinTile, scale: TimeScale): { columns: Columns; drawn: number } {
  const n = Math.max(1, Math.ceil(scale.width));
  const columns: Columns = { count: new Float64Array(n), depth: new Float64Array(n), longest: new Float64Array(n), failed: new Float64Array(n) };
  const first = Math.max(0, Math.floor((scale.t0 - tile.t0) / tile.width));
  const last = Math.min(tile.count.length, Math.ceil((scale.t1 - tile.t0) / tile.width));
  let drawn = 0;
  for (let i = first; i < last; i++) {
    if (tile.count[i] === 0) continue;
    drawn++;
    const left = tile.t0 + i * tile.width;
    const from = Math.max(0, Math.floor(scale.x(left) - scale.left));
    const to = Math.min(n - 1, Math.max(from, Math.ceil(scale.x(left + tile.width) - scale.left) - 1));
    for (let x = from; x <= to; x++) {
      columns.count[x] = Math.max(columns.count[x]!, tile.count[i]!);
      columns.depth[x] = Math.max(columns.depth[x]!, tile.depth[i]!);
      columns.longest[x] = Math.max(columns.longest[x]!, tile.longest[i]!);
      columns.failed[x] = Math.max(columns.failed[x]!, tile.failed[i]!);
    }
  }
  return { columns, drawn };
}

/** A line of the longest latency, linear from the lane's floor. */
function drawLongest(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, columns: Columns, floor: number, room: number, slowest: number): void {
  ctx.beginPath();
  let broken = true;
  for (let x = 0; x < columns.count.length; x++) {
    if (columns.count[x] === 0) {
      broken = true;
      continue;
    }
    const y = floor - (columns.longest[x]! / slowest) * room;
    if (broken) ctx.moveTo(scale.left + x, y);
    ctx.lineTo(scale.left + x + 0.5, y);
    broken = false;
  }
  ctx.lineJoin = 'round';
  // a dark rim keeps the line readable on the bars
  ctx.strokeStyle = theme.background;
  ctx.globalAlpha = 0.7;
  ctx.lineWidth = 3;
  ctx.stroke();
  ctx.globalAlpha = 1;
  ctx.strokeStyle = theme.warning;
  ctx.lineWidth = 1.4;
  ctx.stroke();
}

/** What the top of the line means. */
function drawScale(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, top: number, text: string): void {
  ctx.font = `${theme.fontSize - 3}px ${theme.font}`;
  ctx.textBaseline = 'middle';
  const width = ctx.measureText(text).width;
  const x = scale.left + scale.width - width - 12;
  ctx.fillStyle = theme.band;
  ctx.globalAlpha = 0.9;
  ctx.fillRect(x - 5, top + 4, width + 10, 15);
  ctx.globalAlpha = 1;
  ctx.fillStyle = theme.warning;
  ctx.fillRect(x - 5, top + 4, 2, 15);
  ctx.fillStyle = theme.foreground;
  ctx.fillText(text, x, top + 12);
}
