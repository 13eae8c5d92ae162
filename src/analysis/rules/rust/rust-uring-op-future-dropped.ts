import { declarationOf, fateOf, isAwaited, leaves, localOf, loopsAround, parentOf, plain, rustCalls, usesOf } from '../../idioms/rust-code';
import { isWithin, statements, walkFunction, type Call, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Rule } from '../rule';

/** Operations of the runtimes, by what is lost with their result. */
const OPERATION = /^(?:tokio_uring|monoio|glommio|compio|compio_net|compio_fs)::(?:fs|net|io)::(?:\w+::)*?(\w+)::(\w+)$/;
const READS = /^(?:read|readv|read_at|readv_at|read_exact|read_exact_at|read_fixed|read_fixed_at|recv|recv_from|recvmsg|recv_vectored|read_vectored|read_at_aligned|peek)$/;
const WRITES = /^(?:write|writev|write_all|write_at|writev_at|writev_at_all|write_all_at|write_fixed\w*|send|send_to|sendmsg\w*|send_zc)$/;
const TIMEOUT = /^(?:tokio::time::(?:timeout|timeout_at)|monoio::time::(?:timeout|timeout_at)|glommio::timer::timeout|compio(?:::|_)(?:time|runtime::time)::(?:timeout|timeout_at))$/;

interface Operation { call: Call; /** the outermost call of the chain that is the future */ future: Expr; lost: string; receiver: Expr | undefined; crate: string }

export const rustUringOpFutureDropped: Rule = {
  info: {
    id: 'rust-uring-op-future-dropped', languages: ['rust'], severity: 'warning', confidence: 'likely',
    summary: 'An operation\'s future may be dropped before it completes: what it did is lost.',
  },
  why: 'Dropping the future of an operation does not undo it. The kernel goes on, and the result is thrown away: bytes already taken from a socket are gone, an accepted connection leaks. Make the future outside of the loop, pin it, and poll it again.',
  families: ['tokio-uring', 'monoio', 'glommio', 'compio'],
  checkFile(file, report) {
    for (const func of file.program.functions(/\bselect|\btimeout|now_or_never|\blet\s+_\s*=|\bdrop\s*\(/)) {
      if (func.damaged) continue;
      for (const op of operationsOf(file, func)) {
        const how = droppedBy(file, func, op);
        if (!how) continue;
        report({
          at: placeOf(func, op.call),
          message: `${how}: ${op.lost}${op.crate === 'tokio_uring' ? ' (tokio-uring does not cancel an operation whose future is dropped)' : ''}. Make the future once, pin it, and poll it again.`,
        });
      }
    }
  },
};

function operationsOf(file: SourceFile, func: Func): Operation[] {
  return rustCalls(file, func).flatMap(({ call, path }): Operation[] => {
    const m = OPERATION.exec(path);
    const lost = m && lostWith(m[2]!);
    if (!lost) return [];
    // that is no future yet, and another rule's
    if (/^tokio_uring::\w+::\w+::write(?:_at)?$/.test(path) && futureOf(func, call) === call) return [];
    return [{ call, future: futureOf(func, call), lost, receiver: call.callee.kind === 'member' ? plain(call.callee.object) : undefined, crate: path.replace(/::.*$/, '') }];
  });
}
function lostWith(name: string): string | undefined {
  if (READS.test(name)) return 'data that was read is lost';
  if (WRITES.test(name)) return 'how much was written is not known any more';
  return /^(?:shared_)?accept$/.test(name) ? 'a connection that was accepted is lost' : undefined;
}
/** The call with adaptors behind it: `.submit()`, `.fuse()`. */
function futureOf(func: Func, call: Call): Expr {
  const fate = fateOf(func, call);
  return typeof fate !== 'string' && /^(?:submit|fuse|boxed|boxed_local|map|map_err|map_ok)$/.test(fate.method.name) ? futureOf(func, fate.method) : call;
}

/** How the future comes to be dropped, in words. */
function droppedBy(file: SourceFile, func: Func, op: Operation): string | undefined {
  if (isAwaited(file, op.future)) return undefined;
  const fate = fateOf(func, op.future);
  if (typeof fate !== 'string') return fate.method.name === 'now_or_never' ? 'now_or_never() drops this operation when it is not done at once' : undefined;
  // a bare statement is the compiler's to tell
  if (fate === 'discarded') return op.future.kind === 'call' && op.future.discarded ? undefined : 'This operation is dropped before it was awaited';
  const parent = parentOf(func, op.future)?.expr;
  if (parent?.kind !== 'call' || !parent.args.includes(op.future)) return undefined;
  if (parent.macro && /^select(?:_biased)?$/.test(parent.name)) return survivesSelect(file, func, op, parent) ? 'When another branch of select! comes first, this operation is dropped' : undefined;
  const path = rustCalls(file, func).find((c) => c.call === parent)?.path ?? '';
  if (TIMEOUT.test(path)) return survivesTimeout(func, op, parent) ? 'When the time is over, this operation is dropped' : undefined;
  return undefined;
}

/** Whether another branch leads to more use of what the operation is on. */
function survivesSelect(file: SourceFile, func: Func, op: Operation, select: Call): boolean {
  const chosen = [...statements(func.body)].find((s): s is Extract<Stmt, { kind: 'switch' }> => s.kind === 'switch' && s.span.start === select.span.start && s.span.end === select.span.end);
  if (!chosen) return false;
  const arm = chosen.cases.findIndex((_, i) => select.args[i] === op.future);
  const loop = loopsAround(func, select.span).at(-1);
  const others = chosen.cases.filter((c, i) => i !== arm && !c.default);
  if (loop) {
    // made in the loop: the next turn has another one
    if (op.receiver && madeWithin(func, op.receiver, loop.span)) return others.some((c) => !leaves(c.body) && usedBehind(func, op.receiver!, chosen.span, loop.span));
    return others.some((c) => !leaves(c.body, false));
  }
  if (!op.receiver) return false;
  if (others.some((c) => !leaves(c.body)) && usedBehind(func, op.receiver, chosen.span, func.bodySpan)) return true;
  return others.some((c) => calledAgain(file, func, op.receiver!, c.body));
}
/** A function of this file that is called in a loop, always with what lives longer, and goes on to its caller when the operation was dropped. */
function calledAgain(file: SourceFile, func: Func, receiver: Expr, given: Stmt[]): boolean {
  const index = receiver.kind === 'name' ? func.params.findIndex((p) => p.id === receiver.id && (p.reference || /^&|\b(?:Rc|Arc)</.test(p.type))) : -1;
  if (index < 0 || func.kind !== 'function') return false;
  const last = given.at(-1);
  const value = last?.kind === 'expr' ? last.expr : last?.kind === 'return' ? last.value : undefined;
  const fails = value?.kind === 'call' && value.name === 'Err';
  return file.program.functions(new RegExp(`\\b${func.name}\\s*\\(`)).some((f) => !f.damaged && [...walkFunction(f)].some((e) => {
    if (e.kind !== 'call' || e.name !== func.name || e.callee.kind !== 'name' || file.program.functionNamed(e.name) !== func) return false;
    const loop = loopsAround(f, e.span).at(-1);
    const arg = e.args[index];
    if (!loop || !arg || madeWithin(f, plain(arg), loop.span)) return false;
    const fate = settledAs(f, e);
    // an error ends the loop with `?`
    return !(fails && fate);
  }));
}
/** `?`, unwrap and expect behind a call, awaited or not. */
function settledAs(func: Func, call: Expr): boolean {
  let at = call;
  for (let up = parentOf(func, at)?.expr; up; up = parentOf(func, at)?.expr) {
    if (up.kind === 'try') return true;
    if (up.kind === 'call' && up.callee === at) {
      if (/^(?:unwrap|expect)$/.test(up.name)) return true;
    } else if (up.kind !== 'await' && !(up.kind === 'member' && up.object === at)) return false;
    at = up;
  }
  return false;
}

/** Whether what is done when the time is over leads to more use of what the operation is on. */
function survivesTimeout(func: Func, op: Operation, timeout: Call): boolean {
  let at: Expr = timeout;
  for (let up = parentOf(func, at); up?.expr && (up.expr.kind === 'await' || up.expr.kind === 'opaque' || up.expr.kind === 'member' || (up.expr.kind === 'call' && up.expr.callee === at) || up.expr.kind === 'unary'); up = parentOf(func, at)) at = up.expr;
  const parent = parentOf(func, at);
  // `?` and unwrap leave
  if (parent?.expr?.kind === 'try' || (at.kind === 'call' && /^(?:unwrap|expect)$/.test(at.name))) return false;
  const s = parent?.stmt;
  if (!s || !op.receiver) return false;
  const loop = loopsAround(func, timeout.span).at(-1);
  const area = loop && !madeWithin(func, op.receiver, loop.span) ? loop.span : func.bodySpan;
  const again = loop && area === loop.span;
  const goesOn = again === true || outlives(func, op.receiver) || usedBehind(func, op.receiver, s.kind === 'declare' ? s.statement : s.span, area);
  if (!goesOn) return false;
  // nobody asks whether the time was over
  if (s.kind === 'declare' && s.pattern?.join() === '_') return true;
  if (s.kind !== 'declare' || s.bound || s.pattern || plain(s.init ?? at) !== plain(at)) return goesOnWhenLate(s);
  // `let got = timeout(…).await;` and a question to it behind
  const [asked] = usesOf(func, s.local.id);
  const question = asked && [...statements(func.body)].find((x) => (x.kind === 'switch' && isWithin(asked.at, x.subject.span)) || (x.kind === 'if' && x.test !== undefined && isWithin(asked.at, x.test.span)));
  return question !== undefined && goesOnWhenLate(question);
}
/** Of what asks whether the time was over: whether the way on from there stays in the loop, or in the function. */
function goesOnWhenLate(s: Stmt): boolean {
  if (s.kind === 'switch') {
    const late = s.cases.filter((c) => c.default || /^Err\b/.test(c.pattern ?? ''));
    return late.length > 0 && late.some((c) => !leaves(c.body, false));
  }
  if (s.kind !== 'if') return false;
  const pattern = s.test?.kind === 'opaque' ? s.test.pattern ?? '' : '';
  if (/^Ok\b/.test(pattern)) return !leaves(s.otherwise, false);
  if (/^Err\b/.test(pattern)) return !leaves(s.then, false);
  const test = s.test && plain(s.test);
  return test?.kind === 'call' && test.name === 'is_err' && !leaves(s.then, false);
}

/** What is only lent to the function is used on by whom it belongs to. */
function outlives(func: Func, receiver: Expr): boolean {
  return receiver.kind === 'name' && func.params.some((p) => p.id === receiver.id && p.reference);
}
function madeWithin(func: Func, receiver: Expr, area: Span): boolean {
  if (receiver.kind !== 'name') return false;
  const local = localOf(func, receiver.id);
  if (!local || !isWithin(local.span, area)) return false;
  // another handle of what was there before: `listener.clone()`, `Rc::clone(&node.socket)`, `&self.socket`
  const init = declarationOf(func, receiver.id)?.statement.init;
  const made = init && plain(init);
  const cloned = made?.kind === 'call' && made.name === 'clone';
  const origin = !init || !made ? undefined : cloned ? (made.callee.kind === 'member' ? made.callee.object : made.args[0]) : init.kind === 'unary' && init.op === '&' ? made : undefined;
  let root = origin && plain(origin);
  while (root?.kind === 'member') root = plain(root.object);
  return !root || madeWithin(func, root, area);
}
/** Whether the receiver is used in `area` behind a place. */
function usedBehind(func: Func, receiver: Expr, place: Span, area: Span): boolean {
  for (const e of walkFunction(func)) {
    if (e.span.start < place.end || !isWithin(e.span, area)) continue;
    if (receiver.kind === 'name' ? e.kind === 'name' && e.id === receiver.id : e.kind === 'member' && receiver.kind === 'member' && sameMember(e, receiver)) return true;
  }
  return false;
}
function sameMember(a: Expr, b: Expr): boolean {
  if (a.kind === 'member' && b.kind === 'member') return a.field === b.field && sameMember(a.object, b.object);
  return a.kind === 'name' && b.kind === 'name' && a.id === b.id;
}
