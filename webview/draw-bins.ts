/** Draws one track where its spans would be thinner than a pixel: how deep the queue was, how slow, what failed. */
import type { BinTile } from '../src/protocol/page';
import type { Lane } from './layout';
import type { Theme } from './theme';
import type { TimeScale } from './time-scale';

/** How many bins with something in them lie in the window. */
export function drawBins(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, lane: Lane, top: number, tile: BinTile): number {
  const first = Math.max(0, Math.floor((scale.t0 - tile.t0) / tile.width));
  const last = Math.min(tile.count.length, Math.ceil((scale.t1 - tile.t0) / tile.width));
  const floor = top + lane.height - 4;
  const room = lane.height - 9;
  let most = 1;
  let slowest = 1;
  let fullest = 1;
  for (let i = first; i < last; i++) {
    most = Math.max(most, tile.depth[i]!);
    slowest = Math.max(slowest, tile.longest[i]!);
    fullest = Math.max(fullest, tile.count[i]!);
  }
  const deepest = Math.max(most, lane.track.depth);
  let drawn = 0;
  const x = (i: number): number => Math.max(scale.left, scale.x(tile.t0 + i * tile.width));

  // height: operations in flight; strength: how many operations
  ctx.fillStyle = theme.accent;
  for (let i = first; i < last; i++) {
    if (tile.count[i] === 0) continue;
    drawn++;
    ctx.globalAlpha = theme.highContrast ? 1 : 0.35 + 0.5 * Math.sqrt(tile.count[i]! / fullest);
    const h = Math.max(1.5, (tile.depth[i]! / deepest) * room);
    ctx.fillRect(x(i), floor - h, x(i + 1) - x(i) + 0.3, h);
  }
  ctx.globalAlpha = 1;

  // line: the longest latency
  ctx.strokeStyle = theme.warning;
  ctx.lineWidth = 1.25;
  ctx.beginPath();
  let broken = true;
  for (let i = first; i < last; i++) {
    if (tile.count[i] === 0) {
      broken = true;
      continue;
    }
    const y = floor - (tile.longest[i]! / slowest) * (room - 2);
    const middle = (x(i) + x(i + 1)) / 2;
    if (broken) ctx.moveTo(x(i), y);
    ctx.lineTo(middle, y);
    broken = false;
  }
  ctx.stroke();

  // foot: failures, wide enough to be seen however few
  ctx.fillStyle = theme.error;
  for (let i = first; i < last; i++) {
    if (tile.failed[i] === 0) continue;
    const width = Math.max(2, x(i + 1) - x(i));
    ctx.fillRect(x(i), floor - 5, width, 8);
    if (theme.highContrast) ctx.strokeRect(x(i) - 0.5, floor - 5.5, width + 1, 9);
  }
  return drawn;
}
