import { SQE_SOURCES, URING_REAP, URING_SUBMIT } from '../../api/names';
import { integers } from '../../flow/value';
import { expressionsOf, statements, walk, walkFunction, type Call, type Func } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';

const SQPOLL = 2n;

export const uringSubmitResultIgnored: Rule = {
  info: {
    id: 'uring-submit-result-ignored', languages: ['c', 'cpp'], severity: 'warning', confidence: 'certain',
    summary: 'The result of io_uring_submit is thrown away: an error, or sqes that were not taken, go unnoticed.',
  },
  why: 'io_uring_submit() returns a negative error, or how many sqes it took. What it did not take never completes, and code that waits for it hangs.',
  families: ['liburing'],
  check(file, func, report) {
    if (func.damaged || func.kind === 'destructor' || !file.program.mentions(func, /io_uring_submit/)) return;
    const calls = [...walkFunction(func)].filter((e) => e.kind === 'call');
    for (const call of calls) {
      if (!URING_SUBMIT.has(call.name) || call.discarded !== 'statement' || call.callee.kind !== 'name' || file.program.defines(call.name)) continue;
      if (pollsInKernel(file) || inEventLoop(func, call, calls) || makesRoom(func, call) || beforeExit(file, func, call, calls)) continue;
      report({
        at: placeOf(func, call),
        message: `The result of ${call.name}() is ignored: it is negative on error, and may be less than the number of queued sqes, which then never complete.`,
        fixes: fix(file, func, call),
      });
    }
  },
};

/** With SQPOLL the kernel's thread submits; the result only counts what is queued. */
function pollsInKernel(file: View): boolean {
  const { program } = file;
  return program.memo.derived(program, 'polls in kernel', () => program.functions().some((f) => program.memo.derived(f, 'polls in kernel', () => asksForPolling(file, f))));
}
function asksForPolling(file: View, func: Func): boolean {
  if (!file.program.mentions(func, /io_uring_queue_init/)) return false;
  if (file.program.mentions(func, /IORING_SETUP_SQPOLL/)) return true;
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
    if (calls.some((c) => within(c) && c !== call && (URING_REAP.test(c.name) || c.name === 'io_uring_sq_ready'))) return true;
  }
  return false;
}

/** `if (!sqe) { io_uring_submit(r); sqe = io_uring_get_sqe(r); }`: what the next sqe is tells whether it worked. */
function makesRoom(func: Func, call: Call): boolean {
  for (const s of statements(func.body)) {
    if (s.kind !== 'if' || !s.test || s.span.start > call.span.start || s.span.end < call.span.end) continue;
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
