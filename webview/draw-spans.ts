/** Draws one track's spans, row by row; columns in, rectangles out. */
import { opClass, opName, type OpClass } from '../src/protocol/ops';
import type { SpanTile } from '../src/protocol/page';
import { formatDuration } from '../src/protocol/units';
import { SpanFlag } from '../src/protocol/wire';
import { hatch } from './canvas';
import type { Lane } from './layout';
import type { Theme } from './theme';
import type { TimeScale } from './time-scale';

/** A span is as wide as its time, but never thinner than can be seen. */
const MIN_WIDTH = 1.5;
const LABEL_MIN_WIDTH = 34;
const LABEL_MIN_ROW = 12;

/** How many spans lie in the window. */
export function drawSpans(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, lane: Lane, top: number, tile: SpanTile): number {
  const right = scale.left + scale.width;
  const gap = lane.rowHeight >= 6 ? 1.5 : lane.rowHeight >= 3 ? 0.5 : 0;
  const height = Math.max(1, lane.rowHeight - gap);
  const groups = new Map<OpClass | 'failed', number[]>();
  let drawn = 0;
  for (let i = 0; i < tile.index.length; i++) {
    const start = tile.start[i]!;
    if (start >= scale.t1 || start + Math.max(1, tile.duration[i]!) <= scale.t0) continue;
    drawn++;
    const kind = tile.failed[i] ? 'failed' : opClass(lane.track.api, tile.op[i]!);
    const group = groups.get(kind);
    if (group) group.push(i);
    else groups.set(kind, [i]);
  }
  const box = (i: number): [x: number, y: number, w: number] => {
    const x = Math.max(scale.left - 2, scale.x(tile.start[i]!));
    const end = Math.min(right + 2, scale.x(tile.start[i]! + tile.duration[i]!));
    return [x, top + lane.rowsTop + tile.slot[i]! * lane.rowHeight, Math.max(MIN_WIDTH, end - x)];
  };
  // what failed is drawn last, so that nothing hides it
  const kinds = [...groups.keys()].sort((a, b) => Number(a === 'failed') - Number(b === 'failed'));
  for (const kind of kinds) {
    ctx.fillStyle = kind === 'failed' ? hatch(ctx, theme.error, theme.background) : theme.ops[kind];
    for (const i of groups.get(kind)!) {
      const [x, y, w] = box(i);
      const width = w > 4 ? w - 0.75 : w;
      ctx.fillRect(x, y, width, height);
      if (kind === 'failed' && theme.highContrast && w > 3) {
        ctx.strokeStyle = theme.foreground;
        ctx.lineWidth = 1;
        ctx.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
      }
    }
    drawMarks(ctx, theme, tile, groups.get(kind)!, box, height);
    if (height >= LABEL_MIN_ROW) drawLabels(ctx, theme, scale, lane, tile, groups.get(kind)!, box, height, kind === 'failed');
  }
  return drawn;
}

/** A stripe under what a worker had to run, an open end on what had not finished. */
function drawMarks(
  ctx: CanvasRenderingContext2D, theme: Theme, tile: SpanTile, members: number[], box: (i: number) => [number, number, number], height: number,
): void {
  if (height < 4) return;
  for (const i of members) {
    const flags = tile.flags[i]!;
    if (!(flags & (SpanFlag.Punted | SpanFlag.Unfinished | SpanFlag.Overflow))) continue;
    const [x, y, w] = box(i);
    if ((flags & SpanFlag.Punted && !(flags & SpanFlag.PuntExpected)) || flags & SpanFlag.Overflow) {
      ctx.fillStyle = theme.foreground;
      ctx.fillRect(x, y + height - Math.max(1.5, height * 0.16), Math.max(1, w - 0.75), Math.max(1.5, height * 0.16));
    }
    if (flags & SpanFlag.Unfinished && w > 8) {
      ctx.fillStyle = theme.background;
      for (let k = 0; k < 3; k++) ctx.fillRect(x + w - 3 - k * 4, y, 1.5, height);
    }
  }
}

function drawLabels(
  ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, lane: Lane, tile: SpanTile, members: number[],
  box: (i: number) => [number, number, number], height: number, failed: boolean,
): void {
  ctx.font = `${Math.min(11, theme.fontSize - 2)}px ${theme.font}`;
  ctx.textBaseline = 'middle';
  for (const i of members) {
    const [x, y, w] = box(i);
    const from = Math.max(x, scale.left);
    const visible = Math.min(x + w, scale.left + scale.width) - from;
    if (visible < LABEL_MIN_WIDTH) continue;
    const name = opName(lane.track.api, tile.op[i]!);
    const long = `${name}  ${formatDuration(tile.duration[i]!)}`;
    const text = ctx.measureText(long).width + 10 < visible ? long : name;
    const measured = ctx.measureText(text).width;
    if (measured + 6 > visible) continue;
    if (failed) {
      // text on a hatch cannot be read
      ctx.fillStyle = theme.background;
      ctx.fillRect(from + 2, y + 1, measured + 6, height - 2);
      ctx.fillStyle = theme.error;
    } else ctx.fillStyle = theme.onOp;
    ctx.fillText(text, from + 5, y + height / 2 + 0.5);
  }
}
