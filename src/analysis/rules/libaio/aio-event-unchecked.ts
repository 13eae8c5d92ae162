import { AIO_TRANSFERS, isGuard } from '../../api/names';
import type { Flow } from '../../flow/program';
import { constant } from '../../flow/value';
import { arrayOf, areOwn, countsOf, fetches, headerOf, readsOf, type Fetch, type Reads } from '../../idioms/aio-events';
import { assignmentsOf } from '../../idioms/assignments';
import { localOf } from '../../idioms/declared-type';
import { loopsAround, within, type Loop } from '../../idioms/loops';
import { resultFlow } from '../../idioms/return-convention';
import { isNull, lvalue, operandOf } from '../../idioms/tested';
import { useOfResult } from '../../idioms/result-use';
import { bare, expressionsOf, statements, walk, walkFunction, type Expr, type Func, type Member } from '../../model';
import { placeOf } from '../../source-file';
import type { DraftFix, Rule, View } from '../rule';

export const aioEventUnchecked: Rule = {
  info: {
    id: 'aio-event-unchecked', languages: ['c', 'cpp'], severity: 'warning', confidence: 'likely',
    summary: 'Events are taken without a look at how many there are, or at their results.',
  },
  why: 'io_getevents() may return fewer events than asked for, none at a timeout, and -EINTR. An event says in `res` how much was transferred, or which error there was; nothing else does.',
  families: ['libaio', 'raw-aio'],
  tokens: /getevents|io_event/,
  check(file, func, report) {
    const calls = fetches(file, func);
    const flow = calls.length ? file.program.flow(func) : undefined;
    if (!flow) return;
    const told = new Set<Expr>();
    for (const fetch of calls) {
      const reads = readsOf(func, fetch);
      const loop = blindLoop(file, flow, fetch, reads);
      if (loop && !told.has(loop.bound)) {
        told.add(loop.bound);
        report({
          at: headerOf(file, func, loop.loop),
          message: 'This loop goes through all events that were asked for: after a signal or a timeout there are fewer, and the rest is garbage. Loop up to what the call returned.',
          related: [{ at: placeOf(func, fetch.call), message: 'fetched here' }],
          fixes: loop.loop.form === 'each' ? [] : boundFix(func, fetch, loop.bound),
        });
      }
      const count = countIgnored(file, func, flow, fetch, reads, loop !== undefined);
      if (count) report({ at: placeOf(func, fetch.call), message: count });
      else if (!loop && isAddedUntested(func, fetch)) {
        report({ at: placeOf(func, fetch.call), message: 'The number of events is added up without a look whether it is negative: a signal makes it -EINTR, and the sum goes the wrong way. Test it first.' });
      }
      if (isUnlooked(file, func, fetch, reads) && !told.has(reads.tags[0]!)) {
        reads.tags.forEach((t) => told.add(t));
        report({
          at: placeOf(func, reads.tags[0]!.object),
          message: 'Nothing looks at `res` of this event: a request that failed, or moved less than it should, passes for done.',
          related: [{ at: placeOf(func, fetch.call), message: 'fetched here' }],
        });
      } else if (!count && !loop && isUnread(file, func, fetch, reads)) {
        report({ at: placeOf(func, fetch.call), severity: 'information', message: 'Nothing looks at the event: only its `res` says whether the transfer failed or was short.' });
      }
      const sign = signOnly(file, func, fetch, reads);
      if (sign && !told.has(sign)) {
        told.add(sign);
        report({
          at: placeOf(func, sign), severity: 'information',
          message: 'Only the sign of `res` is looked at: a transfer may be shorter than asked for, at the end of a file for example. Compare it with the length.',
        });
      }
    }
  },
};

/** A loop over the events that ends at the number asked for. */
function blindLoop(file: View, flow: Flow, fetch: Fetch, reads: Reads): { loop: Loop; bound: Expr } | undefined {
  const { func } = flow;
  if (!fetch.most || countIsCompared(func, fetch)) return undefined;
  for (const s of statements(func.body)) {
    if (s.kind !== 'loop' || (s.span.start < fetch.call.span.start && !within(fetch.call.span, s.span)) || s.test && within(fetch.call.span, s.test.span)) continue;
    const bound = boundOf(s, reads);
    if (!bound || !readsEvents(s, reads) || !isAskedFor(file, flow, fetch, s, bound, reads)) continue;
    return { loop: s, bound };
  }
  return undefined;
}
/** `i < bound`, `e < events + bound`, or the array that a range-based loop goes through. */
function boundOf(loop: Loop, reads: Reads): Expr | undefined {
  if (loop.form === 'each') {
    const over = loop.init.flatMap(expressionsOf).concat(loop.body.flatMap((b) => (b.kind === 'declare' && b.init ? [b.init] : []))).map(arrayOf).find((e) => reads.names.has(lvalue(e) ?? ''));
    return over;
  }
  for (const e of loop.test ? walk([loop.test]) : []) {
    if (e.kind !== 'binary' || !/^(?:<=?|!=)$/.test(e.op)) continue;
    const right = bare(e.right);
    const left = bare(e.left);
    if (left.kind !== 'name') continue;
    if (right.kind === 'binary' && right.op === '+' && reads.names.has(lvalue(arrayOf(right.left)) ?? '')) return right.right;
    return right;
  }
  return undefined;
}
/** An event of each turn: `events[i].obj`, `e->res`, or the event as a whole. */
function readsEvents(loop: Loop, reads: Reads): boolean {
  const turns = [...reads.tags, ...reads.results].filter((m) => within(m.span, loop.span));
  // a slot that is looked at before it is used may be known to be empty
  const tested = [...statements(loop.body)].some((s) => s.kind === 'if' && s.test && reads.tags.some((t) => within(t.span, s.test!.span)));
  return turns.length > 0 && !tested;
}
/** The bound is min_nr, nr or the size of the array, and nothing made it the number that came. */
function isAskedFor(file: View, flow: Flow, fetch: Fetch, loop: Loop, bound: Expr, reads: Reads): boolean {
  const { func } = flow;
  const counts = countsOf(func, fetch);
  if ([...walk([bound])].some((e) => counts.has(lvalue(e) ?? ''))) return false;
  if (loop.form === 'each') {
    const array = localOf(func, bound);
    const isContainer = array ? /vector|array|span/.test(array.type) || array.array : true;
    return isContainer && ![...walkFunction(func)].some((e) => e.kind === 'call' && e.callee.kind === 'member' && /^(?:resize|erase|subspan|first)$/.test(e.name));
  }
  const text = (e: Expr) => file.source(placeOf(func, bare(e))).replace(/\s/g, '');
  const asked = [fetch.least, fetch.most].filter((e) => e !== undefined);
  if (asked.some((e) => bare(e).kind !== 'int' && text(e) === text(bound))) {
    const name = lvalue(bound);
    return name === undefined || ![...walkFunction(func)].some((e) => e.kind === 'assign' && lvalue(e.target) === name && e.span.end > fetch.call.span.end);
  }
  const number = numberAt(flow, bound);
  if (number !== undefined) return number > 0n && asked.some((e) => numberAt(flow, e) === number);
  // the size of the array, as a number or as `sizeof events / sizeof events[0]`
  return [...walk([bound])].some((e) => (e.kind === 'sizeof' && e.operand && reads.names.has(lvalue(arrayOf(e.operand)) ?? '')) || (e.kind === 'call' && /size/i.test(e.name) && reads.names.has(lvalue(arrayOf(e.args[0] ?? (e.callee.kind === 'member' ? e.callee.object : e))) ?? '')));
}
function numberAt(flow: Flow, e: Expr): bigint | undefined {
  const inner = bare(e);
  if (inner.kind !== 'int' && inner.kind !== 'name' && inner.kind !== 'binary') return undefined;
  if (inner.kind === 'name' && inner.id.includes('~')) return undefined;
  const memory = flow.after(flow.cfg.blocks[flow.cfg.entry]!);
  return memory && constant(flow.value(inner, memory));
}
/** Somewhere the number that came is compared with what was wanted, or asserted. */
function countIsCompared(func: Func, fetch: Fetch): boolean {
  const counts = countsOf(func, fetch);
  const isCount = (e: Expr): boolean => [...walk([e])].some((x) => x === fetch.call || (x.kind !== 'call' && counts.has(lvalue(x) ?? '')));
  for (const e of walkFunction(func)) {
    if (e.kind === 'binary' && /^(?:[<>]=?|[!=]=)$/.test(e.op) && (isCount(e.left) || isCount(e.right)) && !isSignOnly(e)) return true;
    if (e.kind === 'call' && e !== fetch.call && isGuard(e.name) && e.args.some(isCount)) return true;
  }
  return [...statements(func.body)].some((s) => s.kind === 'switch' && isCount(s.subject));
}
function isSignOnly(e: Expr): boolean {
  const tested = operandOf(e);
  return tested !== undefined && (tested.with === 'error' || (tested.with !== undefined && tested.with <= 0n));
}

function boundFix(func: Func, fetch: Fetch, bound: Expr): DraftFix[] {
  for (const s of statements(func.body)) {
    const holds = s.kind === 'declare' ? s.init && bare(s.init) === fetch.call && s.local : undefined;
    const stored = s.kind === 'expr' && s.expr.kind === 'assign' && s.expr.op === '=' && bare(s.expr.value) === fetch.call ? localOf(func, bare(s.expr.target)) : undefined;
    const local = holds ?? stored;
    // an unsigned counter would take -EINTR for a big number
    if (local && /^(?:int|long|ssize_t|auto|const int|const auto)$/.test(local.type)) return [{ title: `Loop up to ${local.name}`, safe: true, edits: [{ place: placeOf(func, bound), text: local.name }] }];
  }
  return [];
}

/** What to say of a call whose count nobody looks at, or only for its sign. */
function countIgnored(file: View, func: Func, flow: Flow, fetch: Fetch, reads: Reads, blind: boolean): string | undefined {
  const use = useOfResult(file, func, fetch.call);
  const touched = reads.tags.length + reads.results.length > 0 || reads.leaves;
  if (use === 'ignored') {
    if (!fetch.call.discarded && isRead(func, fetch)) return undefined;
    if (fetch.call.discarded === 'void' && !touched) return undefined;
    return 'The number of events is ignored: a signal (-EINTR) or a timeout leaves fewer than asked for, or none, and the events are garbage then.';
  }
  if (use !== 'sign' || blind || !touched || countIsCompared(func, fetch)) return undefined;
  const least = fetch.least && numberAt(flow, fetch.least);
  const zero = asksForZero(file, func, fetch);
  const mayBeNone = least === 0n || (fetch.timeout !== undefined && !isNull(fetch.timeout));
  if (mayBeNone && !zero) return 'Only a negative result is taken for failure: at a timeout the call returns 0, and the events are garbage then. Look at the number of events.';
  if (zero && asksOnlyForZero(func, fetch)) return 'Only a result of 0 is told apart: a signal makes it -EINTR, and the events are garbage then. Look whether there are any, with > 0.';
  if (least !== undefined && least <= 1n) return undefined;
  return fetch.least && least === undefined && bare(fetch.least).kind !== 'name' && bare(fetch.least).kind !== 'member' ? undefined
    : 'Only the sign of the result is looked at: a signal or a timeout may leave fewer events than asked for. Compare the number with what is waited for.';
}
/** `done += n;`, `left -= n;` with nothing that asks about n but loops up to it. */
function isAddedUntested(func: Func, fetch: Fetch): boolean {
  const holders = new Set([...assignmentsOf(func)].filter(([id, all]) => !id.startsWith('.') && all.some((a) => a.value && bare(a.value) === fetch.call)).map(([id]) => id));
  const holds = (e: Expr): boolean => {
    const inner = bare(e);
    return inner === fetch.call || (inner.kind === 'name' && holders.has(inner.id)) || (inner.kind === 'assign' && bare(inner.value) === fetch.call);
  };
  let added = false;
  for (const e of walkFunction(func)) {
    if (e.kind === 'assign' && (e.op === '+' || e.op === '-') && holds(e.value)) added = true;
    if (e.kind === 'call' && e !== fetch.call && e.args.some(holds)) return false;
    const upTo = e.kind === 'binary' && e.op === '<' && holds(e.right);
    if (e.kind === 'binary' && /^(?:[<>]=?|[!=]=|&&|\|\|)$/.test(e.op) && !upTo && (holds(e.left) || holds(e.right))) return false;
  }
  return added && ![...statements(func.body)].some((s) => (s.kind === 'if' || s.kind === 'loop') && s.test && holds(s.test)) && ![...statements(func.body)].some((s) => s.kind === 'return' && s.value && holds(s.value));
}
/** The number that came is read somewhere behind the call or in a loop around it, if only as the end of a loop. */
function isRead(func: Func, fetch: Fetch): boolean {
  const counts = countsOf(func, fetch);
  const targets = new Set<Expr>([...walkFunction(func)].flatMap((e) => (e.kind === 'assign' ? [bare(e.target)] : [])));
  const later = loopsAround(func, fetch.call.span)[0]?.span.start ?? fetch.call.span.end;
  return counts.size === 0 || [...walkFunction(func)].some((e) => e.kind !== 'call' && e.kind !== 'cast' && e.span.start >= later && !targets.has(e) && counts.has(lvalue(e) ?? ''));
}
/** Some test tells no event from some. */
function asksForZero(file: View, func: Func, fetch: Fetch): boolean {
  const results = resultFlow(file, func);
  let found = false;
  const look = (test: Expr, state: Parameters<Parameters<NonNullable<typeof results>['tests']>[0]>[1]): void => {
    const tested = operandOf(test);
    if (tested?.with === 0n && !/^(?:<|>=)$/.test(tested.op) && results?.sources(tested.operand, state)?.has(fetch.call)) found = true;
  };
  results?.tests(look);
  results?.visit((event, state) => {
    if (event.kind === 'compare') look(event.test, state);
  });
  return found;
}

/** `if (n == 0)`, and no other test: a negative number passes for events. */
function asksOnlyForZero(func: Func, fetch: Fetch): boolean {
  const counts = countsOf(func, fetch);
  const isCount = (e: Expr): boolean => bare(e) === fetch.call || counts.has(lvalue(e) ?? '');
  let equal = false;
  for (const e of walkFunction(func)) {
    if (e.kind !== 'binary' || !/^(?:[<>]=?|[!=]=)$/.test(e.op) || (!isCount(e.left) && !isCount(e.right))) continue;
    if (operandOf(e)?.with !== 0n || e.op !== '==') return false;
    equal = true;
  }
  return equal;
}

/** Tags are read, results are not, and nobody else gets the event. */
function isUnlooked(file: View, func: Func, fetch: Fetch, reads: Reads): boolean {
  if (!reads.tags.length || reads.results.length || reads.leaves) return false;
  if (!areOwn(func, fetch)) {
    const array = bare(arrayOf(fetch.events));
    if (array.kind === 'name' && localOf(func, array)) return false;
    const name = array.kind === 'member' ? array.field : array.kind === 'name' ? array.name : undefined;
    const elsewhere = new RegExp(array.kind === 'member' && file.language === 'c' ? `(?:->|\\.)${name}\\b` : `\\b${name}\\b`);
    // who fetches into the array reads what it fetched itself
    const reader = (f: Func): boolean => f !== func && file.program.mentions(f, elsewhere) && !fetches(file, f).length;
    if (name === undefined || file.program.functions(/\bres2?\b/).some(reader)) return false;
  }
  return !onlyPolls(file);
}
/** Readiness carries no result that matters. */
function onlyPolls(file: View): boolean {
  return file.says(/io_prep_poll|IO_?CB_CMD_POLL|IO_CMD_POLL/) && !file.says(/io_prep_p(?:read|write)|IO_?CB_CMD_P|IO_CMD_P(?:READ|WRITE)/);
}
/** The event of a transfer that this function or file prepared, in a variable of its own that nothing reads. */
function isUnread(file: View, func: Func, fetch: Fetch, reads: Reads): boolean {
  if (reads.tags.length || reads.results.length || reads.leaves || !areOwn(func, fetch)) return false;
  if (transfers(file, func).length) return true;
  return !/drain|cancel|flush|stop|close|clean|destroy|exit|free|abort|shutdown/i.test(func.name) && !file.says(/io_prep_(?:poll|fd?sync)|CMD_(?:POLL|FD?SYNC)/) && file.program.functions(/io_prep_p(?:read|write)/).some((f) => transfers(file, f).length > 0);
}
function transfers(file: View, func: Func) {
  return [...walkFunction(func)].filter((e) => e.kind === 'call' && e.callee.kind === 'name' && AIO_TRANSFERS.has(e.name) && !file.program.defines(e.name));
}

/** What a transfer was asked to move is known where its event is looked at: it is prepared here, or is the same number everywhere. */
function knowsLengths(file: View, func: Func): boolean {
  const own = transfers(file, func);
  if (own.length) return own.every(isPlain);
  // those of other requests move nothing
  if (file.says(/io_prep_(?:poll|fd?sync)/)) return false;
  const all = file.program.functions(/io_prep_p/).flatMap((f) => transfers(file, f).map((call) => ({ f, call })));
  return all.length > 0 && all.every(({ f, call }) => {
    const flow = isPlain(call) ? file.program.flow(f) : undefined;
    return flow && call.kind === 'call' && numberAt(flow, call.args[3]!) !== undefined;
  });
}
function isPlain(e: Expr): boolean {
  return e.kind === 'call' && /^io_prep_p(?:read|write)$/.test(e.name) && e.args[3] !== undefined;
}

/** The test of `res` for its sign where that is all, and the length of every request is a number. */
function signOnly(file: View, func: Func, fetch: Fetch, reads: Reads): Expr | undefined {
  if (!reads.results.length || reads.leaves || !areOwn(func, fetch)) return undefined;
  if (!knowsLengths(file, func)) return undefined;
  const results = new Set<Expr>(reads.results.filter((m: Member) => m.field === 'res'));
  const copies = new Set<string>();
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && results.has(bare(s.init))) copies.add(s.local.id);
  const isResult = (e: Expr): boolean => results.has(bare(e)) || copies.has(lvalue(e) ?? '');
  let sign: Expr | undefined;
  const fine = new Set<Expr>();
  for (const e of walkFunction(func)) {
    if (e.kind === 'binary' && (isResult(e.left) || isResult(e.right)) && isSignOnly(e)) {
      sign ??= e;
      [e.left, e.right].forEach((x) => fine.add(bare(x)));
    } else if (e.kind === 'unary' && e.op === '-' && isResult(e.operand)) fine.add(bare(e.operand));
  }
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && isResult(s.init)) fine.add(bare(s.init));
  for (const e of walkFunction(func)) if (isResult(e) && e.kind !== 'cast' && !fine.has(e)) return undefined;
  return sign;
}
