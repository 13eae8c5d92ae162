import { constant } from '../../flow/value';
import { completionCode } from '../../idioms/completion-code';
import { isCqeField } from '../../idioms/declared-type';
import { prepName } from '../../idioms/sqe-preps';
import { bare, statements, walk, walkFunction, expressionsOf, type Binary, type Call, type Expr, type Func } from '../../model';
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
/** A receive that brought data has a buffer. */
function resultTested(file: View, func: Func, id: Expr): boolean {
  for (const e of walkFunction(func)) {
    if (e.span.start >= id.span.start || e.kind !== 'binary' || !/^(?:<|>|<=|>=|==|!=)$/.test(e.op)) continue;
    if (/\bres\b|\bret\b|\bresult\b/.test(file.source(placeOf(func, e)))) return true;
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
