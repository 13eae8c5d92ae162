/** Where events of Linux AIO are fetched, and what a function reads of them. */
import { bare, walk, walkFunction, type Call, type Expr, type Func, type Member, type Place } from '../model';
import { placeOf } from '../source-file';
import type { View } from '../rules/rule';
import { aioCalls } from './aio-call';
import { assignmentsOf } from './assignments';
import { localOf } from './declared-type';
import { isNull, lvalue } from './tested';

/** A call that fetches events: io_getevents, or a project function that hands its result on. */
export interface Fetch {
  call: Call;
  /** where the events go */
  events: Expr;
  /** min_nr, nr and the timeout, where they are said in this function or are numbers */
  least: Expr | undefined;
  most: Expr | undefined;
  timeout: Expr | undefined;
}

const FETCHES = /getevents/;

export function fetches(file: View, func: Func): Fetch[] {
  return file.program.memo.derived(func, 'aio fetches', () => {
    if (func.damaged) return [];
    const out: Fetch[] = [];
    for (const { name, call, args } of aioCalls(file, func)) {
      if (FETCHES.test(name) && args[3] && !isNull(args[3])) out.push({ call, events: args[3], least: args[1], most: args[2], timeout: args[4] });
    }
    for (const e of walkFunction(func)) {
      const found = e.kind === 'call' && !out.some((f) => f.call === e) ? throughWrapper(file, func, e) : undefined;
      if (found) out.push(found);
    }
    return out;
  });
}
/** `reap(ctx, events, n)`, which is `return io_getevents(ctx, 1, n, events, NULL)`. */
function throughWrapper(file: View, func: Func, call: Call): Fetch | undefined {
  const callee = file.program.callee(call);
  if (!callee || !file.program.mentions(callee, FETCHES) || file.program.callEachOther(func, callee)) return undefined;
  const [inner, ...others] = fetches(file, callee);
  if (!inner || others.length) return undefined;
  const returned = file.program.summary(callee)?.returns;
  if (!returned || ![...returned.atoms.values()].some((a) => a.kind === 'call' && a.call === inner.call)) return undefined;
  const given = (e: Expr | undefined): Expr | undefined => {
    const own = e && bare(e);
    if (own?.kind === 'int') return own;
    const i = own?.kind === 'name' ? callee.params.findIndex((p) => p.id === own.id) : -1;
    return i < 0 ? undefined : call.args[i];
  };
  const events = given(inner.events);
  return events && { call, events, least: given(inner.least), most: given(inner.most), timeout: inner.timeout && isNull(inner.timeout) ? inner.timeout : given(inner.timeout) };
}
/** The array behind `events`, `&events[i]`, `events + i`, `events.data()`. */
export function arrayOf(e: Expr): Expr {
  const inner = bare(e);
  if (inner.kind === 'unary' && (inner.op === '&' || inner.op === '*')) return arrayOf(inner.operand);
  if (inner.kind === 'unary' && (inner.op === '++' || inner.op === '--')) return arrayOf(inner.operand);
  if (inner.kind === 'index') return arrayOf(inner.object);
  if (inner.kind === 'binary' && (inner.op === '+' || inner.op === '-')) return arrayOf(inner.left);
  if (inner.kind === 'call' && inner.callee.kind === 'member' && /^(?:data|get|begin|front|at)$/.test(inner.name)) return arrayOf(inner.callee.object);
  return inner;
}

export interface Reads {
  /** `ev.obj` and `ev.data` */
  tags: Member[];
  /** `ev.res` and `ev.res2` */
  results: Member[];
  /** an event as a whole goes to other code, or where it can be read later */
  leaves: boolean;
  /** names of the events in this function: the array, and what points into it */
  names: ReadonlySet<string>;
}

/** What a function, the lambdas in it included, reads of the events that a call fetched. */
export function readsOf(func: Func, fetch: Fetch): Reads {
  const names = new Set<string>();
  const first = lvalue(arrayOf(fetch.events));
  if (first !== undefined) names.add(first);
  const isEvent = (e: Expr): boolean => {
    const name = lvalue(arrayOf(e));
    return name !== undefined && names.has(name);
  };
  const all = [func, ...inside(func)];
  for (let size = -1; size !== names.size;) {
    size = names.size;
    for (const f of all) for (const [id, list] of assignmentsOf(f)) if (!id.startsWith('.') && list.some((a) => a.value && isEvent(a.value))) names.add(id);
  }
  const reads: Reads = { tags: [], results: [], leaves: false, names };
  const visit = (e: Expr): void => {
    if (e.kind === 'member' && isEvent(e.object)) {
      if (e.field === 'obj' || e.field === 'data') reads.tags.push(e);
      else if (e.field === 'res' || e.field === 'res2') reads.results.push(e);
    }
    if (e.kind === 'call' && e !== fetch.call && !/^(?:memset|bzero|free|delete|resize|assert)$/.test(e.name) && e.args.some(isEvent)) reads.leaves = true;
    if (e.kind === 'assign' && isEvent(e.value) && !names.has(lvalue(e.target) ?? '')) reads.leaves = true;
    if (e.kind === 'list' && e.items.some((i) => isEvent(i.value))) reads.leaves = true;
  };
  for (const f of all) for (const e of walkFunction(f)) visit(e);
  return reads;
}
function inside(func: Func): Func[] {
  return func.inner.flatMap((f) => [f, ...inside(f)]);
}
/** Whether the events end with the function. */
export function areOwn(func: Func, fetch: Fetch): boolean {
  const array = arrayOf(fetch.events);
  const local = localOf(func, array);
  return local !== undefined && !local.static && !local.reference && !(local.pointer && func.params.some((p) => p.id === local.id));
}

/** Variables that hold the number of events fetched, or a number made of it; by their written form. */
export function countsOf(func: Func, fetch: Fetch): ReadonlySet<string> {
  const out = new Set<string>();
  const made = (e: Expr): boolean => [...walk([e])].some((x) => x === fetch.call || (x.kind !== 'call' && out.has(lvalue(x) ?? '')));
  for (let size = -1; size !== out.size;) {
    size = out.size;
    for (const [id, list] of assignmentsOf(func)) {
      for (const a of list) {
        if (!a.value || !made(a.value)) continue;
        const target = a.at.kind === 'assign' ? lvalue(a.at.target) : id;
        if (target !== undefined) out.add(target);
      }
    }
  }
  return out;
}

/** `for (…; …; …)` of a loop. */
export function headerOf(file: View, func: Func, loop: { span: { start: number; end: number } }): Place {
  const text = file.source(placeOf(func, loop));
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return placeOf(func, { span: { start: loop.span.start, end: loop.span.start + i + 1 } });
  }
  return placeOf(func, loop);
}
