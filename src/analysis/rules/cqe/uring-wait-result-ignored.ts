import { cqeFlow } from '../../idioms/cqe';
import type { Trouble } from '../../idioms/cqe-trouble';
import { endsOn } from '../../idioms/fatal-error';
import { arrayOf } from '../../idioms/aio-events';
import { bare, callsIn, statements, walk, walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';

/** Calls that a signal interrupts, and the error they have then. */
const WAITS = /^io_uring_(?:wait_cqe|submit_and_wait)/;
const INTERRUPTED: ReadonlySet<string> = new Set(['EINTR']);

type Untested = Extract<Trouble, { kind: 'untested' }>;

export const uringWaitResultIgnored: Rule = {
  info: {
    id: 'uring-wait-result-ignored', languages: ['c', 'cpp'], severity: 'error', confidence: 'likely',
    summary: 'A cqe is used although nobody looked whether the wait for it succeeded.',
  },
  why: 'The cqe pointer is valid only if the call returned 0. After a signal (-EINTR), a timeout (-ETIME) or an empty queue (-EAGAIN) it is NULL or was never set, and reading it crashes.',
  families: ['liburing'],
  check(file, func, report) {
    for (const call of file.program.mentions(func, /\bEINTR\b/) ? callsIn(func).filter((c) => WAITS.test(c.name) && !file.program.defines(c.name)) : []) {
      const end = endsOn(file, func, call, INTERRUPTED);
      if (end) report({
        at: placeOf(func, end), severity: 'warning', related: [{ at: placeOf(func, call), message: 'the wait' }],
        message: 'A wait that a signal interrupted (-EINTR) is no failure, and a debugger that attaches is such a signal: wait again.',
      });
    }
    const worst = new Map<Call, Untested>();
    for (const t of cqeFlow(file.program, func)?.troubles ?? []) {
      if (t.kind !== 'untested' || !t.token.call) continue;
      const known = worst.get(t.token.call);
      if (!known || (known.mild && !t.mild)) worst.set(t.token.call, t);
    }
    for (const call of callsIn(func)) {
      const used = worst.has(call) ? undefined : usedAsElement(file, func, call);
      if (used) report({
        at: placeOf(func, call),
        message: `The result of ${call.name}() is not tested before its cqes are used: they are valid only if 0 was returned; a signal leaves the array as it was.`,
        related: [{ at: placeOf(func, used), message: 'used here' }],
      });
    }
    for (const [call, t] of worst) {
      report({
        at: placeOf(func, call),
        message: t.failed ? `The cqe is used where ${call.name}() may have failed: the pointer is valid only if it returned 0, and NULL otherwise.`
          : t.not ? `Only ${t.not.split(' ').map((e) => `-${e}`).join(' and ')} is told apart from a completion here: ${/EINTR/.test(t.not) ? 'after a timeout (-ETIME)' : 'after a signal (-EINTR)'} the pointer is NULL as well. Test for any negative result.`
          : t.mild ? `The result of ${call.name}() is not looked at: after a signal or a timeout there is no completion, and the request is still running.`
            : `The result of ${call.name}() is not tested before the cqe is used: it is valid only if 0 was returned; a signal leaves NULL there.`,
        ...(t.mild ? { severity: 'warning' as const } : {}),
        related: [{ at: t.at, message: t.mild ? 'given back here' : 'used here' }],
        fixes: t.failed || t.not ? [] : fix(file, func, call),
      });
    }
  },
};

/** `io_uring_wait_cqe_nr(ring, cqes.data(), n);`, and behind it `cqes[i]->res` with no other call that fills the array. */
function usedAsElement(file: View, func: Func, call: Call): Expr | undefined {
  if (func.damaged || call.discarded !== 'statement' || !/^io_uring_wait_cqe(?:_nr|s)?$/.test(call.name) || file.program.defines(call.name) || !call.args[1]) return undefined;
  const array = arrayOf(call.args[1]);
  const name = array.kind === 'name' && array.id.includes('~') ? array.id : undefined;
  if (name === undefined || bare(call.args[1]) !== array && !isBegin(call.args[1])) return undefined;
  const all = [...walkFunction(func)];
  const fills = all.some((e) => e.kind === 'call' && e !== call && e.args.some((a) => bare(a).kind !== 'index' && isNamed(arrayOf(a), name)));
  const tested = [...statements(func.body)].some((s) => (s.kind === 'if' || s.kind === 'loop') && s.test && [...walk([s.test])].some((e) => e.kind === 'index' && arrayOf(e) === bare(e.object) && isElement(e, name) && !all.some((m) => m.kind === 'member' && m.object === e)));
  if (fills || tested) return undefined;
  return all.find((e) => e.kind === 'member' && e.deref && e.span.start > call.span.end && isElement(bare(e.object), name));
}
function isElement(e: Expr, name: string): boolean {
  return e.kind === 'index' && isNamed(bare(e.object), name);
}
function isNamed(e: Expr, name: string): boolean {
  return e.kind === 'name' && e.id === name;
}
/** `&cqes[0]`, `cqes.data()` */
function isBegin(e: Expr): boolean {
  const inner = bare(e);
  if (inner.kind === 'call') return inner.callee.kind === 'member' && inner.name === 'data';
  const index = inner.kind === 'unary' && inner.op === '&' ? bare(inner.operand) : undefined;
  const first = index?.kind === 'index' && index.index ? bare(index.index) : undefined;
  return first?.kind === 'int' && first.value === 0n;
}

/** Hands the error on, in functions that return error codes. */
function fix(file: View, func: Func, call: Call): DraftFix[] {
  if (func.kind !== 'function' || func.name === 'main' || !/^(?:int|long|ssize_t)$/.test(func.returns) || call.discarded !== 'statement' || !call.statement) return [];
  const name = ['rc', 'waited', 'wait_result'].find((n) => ![...func.locals.values()].some((l) => l.name === n));
  if (!name || !isInBlock(file, placeOf(func, { span: call.statement }))) return [];
  const indent = file.indentation(placeOf(func, { span: call.statement }));
  const unit = indent.includes('\t') ? '\t' : '    ';
  const text = file.source(placeOf(func, func));
  return [{
    title: 'Return the error of the wait',
    edits: [
      insertion(func, call.span.start, `int ${name} = `),
      insertion(func, call.statement.end, `\n${indent}if (${name} < 0)\n${indent}${unit}return ${name};`),
    ],
    safe: !/\bgoto\b|malloc|alloc\(|\bnew\b|open\(/.test(text) && /\breturn\s+(?:0\b|-|\w+->res\b|res\b|ret\b|n\b)/.test(text),
  }];
}
