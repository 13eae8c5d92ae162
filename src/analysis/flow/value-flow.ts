/** What the solved graph of a function tells: the memory at each event, and values of expressions in it. */
import type { Func } from '../model';
import type { Cfg } from './cfg';
import { keysOf, valueOf, type Surroundings } from './evaluate';
import type { Memory } from './memory';
import type { Flow } from './program';
import type { Stepper } from './stepper';
import { walkedLately, type Walk } from './walks';

/** @param entries memory at the start of each block that can be reached */
export function flowOf(func: Func, cfg: Cfg, entries: ReadonlyMap<number, Memory>, stepper: Stepper, around: Surroundings): Flow {
  const walkThrough = (): Walk => {
    const out: Walk = { steps: [], ends: new Map() };
    for (const [id, entry] of entries) {
      const block = cfg.blocks[id]!;
      let memory = entry;
      for (const event of block.events) {
        out.steps.push({ event, memory, block });
        memory = stepper.step(event, memory);
      }
      out.ends.set(block, memory);
    }
    return out;
  };
  return {
    func, cfg, effects: [],
    replay: (visit) => {
      for (const { event, memory, block } of walkedLately(entries, walkThrough).steps) visit(event, memory, block);
    },
    after: (block) => walkedLately(entries, walkThrough).ends.get(block),
    value: (e, memory) => valueOf(e, memory, around),
    keys: (e, memory) => keysOf(e, memory, around),
  };
}
