/** Entries of the io-uring crate that reach their queue through functions of the file, or by way of a list that is emptied into it. */
import { walkFunction, type Call, type Expr, type Func } from '../model';
import type { SourceFile } from '../source-file';
import { rustTypes } from '../usage/rust-types';
import { closuresOf, plain, rustCalls, usesOf } from './rust-code';
import { queuedIn, type Queued } from './rust-entries';
import { entriesOf, pushesOf, reapsOf, ringKey } from './rust-uring';

/** `push` is the call that hands the entry on; `through` the function of the file it runs, where there is one. */
export interface Handed extends Queued { through?: Func; /** by way of a list */ later?: true }

const WAITS = /wait|reap|complete|drain|flush/i;
const known = new WeakMap<Func, Handed[]>();

/** The entries that a function builds and queues, itself or by others that do nothing else with them. */
export function handedIn(file: SourceFile, func: Func): Handed[] {
  let out = known.get(func);
  if (out) return out;
  known.set(func, (out = [...queuedIn(file, func)]));
  const direct = new Set(out.map((q) => q.entry.make));
  const entries = entriesOf(file, func).filter((e) => !direct.has(e.make));
  if (!entries.length) return out;
  for (const call of walkFunction(func)) {
    if (call.kind !== 'call' || call.macro) continue;
    for (const entry of entries) {
      const at = call.args.findIndex((a) => plain(a) === entry.whole || (entry.variable !== undefined && isName(plain(a), entry.variable)));
      const way = at < 0 ? undefined : isList(file, func, call) ? { later: true as const } : helperOf(file, call, at);
      if (way) out.push({ entry, push: call, index: 0, ring: ringOf(file, func, call), ...way });
    }
  }
  return out;
}
function isName(e: Expr, id: string): boolean {
  return e.kind === 'name' && e.id === id;
}
/** By the words before the method, or those of another argument. */
function ringOf(file: SourceFile, func: Func, call: Call): string | undefined {
  if (call.callee.kind === 'member') return ringKey(file, func, call.callee.object);
  const first = call.args[0];
  return first && call.args.length > 1 ? ringKey(file, func, first) : undefined;
}

/** `backlog.push(entry)`, where the backlog is a list of entries. */
function isList(file: SourceFile, func: Func, call: Call): boolean {
  if (call.callee.kind !== 'member' || !/^(?:push|push_back)$/.test(call.name)) return false;
  const types = rustTypes(file.facts);
  const element = /\b(?:Vec|VecDeque)\s*<(.*)>$/s.exec(types.spelled(call.callee.object, func)?.trim() ?? '')?.[1];
  return element !== undefined && types.written(element, func) === 'io_uring::squeue::Entry';
}

/** The function a call runs, where it queues the argument as it is. */
function helperOf(file: SourceFile, call: Call, at: number): { through: Func } | undefined {
  const named = file.program.functions(new RegExp(`\\bfn\\s+${call.name}\\b`)).filter((f) => f.name === call.name && f.kind === 'function');
  const [helper] = named;
  if (named.length !== 1 || !helper || helper.damaged) return undefined;
  const params = helper.params[0]?.name === 'self' && call.callee.kind === 'member' ? helper.params.slice(1) : helper.params;
  const param = params.length === call.args.length ? params[at] : undefined;
  return param && queuesAsIs(file, helper, param.id) ? { through: helper } : undefined;
}
const asIs = new WeakMap<Func, Map<string, boolean>>();
/** Whether all that becomes of a parameter is that it is queued. */
function queuesAsIs(file: SourceFile, func: Func, id: string): boolean {
  let map = asIs.get(func);
  if (!map) asIs.set(func, (map = new Map()));
  const before = map.get(id);
  if (before !== undefined) return before;
  map.set(id, false);
  const bodies = [func, ...closuresOf(func)];
  const pushes = new Set(bodies.flatMap((f) => pushesOf(file, f).map((p) => p.call)));
  const uses = usesOf(func, id);
  let queued = false;
  const fine = uses.every((u) => {
    if (u.how === 'method') return u.call?.name === 'clone';
    if (!u.call || u.call.macro) return u.call !== undefined && u.how === 'borrowed';
    const { call } = u;
    const index = call.args.findIndex((a) => isName(plain(a), id));
    if (pushes.has(call) || (index >= 0 && helperOf(file, call, index))) queued = true;
    else if (!bodies.some((f) => isList(file, f, call))) return false;
    return true;
  });
  map.set(id, fine && queued);
  return fine && queued;
}

/** Whether a function of the file may have waited for completions when it returns. */
export function mayWait(file: SourceFile, func: Func, depth = 0): boolean {
  if (depth > 3) return true;
  return [func, ...closuresOf(func)].some((f) => reapsOf(file, f).length > 0 || [...walkFunction(f)].some((e) => {
    if (e.kind !== 'call' || e.macro) return false;
    const own = file.program.functions(new RegExp(`\\bfn\\s+${e.name}\\b`)).filter((g) => g.name === e.name && g !== func);
    if (rustCalls(file, f).some((c) => c.call === e && c.path.startsWith('io_uring::'))) return false;
    return WAITS.test(e.name) || own.some((g) => mayWait(file, g, depth + 1));
  }));
}
