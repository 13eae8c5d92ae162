/** When every operation had a span, when one in so many, when none. */
import type { ModeStretch } from '../protocol/page';
import type { TraceMode } from '../protocol/wire';

/** A stream that changes more often is damaged or hostile. */
const MAX_CHANGES = 1 << 16;

export class Modes {
  /** in the order they arrived */
  private readonly changes: { time: number; every: number }[] = [];

  /** `every` as an instant of kind Mode has it: 1 all, N one in N, 0 none. */
  change(time: number, every: number): void {
    if (this.changes.length < MAX_CHANGES && every >= 0) this.changes.push({ time, every });
  }

  /** Whether not every operation that ended at `time` had a row; the histograms count it then. */
  isCounted(first: TraceMode, time: number): boolean {
    if (this.changes.length === 0) return first !== 'spans';
    const last = this.changes.findLast((change) => change.time <= time);
    return last ? last.every !== 1 : first !== 'spans';
  }

  /** Without gaps from 0 to `end`. `first` is the mode it began in, `sampled` one in how many then (0 unknown), where no change told. */
  stretches(first: TraceMode, sampled: number | undefined, end: number): ModeStretch[] {
    const stretches: ModeStretch[] = [];
    const begin = { time: 0, mode: first, every: first === 'spans' ? 1 : first === 'aggregate' ? 0 : (sampled ?? 0) };
    const changes = [begin, ...this.changes.map((change) => ({ ...change, mode: modeOf(change.every) })).sort((a, b) => a.time - b.time)];
    for (const [i, { time, mode, every }] of changes.entries()) {
      const from = Math.max(0, time);
      const to = Math.max(from, Math.min(end, changes[i + 1]?.time ?? end));
      const last = stretches.at(-1);
      if (last?.mode === mode && last.every === every) last.to = to;
      else if (to > from || i === changes.length - 1) stretches.push({ from, to, mode, every });
    }
    return stretches;
  }
}

function modeOf(every: number): TraceMode {
  return every === 1 ? 'spans' : every === 0 ? 'aggregate' : 'sampled';
}
