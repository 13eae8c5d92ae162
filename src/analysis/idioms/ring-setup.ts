/** Rings: which expression names which ring, and what each was set up with, where. */
import { RING, RING_PARTS, RING_SETUP, ringFlags } from '../api/rings';
import { SYSTEM_CONSTANTS } from '../flow/system-constants';
import { load, pointees, type Memory } from '../flow/memory';
import type { Effect } from '../flow/summary';
import type { Flow } from '../flow/program';
import { equal, integers, join, NOTHING, type Value } from '../flow/value';
import { sameList } from '../memo';
import { bare, statements, walk, walkFunction, type Call, type Expr, type Func, type Name, type Place } from '../model';
import { placeOf } from '../source-file';
import type { View } from '../rules/rule';

/** Calls that create a ring, and those that make one of a descriptor. */
export const RING_INIT = /^io_uring_queue_(?:init(?:_params|_mem)?|mmap)$/;
export const RING_EXIT = 'io_uring_queue_exit';
/** Any call that takes a ring first. */
export const ON_RING = /^(?:__)?io_uring_(?:get_sqe|submit|wait_cqe|peek_|cqe_seen|cq_|sq_|sqring_|register|unregister|get_events|for_each_cqe|enable_rings|ring_dontfork|queue_exit|get_probe_ring|setup_buf_ring|free_buf_ring|close_ring_fd|resize_rings|buf_ring_(?:cq_advance|head|available))/;

/** `IORING_SETUP_<name>` */
export function setupFlag(name: string): bigint {
  return SYSTEM_CONSTANTS.get(`IORING_SETUP_${name}`)!;
}

/** A ring's creation, as seen in one function; a project function it goes through is looked into. */
export interface Setup {
  func: Func;
  /** the call in `func`: of the API, or of the project function that leads there */
  at: Call;
  /** the API call itself */
  call: Call;
  /** key of the ring in abstract memory; undefined for a raw ring, or when it may be one of several */
  ring: string | undefined;
  /** what the fields of `struct io_uring_params` hold */
  part(name: (typeof RING_PARTS)[number]): Value;
  /** the sets of flags it may be created with; undefined when they come from elsewhere */
  flags: bigint[] | undefined;
}

/** The creations of rings in a function, those in project functions it calls included. */
export function setupsIn(file: View, func: Func): Setup[] {
  const { program } = file;
  return program.memo.derived(func, 'ring setups', () => (program.flow(func)?.effects ?? []).filter((e) => e.name === RING_SETUP).map((e) => setupOf(func, e)), sameSetups);
}
function sameSetups(a: readonly Setup[], b: readonly Setup[]): boolean {
  return a.length === b.length && a.every((x, i) => {
    const y = b[i]!;
    return x.func === y.func && x.at === y.at && x.call === y.call && x.ring === y.ring && RING_PARTS.every((name) => equal(x.part(name), y.part(name)));
  });
}
function setupOf(func: Func, effect: Effect): Setup {
  const part = (name: (typeof RING_PARTS)[number]): Value => effect.parts[RING_PARTS.indexOf(name)]!;
  const keys = pointees(part('ring'));
  const raw = [...part('ring').atoms.values()].some((a) => a.kind === 'call' && a.call === effect.call);
  const flags = part('flags');
  return {
    func, part, at: effect.via[0] ?? effect.call, call: effect.call, ring: keys.length === 1 && !raw ? keys[0] : undefined,
    // nothing was ever stored: an `io_uring_params` full of chance, or of zeros by a way out of sight
    flags: integers(flags)?.every(isRealistic) ? integers(flags) : undefined,
  };
}
/** `flags = -1` asks for nothing: it is there to see the call refused. */
function isRealistic(flags: bigint): boolean {
  return flags >= 0n && flags < 1n << 31n;
}
/** The creations to speak of in a function: its own, and those through a wrapper whose flags only this function knows. */
export function ownSetups(file: View, func: Func): Setup[] {
  return setupsIn(file, func).filter((s) => {
    if (s.at === s.call) return true;
    const callee = file.program.callee(s.at);
    return callee !== undefined && !setupsIn(file, callee).some((inner) => inner.call === s.call && inner.flags !== undefined);
  });
}
/** The creations of rings in the whole file; those that a wrapper passes on are told once, where the flags are known. */
export function setups(file: View): Setup[] {
  const { program } = file;
  return program.memo.derived(program, 'ring setups', () => {
    const all = program.gather('ring setups of functions', (f) => (program.mentions(f, /io_uring|ring/i) ? setupsIn(file, f) : []));
    return all.filter((s) => s.at === s.call ? s.flags !== undefined || !all.some((o) => o !== s && o.call === s.call) : s.flags !== undefined);
  }, sameSetups);
}

/** Whether the file makes rings, and all of them with `IORING_SETUP_<flag>`. */
export function everyRing(file: View, flag: string): boolean {
  return file.program.memo.derived(file.program, `every ring ${flag}`, () => {
    const all = setups(file);
    return all.length > 0 && all.every((s) => surely(s.flags, setupFlag(flag)));
  });
}
/** Whether every creation sets the flag. */
export function surely(flags: bigint[] | undefined, flag: bigint): boolean {
  return flags !== undefined && flags.length > 0 && flags.every((f) => (f & flag) === flag);
}
/** Whether some creation may set the flag. */
export function possibly(flags: bigint[] | undefined, flag: bigint): boolean {
  return flags === undefined || flags.some((f) => (f & flag) !== 0n);
}

/** The memory a ring argument names at a point of a function: `&ctx->ring` and a local that points there are one. */
export function ringKeys(flow: Flow, memory: Memory, ring: Expr): string[] {
  return pointees(flow.value(ring, memory));
}
function flagsAt(memory: Memory, keys: readonly string[]): bigint[] | undefined {
  const flags = keys.length ? ringFlags(keys.map((k) => load(memory, k + RING)).reduce(join, NOTHING)) : undefined;
  return flags && integers(flags);
}
/** The flags of the ring with these keys: as created on the way here, or, of one that the file shares, as created anywhere in it. */
export function flagsOfRing(file: View, memory: Memory, keys: readonly string[]): bigint[] | undefined {
  const name = keys.length === 1 ? sharedName(keys[0]!) : undefined;
  return flagsAt(memory, keys) ?? (name === undefined ? undefined : flagsByName(file, name));
}

/**
 * The name that a field or global goes by in every function of the file; undefined for locals and what a parameter points to,
 * which only their function knows by that name.
 */
export function sharedName(key: string): string | undefined {
  const field = /\.([^.*%]+)\**$/.exec(key);
  if (field) return field[1];
  return /^[^~@$*]+\**$/.test(key) ? key.replace(/\*+$/, '') : undefined;
}
/** The flags of the rings of the file that go by a name, each once; undefined when not all of them are known. */
export function flagsByName(file: View, name: string): bigint[] | undefined {
  // who asks need not know that the functions changed that set them
  return file.program.memo.derived(file.program, `ring flags ${name}`, () => flagsNow(file, name), (a, b) => a === b || (a !== undefined && b !== undefined && sameList(a, b)));
}
function flagsNow(file: View, name: string): bigint[] | undefined {
  const named = setups(file).filter((s) => s.ring !== undefined && sharedName(s.ring) === name);
  if (!named.length || setups(file).some((s) => s.ring === undefined && s.flags === undefined)) return undefined;
  const out = new Set<bigint>();
  for (const s of named) {
    if (!s.flags) return undefined;
    for (const flags of s.flags) out.add(flags);
  }
  return [...out];
}

/** A call that takes a ring, with the ring's keys and the flags it was created with, where known. */
export interface RingUse { call: Call; ring: Expr; keys: string[]; flags: bigint[] | undefined }
/** The calls of a function that take a ring as their first argument, in source order. */
export function ringUses(file: View, func: Func): RingUse[] {
  const { program } = file;
  return program.memo.derived(func, 'ring uses', () => {
    const flow = program.mentions(func, /io_uring_/) ? program.flow(func) : undefined;
    const out: RingUse[] = [];
    flow?.replay((event, memory) => {
      if (event.kind !== 'call' || !ON_RING.test(event.call.name) || !event.call.args[0] || program.defines(event.call.name)) return;
      const [ring] = event.call.args as [Expr];
      const keys = ringKeys(flow, memory, ring);
      out.push({ call: event.call, ring, keys, flags: flagsOfRing(file, memory, keys) });
    });
    return out.sort((a, b) => a.call.span.start - b.call.span.start);
  });
}

/** `&p` or `p` of the `struct io_uring_params` a setup call is given, as the variable it names. */
export function paramsOf(call: Call): Name | undefined {
  const argument = call.args[call.name === 'io_uring_setup' ? 1 : 2];
  let e = argument && bare(argument);
  if (e?.kind === 'unary' && e.op === '&') e = bare(e.operand);
  return e?.kind === 'name' ? e : undefined;
}
/** The expression that says the flags of a setup call: its argument, or what was last stored to the field in front of it. */
export function flagsExpression(func: Func, call: Call): Expr | undefined {
  if (call.name === 'io_uring_queue_init') return call.args[2];
  const params = paramsOf(call);
  return params && fieldStore(func, call, params, 'flags');
}
/** What to underline when the flags of a creation are wrong. */
export function flagsPlace(setup: Setup): Place {
  const { func, call, at } = setup;
  if (at !== call) return placeOf(func, at);
  return placeOf(func, flagsExpression(func, call) ?? paramsOf(call) ?? call);
}
/** What was last stored, in source order, to a field of a variable in front of a call. */
export function fieldStore(func: Func, call: Call, variable: Name, field: string): Expr | undefined {
  let last: Expr | undefined;
  const take = (e: Expr): void => {
    if (e.span.end <= call.span.start && (!last || last.span.start < e.span.start)) last = e;
  };
  for (const s of statements(func.body)) {
    if (s.kind !== 'declare' || s.local.id !== variable.id || s.init?.kind !== 'list') continue;
    for (const item of s.init.items) if (item.field === field) take(item.value);
  }
  for (const e of walkFunction(func)) {
    if (e.kind !== 'assign') continue;
    const target = bare(e.target);
    if (target.kind === 'member' && target.field === field && names(target.object, variable)) take(e.value);
    else if (target.kind === 'name' && target.id === variable.id) for (const inner of walk([e.value])) if (inner.kind === 'list') for (const item of inner.items) if (item.field === field) take(item.value);
  }
  return last;
}
function names(e: Expr, variable: Name): boolean {
  let inner = bare(e);
  if (inner.kind === 'unary') inner = bare(inner.operand);
  return inner.kind === 'name' && inner.id === variable.id;
}
