/** Entries of the io-uring crate as they are queued: their flags, their descriptors, and in which order they go where. */
import type { Event } from '../flow/cfg';
import type { Flow } from '../flow/program';
import { isWithin, bare, statements, walk, type Call, type Expr, type Func } from '../model';
import { placeOf, type SourceFile } from '../source-file';
import { wayTo } from './paths';
import { declarationOf, plain, rustCalls } from './rust-code';
import { entriesOf, pushesOf, ringKey, type Entry } from './rust-uring';

/** An entry and the push it goes with; `index` in a list of several. */
export interface Queued { entry: Entry; push: Call; index: number; ring: string | undefined }

const known = new WeakMap<Func, Queued[]>();
/** The entries that a function builds and pushes itself, in source order. */
export function queuedIn(file: SourceFile, func: Func): Queued[] {
  let out = known.get(func);
  if (out) return out;
  known.set(func, (out = []));
  const pushes = pushesOf(file, func);
  if (!pushes.length) return out;
  for (const entry of entriesOf(file, func)) {
    for (const { call } of pushes) {
      const given = call.args[0] && plain(call.args[0]);
      const made = given?.kind === 'name' ? declarationOf(func, given.id)?.statement.init : undefined;
      // `let entries = [read, write]; queue.push_multiple(&entries)`
      const list = made?.kind === 'list' ? made : given;
      const items = list?.kind === 'list' ? list.items.map((i) => plain(i.value)) : list ? [list] : [];
      const index = items.findIndex((i) => i === entry.whole || (i.kind === 'name' && i.id === entry.variable) || [...walk([i])].includes(entry.whole));
      if (index >= 0) out.push({ entry, push: call, index, ring: call.callee.kind === 'member' ? ringKey(file, func, call.callee.object) : undefined });
    }
  }
  return out;
}
/** The entries of all functions of the file. */
export function allQueued(file: SourceFile): Queued[] {
  return file.program.functions(/\bpush/).flatMap((f) => (f.damaged ? [] : queuedIn(file, f)));
}
/** Every entry the file builds, pushed or not. */
export function allEntries(file: SourceFile): Entry[] {
  return file.program.functions(/::new\s*\(/).flatMap((f) => (f.damaged ? [] : entriesOf(file, f)));
}

/** The flags set on an entry for certain, and where; undefined when some come from elsewhere. */
export function flagsOf(entry: Entry): Map<string, Expr> | undefined {
  const out = new Map<string, Expr>();
  for (const call of entry.methods) {
    if (call.name === 'clear_flags') out.clear();
    if (call.name !== 'flags' || !call.args[0]) continue;
    // flags of the operation itself come before build()
    const build = entry.methods.findIndex((m) => m.name === 'build');
    if (entry.methods.indexOf(call) < build) continue;
    if (!collect(call.args[0], out)) return undefined;
  }
  return out;
}
/** Adds the names in `A | B`; false when something else is in there. */
export function collect(e: Expr, out: Map<string, Expr>): boolean {
  const at = bare(e);
  if (at.kind === 'binary' && at.op === '|') return collect(at.left, out) && collect(at.right, out);
  if (at.kind === 'call' && at.callee.kind === 'name' && at.name === 'empty') return true;
  if (at.kind === 'call' && at.callee.kind === 'member' && /^(?:bits|union)$/.test(at.name)) return collect(at.callee.object, out) && at.args.every((a) => collect(a, out));
  if (at.kind === 'int') return at.value === 0n;
  if (at.kind !== 'name' || at.id.includes('~')) return false;
  out.set(at.name.replace(/^.*::/, ''), at);
  return true;
}
/** A setter of the operation, before `build()`. */
export function setter(entry: Entry, name: string): Call | undefined {
  const build = entry.methods.findIndex((m) => m.name === 'build');
  return entry.methods.find((m, i) => m.name === name && (build < 0 || i < build));
}
/** Whether the entry gets user data, here or by code out of sight; `queues`: calls known to do nothing but queue it. */
export function hasUserData(file: SourceFile, entry: Entry, queues?: Call): boolean {
  if (entry.methods.some((m) => /^(?:user_data|set_user_data)$/.test(m.name))) return true;
  if (entry.variable === undefined) return false;
  // lent to someone who may set it
  for (const { call } of rustCalls(file, entry.func)) {
    const lent = call !== queues && !/^push/.test(call.name) && call.args.some((a) => a.kind !== 'lambda' && plain(a).kind === 'name' && (plain(a) as { id?: string }).id === entry.variable);
    if (lent) return true;
  }
  return false;
}

/** The words of an entry's descriptor: `types::Fd(fd)` and `fd` are the same. */
export function descriptorOf(file: SourceFile, entry: Entry): string | undefined {
  let e = entry.make.args[0] && plain(entry.make.args[0]);
  if (e?.kind === 'call' && e.callee.kind === 'name' && /(?:^|::)(?:Fd|Fixed)$/.test(e.callee.name) && e.args[0]) e = plain(e.args[0]);
  return e && file.source(placeOf(entry.func, e)).replace(/\s+/g, '');
}

/** The first of `goal` on a way behind a push that goes well, with nothing of `stop` before. */
export function behind(flow: Flow, push: Call, goal: (call: Call) => boolean, stop: (call: Call) => boolean): Call | undefined {
  const from = flow.cfg.blocks.flatMap((b) => b.events).find((e): e is Event & { kind: 'call' } => e.kind === 'call' && e.call === push);
  const found = from && wayTo(flow, from, { goal: (e) => e?.kind === 'call' && goal(e.call), stop: (e) => e.kind === 'call' && stop(e.call) });
  return found && found !== 'end' && found.kind === 'call' ? found.call : undefined;
}
/** A submission in reaction to a failed push, as in `while sq.push(&e).is_err() { ring.submit()?; }`. */
export function makesRoom(func: Func, call: Call, pushes: Call[]): boolean {
  return [...reactions(func, pushes)].some((span) => isWithin(call.span, span));
}
function* reactions(func: Func, pushes: Call[]) {
  for (const s of statements(func.body)) {
    const test = s.kind === 'if' || s.kind === 'loop' ? s.test : s.kind === 'switch' ? s.subject : undefined;
    if (test && [...walk([test])].some((e) => e.kind === 'call' && pushes.includes(e))) yield s.span;
  }
}
