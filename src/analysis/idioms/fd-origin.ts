/** Where a descriptor came from: which call made it, with which flags, and what `fcntl` changed since. */
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { integers, type Atom, type Value } from '../flow/value';
import { sameList } from '../memo';
import { bare, type Call, type Expr, type Func, type Place } from '../model';
import type { View } from '../rules/rule';
import { assignmentsTo } from './assignments';
import { ANY_BITS, bitsOf, flagBits, type Bits } from './flag-bits';

export const O_APPEND = 0o2000n;
export const O_CREAT = 0o100n;
export const O_TRUNC = 0o1000n;
export const O_NONBLOCK = 0o4000n;
export const O_DIRECT = 0o40000n;
export const O_ACCMODE = 3n;

export type Kind =
  | 'file' | 'device' | 'terminal' | 'kernel file' | 'memory file' | 'socket' | 'pipe' | 'eventfd' | 'timerfd' | 'signalfd' | 'inotify' | 'epoll' | 'standard stream';

export interface Origin {
  /** `file`: opened by a path that may be anything; `device`: below /dev, but no disk or terminal */
  kind: Kind;
  /** absent for the standard streams */
  call: Call | undefined;
  place: Place | undefined;
  /** the calls it came through, outermost first, when a project function returned it */
  via: Call[];
  /** the path an open names, where it does */
  path: Expr | undefined;
  flags: Bits;
  /** what later calls of `fcntl(fd, F_SETFL, …)` make of the flags */
  changes: Bits[];
}

/** Positions of path and flags among the arguments of calls that open files. */
const OPENS = new Map<string, { path: number; flags: number }>([
  ['open', { path: 0, flags: 1 }], ['open64', { path: 0, flags: 1 }], ['__open', { path: 0, flags: 1 }],
  ['openat', { path: 1, flags: 2 }], ['openat64', { path: 1, flags: 2 }],
]);
const CREAT_FLAGS = O_CREAT | O_TRUNC | 1n;
/** Calls that make other descriptors, and where their flags are. */
const MAKERS = new Map<string, { kind: Kind; flags?: number }>([
  ['socket', { kind: 'socket', flags: 1 }], ['accept', { kind: 'socket' }], ['accept4', { kind: 'socket', flags: 3 }],
  ['eventfd', { kind: 'eventfd', flags: 1 }], ['timerfd_create', { kind: 'timerfd', flags: 1 }], ['signalfd', { kind: 'signalfd', flags: 2 }],
  ['inotify_init', { kind: 'inotify' }], ['inotify_init1', { kind: 'inotify', flags: 0 }], ['epoll_create', { kind: 'epoll' }],
  ['epoll_create1', { kind: 'epoll' }], ['posix_openpt', { kind: 'terminal', flags: 0 }], ['memfd_create', { kind: 'memory file' }], ['shm_open', { kind: 'memory file' }],
]);
/** Calls that store a pair of descriptors. */
const PAIRS = new Map<string, { kind: Kind; argument: number; flags?: number }>([
  ['pipe', { kind: 'pipe', argument: 0 }], ['pipe2', { kind: 'pipe', argument: 0, flags: 1 }], ['socketpair', { kind: 'socket', argument: 3, flags: 1 }],
]);
const STANDARD = /^STD(?:IN|OUT|ERR)_FILENO$/;
/** Members of classes that hold a descriptor give it out under these names. */
const GETTER = /^(?:get|fd|Fd|get_?[fF]d|GetFd|native_handle|value|handle)$/;
const NO_FLAGS: Bits = bitsOf([0n]);

/** Every origin a descriptor may have; undefined where one of them cannot be told. */
export function originsOf(file: View, flow: Flow, e: Expr, memory: Memory): Origin[] | undefined {
  const inner = bare(e);
  if (inner.kind === 'name' && STANDARD.test(inner.name)) return [standard()];
  if (inner.kind === 'int') return inner.value >= 0n && inner.value <= 2n ? [standard()] : undefined;
  if (inner.kind === 'call' && inner.callee.kind === 'member' && inner.args.length === 0 && GETTER.test(inner.name) && !file.program.callee(inner)) {
    return originsOf(file, flow, inner.callee.object, memory);
  }
  return originsOfValue(file, captured(file, flow, inner) ?? flow.value(e, memory));
}
/** What a variable of the function around a lambda holds at that function's end. */
function captured(file: View, flow: Flow, e: Expr): Value | undefined {
  const outer = flow.func.parent;
  if (!outer || e.kind !== 'name' || !outer.locals.has(e.id) || assignmentsTo(outer, e.id).length !== 1) return undefined;
  const around = file.program.flow(outer);
  const end = around?.after(around.cfg.blocks[around.cfg.exit]!);
  return end && around?.value(e, end);
}

/** The same for a value that some point of the file holds. */
export function originsOfValue(file: View, value: Value): Origin[] | undefined {
  const resolved = resolve(file, value);
  if (!resolved) return undefined;
  const out: Origin[] = [];
  for (const a of resolved) {
    // -1 and 0 stand for "not open"
    if (a.kind === 'int' && a.value <= 0n) continue;
    const origin = originOf(file, a);
    if (!origin) return undefined;
    out.push(origin);
  }
  return out.length ? out : undefined;
}

/** `on` and `off` are certain; `either`: on some ways or at some times; `unknown`: it depends on what is out of sight. */
export type State = 'on' | 'off' | 'either' | 'unknown';

/** The state of one bit of a descriptor's flags. */
export function flagState(origin: Origin, bit: bigint): State {
  const opened = stateIn(origin.flags, bit);
  const later = origin.changes.filter((c) => (c.kept & bit) === 0n).map((c) => stateIn(c, bit));
  if (later.length === 0) return opened;
  if (opened === 'unknown' || later.includes('unknown')) return 'unknown';
  return later.every((s) => s === 'on') ? 'on' : later.every((s) => s === 'off') && opened === 'off' ? 'off' : 'either';
}
function stateIn(bits: Bits, bit: bigint): State {
  if ((bits.must & bit) !== 0n) return 'on';
  if (bits.param !== undefined || (bits.may < 0n && (bits.may & bit) !== 0n)) return 'unknown';
  return (bits.may & bit) !== 0n ? 'either' : 'off';
}

function standard(): Origin {
  return { kind: 'standard stream', call: undefined, place: undefined, via: [], path: undefined, flags: ANY_BITS, changes: [] };
}

/** Values with fields and globals replaced by what the file stores in them. */
function resolve(file: View, value: Value): Atom[] | undefined {
  if (value.unknown || value.atoms.size === 0) return undefined;
  const out = new Map<string, Atom>();
  for (const [id, a] of value.atoms) {
    if (a.kind !== 'initial') {
      out.set(id, a);
      continue;
    }
    const name = sharedName(a.key);
    const stored = name === undefined || !isStoredPlainly(file, name) ? undefined : file.program.stored(name);
    if (!stored || stored.unknown || stored.atoms.size === 0) return undefined;
    for (const [inner, atom] of stored.atoms) {
      if (atom.kind !== 'initial') out.set(inner, atom);
      // stored back where it came from
      else if (sharedName(atom.key) !== name) return undefined;
    }
  }
  return [...out.values()];
}
/** Stores go by the member's name: with several structs that have it, each of them must be stored to in this file. */
function isStoredPlainly(file: View, name: string): boolean {
  const { program } = file;
  const owners = program.ownersOf(name);
  if (owners.length < 2) return true;
  const stored = program.memo.derived(program, `owners stored to ${name}`, () => {
    const out = new Set<string>();
    for (const f of program.functions(new RegExp(`\\b${name}\\b`))) {
      for (const a of assignmentsTo(f, `.${name}`)) {
        const object = a.at.kind === 'assign' && a.at.target.kind === 'member' ? bare(a.at.target.object) : undefined;
        const local = object?.kind === 'name' ? f.locals.get(object.id) ?? f.params.find((p) => p.id === object.id) ?? program.global(object.name) : undefined;
        if (local) out.add(local.type);
        else owners.forEach((o) => out.add(o));
      }
      if (assignmentsTo(f, name).length) out.add(f.owner);
    }
    return [...out].sort();
  }, sameList);
  return owners.every((o) => stored.includes(o));
}
/** The field or global a key ends in; undefined for locals and parameters. */
export function sharedName(key: string): string | undefined {
  return /\.([^*.]+)$/.exec(key)?.[1] ?? (/[~@*.$]/.test(key) ? undefined : key);
}

function originOf(file: View, a: Atom): Origin | undefined {
  if (a.kind === 'out') {
    const pair = PAIRS.get(a.call.name);
    if (pair?.argument !== a.arg || file.program.callee(a.call)) return undefined;
    return { kind: pair.kind, call: a.call, place: a.place, via: a.via, path: undefined, flags: recorded(file, a.call) ?? NO_FLAGS, changes: changesOf(file, a) };
  }
  if (a.kind !== 'call' || a.call.callee.kind !== 'name' || a.call.macro || file.program.callee(a.call)) return undefined;
  const { name } = a.call;
  const common = { call: a.call, place: a.place, via: a.via, changes: changesOf(file, a) };
  const open = OPENS.get(name);
  if (open) {
    const path = a.call.args[open.path];
    return { ...common, kind: kindOfPath(path), path, flags: passedIn(file, a, recorded(file, a.call) ?? ANY_BITS) };
  }
  if (name === 'creat' || name === 'creat64') return { ...common, kind: kindOfPath(a.call.args[0]), path: a.call.args[0], flags: bitsOf([CREAT_FLAGS]) };
  const maker = MAKERS.get(name);
  return maker && { ...common, kind: maker.kind, path: undefined, flags: maker.flags === undefined ? NO_FLAGS : recorded(file, a.call) ?? ANY_BITS };
}

const DISK = /^\/dev\/(?:sd|nvme|vd|hd|loop|md|dm-|mapper\/|disk\/|xvd|mmcblk|ram|zram|nbd|rbd|bcache|block\/|vg|pmem|ublkb|mtd|fd\d)/;
function kindOfPath(path: Expr | undefined): Kind {
  const text = path && bare(path);
  if (text?.kind !== 'text') return 'file';
  if (/^\/(?:proc|sys)\//.test(text.value)) return 'kernel file';
  if (/^\/dev\/(?:tty|pts\/|console|ptmx|hvc|ttyS)/.test(text.value)) return 'terminal';
  return text.value.startsWith('/dev/') && !DISK.test(text.value) && !/^\/dev\/shm\//.test(text.value) ? 'device' : 'file';
}

const DISK_NAME = /^(?:dev|device|disk|drive|blockdev)(?:_?(?:name|path|file|node))?$/i;
/** Whether a path is that of a disk, by what it says or what it is called: direct I/O is always to be had there. */
export function isDisk(path: Expr | undefined): boolean {
  const inner = path && bare(path);
  const name = inner?.kind === 'name' ? inner.name : inner?.kind === 'member' ? inner.field : '';
  return (inner?.kind === 'text' && inner.value.startsWith('/dev/')) || DISK_NAME.test(name);
}

/** What one function does with descriptors. */
interface Recorded {
  /** flags of the calls that make one */
  flags: ReadonlyMap<Call, Bits>;
  /** `fcntl(fd, F_SETFL, …)`, its own and those of functions it calls with a descriptor of its own */
  changes: readonly { fd: Value; bits: Bits }[];
  /** flags that calls of the project's functions are given, by argument */
  passed: ReadonlyMap<Call, Bits[]>;
}
const NOTHING_RECORDED: Recorded = { flags: new Map(), changes: [], passed: new Map() };

function recordsOf(file: View, func: Func): Recorded {
  const { program } = file;
  return program.memo.derived(func, 'descriptors', () => {
    const flow = program.flow(func);
    return flow ? record(file, flow) : NOTHING_RECORDED;
  });
}
function record(file: View, flow: Flow): Recorded {
  const flags = new Map<Call, Bits>();
  const changes: { fd: Value; bits: Bits }[] = [];
  const passed = new Map<Call, Bits[]>();
  flow.replay((event, memory) => {
    if (event.kind !== 'call' || event.call.callee.kind !== 'name') return;
    const { call } = event;
    const callee = file.program.callee(call);
    if (callee) {
      if (file.program.callEachOther(flow.func, callee)) return;
      const inner = recordsOf(file, callee);
      if ([...inner.flags.values()].some((b) => b.param !== undefined)) passed.set(call, call.args.map((a) => flagBits(a, flow, memory)));
      for (const c of inner.changes) {
        const i = callee.params.findIndex((p) => c.fd.atoms.has(`=${p.id}`));
        if (i >= 0 && call.args[i]) changes.push({ fd: flow.value(call.args[i], memory), bits: c.bits });
      }
      return;
    }
    const position = OPENS.get(call.name)?.flags ?? MAKERS.get(call.name)?.flags ?? PAIRS.get(call.name)?.flags;
    if (position !== undefined) flags.set(call, call.args[position] ? flagBits(call.args[position], flow, memory) : ANY_BITS);
    if (call.name === 'fcntl' && call.args[2] && integers(flow.value(call.args[1]!, memory))?.includes(F_SETFL)) {
      changes.push({ fd: flow.value(call.args[0]!, memory), bits: flagBits(call.args[2], flow, memory) });
    }
  });
  return { flags, changes, passed };
}
const F_SETFL = 4n;

function recorded(file: View, call: Call): Bits | undefined {
  return call.within && recordsOf(file, call.within).flags.get(call);
}

/** `open_file(path, O_RDWR | O_DIRECT)`: the flags a parameter had at this call. */
function passedIn(file: View, a: Extract<Atom, { kind: 'call' }>, bits: Bits): Bits {
  const outer = a.via.at(-1);
  if (bits.param === undefined || !outer?.within || !a.call.within) return bits;
  const i = a.call.within.params.findIndex((p) => p.id === bits.param);
  const given = recordsOf(file, outer.within).passed.get(outer)?.[i];
  if (!given) return bits;
  return { must: bits.must | given.must, may: bits.may | given.may, kept: 0n, ...(given.param === undefined ? {} : { param: given.param }) };
}

/** What `fcntl` does to the flags of a descriptor, wherever in the file. */
function changesOf(file: View, a: Extract<Atom, { kind: 'call' | 'out' }>): Bits[] {
  return allChanges(file).filter((c) => concerns(file, c.fd, a.call)).map((c) => c.bits);
}
function allChanges(file: View): { fd: Value; bits: Bits }[] {
  const { program } = file;
  return program.memo.derived(program, 'descriptor changes', () => program.functions(/\bF_SETFL\b/).flatMap((f) => [f, ...callersOf(file, f)]).flatMap((f) => recordsOf(file, f).changes), sameList);
}
/** Functions that call one, in the file. */
function callersOf(file: View, func: Func): Func[] {
  return file.program.functions(new RegExp(`\\b${func.name.replace(/\W/g, '\\$&')}\\s*\\(`)).filter((f) => f !== func);
}
function concerns(file: View, fd: Value, call: Call): boolean {
  if (fd.unknown) return true;
  const atoms = resolve(file, fd) ?? [...fd.atoms.values()];
  return atoms.some((a) => (a.kind === 'call' || a.kind === 'out') && a.call === call);
}
