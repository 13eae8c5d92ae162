/** What surrounds the tracks: axis, grid, names of the lanes, instants, selection. */
import { modeWords } from '../src/protocol/mode-words';
import { registerName } from '../src/protocol/ops';
import type { InstantColumns, ModeStretch } from '../src/protocol/page';
import { InstantKind } from '../src/protocol/wire';
import { formatBytes, formatCount, plural } from '../src/protocol/units';
import { AXIS_HEIGHT, type Lane } from './layout';
import type { Theme } from './theme';
import { formatMoment, type TimeScale } from './time-scale';

export function drawGrid(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, height: number, end: number): void {
  const { step, times } = scale.ticks(110);
  ctx.strokeStyle = theme.line;
  ctx.lineWidth = 1;
  ctx.globalAlpha = theme.highContrast ? 0.35 : 1;
  ctx.beginPath();
  for (const time of times) {
    const x = Math.round(scale.x(time)) + 0.5;
    ctx.moveTo(x, AXIS_HEIGHT);
    ctx.lineTo(x, height);
  }
  ctx.stroke();
  ctx.globalAlpha = 1;
  // outside the recording there is nothing to see
  ctx.fillStyle = theme.line;
  ctx.globalAlpha = theme.highContrast ? 0.15 : 0.35;
  const begin = scale.x(0);
  const finish = scale.x(end);
  if (begin > scale.left) ctx.fillRect(scale.left, AXIS_HEIGHT, begin - scale.left, height);
  if (finish < scale.left + scale.width) ctx.fillRect(Math.max(scale.left, finish), AXIS_HEIGHT, scale.width, height);
  ctx.globalAlpha = 1;
  drawAxis(ctx, theme, scale, step, times);
}

function drawAxis(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, step: number, times: number[]): void {
  ctx.fillStyle = theme.band;
  ctx.fillRect(scale.left, 0, scale.width, AXIS_HEIGHT);
  ctx.font = `${theme.fontSize - 2}px ${theme.font}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  const largest = Math.max(Math.abs(scale.t0), Math.abs(scale.t1));
  for (const time of times) {
    const x = Math.round(scale.x(time)) + 0.5;
    ctx.fillStyle = theme.line;
    ctx.fillRect(x - 0.5, AXIS_HEIGHT - 7, 1, 7);
    ctx.fillStyle = theme.muted;
    ctx.fillText(formatMoment(time, step, largest), x + 4, AXIS_HEIGHT / 2);
  }
  ctx.fillStyle = theme.line;
  ctx.fillRect(scale.left, AXIS_HEIGHT - 1, scale.width, 1);
}

/** The left column: process, ring, how many. Names are drawn, never parsed. */
export function drawGutter(ctx: CanvasRenderingContext2D, theme: Theme, width: number, height: number, lanes: Lane[], scrollY: number, hovered: number | undefined): void {
  ctx.fillStyle = theme.gutter;
  ctx.fillRect(0, 0, width, height);
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, AXIS_HEIGHT, width, height);
  ctx.clip();
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  for (const lane of lanes) {
    const top = AXIS_HEIGHT + lane.top - scrollY;
    const { track } = lane;
    const name = track.comm ? `${track.comm} ` : 'process ';
    ctx.font = `600 ${theme.fontSize - 1}px ${theme.font}`;
    ctx.fillStyle = hovered === track.id ? theme.hover : theme.foreground;
    const pid = String(track.pid);
    ctx.fillText(fitText(ctx, name, width - 24 - ctx.measureText(pid).width), 10, top + 17);
    const after = 10 + Math.min(ctx.measureText(name).width, width - 24 - ctx.measureText(pid).width);
    ctx.font = `${theme.fontSize - 2}px ${theme.font}`;
    ctx.fillStyle = theme.muted;
    ctx.fillText(pid, after, top + 17);
    ctx.fillText(fitText(ctx, track.label, width - 18), 10, top + 32);
    if (lane.height >= 56) ctx.fillText(track.kind === 'calls' ? plural(track.spans, 'call') : `${plural(track.spans, 'span')} · up to ${formatCount(track.depth)} in flight`, 10, top + 47, width - 18);
  }
  ctx.restore();
  ctx.fillStyle = theme.line;
  ctx.fillRect(width - 1, 0, 1, height);
  ctx.fillRect(0, AXIS_HEIGHT - 1, width, 1);
}

function fitText(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text;
  let low = 0;
  let high = Math.min(text.length, 200);
  while (low < high) {
    const mid = (low + high + 1) >>> 1;
    if (ctx.measureText(`${text.slice(0, mid)}…`).width <= width) low = mid;
    else high = mid - 1;
  }
  return `${text.slice(0, low)}…`;
}

/** Losses reach over all lanes: nothing there may be taken as complete. Others mark the axis. */
export function drawInstants(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, height: number, instants: InstantColumns): void {
  for (let i = 0; i < instants.time.length; i++) {
    const x = scale.x(instants.time[i]!);
    if (x < scale.left || x > scale.left + scale.width) continue;
    const kind = instants.kind[i];
    // a mode is a stretch, drawn as one
    if (kind === InstantKind.Mode) continue;
    const lost = kind === InstantKind.Lost;
    ctx.fillStyle = ctx.strokeStyle = lost ? theme.error : kind === InstantKind.Register || kind === InstantKind.Security ? theme.muted : theme.warning;
    if (lost) {
      ctx.lineWidth = 1;
      ctx.setLineDash([4, 3]);
      ctx.beginPath();
      ctx.moveTo(Math.round(x) + 0.5, AXIS_HEIGHT);
      ctx.lineTo(Math.round(x) + 0.5, height);
      ctx.stroke();
      ctx.setLineDash([]);
    }
    ctx.beginPath();
    ctx.moveTo(x - 4.5, AXIS_HEIGHT - 9);
    ctx.lineTo(x + 4.5, AXIS_HEIGHT - 9);
    ctx.lineTo(x, AXIS_HEIGHT - 1);
    ctx.fill();
  }
}

const SECURITY: Record<number, string> = { 1: 'a command to a device (uring_cmd)', 2: 'a polling thread (sqpoll)', 3: 'other credentials (override_creds)' };

/** Where not every operation has a span: a tint behind all lanes, and dashed bounds. */
export function drawModes(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, height: number, modes: ModeStretch[]): void {
  for (const { from, to, mode } of modes) {
    const left = Math.max(scale.left, scale.x(from));
    const right = Math.min(scale.left + scale.width, scale.x(to));
    if (mode === 'spans' || right <= left) continue;
    ctx.fillStyle = theme.warning;
    ctx.globalAlpha = theme.highContrast ? 0.2 : mode === 'aggregate' ? 0.15 : 0.08;
    ctx.fillRect(left, AXIS_HEIGHT, right - left, height - AXIS_HEIGHT);
    ctx.globalAlpha = 1;
    ctx.setLineDash([2, 3]);
    ctx.strokeStyle = theme.warning;
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (const x of [left, right]) {
      ctx.moveTo(Math.round(x) + 0.5, AXIS_HEIGHT);
      ctx.lineTo(Math.round(x) + 0.5, height);
    }
    ctx.stroke();
    ctx.setLineDash([]);
  }
}

/** The same in words at the foot, over whatever lies there. */
export function drawModeWords(ctx: CanvasRenderingContext2D, theme: Theme, scale: TimeScale, height: number, modes: ModeStretch[]): void {
  ctx.font = `${theme.fontSize - 2}px ${theme.font}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  for (const { from, to, mode, every } of modes) {
    const left = Math.max(scale.left, scale.x(from));
    const right = Math.min(scale.left + scale.width, scale.x(to));
    if (mode === 'spans' || right <= left) continue;
    ctx.fillStyle = theme.background;
    ctx.fillRect(left, height - MODE_STRIP, right - left, MODE_STRIP);
    ctx.fillStyle = theme.warning;
    ctx.fillRect(left, height - MODE_STRIP, right - left, 1.5);
    const words = `${modeWords(mode, every)} here`;
    if (ctx.measureText(words).width + 12 > right - left) continue;
    ctx.fillStyle = theme.foreground;
    ctx.fillText(words, left + 6, height - MODE_STRIP / 2 + 1);
  }
}
const MODE_STRIP = 17;

/** In words, for the tooltip. */
export function describeInstant(kind: number, value: number): string {
  switch (kind) {
    case InstantKind.Lost: return `${plural(value, 'record')} lost around here`;
    case InstantKind.CqOverflow: return 'Completion queue overflow';
    case InstantKind.ShortWrite: return `Short write: ${formatBytes(value)} not written`;
    case InstantKind.LinkFailed: return `A linked chain failed: the request with user_data 0x${value.toString(16)} was cancelled`;
    case InstantKind.Register: return `io_uring_register: ${registerName(value)}`;
    case InstantKind.Security: return `A security module was asked about ${SECURITY[value] ?? 'io_uring'}`;
    default: return 'Event';
  }
}

export function drawOutline(ctx: CanvasRenderingContext2D, colour: string, width: number, box: { x: number; y: number; w: number; h: number }): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = width;
  ctx.strokeRect(box.x - width / 2, box.y - width / 2, box.w + width, box.h + width);
}
