/** How much of what happens is recorded, in a few words. */
import type { TraceMode } from './wire';

/** '' where every operation has a span; `every` one in so many, 0 unknown. */
export function modeWords(mode: TraceMode, every: number): string {
  switch (mode) {
    case 'spans': return '';
    case 'sampled': return every > 1 ? `sampled 1 in ${every}` : 'sampled';
    case 'aggregate': return 'histograms only';
  }
}
