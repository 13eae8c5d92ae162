/** POSIX AIO calls of a function: what starts a request, what waits for it, and the way back without either. */
import type { Event } from '../flow/cfg';
import { load, pointees, type Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { bare, walkFunction, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { isOutOfTheWay } from './out-of-sight';
import { resultFlow } from './return-convention';
import { wayTo } from './paths';

const START = /^aio_(?:read|write|fsync)(?:64)?$/;
export const POSIX_AIO = /\b(?:aio_(?:read|write|fsync|error|return|suspend|cancel)|lio_listio)(?:64)?\b/;

/** Calls of a function that start a request, with the block they start. */
export function posixStarts(file: View, func: Func): { call: Call; block: Expr }[] {
  const out: { call: Call; block: Expr }[] = [];
  for (const e of walkFunction(func)) {
    if (e.kind !== 'call' || !isPosixCall(file, e, START)) continue;
    const block = e.args[/^aio_fsync/.test(e.name) ? 1 : 0];
    if (block) out.push({ call: e, block });
  }
  return out;
}
/** A call of the system's function, by its name without the `64`. */
export function isPosixCall(file: View, call: Call, name: RegExp): boolean {
  return call.callee.kind === 'name' && name.test(call.name.replace(/64$/, '')) && !file.program.defines(call.name);
}
/** The memory of the control block, where it is one certain object. */
export function blockKey(flow: Flow, block: Expr, memory: Memory): string | undefined {
  const keys = pointees(flow.value(block, memory));
  return keys.length === 1 ? keys[0] : undefined;
}

/** Whether a call may wait for requests, ask about them, or lead to code that does. */
export function mayWait(file: View, call: Call): boolean {
  // time goes by, and the request may take longer
  if (/^(?:u|nano)?sleep$/.test(call.name) && !file.program.defines(call.name)) return false;
  if (POSIX_AIO.test(call.name)) return !START.test(call.name);
  return call.macro === true || file.program.callee(call) !== undefined || call.callee.kind !== 'name' || !isOutOfTheWay(call);
}

/** A way from the start of a request, where that succeeded, to a goal (`undefined`: the function's end) with nothing between that may wait. */
export function reachesInFlight(file: View, flow: Flow, start: Call, goal: (event: Event | undefined) => boolean): Event | 'end' | undefined {
  const results = resultFlow(file, flow.func);
  const from = flow.cfg.blocks.flatMap((b) => b.events).find((e) => e.kind === 'call' && e.call === start);
  if (!results || !from) return undefined;
  return wayTo(flow, from, {
    goal,
    stop: (e) => e.kind === 'call' && e.call !== start && (mayWait(file, e.call) || /^_?exit$|^abort$/.test(e.call.name)),
    edge: (edge, block) => {
      const state = results.after(block);
      return !state || results.outcome(edge, state, start) !== true;
    },
  });
}

/** Whether nothing was ever stored to a field of a block whose memory began in this function; unknown is false. */
export function isUnset(memory: Memory, key: string, field: string): boolean {
  const value = load(memory, `${key}.${field}`);
  return !value.unknown && value.atoms.size === 0;
}
/** Two expressions of the same name or field, as written. */
export function sameText(file: View, func: Func, a: Expr, b: Expr): boolean {
  const text = (e: Expr) => file.source({ base: func.base, span: bare(e).span }).replace(/\s/g, '');
  return text(a) === text(b);
}
