import { assignmentsTo } from '../../idioms/assignments';
import { ringUses, type RingUse } from '../../idioms/ring-setup';
import { reachedFrom, threadStarts, type ThreadStart } from '../../idioms/threads';
import { bare, callsIn, isWithin, statements, walk, walkFunction, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

export const uringRingSharedNoLock: Rule = {
  info: {
    id: 'uring-ring-shared-no-lock', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic',
    summary: 'Several threads put requests in one ring, or reap from it, without a lock.',
  },
  why: 'liburing keeps head and tail of the queues in plain variables and locks nothing. Two threads that take sqes at once get the same one, or lose each other\'s.',
  families: ['liburing'],
  check(file, func, report) {
    if (func.damaged || !file.program.mentions(func, /io_uring_(?:get_sqe|submit|wait|peek|for_each)/)) return;
    const starts = threadStarts(file).filter((t) => reachedFrom(file, t.entry).has(func));
    if (!starts.length) return;
    const told = new Set<string>();
    for (const use of ringUses(file, func)) {
      const side = sideOf(use);
      const ring = side && sharedRing(file, use, starts);
      if (!ring || told.has(ring + side)) continue;
      const other = secondThread(file, func, use, ring, side, starts);
      if (!other) continue;
      told.add(ring + side);
      report({
        at: placeOf(func, use.call),
        message: `Several threads ${side === 'submit' ? 'put requests in' : 'reap from'} this ring, and nothing here takes a lock: liburing has none of its own. Use a lock, or one ring a thread.`,
        related: other,
      });
    }
  },
};

type Side = 'submit' | 'reap';
/** One thread that submits and one that reaps may share a ring. */
function sideOf(use: RingUse): Side | undefined {
  if (/^io_uring_(?:get_sqe|submit)/.test(use.call.name)) return 'submit';
  return /^io_uring_(?:wait_cqe|peek_)/.test(use.call.name) ? 'reap' : undefined;
}

/** The ring, where it is one and the same for every thread: outside functions, or a member of the object all of them are given. */
function sharedRing(file: View, use: RingUse, starts: ThreadStart[]): string | undefined {
  const [key] = use.keys;
  if (use.keys.length !== 1 || key === undefined || [...walk([use.ring])].some((e) => e.kind === 'index')) return undefined;
  // the variable itself, or a part of it
  const root = /^(\w+)(?:\.\w+)*$/.exec(key)?.[1];
  const whole = root !== undefined ? file.program.global(root) : undefined;
  if (root !== undefined && whole && !whole.pointer) return file.isThreadLocal(root) ? undefined : key;
  // `struct pool *p = arg;`
  if (starts.some((s) => s.entry.params[0] && key.startsWith(`${s.entry.params[0].id}*`) && givesAllTheSame(s))) return key;
  // itself, or what it points to
  const member = /^(?:this\*\.)?(\w+)\*?$/.exec(key)?.[1];
  return member !== undefined && starts.some(isOnThis) ? member : undefined;
}
/** In a loop, threads that all get one pointer: it is neither made nor changed in the loop. */
function givesAllTheSame({ creator, at, args, several }: ThreadStart): boolean {
  const [first] = args;
  let given = first && bare(first);
  if (given?.kind === 'unary' && given.op === '&') given = bare(given.operand);
  const local = given?.kind === 'name' ? creator.locals.get(given.id) : undefined;
  if (!several || !local) return false;
  const loop = [...statements(creator.body)].filter((s) => s.kind === 'loop' && isWithin(at.span, s.span)).at(-1);
  // one after the other
  if (loop && callsIn(creator).some((c) => /join|thread_?wait/i.test(c.name) && isWithin(c.span, loop.span))) return false;
  return loop !== undefined && !isWithin(local.span, loop.span) && assignmentsTo(creator, local.id).every((a) => !isWithin(a.at.span, loop.span));
}
/** The thread runs a method of the object that starts it. */
function isOnThis(start: ThreadStart): boolean {
  return start.creator.owner !== '' && (start.entry.kind === 'lambda' || start.args.some((a) => a.kind === 'name' && a.name === 'this'));
}

const LOCKS = /lock|mutex|guard|semaphore|sem_wait|critical|atomic_flag|synchronized|serial|spin|exclusive|futex|barrier|\bonce\b|call_once|cond_wait/i;
function locks(file: View, entry: Func): boolean {
  return [...reachedFrom(file, entry)].some((f) => file.program.memo.derived(f, 'locks', () => takesLock(f)));
}
/** By the names and types in it; what a comment says does not count. */
function takesLock(func: Func): boolean {
  for (const l of func.locals.values()) if (LOCKS.test(l.type)) return true;
  for (const e of walkFunction(func)) {
    const name = e.kind === 'call' || e.kind === 'name' ? e.name : e.kind === 'member' ? e.field : '';
    if (LOCKS.test(name)) return true;
  }
  return /_locked$|_unlocked$/.test(func.name);
}
/** What else uses the ring in the same way; undefined when this is the only thread, the first of two, or something locks. */
function secondThread(file: View, func: Func, use: RingUse, ring: string, side: Side, starts: ThreadStart[]) {
  const all = threadStarts(file);
  if (starts.some((s) => locks(file, s.entry))) return undefined;
  const several = starts.find((s) => s.several || all.some((o) => o !== s && o.entry === s.entry && o.creator === s.creator));
  if (several) {
    // each is given its own: which ring that is, is told by the thread's number
    return [{ at: placeOf(several.creator, several.at), message: 'the function is started on several threads here' }];
  }
  for (const o of all) {
    if (starts.some((s) => s.entry === o.entry) || locks(file, o.entry)) continue;
    for (const f of reachedFrom(file, o.entry)) {
      const first = file.program.homeOf(f) === file.program ? ringUses(file, f).find((u) => sideOf(u) === side && sharedRing(file, u, [o]) === ring) : undefined;
      if (!first || (f.base + first.call.span.start > func.base + use.call.span.start)) continue;
      return [{ at: placeOf(f, first.call), message: 'another thread uses it here' }];
    }
  }
  return undefined;
}
