/** Ways through functions, kept while one rule after the other looks at them. */
import type { Block, Event } from './cfg';
import type { Memory } from './memory';

/** The way through a flow: every event with the memory before it, and the memory at the end of each block. */
export interface Walk { steps: { event: Event; memory: Memory; block: Block }[]; ends: Map<Block, Memory> }
/** Flows whose ways are kept: one rule after the other looks at the same function. */
const LATELY = 16;
const lately = new Map<object, Walk>();
/** The way through a flow; those taken last are not taken again. */
export function walkedLately(flow: object, take: () => Walk): Walk {
  let known = lately.get(flow);
  if (known) lately.delete(flow);
  else known = take();
  lately.set(flow, known);
  for (const oldest of lately.keys()) {
    if (lately.size <= LATELY) break;
    lately.delete(oldest);
  }
  return known;
}
