/** Draws one track's spans, row by row; columns in, rectangles out. */
import type { OpClass } from '../src/protocol/ops';
import type { SpanTile } from '../src/protocol/page';
import { formatDuration } from '../src/protocol/units';
import { SpanFlag } from '../src/protocol/wire';
import { hatch } from './canvas';
import type { Lane } from './layout';
import { rowClass, rowName } from './row-kind';
import type { Theme } from './theme';
import type { TimeScale } from './time-scale';

/** A span is as wide as its time, but never thinner than can be seen. */
const MIN_WIDTH = 1.5;
const LABEL_MIN_WIDTH = 34;
const LABEL_MIN_ROW = 12;

/** How many spans lie in the window. `open`: they are in flight still, and end where the recording does for now. */
export function drawSpans(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, lane: Lane, top: number, tile: SpanTile, open = false): number {
  const right = scale.left + scale.width;
  const gap = lane.rowHeight >= 6 ? 1.5 : lane.rowHeight >= 3 ? 0.5 : 0;
  const height = Math.max(1, lane.rowHeight - gap);
  const groups = new Map<OpClass | 'failed' | 'open', number[]>();
  let drawn = 0;
  for (let i = 0; i < tile.index.length; i++) {
    const start = tile.start[i]!;
    if (start >= scale.t1 || start + Math.max(1, tile.duration[i]!) <= scale.t0) continue;
    drawn++;
    const kind = open ? 'open' : tile.failed[i] ? 'failed' : rowClass(lane.track, tile.op[i]!);
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
    const hatched = kind === 'failed' || kind === 'open';
    ctx.fillStyle = hatched ? hatch(ctx, kind === 'failed' ? theme.error : theme.warning, theme.background) : theme.ops[kind];
    for (const i of groups.get(kind)!) {
      const [x, y, w] = box(i);
      const width = w > 4 ? w - 0.75 : w;
      ctx.fillRect(x, y, width, height);
      if (hatched && theme.highContrast && w > 3) {
        ctx.strokeStyle = theme.foreground;
        ctx.lineWidth = 1;
        ctx.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
      }
    }
    if (tile.asleep.length > 0 && !hatched) drawWaits(ctx, theme, tile, groups.get(kind)!, box, height);
    drawMarks(ctx, theme, scale, tile, groups.get(kind)!, box, height);
    if (height >= LABEL_MIN_ROW) drawLabels(ctx, theme, scale, lane, tile, groups.get(kind)!, box, height, kind === 'failed' ? theme.error : kind === 'open' ? theme.warning : '');
  }
  return drawn;
}

/** A system call that waited: which share of its time, from its end backwards; blocked last. When it waited is not known. */
function drawWaits(
  ctx: CanvasRenderingContext2D, theme: Theme, tile: SpanTile, members: number[], box: (i: number) => [number, number, number], height: number,
): void {
  for (const i of members) {
    const duration = tile.duration[i]!;
    const [x, y, w] = box(i);
    if (duration <= 0 || tile.asleep[i] === 0 || w < 3) continue;
    const asleep = (tile.asleep[i]! / duration) * w;
    const blocked = (tile.blocked[i]! / duration) * w;
    // lighter: the ground shines through; a line on top keeps the extent in high contrast
    ctx.fillStyle = theme.background;
    ctx.globalAlpha = theme.highContrast ? 1 : 0.62;
    const top = theme.highContrast ? Math.min(2, height / 3) : 0;
    ctx.fillRect(x + w - asleep, y + top, asleep - blocked, height - 2 * top);
    ctx.globalAlpha = 1;
    if (blocked < 0.5) continue;
    if (w > 12 && blocked < w) {
      ctx.fillStyle = theme.background;
      ctx.fillRect(x + w - blocked - 1.5, y, 1.5, height);
    }
    ctx.fillStyle = theme.warning;
    ctx.fillRect(x + w - blocked, y, blocked - (w > 4 ? 0.75 : 0), height);
  }
}

/** A stripe under what a worker had to run, a divider where it parted from its submitter, an open end on what had not finished. */
function drawMarks(
  ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, tile: SpanTile, members: number[], box: (i: number) => [number, number, number], height: number,
): void {
  if (height < 4) return;
  for (const i of members) {
    const flags = tile.flags[i]!;
    const parted = tile.parted[i]!;
    if (!(flags & (SpanFlag.Punted | SpanFlag.Unfinished | SpanFlag.Overflow)) && parted < 0) continue;
    const [x, y, w] = box(i);
    const at = scale.x(tile.start[i]! + parted);
    // not where it would be the edge
    if (parted >= 0 && at > x + 2 && at < x + w - 2) {
      ctx.fillStyle = theme.background;
      ctx.fillRect(at - 1, y, 2, height);
    }
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
  box: (i: number) => [number, number, number], height: number, colour: string,
): void {
  ctx.font = `${Math.min(11, theme.fontSize - 2)}px ${theme.font}`;
  ctx.textBaseline = 'middle';
  for (const i of members) {
    const [x, y, w] = box(i);
    const from = Math.max(x, scale.left);
    const visible = Math.min(x + w, scale.left + scale.width) - from;
    if (visible < LABEL_MIN_WIDTH) continue;
    const name = rowName(lane.track, tile.op[i]!);
    const long = `${name}  ${formatDuration(tile.duration[i]!)}`;
    const text = ctx.measureText(long).width + 10 < visible ? long : name;
    const measured = ctx.measureText(text).width;
    if (measured + 6 > visible) continue;
    // the label would hide how it waited
    if ((tile.asleep[i] ?? 0) > 0 && measured + 6 > visible * 0.6) continue;
    // text on a hatch, or over several colours, cannot be read
    const waits = (tile.asleep[i] ?? 0) > 0;
    if (colour || waits) {
      ctx.fillStyle = theme.background;
      ctx.fillRect(from + 2, y + 1, measured + 6, height - 2);
      ctx.fillStyle = colour || theme.foreground;
    } else ctx.fillStyle = theme.onOp;
    ctx.fillText(text, from + 5, y + height / 2 + 0.5);
  }
}
