/**
 * What a function does with sqes and rings, along its ways: which sqe is taken, prepared, given flags and user data, when the
 * ring is submitted and reaped, and which calls lead out of sight. Functions of the file that are called count by what they do.
 */
import type { Program } from '../flow/program';
import type { Func } from '../model';
import type { Prep, SqeEvent } from './sqe-events';
import { SqeFlow } from './sqe-flow';
import { SqeReader, type FunctionUse, type Use } from './sqe-reader';

/** The sqes of a function; undefined where nothing is known of it. */
export function sqeFlow(program: Program, func: Func): SqeFlow | undefined {
  const home = program.homeOf(func);
  if (home !== program) return sqeFlow(home, func);
  return program.memo.derived(func, 'sqe flow', () => {
    const flow = program.flow(func);
    if (!flow) return undefined;
    const reader = new SqeReader(flow, program, (callee) => functionUse(program, callee));
    return new SqeFlow(flow, (event, memory) => reader.read(event, memory));
  });
}

const SEQUENCE: Use['kind'][] = ['queue', 'submit', 'reap', 'unseen'];

function functionUse(program: Program, func: Func): FunctionUse | undefined {
  const home = program.homeOf(func);
  if (home !== program) return functionUse(home, func);
  return program.memo.derived(func, 'sqe use', () => {
    const own = sqeFlow(program, func);
    if (!own) return undefined;
    const rings = new Map<string, Use>();
    const params = new Map<number, SqeEvent[]>();
    const kept: Prep[] = [];
    for (const e of own.events) {
      if (e.kind === 'submit' || e.kind === 'reap' || e.kind === 'unseen' || e.kind === 'queue' || (e.kind === 'get' && !e.inside)) {
        const kind = e.kind === 'get' ? 'queue' : e.kind;
        const keys = e.kind === 'unseen' ? e.keys : e.rings;
        const firm = e.kind === 'submit' ? e.waits : e.kind === 'reap' && e.blocks;
        rings.set(`${kind} ${keys.join()} ${firm}`, { kind, keys, firm });
      } else if ('sqes' in e) {
        if (e.kind === 'prep' && !func.params.some((p) => e.sqes.includes(`=${p.id}`))) kept.push(e);
        func.params.forEach((p, i) => {
          if (e.sqes.includes(`=${p.id}`)) params.set(i, [...(params.get(i) ?? []), e]);
        });
      }
    }
    // what is queued and submitted in there is taken to be submitted
    return { rings: [...rings.values()].sort((a, b) => SEQUENCE.indexOf(a.kind) - SEQUENCE.indexOf(b.kind)), params, own: kept, flow: own };
  });
}
