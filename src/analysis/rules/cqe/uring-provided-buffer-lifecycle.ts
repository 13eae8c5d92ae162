import { constant } from '../../flow/value';
import { completionCode } from '../../idioms/completion-code';
import { isCqeField } from '../../idioms/declared-type';
import { loopsAround } from '../../idioms/loops';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { integerOf, isNegativeError } from '../../idioms/tested';
import { prepName } from '../../idioms/sqe-preps';
import { bare, bodiesOf, callsIn, isWithin, statements, walk, walkFunction, expressionsOf, type Binary, type Call, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

const SHIFT = 16n;
const ADVANCES = ['io_uring_buf_ring_advance', 'io_uring_buf_ring_cq_advance', '__io_uring_buf_ring_cq_advance'];
const RETURNS = /io_uring_buf_ring_add|io_uring_prep_provide_buffers/;
const SETS_UP = /io_uring_(?:setup_buf_ring|register_buf_ring|queue_init|free_buf_ring)|mmap|posix_memalign|alloc/;

export const uringProvidedBufferLifecycle: Rule = {
  info: {
    id: 'uring-provided-buffer-lifecycle', languages: ['c', 'cpp'], severity: 'warning', confidence: 'likely',
    summary: 'A provided buffer is taken though there may be none, is never given back, or is put where the kernel does not see it.',
  },
  why: 'Completions with errors such as -ENOBUFS carry no buffer, so their id means nothing. Buffers that are not given back run out, and every receive ends in -ENOBUFS; those added without an advance stay unseen.',
  families: ['liburing'],
  check(file, func, report) {
    const { program } = file;
    if (func.damaged || !program.mentions(func, /CQE_BUFFER_SHIFT|flags\s*>>\s*16|BUFFER_SELECT|buf_ring_add/)) return;
    const ids = [...walkFunction(func)].filter((e): e is Binary => e.kind === 'binary' && isId(file, func, e));
    if (ids.length && !program.names('IORING_CQE_F_BUFFER')) {
      const first = ids.find((e) => !resultTested(file, func, e));
      if (first) report({
        at: placeOf(func, first),
        message: 'Without IORING_CQE_F_BUFFER in the flags the completion carries no buffer, and this id is that of another one. Test the flag first.',
      });
    }
    if (program.mentions(func, /BUFFER_SELECT/)) for (const prep of selecting(func)) {
      if (neverReturned(file)) report({ at: placeOf(func, prep), message: 'Buffers of this request are taken and none is ever given back: when they have run out, every completion is -ENOBUFS.' });
      else if (groupForgotten(file, func)) report({ at: placeOf(func, prep), message: 'IOSQE_BUFFER_SELECT takes buffers of group 0 here, and the buffers were provided under another id. Set buf_group.' });
    }
    if (program.mentions(func, /io_uring_buf_ring_add/)) for (const { add, why } of unseen(file, func)) report({ at: placeOf(func, add), message: why });
  },
};

/** `cqe->flags >> IORING_CQE_BUFFER_SHIFT` */
function isId(file: View, func: Func, e: Binary): boolean {
  if (e.op !== '>>') return false;
  const left = bare(e.left);
  const right = bare(e.right);
  if (right.kind === 'name' && right.name === 'IORING_CQE_BUFFER_SHIFT') return true;
  return isCqeField(file, func, left, 'flags') && constant(file.program.constantValue(right)) === SHIFT;
}
/** A receive that brought data has a buffer; that it is not one certain error is enough where nobody uses the id of a failed one. */
function resultTested(file: View, func: Func, id: Expr): boolean {
  const tests = [...walkFunction(func)].filter((e): e is Binary => e.kind === 'binary' && /^(?:<|>|<=|>=|==|!=)$/.test(e.op) && /\bres\b|\bret\b|\bresult\b/.test(file.source(placeOf(func, e))));
  const loop = loopsAround(func, id.span).at(-1);
  const before = tests.filter((e) => e.span.start < id.span.start && (!loop || e.span.start > loop.span.start));
  if (!before.filter((e) => !inOtherBranch(func, e, id)).every((e) => isNegativeError(e.left) || isNegativeError(e.right))) return true;
  return before.length > 0 && !usedWhereFailed(func, id, tests);
}
/** The first is in a branch that the second is not in. */
function inOtherBranch(func: Func, first: Expr, second: Expr): boolean {
  const isIn = (e: Expr, body: Stmt[]): boolean => body.some((s) => isWithin(e.span, s.span));
  return [...statements(func.body)].some((s) => {
    const branches = s.kind === 'if' ? [s.then, s.otherwise] : s.kind === 'switch' ? s.cases.map((c) => c.body) : [];
    return branches.some((b) => isIn(first, b) && !isIn(second, b));
  });
}
/** `if (res <= 0) { … id … }` behind the id, or its use at once, whatever the result. */
function usedWhereFailed(func: Func, id: Expr, tests: readonly Binary[]): boolean {
  const holder = holderOf(func, id);
  const isUsed = (body: readonly Stmt[]): boolean => [...walk(body.flatMap(expressionsOf))].some((e) => e.kind === 'name' && e.id === holder);
  if (usedAtOnce(func, id, isUsed)) return true;
  if (!holder) return false;
  return [...statements(func.body)].some((s) => {
    const test = s.kind === 'if' && s.span.start > id.span.end && s.test ? bare(s.test) : undefined;
    if (s.kind !== 'if' || test?.kind !== 'binary' || !tests.includes(test) || (test.op !== '<' && test.op !== '<=') || integerOf(test.right) !== 0n) return false;
    return isUsed(s.then);
  });
}
/** The variable that the id is put in. */
function holderOf(func: Func, id: Expr): string | undefined {
  for (const s of statements(func.body)) {
    if (s.kind === 'declare' && s.init !== undefined && [...walk([s.init])].includes(id)) return s.local.id;
    const stored = s.kind === 'expr' ? bare(s.expr) : undefined;
    if (stored?.kind === 'assign' && stored.target.kind === 'name' && [...walk([stored.value])].includes(id)) return stored.target.id;
  }
  return undefined;
}
/** Handed to a function in its own statement, or in one behind it with no branch in between. */
function usedAtOnce(func: Func, id: Expr, isUsed: (body: readonly Stmt[]) => boolean): boolean {
  const lists = [func.body, ...[...statements(func.body)].flatMap(bodiesOf)];
  for (const list of lists) {
    const at = list.findIndex((s) => (s.kind === 'expr' || s.kind === 'declare') && isWithin(id.span, s.span));
    if (at < 0) continue;
    const [own, ...behind] = list.slice(at) as [Stmt, ...Stmt[]];
    if (own.kind === 'expr' && own.expr.kind === 'call' && !isOutOfTheWay(own.expr)) return true;
    for (const s of behind) {
      if (s.kind !== 'expr' && s.kind !== 'declare') return false;
      if (s.kind === 'expr' && s.expr.kind === 'call' && !isOutOfTheWay(s.expr) && isUsed([s])) return true;
    }
  }
  return false;
}

/** Receives and reads that select a buffer, in a function that says so. */
function* selecting(func: Func): Generator<Call> {
  for (const e of walkFunction(func)) if (e.kind === 'call' && /^(?:recv|recvmsg|read)(?:_multishot)?$/.test(prepName(e.name) ?? '')) yield e;
}
/** The file takes ids, keeps them to itself, and gives buffers to the kernel when it sets up only. */
function neverReturned(file: View): boolean {
  const { program } = file;
  return program.memo.derived(program, 'buffers never returned', () => {
    const functions = program.functions();
    const takers = functions.filter((f) => program.mentions(f, /CQE_BUFFER_SHIFT|flags\s*>>\s*16/));
    if (!takers.length || !completionCode(file).repeated || takers.some((f) => f.damaged || handsOn(file, f))) return false;
    const givers = functions.filter((f) => program.mentions(f, RETURNS));
    // a function that only fills the ring at the beginning is no way back
    return givers.every((f) => program.mentions(f, SETS_UP)) && !program.names('io_uring_buf_ring_cq_advance');
  });
}
/** An id goes to another function, or is kept. */
function handsOn(file: View, func: Func): boolean {
  const names = new Set<string>();
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && [...walk([s.init])].some((e) => e.kind === 'binary' && isId(file, func, e))) names.add(s.local.id);
  for (const e of walkFunction(func)) {
    const isIdIn = (x: Expr): boolean => [...walk([x])].some((y) => (y.kind === 'binary' && isId(file, func, y)) || (y.kind === 'name' && names.has(y.id)));
    if (e.kind === 'assign' && isIdIn(e.value)) {
      if (e.target.kind === 'name' && func.locals.has(e.target.id)) names.add(e.target.id);
      else return true;
    }
    if (e.kind === 'call' && !/printf$/.test(e.name) && e.args.some((a) => isIdIn(a) && bare(a).kind !== 'index')) return true;
  }
  return [...statements(func.body)].some((s) => s.kind === 'return' && s.value && [...walk([s.value])].some((y) => y.kind === 'name' && names.has(y.id)));
}

/** A group other than 0 is all that is registered, and nothing names it here. */
function groupForgotten(file: View, func: Func): boolean {
  const { program } = file;
  if (program.mentions(func, /buf_group|set_buf_group/) || program.names('io_uring_sqe_set_buf_group')) return false;
  const groups = program.memo.derived(program, 'buffer groups', () => program.functions().flatMap((f) => (program.mentions(f, /io_uring_setup_buf_ring|prep_provide_buffers|bgid/) ? groupsOf(file, f) : [])).join(' '));
  const all = groups ? groups.split(' ') : [];
  return all.length > 0 && all.every((g) => g !== '0' && g !== '?');
}
function groupsOf(file: View, func: Func): string[] {
  const text = (e: Expr | undefined): string => {
    const value = e && constant(file.program.constantValue(e));
    return value === undefined ? '?' : `${value}`;
  };
  return [...walkFunction(func)].flatMap((e) => {
    if (e.kind === 'call' && e.name === 'io_uring_setup_buf_ring') return [text(e.args[2])];
    if (e.kind === 'call' && e.name === 'io_uring_prep_provide_buffers') return [text(e.args[4])];
    if (e.kind === 'assign' && e.target.kind === 'member' && e.target.field === 'bgid') return [text(e.value)];
    return e.kind === 'list' ? e.items.filter((i) => i.field === 'bgid').map((i) => text(i.value)) : [];
  });
}

/** Buffers added to a ring that nothing advances; and those of a batch that all go to one place. */
function* unseen(file: View, func: Func): Generator<{ add: Call; why: string }> {
  const { program } = file;
  const calls = [...walkFunction(func)].filter((e) => e.kind === 'call' && e.name === 'io_uring_buf_ring_add') as Call[];
  if (!ADVANCES.some((n) => program.names(n)) && !program.names('tail')) {
    for (const add of calls) yield { add, why: 'The kernel sees this buffer only after io_uring_buf_ring_advance(), which nobody calls.' };
    return;
  }
  if (calls.length && addsInVain(file, func)) {
    for (const add of calls) yield { add, why: 'Each turn of the loop this is called in adds a buffer, and none of them calls io_uring_buf_ring_advance(): the kernel never sees it.' };
    return;
  }
  for (const s of statements(func.body)) {
    if (s.kind !== 'loop') continue;
    const inside = [...walk(expressionsOf(s))].filter((e) => e.kind === 'call') as Call[];
    if (inside.some((c) => ADVANCES.includes(c.name) || (program.callee(c) && program.mentions(program.callee(c)!, /advance/)))) continue;
    for (const add of inside) {
      if (add.name !== 'io_uring_buf_ring_add' || !add.args[5] || constant(program.constantValue(add.args[5])) === undefined) continue;
      yield { add, why: 'Each turn puts its buffer at the same offset from the tail, over the one before: count the offset up until io_uring_buf_ring_advance().' };
    }
  }
}
/** The function adds buffers, and is called in a loop that does it again and again with no advance in a turn. */
function addsInVain(file: View, func: Func): boolean {
  const { program } = file;
  const moves = (f: Func): boolean => program.mentions(f, /advance|\btail\b/);
  if (moves(func) || callsIn(func).some((c) => { const callee = program.callee(c); return callee ? moves(callee) : !isOutOfTheWay(c) && /advance|commit|flush|publish/i.test(c.name); })) return false;
  return program.users(func).some((user) => {
    if (user === func || user.damaged) return false;
    return callsIn(user).some((c) => {
      if (program.callee(c) !== func) return false;
      const loop = loopsAround(user, c.span).find((l) => l.form !== 'for');
      // what fills the ring goes on to the advance behind its loop
      return loop !== undefined && [...walk(expressionsOf(loop))].every((e) => {
        const callee = e.kind === 'call' ? program.callee(e) : undefined;
        return e.kind !== 'call' || callee === func || (callee ? !moves(callee) : isOutOfTheWay(e) && !ADVANCES.includes(e.name));
      }) && !callsIn(user).some((x) => x.span.start > loop.span.end && (ADVANCES.includes(x.name) || (program.callee(x) !== undefined && moves(program.callee(x)!))));
    });
  });
}
