import { isPosixCall, posixStarts, reachesInFlight, sameText } from '../../idioms/posix-aio';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { eventOf, wayTo } from '../../idioms/paths';
import { errnoUses } from '../../idioms/errno-uses';
import { bare, expressionsOf, isWithin, placeIn, statements, walk, walkFunction, type Call, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { type DraftFix, type Rule, type View } from '../rule';

type Loop = Extract<Stmt, { kind: 'loop' }>;
type Name = Extract<Expr, { kind: 'name' }>;

const ERROR = /^aio_error$/;
const RETURN = /^aio_return$/;
/** In a loop these let the processor do something else, or may. */
const SAYS = /^(?:f?printf|assert|puts|fputs|putchar|fflush|perror)$/;

export const posixAioResultMisuse: Rule = {
  info: {
    id: 'posix-aio-result-misuse', languages: ['c', 'cpp'], severity: 'warning', confidence: 'likely',
    summary: 'Results of POSIX AIO asked for too early, twice, in a busy loop, or taken for errno.',
  },
  why: 'aio_return() means something once, after aio_error() no longer says EINPROGRESS. aio_error() returns the error number itself and sets no errno. aio_suspend() also returns at a signal or a timeout.',
  families: ['posix-aio'],
  tokens: /\baio_(?:error|return|suspend)|\blio_listio/,
  check(file, func, report) {
    if (func.damaged) return;
    for (const { loop, call } of busyLoops(file, func)) {
      report({
        at: placeOf(func, call),
        message: 'This loop asks aio_error() again and again and keeps a processor busy. Wait with aio_suspend(), or be told by a signal or thread (aio_sigevent).',
        fixes: suspendFix(file, func, loop, call),
      });
    }
    for (const use of errnoUses(file, func, (call) => isPosixCall(file, call, ERROR))) {
      report({
        at: placeOf(func, use.at),
        message: 'aio_error() returns the error number of the request and does not set errno: what is read here belongs to some earlier call.',
        related: use.causes.map((c) => ({ at: placeOf(func, c), message: 'this call failed' })),
      });
    }
    takenForErrno(file, func, report);
    for (const call of calls(file, func, /^lio_listio$/)) {
      const [mode] = call.args;
      if (mode?.kind !== 'name' || mode.name !== 'LIO_WAIT') continue;
      if (['aio_error', 'aio_return', 'aio_return64'].some((name) => file.program.names(name)) && asksEach(file, func, call)) continue;
      report({
        at: placeOf(func, call),
        message: 'lio_listio() says only that some request failed (EIO), or that all were done: how each of them ended, aio_error() and aio_return() tell, and nobody asks them.',
      });
    }
    for (const call of calls(file, func, RETURN)) early(file, func, call, report);
    twice(file, func, report);
    for (const call of calls(file, func, /^aio_suspend$/)) {
      if (!call.discarded || asksAround(file, func, call)) continue;
      report({
        at: placeOf(func, call),
        message: 'The result of aio_suspend() is ignored: it also returns when a signal arrives or the time is over, with the request still running. Ask aio_error() in a loop around it.',
      });
    }
  },
};

function calls(file: View, func: Func, name: RegExp): Call[] {
  return [...walkFunction(func)].filter((e): e is Call => e.kind === 'call' && isPosixCall(file, e, name));
}

/** `if (aio_error(&cb) == -1) perror(…)`: the -1 stands for a bad block only, and the error of the request is lost. */
function takenForErrno(file: View, func: Func, report: Parameters<NonNullable<Rule['check']>>[2]): void {
  for (const s of statements(func.body)) {
    const test = s.kind === 'if' && s.test ? bare(s.test) : undefined;
    if (s.kind !== 'if' || test?.kind !== 'binary' || !/^(?:==|<)$/.test(test.op)) continue;
    const [call, with_] = [bare(test.left), bare(test.right)];
    const minus = (with_.kind === 'int' && with_.value === -1n) || (with_.kind === 'unary' && with_.op === '-' && with_.operand.kind === 'int' && with_.operand.value === 1n);
    if (call.kind !== 'call' || !isPosixCall(file, call, ERROR) || !(test.op === '==' ? minus : with_.kind === 'int' && with_.value === 0n)) continue;
    const use = [...walk(s.then.flatMap(expressionsOf))].find((e) => (e.kind === 'name' && e.name === 'errno') || (e.kind === 'call' && e.name === 'perror'));
    if (use) report({
      at: placeOf(func, use), related: [{ at: placeOf(func, call), message: 'this call failed' }],
      message: 'aio_error() returns the error number of the request; -1 and errno only say that the control block is no request at all. Compare the result with 0, and give it to strerror().',
    });
  }
}

/** `while (aio_error(&cb) == EINPROGRESS)` around nothing that waits. */
function busyLoops(file: View, func: Func): { loop: Loop; call: Call }[] {
  const out: { loop: Loop; call: Call }[] = [];
  for (const s of statements(func.body)) {
    if (s.kind !== 'loop' || s.form === 'each') continue;
    const asked = asksInside(file, s);
    if (asked) out.push({ loop: s, call: asked });
    if (!s.test) continue;
    const test = bare(s.test);
    const untilDone = nonzero(test);
    if (!untilDone && (test.kind !== 'binary' || test.op !== '==')) continue;
    const assigned = [...walk(s.body.flatMap(expressionsOf))].filter((e) => e.kind === 'assign' && e.op === '=');
    const sides = (untilDone ? [untilDone] : test.kind === 'binary' ? [test.left, test.right] : []).map((e) => {
      const inner = bare(e);
      if (inner.kind === 'assign') return bare(inner.value);
      // `do { e = aio_error(&cb); } while (e == EINPROGRESS);`
      const last = inner.kind === 'name' ? assigned.find((a) => a.kind === 'assign' && a.target.kind === 'name' && a.target.id === inner.id) : undefined;
      return last?.kind === 'assign' ? bare(last.value) : inner;
    });
    const call = sides.find((e) => e.kind === 'call' && isPosixCall(file, e, ERROR));
    const progress = sides.some((e) => e.kind === 'name' && e.name === 'EINPROGRESS');
    if (call?.kind !== 'call' || !(progress || untilDone)) continue;
    const inside = [...walk([...s.body.flatMap(expressionsOf), ...(s.update ? [s.update] : [])])];
    const idle = inside.every((e) => e.kind !== 'await' && (e.kind !== 'call' || e === call || (SAYS.test(e.name) && !e.macro)));
    const leaves = [...statements(s.body)].some((x) => x.kind === 'break' || x.kind === 'return' || x.kind === 'goto');
    if (idle && !leaves) out.push({ loop: s, call });
  }
  return out;
}

/** `while (aio_error(&cb))` and `!= 0`: as long as the request runs, and for ever when it failed. */
function nonzero(test: Expr): Expr | undefined {
  if (test.kind === 'call') return test;
  if (test.kind !== 'binary' || test.op !== '!=') return undefined;
  const [left, right] = [bare(test.left), bare(test.right)];
  return right.kind === 'int' && right.value === 0n ? left : left.kind === 'int' && left.value === 0n ? right : undefined;
}

/** `for (;;) { e = aio_error(&cb); if (e == EINPROGRESS) continue; break; }`: the loop has no other business. */
function asksInside(file: View, loop: Loop): Call | undefined {
  const endless = !loop.test || bare(loop.test).kind === 'int' || (bare(loop.test).kind === 'name' && (bare(loop.test) as Extract<Expr, { kind: 'name' }>).name === 'true');
  if (!endless || loop.update) return undefined;
  const inside = [...walk(loop.body.flatMap(expressionsOf))];
  const calls = inside.filter((e): e is Call => e.kind === 'call');
  const asked = calls.filter((c) => isPosixCall(file, c, ERROR));
  const [first] = asked;
  if (!first || !first.args[0] || !inside.some((e) => e.kind === 'name' && e.name === 'EINPROGRESS') || inside.some((e) => e.kind === 'await')) return undefined;
  const rest = calls.filter((c) => !asked.includes(c) && !(SAYS.test(c.name) && !c.macro));
  // what is called on the way out does not let the loop sleep
  const leaving = (c: Call): boolean => [...statements(loop.body)].some((s) => s.kind === 'if' && [s.then, s.otherwise].some((b) => b.some((x) => isWithin(c.span, x.span)) && [...statements(b)].some((x) => x.kind === 'break' || x.kind === 'return' || x.kind === 'goto')))
    || [...statements(loop.body)].some((s) => s.kind === 'return' && isWithin(c.span, s.span));
  return rest.every(leaving) ? first : undefined;
}

/** `;` becomes a call of aio_suspend(), where the block's name can be said again. */
function suspendFix(file: View, func: Func, loop: Loop, call: Call): DraftFix[] {
  const block = call.args[0] && bare(call.args[0]);
  const named = block?.kind === 'name' || (block?.kind === 'unary' && block.op === '&' && bare(block.operand).kind === 'name');
  if (!block || !named || loop.form !== 'while' || !loop.test) return [];
  const rest = file.source(placeOf(func, { span: { start: loop.test.span.end, end: func.span.end } }));
  const empty = /^\s*\)(\s*(?:;|\{\s*\}))/.exec(rest);
  if (!empty) return [];
  const end = loop.test.span.end + empty[0].length;
  const text = file.source(placeOf(func, block));
  return [{
    title: 'Wait with aio_suspend()',
    edits: [{
      place: placeIn(func, { start: end - empty[1]!.length, end }),
      text: ` {\n${file.indentation(placeOf(func, loop))}\tconst struct aiocb *waited[1] = { ${text} };\n${file.indentation(placeOf(func, loop))}\taio_suspend(waited, 1, NULL);\n${file.indentation(placeOf(func, loop))}}`,
    }],
    safe: true,
  }];
}

/** The function asks for results itself, calls code that does, or leaves the blocks where others can ask. */
function asksEach(file: View, func: Func, call: Call): boolean {
  const asks = (f: Func): boolean => file.program.mentions(f, /\baio_(?:error|return)(?:64)?\b/);
  if (asks(func)) return true;
  const list = call.args[1] && bare(call.args[1]);
  const local = list?.kind === 'name' ? func.locals.get(list.id) : undefined;
  const own = local !== undefined && local.array && !local.static && !func.params.includes(local);
  // the result alone is handed on, or looked at
  const others = [...walkFunction(func)].filter((e): e is Call => e.kind === 'call' && e.span.start > call.span.end);
  if (others.some((c) => (file.program.callee(c) ? asks(file.program.callee(c)!) : c.callee.kind !== 'name' || !isOutOfTheWay(c)))) return true;
  return !own;
}

/** A way from the start of the request to its aio_return() on which nobody asked or waited. */
function early(file: View, func: Func, call: Call, report: Parameters<NonNullable<Rule['check']>>[2]): void {
  const flow = file.program.flow(func);
  const block = call.args[0];
  if (!flow || !block) return;
  for (const start of posixStarts(file, func)) {
    if (!sameText(file, func, start.block, block)) continue;
    const reached = reachesInFlight(file, flow, start.call, (e) => e?.kind === 'call' && e.call === call);
    if (!reached) continue;
    report({
      at: placeOf(func, call),
      message: 'aio_return() is called while the request may still be running: its result is undefined then. Wait until aio_error() is not EINPROGRESS.',
      related: [{ at: placeOf(func, start.call), message: 'started here' }],
    });
    return;
  }
}

/** A second aio_return() for the same block, with no new request between. */
function twice(file: View, func: Func, report: Parameters<NonNullable<Rule['check']>>[2]): void {
  const all = calls(file, func, RETURN);
  const flow = all.length > 1 ? file.program.flow(func) : undefined;
  if (!flow) return;
  for (const second of all) {
    const block = second.args[0] && bare(second.args[0]);
    const root = block && rootOfBlock(func, block);
    if (!root) continue;
    // a pointer that others have the address of may be another one behind the call
    const moves = block.kind !== 'unary' || bare(block.operand) !== root;
    for (const first of all) {
      if (first === second || !first.args[0] || !sameText(file, func, first.args[0], block)) continue;
      const from = eventOf(flow, first);
      const again = from && wayTo(flow, from, {
        goal: (e) => e?.kind === 'call' && e.call === second,
        stop: (e) => (e.kind === 'call' && (/^(?:aio_(?:read|write|fsync)|lio_listio)/.test(e.call.name) || file.program.callee(e.call) !== undefined || (moves && e.call.args.some((a) => isAddressOf(a, root))))
          || (e.kind === 'declare' && e.local.id === root.id) || (e.kind === 'store' && bare(e.target).kind === 'name' && (bare(e.target) as Name).id === root.id)),
      });
      if (!again) continue;
      report({
        at: placeOf(func, second),
        message: 'This is a second aio_return() for the same request: the first one ended it, and what a further call returns is undefined. Keep the first result.',
        related: [{ at: placeOf(func, first), message: 'the result was taken here' }],
      });
      break;
    }
  }
}
/** The variable of the function that `&cb`, `cb` or `&request->cb` starts from; undefined for elements and what else may move on unseen. */
function rootOfBlock(func: Func, block: Expr): Name | undefined {
  let e = block.kind === 'unary' && block.op === '&' ? bare(block.operand) : block;
  if (e !== block && e.kind === 'member' && bare(e.object).kind === 'name') e = bare(e.object);
  return e.kind === 'name' && func.locals.has(e.id) ? e : undefined;
}
function isAddressOf(e: Expr, root: Name): boolean {
  const inner = bare(e);
  return inner.kind === 'unary' && inner.op === '&' && bare(inner.operand).kind === 'name' && (bare(inner.operand) as Name).id === root.id;
}

/** Inside a loop, or on the way to an aio_error(), a `goto` back included: somebody looks whether the request is done. */
function asksAround(file: View, func: Func, call: Call): boolean {
  // a loop that submits as well goes round for the next request
  const submits = calls(file, func, /^(?:aio_(?:read|write|fsync)|lio_listio)(?:64)?$/);
  const within = [...statements(func.body)].some((s) => s.kind === 'loop' && isWithin(call.span, s.span) && !submits.some((c) => isWithin(c.span, s.span)));
  if (within) return true;
  // what does not know of EINPROGRESS takes a running request for one that failed
  if (submits.length && !file.program.mentions(func, /\bEINPROGRESS\b/)) return false;
  const flow = file.program.flow(func);
  const from = flow && eventOf(flow, call);
  return from !== undefined && wayTo(flow!, from, { goal: (e) => e?.kind === 'call' && isPosixCall(file, e.call, ERROR), stop: () => false }) !== undefined;
}
