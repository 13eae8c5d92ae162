/** From the value flow of a function to what its callers may know of it. */
import { joinMemory, type Memory } from './memory';
import type { Flow } from './program';
import { isShared, type Summary } from './summary';
import { join, NOTHING } from './value';

/** What callers may know of a function, from what holds at its ends. */
export function summarise(flow: Flow): Summary {
  const { func, cfg } = flow;
  const params = new Set(func.params.map((p) => p.id));
  let returns = NOTHING;
  const ends: Memory[] = [];
  let falls = false;
  flow.replay((event, memory) => {
    if (event.kind !== 'return') return;
    if (event.value) returns = join(returns, flow.value(event.value, memory));
    ends.push(memory);
  });
  // the end of the body, where it is not a return
  for (const block of cfg.blocks) {
    const memory = flow.after(block);
    if (!memory || block.events.at(-1)?.kind === 'return' || !block.next.some((e) => e.to === cfg.exit)) continue;
    falls = true;
    ends.push(memory);
  }
  const end = ends.length ? ends.reduce(joinMemory) : undefined;
  const stores = end ? [...end.values].filter(([key]) => isShared(key, params)) : [];
  return {
    params: func.params.map((p) => ({ id: p.id, reference: p.reference })),
    returns, stores, lost: end ? [...end.lost].filter((k) => isShared(k, params)) : [],
    effects: flow.effects, noReturn: ends.length === 0 && !falls,
  };
}
