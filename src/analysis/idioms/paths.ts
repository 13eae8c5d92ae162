/** Ways through a function: what can be reached from an event, around others. */
import type { Block, Edge, Event } from '../flow/cfg';
import type { Flow } from '../flow/program';

export interface Search {
  /** what the way is looked for to; the end of the function is asked for as undefined */
  goal(event: Event | undefined): boolean;
  /** what no way leads past */
  stop(event: Event): boolean;
  /** absent: every edge can be taken */
  edge?(edge: Edge, from: Block): boolean;
}

/** The first goal found on a way that starts behind an event or at the beginning of a block; `end` for the end of the function. */
export function wayTo(flow: Flow, from: Event | Block, search: Search): Event | 'end' | undefined {
  const start = 'events' in from ? from : flow.cfg.blocks.find((b) => b.events.includes(from));
  if (!start) return undefined;
  const seen = new Set<number>();
  const work: [Block, number][] = [[start, 'events' in from ? 0 : start.events.indexOf(from) + 1]];
  for (let next = work.shift(); next; next = work.shift()) {
    const [block, first] = next;
    let blocked = false;
    for (const event of block.events.slice(first)) {
      if (search.goal(event)) return event;
      if (search.stop(event)) {
        blocked = true;
        break;
      }
    }
    if (blocked) continue;
    if (block.id === flow.cfg.exit && search.goal(undefined)) return 'end';
    for (const edge of block.next) {
      if (seen.has(edge.to) || (search.edge && !search.edge(edge, block))) continue;
      seen.add(edge.to);
      work.push([flow.cfg.blocks[edge.to]!, 0]);
    }
  }
  return undefined;
}

/** The event of a call. */
export function eventOf(flow: Flow, call: unknown): Event | undefined {
  for (const block of flow.cfg.blocks) for (const e of block.events) if (e.kind === 'call' && e.call === call) return e;
  return undefined;
}
