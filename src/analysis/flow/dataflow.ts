/** Forward dataflow over a control-flow graph. */
import { order, type Block, type Cfg, type Edge, type Event } from './cfg';

export interface Problem<S> {
  start: S;
  /** a new state; `state` stays untouched */
  step(event: Event, state: S): S;
  /** the state after taking an edge; undefined: the edge cannot be taken */
  along?(edge: Edge, state: S, from: Block): S | undefined;
  join(a: S, b: S): S;
  equal(a: S, b: S): boolean;
  /** `joined` made coarser where it still grows, so that loops over growing states settle */
  widen?(before: S, joined: S): S;
}

/** Visits to one block before the analysis of a function is given up: states of sane functions settle in a few. */
const MAX_VISITS = 60;
/** Visits after which growing states are widened. */
const PATIENCE = 3;

/** The state at the entry of each block that can be reached, or undefined when it did not settle. */
export function solve<S extends object>(cfg: Cfg, problem: Problem<S>): Map<number, S> | undefined {
  const rank = new Map(order(cfg).map((id, i) => [id, i]));
  const entry = new Map<number, S>([[cfg.entry, problem.start]]);
  const visits = new Map<number, number>();
  const work = new Set<number>([cfg.entry]);
  while (work.size) {
    const id = [...work].reduce((a, b) => (rank.get(a)! <= rank.get(b)! ? a : b));
    work.delete(id);
    const count = (visits.get(id) ?? 0) + 1;
    if (count > MAX_VISITS) return undefined;
    visits.set(id, count);
    const block = cfg.blocks[id]!;
    const out = block.events.reduce<S>((s, e) => problem.step(e, s), entry.get(id)!);
    for (const edge of block.next) {
      const taken = problem.along ? problem.along(edge, out, block) : out;
      if (taken === undefined) continue;
      const known = entry.get(edge.to);
      const joined = known === undefined ? taken : problem.join(known, taken);
      if (known !== undefined && problem.equal(known, joined)) continue;
      const patient = known === undefined || (visits.get(edge.to) ?? 0) < PATIENCE;
      entry.set(edge.to, patient || !problem.widen ? joined : problem.widen(known, joined));
      work.add(edge.to);
    }
  }
  return entry;
}
