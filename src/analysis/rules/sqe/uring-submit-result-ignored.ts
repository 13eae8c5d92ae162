import { SQE_SOURCES, URING_REAP, URING_SUBMIT } from '../../api/names';
import { integers } from '../../flow/value';
import { endsOn } from '../../idioms/fatal-error';
import { everyRing, setupsIn } from '../../idioms/ring-setup';
import { assignmentsTo } from '../../idioms/assignments';
import { loopsAround, type Loop } from '../../idioms/loops';
import { useOfResult } from '../../idioms/result-use';
import { sqeFlow } from '../../idioms/sqe';
import { lvalue } from '../../idioms/tested';
import { bare, callsIn, expressionsOf, statements, walk, walkFunction, type Call, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';

const SQPOLL = 2n;
/** Errors after which the same submission works, once completions were taken. */
const PASSING = new Set(['EBUSY', 'EAGAIN']);

const IN_FLIGHT = /fl(?:ight|y)|pending|outstanding|active|submitted|queued|to_reap|todo/i;

export const uringSubmitResultIgnored: Rule = {
  info: {
    id: 'uring-submit-result-ignored', languages: ['c', 'cpp'], severity: 'warning', confidence: 'certain',
    summary: 'The result of io_uring_submit is thrown away: an error, or sqes that were not taken, go unnoticed.',
  },
  why: 'io_uring_submit() returns a negative error, or how many sqes it took. What it did not take never completes, and code that waits for it hangs.',
  families: ['liburing', 'raw-io-uring'],
  check(file, func, report) {
    if (func.damaged || func.kind === 'destructor' || !file.program.mentions(func, /submit|enter|flush/i)) return;
    const calls = callsIn(func);
    for (const call of calls) {
      const through = submitsThrough(file, func, call);
      const end = through === false ? endsOn(file, func, call, PASSING) : undefined;
      if (end) report({
        at: placeOf(func, end), severity: 'information',
        message: `This ends the program on an error that passes: completions wait to be taken, or memory is short for the moment. Reap, and call ${call.name}() again.`,
        related: [{ at: placeOf(func, call), message: 'the error comes from here' }],
      });
      if (through === undefined || pollsInKernel(file) || makesRoom(func, call)) continue;
      const again = inEventLoop(func, call, calls);
      if (again && !onlyForNew(func, call, calls)) continue;
      const use = call.discarded === 'statement' ? 'ignored' : call.discarded ? undefined : useOfResult(file, func, call);
      if (use === 'ignored' && !again) {
        if (beforeExit(file, func, call, calls)) continue;
        report({
          at: placeOf(func, call),
          message: `The result of ${call.name}() is ${call.discarded ? 'ignored' : 'never looked at'}: it is negative on error, and may be less than the number of queued sqes, which then never complete.`,
          fixes: call.discarded && !through ? fix(file, func, call) : [],
        });
      } else if (use === 'sign' && !through) {
        const counted = countsAllOf(file, func, call, calls);
        if (counted) {
          report({
            at: placeOf(func, call), harmlessInTests: true, ...(counted.waits ? { severity: 'information' as const } : {}),
            message: 'Only failure is tested, but a submission may take fewer sqes than are queued: the rest stay in the queue, and what is counted on never completes. Count what the call returns, and submit again.',
            related: [{ at: placeOf(func, counted.at), message: counted.waits ? 'waited for here' : 'counted here' }],
          });
        }
      }
    }
  },
};

/** Whether a call submits: itself (false), or as a project function that returns the result (true). */
function submitsThrough(file: View, func: Func, call: Call): boolean | undefined {
  const { program } = file;
  const callee = program.callee(call);
  if (callee) {
    const returns = call.discarded ? program.summaryFor(func, callee)?.returns : undefined;
    if (!returns || returns.unknown || returns.atoms.size === 0) return undefined;
    return [...returns.atoms.values()].every((a) => a.kind === 'call' && URING_SUBMIT.has(a.call.name) && a.via.length === 0) ? true : undefined;
  }
  if (call.callee.kind !== 'name' || program.defines(call.name)) return undefined;
  if (URING_SUBMIT.has(call.name)) return false;
  const entered = /^io_uring_enter2?$/.test(call.name) ? call.args[1]
    : call.name === 'syscall' && call.args[0]?.kind === 'name' && /^(?:__NR|SYS)_io_uring_enter$/.test(call.args[0].name) ? call.args[2] : undefined;
  // with nothing to submit it only waits, or wakes
  return entered && bare(entered).kind !== 'int' ? false : undefined;
}

/** Several sqes are queued, and the number of them, not the result, is added to a count or waited for. */
function countsAllOf(file: View, func: Func, call: Call, calls: Call[]): { at: { span: Span }; waits: boolean } | undefined {
  const { program } = file;
  const flow = sqeFlow(program, func);
  const submit = flow?.of('submit').find((s) => s.call === call);
  if (!flow || !submit || calls.some((c) => c.name === 'io_uring_sq_ready') || takesAll(file)) return undefined;
  const queued = flow.events.filter((e) => (e.kind === 'get' || e.kind === 'queue') && flow.reaches(e, (x) => x === submit, (x) => x.kind === 'submit'));
  const several = queued.length > 1 || queued.some((q) => flow.reaches(q, (x) => x === q, (x) => x.kind === 'submit' || x.kind === 'reap'));
  for (const e of walkFunction(func)) {
    if (e.kind !== 'assign' || e.op !== '+' || e.span.start < call.span.end || !(several || isQueuedCount(func, e.value))) continue;
    const target = bare(e.target);
    const name = target.kind === 'name' ? target.name : target.kind === 'member' ? target.field : '';
    if (IN_FLIGHT.test(name) && !loopsAround(func, e.span).some((l) => l.span.start > call.span.end)) return { at: e, waits: false };
  }
  if (!several) return undefined;
  const wait = flow.of('reap').find((r) => r.blocks && r.span.start > call.span.end && loopsAround(func, r.span).some((l) => l.span.start > call.span.end && (l.form === 'for' || countsDown(file, func, call, l))) && flow.reaches(submit, (x) => x === r));
  return wait && { at: wait, waits: true };
}
/** `inflight += queued; queued = 0;`: what others queued, all of it, counts as taken. */
function isQueuedCount(func: Func, e: Expr): boolean {
  const counts = new Set<string>();
  const add = (x: Expr): void => {
    const place = lvalue(x);
    if (place !== undefined) counts.add(place);
  };
  add(e);
  const inner = bare(e);
  if (inner.kind === 'name') for (const a of assignmentsTo(func, inner.id)) if (a.op === '=' && a.value) add(a.value);
  return [...walkFunction(func)].some((x) => x.kind === 'assign' && x.op === '=' && bare(x.value).kind === 'int' && (bare(x.value) as { value?: bigint }).value === 0n && counts.has(lvalue(x.target) ?? ''));
}
/** `while (remaining > 0) { … remaining--; }` with a number that the submission did not give, and no submission in the loop. */
function countsDown(file: View, func: Func, submit: Call, loop: Loop): boolean {
  const test = loop.test && bare(loop.test);
  const counter = test?.kind === 'binary' && /^(?:>|!=)$/.test(test.op) ? bare(test.left) : test;
  if (counter?.kind !== 'name' || !counter.id.includes('~') || func.params.some((p) => p.id === counter.id)) return false;
  const all = assignmentsTo(func, counter.id);
  const given = all.filter((a) => a.op === '=');
  const names = (e: Expr): boolean => [...walk([e])].some((x) => x === submit || (x.kind === 'name' && assignmentsTo(func, x.id).some((a) => a.value && [...walk([a.value])].includes(submit))));
  if (given.length !== 1 || !given[0]!.value || names(given[0]!.value) || !all.some((a) => a.op === '-')) return false;
  return ![...walk(expressionsOf(loop))].some((e) => e.kind === 'call' && (URING_SUBMIT.has(e.name) || (file.program.callee(e) !== undefined && file.program.mentions(file.program.callee(e)!, /io_uring_submit|io_uring_enter/))));
}
/** Every ring of the file goes on behind a bad sqe. */
function takesAll(file: View): boolean {
  return everyRing(file, 'SUBMIT_ALL');
}

/** With SQPOLL the kernel's thread submits; the result only counts what is queued. */
function pollsInKernel(file: View): boolean {
  const { program } = file;
  return program.some('polls in kernel', (f) => program.memo.derived(f, 'polls in kernel', () => asksForPolling(file, f)));
}
function asksForPolling(file: View, func: Func): boolean {
  if (!file.program.mentions(func, /io_uring_queue_init/)) return false;
  // with and without it, as the caller likes
  if (setupsIn(file, func).some((s) => s.flags?.some((f) => (f & SQPOLL) === 0n))) return false;
  if (file.program.mentions(func, /(?<!&\s*)\bIORING_SETUP_SQPOLL/)) return true;
  let found = false;
  const flow = file.program.flow(func);
  flow?.replay((event, memory) => {
    if (event.kind !== 'call' || event.call.name !== 'io_uring_queue_init' || !event.call.args[2]) return;
    if (integers(flow.value(event.call.args[2], memory))?.some((v) => (v & SQPOLL) !== 0n)) found = true;
  });
  return found;
}

/** A loop that goes round until told to stop submits again what was left over. */
function inEventLoop(func: Func, call: Call, calls: Call[]): boolean {
  for (const s of statements(func.body)) {
    if (s.kind !== 'loop' || s.span.start > call.span.start || s.span.end < call.span.end) continue;
    if (s.form === 'for' && s.update) continue;
    const within = (c: Call) => c.span.start >= s.span.start && c.span.end <= s.span.end;
    // as often as it takes
    if (s.test && [...walk([s.test])].some((e) => e.kind === 'member' && /^sqe_(?:tail|head)$/.test(e.field))) return true;
    if (waitsForItsOwn(s, call)) return false;
    if (calls.some((c) => within(c) && c !== call && (URING_REAP.test(c.name) || c.name === 'io_uring_sq_ready'))) return true;
  }
  return false;
}

/** `if (queued_before != queued) io_uring_submit(ring);`: what was left over waits until something new is queued, with no other submission. */
function onlyForNew(func: Func, call: Call, calls: Call[]): boolean {
  if (calls.some((c) => c !== call && URING_SUBMIT.has(c.name))) return false;
  return [...statements(func.body)].some((s) => {
    const test = s.kind === 'if' && s.test && s.span.start <= call.span.start && call.span.end <= s.span.end && s.test.span.end < call.span.start ? bare(s.test) : undefined;
    return test?.kind === 'binary' && (test.op === '!=' || test.op === '>' || test.op === '<') && bare(test.left).kind === 'name' && bare(test.right).kind === 'name';
  });
}

/** Each turn takes an entry, submits it and waits for it: what was not submitted is waited for in vain. */
function waitsForItsOwn(loop: Loop, submit: Call): boolean {
  const list = loop.body.flatMap((s) => (s.kind === 'block' ? s.body : [s]));
  const at = list.findIndex((s) => s.kind === 'expr' && s.expr === submit);
  const has = (some: Stmt[], name: RegExp) => [...walk(some.flatMap((s) => (s.kind === 'if' ? (s.test ? [s.test] : []) : expressionsOf(s))))].some((e) => e.kind === 'call' && name.test(e.name));
  return at >= 0 && has(list.slice(0, at).filter((s) => s.kind !== 'if' && s.kind !== 'loop'), /^io_uring_get_sqe(?:128)?$/) && has(list.slice(at + 1).filter((s) => s.kind !== 'loop'), /^io_uring_wait_cqe(?:_nr|_timeout)?$/);
}
/** `if (!sqe) { io_uring_submit(r); sqe = io_uring_get_sqe(r); }`: what the next sqe is tells whether it worked. */
function makesRoom(func: Func, call: Call): boolean {
  for (const s of statements(func.body)) {
    // `while (!(sqe = io_uring_get_sqe(r))) io_uring_submit(r);`
    if (s.kind === 'loop' && s.form === 'while' && s.test && s.span.start < call.span.start && call.span.end <= s.span.end
      && [...walk([s.test])].some((e) => e.kind === 'call' && SQE_SOURCES.has(e.name))) return true;
    if (s.kind !== 'if' || !s.test || s.span.start > call.span.start || s.span.end < call.span.end) continue;
    // `if (io_uring_sq_space_left(r) == 0) io_uring_submit(r);` before the next sqe
    const asks = [...walk([s.test])].some((e) => e.kind === 'call' && /^io_uring_sq_(?:space_left|ready)$/.test(e.name));
    if (asks && callsIn(func).some((c) => SQE_SOURCES.has(c.name) && c.span.start > s.span.end)) return true;
    const body = [...s.then, ...s.otherwise];
    const at = body.findIndex((b) => b.kind === 'block' ? b.body.some((x) => x.kind === 'expr' && x.expr === call) : b.kind === 'expr' && b.expr === call);
    const rest = at < 0 ? [] : body.flatMap((b) => (b.kind === 'block' ? b.body : [b]));
    const sources = [...walk(rest.flatMap(expressionsOf))].filter((e) => e.kind === 'call' && SQE_SOURCES.has(e.name) && e.span.start > call.span.end);
    if (sources.length) return true;
  }
  return false;
}

/** The ring is closed next, or the process ends: nothing waits for what was submitted. */
function beforeExit(file: View, func: Func, call: Call, calls: Call[]): boolean {
  const ring = call.args[0] && file.source(placeOf(func, call.args[0])).replace(/^&|\s/g, '');
  const next = calls.filter((c) => c.span.start > call.span.end && (/^io_uring_/.test(c.name) || /^_?exit$/.test(c.name)))
    .sort((a, b) => a.span.start - b.span.start)[0];
  return next !== undefined && (/^_?exit$/.test(next.name)
    || (next.name === 'io_uring_queue_exit' && next.args[0] !== undefined && file.source(placeOf(func, next.args[0])).replace(/^&|\s/g, '') === ring));
}

/** Hands an error on; what a short count means is for a person to decide. */
function fix(file: View, func: Func, call: Call): DraftFix[] {
  if (func.kind !== 'function' || func.name === 'main' || !/^(?:int|long|ssize_t)$/.test(func.returns) || !call.statement) return [];
  if (!isInBlock(file, placeOf(func, { span: call.statement }))) return [];
  const name = ['rc', 'submitted', 'submit_result'].find((n) => ![...func.locals.values()].some((l) => l.name === n));
  if (!name) return [];
  const indent = file.indentation(placeOf(func, { span: call.statement }));
  const unit = indent.includes('\t') ? '\t' : '    ';
  return [{
    title: 'Return the error of the submission',
    edits: [
      insertion(func, call.span.start, `int ${name} = `),
      insertion(func, call.statement.end, `\n${indent}if (${name} < 0)\n${indent}${unit}return ${name};`),
    ],
    safe: false,
  }];
}
