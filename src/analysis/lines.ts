/** Offsets of a text as lines and columns, and back. */
import type { Position } from '../protocol/analysis';

export class Lines {
  private readonly starts: number[] = [0];

  constructor(private readonly text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.starts.push(at + 1);
  }
  get count(): number {
    return this.starts.length;
  }
  position(offset: number): Position {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low, column: offset - this.starts[low]! };
  }
  offset(position: Position): number {
    return Math.min(this.text.length, this.start(position.line) + position.column);
  }
  /** Where a line begins; the end of the text for those it does not have. */
  start(line: number): number {
    return this.starts[line] ?? this.text.length;
  }
}
