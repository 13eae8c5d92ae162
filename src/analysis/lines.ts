/** Offsets of a text as lines and columns, and back. */
import type { Position } from '../protocol/analysis';
import { difference } from './languages/text';

export class Lines {
  /** @internal */
  readonly starts: Int32Array;

  /** `before`: those of a text that is much the same. */
  constructor(readonly text: string, before?: Lines) {
    this.starts = before ? moved(before, text) : Int32Array.from([0, ...breaks(text, 0, text.length)]);
  }
  get count(): number {
    return this.starts.length;
  }
  position(offset: number): Position {
    const line = Math.max(0, this.behind(offset) - 1);
    return { line, column: offset - this.starts[line]! };
  }
  /** How many lines begin at or before an offset. */
  behind(offset: number): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  offset(position: Position): number {
    return Math.min(this.text.length, this.start(position.line) + position.column);
  }
  /** Whether an offset lies at a position. */
  isAt(offset: number, { line, column }: Position): boolean {
    const start = this.starts[line];
    return start !== undefined && start + column === offset && offset < (this.starts[line + 1] ?? Infinity);
  }
  /** Where a line begins; the end of the text for those it does not have. */
  start(line: number): number {
    return this.starts[line] ?? this.text.length;
  }
}

/** Behind each line break that begins in a stretch of the text. */
function breaks(text: string, from: number, end: number): number[] {
  const out: number[] = [];
  for (let at = text.indexOf('\n', from); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) out.push(at + 1);
  return out;
}
/** Looks only at what is different. */
function moved(before: Lines, text: string): Int32Array {
  const { start, oldEnd, newEnd } = difference(before.text, text);
  const head = before.starts.subarray(0, before.behind(start));
  const tail = before.starts.subarray(before.behind(oldEnd));
  const between = breaks(text, start, newEnd);
  const out = new Int32Array(head.length + between.length + tail.length);
  out.set(head);
  out.set(between, head.length);
  out.set(tail, head.length + between.length);
  for (let i = head.length + between.length; i < out.length; i++) out[i]! += newEnd - oldEnd;
  return out;
}
