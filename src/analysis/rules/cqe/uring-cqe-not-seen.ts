import { CQE_CONSUMERS } from '../../api/names';
import { cqeFlow } from '../../idioms/cqe';
import type { Trouble } from '../../idioms/cqe-trouble';
import { isCqe } from '../../idioms/declared-type';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { bare, placeIn, statements, walk, walkFunction, expressionsOf, type Call, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';

type Unseen = Extract<Trouble, { kind: 'unseen' }>;

export const uringCqeNotSeen: Rule = {
  info: {
    id: 'uring-cqe-not-seen', languages: ['c', 'cpp'], severity: 'error', confidence: 'likely',
    summary: 'A cqe is read and never given back with io_uring_cqe_seen; the next wait returns the same one.',
  },
  why: 'Until io_uring_cqe_seen() or io_uring_cq_advance() moves the head of the completion queue on, every wait returns the same cqe: a request completes twice, or a loop never ends, and the queue fills up.',
  families: ['liburing'],
  check(file, func, report) {
    const reported = new Set<number>();
    for (const t of cqeFlow(file.program, func)?.troubles ?? []) {
      if (t.kind !== 'unseen' || reported.has(t.at.span.start) || (!t.again && endsSoon(file, func, t))) continue;
      reported.add(t.at.span.start);
      const leaves = t.at.span.start !== t.token.call?.span.start;
      report({
        at: t.at,
        message: t.again ? `${leaves ? 'This way the' : 'The'} cqe is not given back: the next ${t.again.name}() returns the same one again. Call io_uring_cqe_seen() first.`
          : `${leaves ? 'This leaves the function without giving the cqe back' : 'The cqe is not given back before the function ends'}: the next wait on the ring returns it again. Call io_uring_cqe_seen() first.`,
        ...(t.again ? {} : { severity: 'warning' as const, harmlessInTests: true }),
        related: t.token.call && leaves ? [{ at: placeOf(func, t.token.call), message: 'the cqe comes from here' }] : [],
        fixes: leaves ? fix(file, func, t) : [],
      });
    }
    if (!func.damaged && file.program.mentions(func, /io_uring_for_each_cqe/)) unadvanced(file, func, (call) => report({
      at: placeOf(func, call),
      message: 'io_uring_for_each_cqe() gives nothing back: without io_uring_cq_advance() behind the loop, or io_uring_cqe_seen() in it, the same completions come again.',
    }));
  },
};

/** The ring is closed here or by every caller in sight, so that nobody waits again. */
function endsSoon(file: View, func: Func, t: Unseen): boolean {
  const { program } = file;
  if (program.mentions(func, /io_uring_queue_exit|\bexit\s*\(/)) return true;
  if (t.token.rings.some((r) => func.locals.get(r) && !func.params.some((p) => p.id === r))) return true;
  const callers = program.users(func).filter((f) => f !== func);
  if (!callers.length) return false;
  if (callers.some((f) => program.mentions(f, /io_uring_cq_advance|io_uring_cqe_seen/))) return true;
  const ends = callers.every((f) => (f.name === 'main' || program.mentions(f, /io_uring_queue_exit|\bexit\s*\(/)) && !callsInLoop(f, func.name));
  return ends && (fails(func, t) || callers.reduce((n, f) => n + callsOf(f, func.name), 0) === 1);
}
/** An error is why the function is left here. */
function fails(func: Func, t: Unseen): boolean {
  const leaving = [...statements(func.body)].find((s) => s.span.start === t.at.span.start && s.span.end === t.at.span.end);
  if (leaving?.kind === 'goto') return true;
  const value = leaving?.kind === 'return' && leaving.value ? bare(leaving.value) : undefined;
  return value !== undefined && !(value.kind === 'int' && value.value === 0n);
}
function callsOf(caller: Func, name: string): number {
  return [...walkFunction(caller)].filter((e) => e.kind === 'call' && e.name === name).length;
}
function callsInLoop(caller: Func, name: string): boolean {
  return [...statements(caller.body)].some((s) => s.kind === 'loop' && [...walk(expressionsOf(s))].some((e) => e.kind === 'call' && e.name === name));
}

/** Words of functions that may move the head of the queue on. */
const GIVES_BACK = /adv|seen|consum|reap|pop|drain|flush|clear|reset|head|cq|ack|done|finish|complet/i;

/** Loop macros with neither an advance of their ring nor a cqe_seen in the function, and nothing that leads out of sight with either. */
function unadvanced(file: View, func: Func, found: (call: Call) => void): void {
  const calls = [...walkFunction(func)].filter((e) => e.kind === 'call');
  if (calls.some((c) => CQE_CONSUMERS.has(c.name)) || file.program.mentions(func, /khead|kring_entries|cq\.k|return\s+\(?struct/)) return;
  if ([...statements(func.body)].some((s) => s.kind === 'return' && s.value && isCqe(file, func, s.value))) return;
  for (const s of statements(func.body)) {
    if (s.kind !== 'loop' || s.form !== 'each' || s.test?.kind !== 'assign' || s.test.value.kind !== 'call') continue;
    const head = s.test.value;
    const ring = file.source(placeOf(func, head.args[0]!)).replace(/^&|\s/g, '');
    const cqe = file.source(placeOf(func, head.args[2]!));
    const root = ring.replace(/^\(?\*?/, '').split(/->|\.|\[/)[0]!;
    const words = new RegExp(`(?<![\\w.>])(?:${[ring, root, cqe].map((w) => w.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})(?!\\w|->|\\.)`);
    const shared = ![...func.locals.values()].some((l) => l.name === root);
    // counts and peeks are no reason to advance
    const reads = [...walk(s.body.flatMap(expressionsOf))].some((e) => (e.kind === 'member' && e.field === 'res') || (e.kind === 'call' && e.args.some((a) => file.source(placeOf(func, a)) === cqe) && readsResult(file, e)));
    // what is called on the ring's object, or at large, gives back if its name says so
    const mayGiveBack = (c: Call): boolean => {
      const callee = file.program.callee(c);
      if (callee) return file.program.mentions(callee, /cqe_seen|cq_advance|khead/) || [...walkFunction(callee)].some((e) => e.kind === 'call' && GIVES_BACK.test(e.name) && !e.name.startsWith('io_uring_cqe_get_'));
      // a request's own callback knows nothing of the queue
      const object = c.callee.kind === 'member' ? bare(c.callee.object) : undefined;
      if (object && !(object.kind === 'name' && (object.name === 'this' || object.name === root))) return false;
      return !isOutOfTheWay(c) && GIVES_BACK.test(c.name);
    };
    const leads = countGoesOut(file, func) || calls.some((c) => c !== head && !/^io_uring_/.test(c.name)
      && ((!file.program.callee(c) || mayGiveBack(c)) && c.args.some((a) => bare(a).kind !== 'call' && words.test(file.source(placeOf(func, a)))) || (shared && mayGiveBack(c))));
    if (reads && !leads && !func.inner.length) found(head);
  }
}

/** A function of the project reads the result of the cqe it is given. */
function readsResult(file: View, call: Call): boolean {
  const callee = file.program.callee(call);
  return callee !== undefined && file.program.mentions(callee, /(?:->|\.)\s*res\b/);
}
/** The number of cqes is returned, and a caller advances. */
function countGoesOut(file: View, func: Func): boolean {
  const returns = [...statements(func.body)].some((s) => s.kind === 'return' && s.value !== undefined && bare(s.value).kind === 'name');
  return returns && file.program.users(func).some((f) => f !== func && file.program.mentions(f, /cq_advance|khead/));
}

/** Gives the cqe back in front of the leaving statement. */
function fix(file: View, func: Func, t: Unseen): DraftFix[] {
  const { call } = t.token;
  const leaving = [...statements(func.body)].find((s) => s.span.start === t.at.span.start && s.span.end === t.at.span.end);
  const into = call?.args[1];
  if (!leaving || !into || call.args.length < 2 || !(leaving.kind === 'continue' || leaving.kind === 'return' || leaving.kind === 'goto')) return [];
  if (into.kind !== 'unary' || into.op !== '&' || into.operand.kind !== 'name' || t.token.source === 'each' || file.program.callee(call)) return [];
  const name = into.operand.name;
  const id = into.operand.id;
  if (leaving.kind === 'return' && leaving.value && [...walk([leaving.value])].some((e) => e.kind === 'name' && e.id === id)) return [];
  const seen = `io_uring_cqe_seen(${file.source(placeOf(func, call.args[0]!))}, ${name});`;
  return [{ title: 'Give the cqe back first', edits: before(file, func, leaving, seen), safe: leaving.kind !== 'goto' }];
}
/** How far back a condition is looked for. */
const NEAR = 400;
/** A statement more in front of one, in braces where there are none. */
function before(file: View, func: Func, leaving: Stmt, text: string) {
  const place = placeOf(func, leaving);
  const indent = file.indentation(place);
  if (isInBlock(file, place)) return [insertion(func, leaving.span.start, `${text}\n${indent}`)];
  // behind the condition, in front of comments about the statement
  const ahead = file.source(placeIn(func, { start: Math.max(0, leaving.span.start - NEAR), end: leaving.span.start }));
  const condition = leaving.span.start - ahead.length + ahead.replace(/(?:\s*(?:\/\/[^\n]*\n|\/\*[^*]*\*\/))*\s*$/, '').length;
  const outer = indent.endsWith('\t') ? indent.slice(0, -1) : indent.replace(/ {1,4}$/, '');
  if (!/\n/.test(ahead.slice(ahead.trimEnd().length))) return [insertion(func, leaving.span.start, `{ ${text} `), insertion(func, leaving.span.end, ' }')];
  return [insertion(func, condition, ' {'), insertion(func, leaving.span.start, `${text}\n${indent}`), insertion(func, leaving.span.end, `\n${outer}}`)];
}
