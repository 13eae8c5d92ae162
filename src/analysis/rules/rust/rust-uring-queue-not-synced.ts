import { solve } from '../../flow/dataflow';
import type { Event } from '../../flow/cfg';
import { chainOf, declarationOf, loopsAround, plain, rustCalls, scopeOf, typeOf, usesOf } from '../../idioms/rust-code';
import { PUSH, pushesOf, ringKey, setUpsOf, SUBMIT, SUBMIT_AND_WAIT } from '../../idioms/rust-uring';
import { isWithin, expressionsOf, statements, walk, type Call, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { insertion, type Draft, type DraftFix, type Rule } from '../rule';

export const rustUringQueueNotSynced: Rule = {
  info: {
    id: 'rust-uring-queue-not-synced', languages: ['rust'], severity: 'warning', confidence: 'likely',
    summary: 'A queue that is kept was not synced: the kernel does not see the entries, or the program not the completions.',
  },
  why: 'SubmissionQueue and CompletionQueue work on copies of their ends. They are brought up to date when they are made, by sync(), and when they go. A queue kept from split() needs sync() before a submit and before completions are read.',
  families: ['io-uring-crate'],
  checkFile(file, report) {
    for (const func of file.program.functions(/\b(?:split|push\w*|completion\w*|submission\w*|CompletionQueue|SubmissionQueue)\b/)) {
      if (func.damaged) continue;
      for (const draft of [...unseen(file, func), ...neverSubmitted(file, func), ...neverSynced(file, func), ...twice(file, func)]) report(draft);
    }
  },
};

/** Queues kept in variables, by the variable's id, with the ring they belong to. */
interface Queues { submission: Map<string, string>; completion: Map<string, string>; /** where each lives: it is synced when it goes */ scopes: Map<string, Span> }
function queuesOf(file: SourceFile, func: Func): Queues {
  const out: Queues = { submission: new Map(), completion: new Map(), scopes: new Map() };
  for (const s of statements(func.body)) {
    if (s.kind !== 'declare') continue;
    const name = { kind: 'name' as const, name: s.local.name, id: s.local.id, span: s.local.span };
    const from = s.bound?.from ?? s.init;
    const kind = from && typeOf(file, name, func);
    // what submission() gave must go before anybody can submit
    const ring = kind && keptFrom(from) ? ringKey(file, func, name) : undefined;
    if (ring === undefined) continue;
    out.scopes.set(s.local.id, { start: s.statement.end, end: scopeOf(func, s).end });
    if (kind === 'io_uring::SubmissionQueue') out.submission.set(s.local.id, ring);
    if (kind === 'io_uring::CompletionQueue') out.completion.set(s.local.id, ring);
  }
  return out;
}

function keptFrom(from: Expr): boolean {
  const { calls } = chainOf(from);
  return calls.some((c) => /^(?:split|submission_shared|completion_shared)$/.test(c.name));
}

/** What is not in step: queues with entries the kernel cannot see, and queues whose completions the program cannot see. */
interface State { dirty: ReadonlyMap<string, Call>; stale: ReadonlyMap<string, Call> }

function unseen(file: SourceFile, func: Func): Draft[] {
  const queues = queuesOf(file, func);
  const flow = queues.submission.size + queues.completion.size > 0 ? file.program.flow(func) : undefined;
  if (!flow) return [];
  const paths = new Map(rustCalls(file, func).map((c) => [c.call, c.path]));
  const iterated = new Map<string, string>();
  for (const s of statements(func.body)) {
    const over = s.kind === 'declare' && s.bound?.each ? plain(s.bound.from) : undefined;
    if (s.kind === 'declare' && over?.kind === 'name') iterated.set(s.local.id, over.id);
  }
  const refilled = refilledWhenEmpty(func);
  const blind = new Map<Call, Call>();
  const late = new Set<Call>();
  const read = (state: State, id: string): State => {
    const submit = state.stale.get(id);
    if (submit) late.add(submit);
    return state;
  };
  const step = (event: Event, state: State): State => {
    if (event.kind === 'declare') {
      // made anew, as by a split() in each turn
      if (queues.scopes.has(event.local.id)) return { dirty: without(state.dirty, event.local.id), stale: without(state.stale, event.local.id) };
      const queue = iterated.get(event.local.id);
      return queue === undefined ? state : read(state, queue);
    }
    if (event.kind !== 'call') return state;
    const { call } = event;
    const path = paths.get(call) ?? '';
    const id = receiverOf(call);
    // handed to someone else, who may do anything with it
    const given = call.args.map(plain).flatMap((a) => (a.kind === 'name' ? [a.id] : []));
    let next = given.some((g) => state.dirty.has(g) || state.stale.has(g)) ? { dirty: without(state.dirty, ...given), stale: without(state.stale, ...given) } : state;
    if (id !== undefined && queues.submission.has(id)) {
      if (PUSH.test(path)) return { ...next, dirty: new Map(next.dirty).set(id, call) };
      if (call.name === 'sync') return { ...next, dirty: without(next.dirty, id) };
    }
    if (id !== undefined && queues.completion.has(id)) {
      if (call.name === 'sync' || (call.name === 'is_empty' && refilled.has(id))) return { ...next, stale: without(next.stale, id) };
      return read(next, id);
    }
    if (!SUBMIT.test(path)) return next;
    const ring = call.callee.kind === 'member' ? ringKey(file, func, call.callee.object) : undefined;
    for (const [queue, push] of next.dirty) {
      const sees = queues.submission.get(queue) === ring && isWithin(call.span, queues.scopes.get(queue)!);
      if (sees && !blind.has(call) && !syncedIfNeeded(func, queue, push, call) && !makesRoom(func, queue, call)) blind.set(call, push);
    }
    if (SUBMIT_AND_WAIT.test(path)) {
      const waiting = [...queues.completion].filter(([, r]) => r === ring).map(([queue]): [string, Call] => [queue, call]);
      next = { ...next, stale: new Map([...next.stale, ...waiting]) };
    }
    return next;
  };
  const entries = solve<State>(flow.cfg, {
    start: { dirty: new Map(), stale: new Map() }, step,
    join: (a, b) => ({ dirty: new Map([...a.dirty, ...b.dirty]), stale: new Map([...a.stale, ...b.stale]) }),
    equal: (a, b) => sameKeys(a.dirty, b.dirty) && sameKeys(a.stale, b.stale),
  });
  if (!entries) return [];
  return [...new Set([...blind.keys(), ...late])].map((submit) => {
    const push = blind.get(submit);
    const sq = push && nameOf([...queues.submission.keys()].find((id) => receiverOf(push) === id));
    const cq = late.has(submit) ? nameOf([...queues.completion.keys()].find((id) => queues.completion.get(id) === ringOf(file, func, submit))) : undefined;
    const message = push
      ? `The entries pushed to ${sq ?? 'the queue'} were not synced: the kernel does not see them, and this submits nothing. Call ${sq ?? 'the queue'}.sync() first.`
      : `${cq ?? 'The completion queue'} is read without sync() behind this: it never shows what completed since it was made.`;
    return {
      at: placeOf(func, submit),
      message,
      related: push ? [{ at: placeOf(func, push), message: 'pushed here' }] : [],
      fixes: fix(file, func, submit, sq, cq),
    };
  });
}
/** Queues of `if cq.is_empty() { …; cq.sync(); }`: what a copy still holds is taken first, and then a new one is made. */
function refilledWhenEmpty(func: Func): Set<string> {
  const out = new Set<string>();
  for (const s of statements(func.body)) {
    if ((s.kind !== 'if' && s.kind !== 'loop') || !s.test) continue;
    for (const e of walk([s.test])) {
      const id = e.kind === 'call' && e.name === 'is_empty' ? receiverOf(e) : undefined;
      if (id !== undefined && syncs(s.kind === 'if' ? s.then : s.body, id)) out.add(id);
    }
  }
  return out;
}
/** `if pushed { sq.sync(); }` between a push and a submit: the program keeps a count of its own of what there is to show. */
function syncedIfNeeded(func: Func, queue: string, push: Call, submit: Call): boolean {
  return [...statements(func.body)].some((s) => s.kind === 'if' && s.test !== undefined && s.span.start > push.span.end && s.span.end < submit.span.start
    && ![...walk([s.test])].some((e) => e.kind === 'call' && e.callee.kind === 'name') && syncs(s.then, queue));
}
/** `if sq.is_full() { submitter.submit()?; } sq.sync();` in a loop: what earlier turns pushed is seen, and that is enough to make room. */
function makesRoom(func: Func, queue: string, submit: Call): boolean {
  const asks = [...statements(func.body)].some((s) => s.kind === 'if' && s.test !== undefined && isWithin(submit.span, s.span) && [...walk([s.test])].some((e) => e.kind === 'call' && e.name === 'is_full' && receiverOf(e) === queue));
  const loop = asks ? loopsAround(func, submit.span).at(-1) : undefined;
  return loop !== undefined && syncs(loop.body, queue);
}
function syncs(body: Stmt[], id: string): boolean {
  return [...walk([...statements(body)].flatMap(expressionsOf))].some((e) => e.kind === 'call' && e.name === 'sync' && receiverOf(e) === id);
}
function receiverOf(call: Call): string | undefined {
  const receiver = call.callee.kind === 'member' ? plain(call.callee.object) : undefined;
  return receiver?.kind === 'name' ? receiver.id : undefined;
}
function ringOf(file: SourceFile, func: Func, call: Call): string | undefined {
  return call.callee.kind === 'member' ? ringKey(file, func, call.callee.object) : undefined;
}
function nameOf(id: string | undefined): string | undefined {
  return id?.replace(/~.*$/, '');
}
function without<T>(map: ReadonlyMap<string, T>, ...keys: string[]): ReadonlyMap<string, T> {
  return new Map([...map].filter(([k]) => !keys.includes(k)));
}
function sameKeys<T>(a: ReadonlyMap<string, T>, b: ReadonlyMap<string, T>): boolean {
  return a.size === b.size && [...a.keys()].every((k) => b.has(k));
}

function fix(file: SourceFile, func: Func, submit: Call, sq: string | undefined, cq: string | undefined): DraftFix[] {
  // the innermost statement of a block that holds the call and no more statements of its own
  const holder = [...statements(func.body)].filter((s) => (s.kind === 'expr' || s.kind === 'declare') && isWithin(submit.span, statementSpan(s)))
    .sort((a, b) => (a.span.end - a.span.start) - (b.span.end - b.span.start))[0];
  if (!holder || [...walk(expressionsOf(holder))].some((e) => e.kind === 'control')) return [];
  const span = statementSpan(holder);
  if (!/;$/.test(file.source(placeOf(func, { span })))) return [];
  const indent = file.indentation(placeOf(func, { span }));
  const edits = [
    ...(sq === undefined ? [] : [insertion(func, span.start, `${sq}.sync();\n${indent}`)]),
    ...(cq === undefined ? [] : [insertion(func, span.end, `\n${indent}${cq}.sync();`)]),
  ];
  return edits.length ? [{ title: sq && cq ? 'Sync both queues' : `Sync ${sq ?? cq}`, edits, safe: true }] : [];
}
function statementSpan(s: Stmt): Span {
  return s.kind === 'declare' ? s.statement : s.span;
}

/** Entries are pushed, completions polled for ever, and nothing submits. */
function neverSubmitted(file: SourceFile, func: Func): Draft[] {
  const pushes = pushesOf(file, func);
  if (!pushes.length) return [];
  const ring = pushes[0]!.call.callee.kind === 'member' ? ringKey(file, func, pushes[0]!.call.callee.object) : undefined;
  const made = setUpsOf(file, func).find((s) => s.key !== undefined && s.key === ring);
  if (ring === undefined || !made || made.options.has('setup_sqpoll')) return [];
  // whoever else has the ring may submit
  const uses = usesOf(func, ring);
  if (uses.some((u) => u.inner || (u.how !== 'method' && !u.call?.macro)) || rustCalls(file, func).some((c) => /submit|enter|wait|flush/.test(c.call.name))) return [];
  return [...statements(func.body)].flatMap((s): Draft[] => {
    if (s.kind !== 'loop' || (s.form !== 'forever' && s.form !== 'while') || pushes.every((p) => p.call.span.start > s.span.start)) return [];
    const polls = rustCalls(file, func).some((c) => /^io_uring::(?:IoUring::completion|CompletionQueue::next)$/.test(c.path) && isWithin(c.call.span, s.span));
    // `while let Some(cqe) = cq.next()` takes what is there and ends
    const drains = s.form === 'while' && s.test?.kind === 'opaque' && s.test.pattern !== undefined;
    return polls && !drains ? [{
      at: placeOf(func, head(s)),
      message: 'This waits for completions of entries that are pushed but never submitted: the kernel does not see them.',
      related: [{ at: placeOf(func, pushes[0]!.call), message: 'pushed here' }],
    }] : [];
  });
}

/** A completion queue made outside of a loop that polls it, and never brought up to date. */
function neverSynced(file: SourceFile, func: Func): Draft[] {
  const out: Draft[] = [];
  const loops = [...statements(func.body)].filter((s) => s.kind === 'loop');
  for (const s of statements(func.body)) {
    if (s.kind !== 'declare' || !(s.bound ?? s.init) || typeOf(file, { kind: 'name', name: s.local.name, id: s.local.id, span: s.local.span }, func) !== 'io_uring::CompletionQueue') continue;
    const { id } = s.local;
    const uses = usesOf(func, id);
    const handedOver = uses.some((u) => u.inner || (u.call !== undefined && u.how !== 'method' && !u.call.macro) || (u.how === 'method' && u.call?.name === 'sync'));
    if (handedOver) continue;
    // the outermost loop that goes round for other reasons than what the queue holds
    const polling = loops.find((l) => l.kind === 'loop' && (l.form === 'forever' || l.form === 'while') && l.span.start > s.statement.end && !drains(l, id)
      && uses.some((u) => isWithin(u.at, l.span)) && !submits(file, func, l));
    if (!polling || polling.kind !== 'loop') continue;
    out.push({
      at: placeOf(func, head(polling)),
      message: `${s.local.name} is polled here without sync(): it shows what had completed when it was made and never more.`,
      related: [{ at: placeOf(func, s.local), message: 'made here' }],
    });
  }
  return out;
}
/** The word that begins a loop. */
function head(loop: Stmt): { span: Span } {
  const length = loop.kind === 'loop' && loop.form === 'while' ? 'while'.length : 'loop'.length;
  return { span: { start: loop.span.start, end: loop.span.start + length } };
}
/** `while let Some(cqe) = cq.next()` ends with what is there. */
function drains(loop: Extract<Stmt, { kind: 'loop' }>, id: string): boolean {
  return loop.form === 'while' && loop.test?.kind === 'opaque' && loop.test.pattern !== undefined && [...walk([loop.test])].some((e) => e.kind === 'name' && e.id === id);
}
/** Then the submit is what is told. */
function submits(file: SourceFile, func: Func, loop: Stmt): boolean {
  return rustCalls(file, func).some((c) => SUBMIT_AND_WAIT.test(c.path) && isWithin(c.call.span, loop.span));
}

/** A second shared handle of a queue, while the first is alive. */
function twice(file: SourceFile, func: Func): Draft[] {
  const out: Draft[] = [];
  const shared = rustCalls(file, func).filter((c) => /^io_uring::IoUring::(?:submission|completion)_shared$/.test(c.path));
  if (shared.length < 2) return out;
  for (const id of func.locals.keys()) {
    const declared = declarationOf(func, id);
    const first = declared && shared.find((c) => declared.statement.init && plain(declared.statement.init) === c.call);
    if (!first) continue;
    const key = ringOf(file, func, first.call);
    const rest = declared.among.slice(declared.among.indexOf(declared.statement) + 1);
    const dropped = rest.find((s) => s.kind === 'expr' && s.expr.kind === 'call' && s.expr.name === 'drop' && s.expr.args.some((a) => a.kind === 'name' && a.id === id));
    const second = shared.find((c) => c !== first && c.path === first.path && ringOf(file, func, c.call) === key && rest.some((s) => isWithin(c.call.span, statementSpan(s)))
      && !(dropped && dropped.span.start < c.call.span.start));
    if (second) {
      out.push({
        at: placeOf(func, second.call),
        message: 'A second handle of the same queue, while the first is still alive: each works on its own copy of the queue\'s ends, and they overwrite each other.',
        related: [{ at: placeOf(func, first.call), message: 'the first handle' }],
      });
    }
  }
  return out;
}
