/** A canvas that is as large as its box, in device pixels, and draws in CSS pixels. */
export class Canvas {
  readonly ctx: CanvasRenderingContext2D;
  width = 0;
  height = 0;

  constructor(readonly node: HTMLCanvasElement, resized: () => void) {
    this.ctx = node.getContext('2d')!;
    new ResizeObserver(resized).observe(node);
  }

  /** Takes the box's size and clears. */
  begin(background: string): CanvasRenderingContext2D {
    const { node, ctx } = this;
    const ratio = window.devicePixelRatio || 1;
    this.width = node.clientWidth;
    this.height = node.clientHeight;
    const w = Math.round(this.width * ratio);
    const h = Math.round(this.height * ratio);
    if (node.width !== w || node.height !== h) {
      node.width = w;
      node.height = h;
    }
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = background;
    ctx.fillRect(0, 0, this.width, this.height);
    return ctx;
  }
}

/** Diagonal lines: what failed is told apart by pattern as well as by colour. */
export function hatch(ctx: CanvasRenderingContext2D, colour: string, ground: string): CanvasPattern | string {
  const key = `${colour} ${ground}`;
  const known = patterns.get(key);
  if (known) return known;
  const tile = document.createElement('canvas');
  tile.width = tile.height = 6;
  const t = tile.getContext('2d')!;
  t.fillStyle = colour;
  t.fillRect(0, 0, 6, 6);
  t.strokeStyle = ground;
  t.lineWidth = 1.4;
  t.beginPath();
  for (const at of [-6, 0, 6]) {
    t.moveTo(at - 1, 7);
    t.lineTo(at + 7, -1);
  }
  t.stroke();
  const pattern = ctx.createPattern(tile, 'repeat') ?? colour;
  patterns.set(key, pattern);
  return pattern;
}
const patterns = new Map<string, CanvasPattern | string>();
