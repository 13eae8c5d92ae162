import { since } from '../../api/versions';
import { typeNameOf } from '../../idioms/declared-type';
import { bare, placeIn, statements, walkFunction, type Call, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, type Draft, type Rule, type View } from '../rule';

type Report = (draft: Draft) => void;

export const uringDeprecatedApi: Rule = {
  info: {
    id: 'uring-deprecated-api', languages: ['c', 'cpp'], severity: 'hint', confidence: 'certain',
    summary: 'An old interface of io_uring that has a direct successor.',
  },
  why: 'The successors take fewer system calls, fewer requests or fewer lines, and the old ones are kept for old programs only.',
  families: ['liburing'],
  check(file, func, report) {
    if (func.damaged) return;
    interposed(file, func, report);
    if (!file.program.mentions(func, /io_uring_|kring_/)) return;
    for (const s of statements(func.body)) {
      if (s.kind === 'declare' && s.local.type === 'io_uring_files_update' && offers(file, 'IORING_REGISTER_FILES_UPDATE2')) {
        report({ at: placeOf(func, s.local), message: '`struct io_uring_files_update` has a successor that also takes tags: `struct io_uring_rsrc_update`.' });
      }
    }
    const successors = new Set<Expr>();
    for (const e of walkFunction(func)) {
      // liburing itself, and who does the same
      if (e.kind === 'assign' && e.target.kind === 'member' && /^ring_(?:mask|entries)$/.test(e.target.field)) successors.add(bare(e.value));
      if (e.kind === 'call' && e.callee.kind === 'name') oldCall(file, func, e, report);
      else if (e.kind === 'unary' && e.op === '*' && !successors.has(e)) oldField(file, func, e.operand, e, report);
    }
    if (offers(file, 'io_uring_submit_and_wait')) for (const submit of submitThenWait(func)) {
      report({ at: placeOf(func, { span: submit.nameSpan }), message: 'Submitting and then waiting are two system calls; io_uring_submit_and_wait() does both in one.' });
    }
  },
};

/** Whether kernel and library to support, as far as somebody said, have it. */
function offers(file: View, name: string): boolean {
  const first = since(name);
  const { kernel, liburing } = file.target;
  return first !== undefined && !(kernel !== undefined && kernel < first.kernel) && !(liburing !== undefined && first.liburing !== undefined && liburing < first.liburing);
}

function oldCall(file: View, func: Func, call: Call, report: Report): void {
  const { program } = file;
  if (program.defines(call.name)) return;
  const at = placeOf(func, { span: call.nameSpan });
  switch (call.name) {
    case 'io_uring_prep_provide_buffers': case 'io_uring_prep_remove_buffers':
      if (offers(file, 'io_uring_setup_buf_ring') && !program.functions(/buf_ring/).length) {
        report({ at, message: 'Each batch of provided buffers costs a request; a buffer ring, set up once with io_uring_setup_buf_ring(), takes them back by a store to memory.' });
      }
      return;
    case 'io_uring_register_buf_ring':
      if (offers(file, 'io_uring_setup_buf_ring') && program.mentions(func, /posix_memalign|\bmmap\b|aligned_alloc/) && program.mentions(func, /io_uring_buf_ring_init/)) {
        report({ at, message: 'io_uring_setup_buf_ring() allocates, registers and initialises a buffer ring in one call.' });
      }
      return;
    case 'io_uring_sqe_set_data':
      if (offers(file, 'io_uring_sqe_set_data64')) numberAsPointer(file, func, call, report);
      return;
    case 'syscall': {
      const number = call.args[0];
      const which = number?.kind === 'name' ? /^(?:__NR|SYS)_(io_uring_\w+)$/.exec(number.name)?.[1] : undefined;
      if (which !== undefined && file.includes('liburing.h') && offers(file, which)) report({ at, message: `liburing exports ${which}() itself, with the result as a negative error number.` });
    }
  }
}

/** `io_uring_sqe_set_data(sqe, (void *)(uintptr_t)n)` */
function numberAsPointer(file: View, func: Func, call: Call, report: Report): void {
  const value = call.args[1];
  if (value?.kind !== 'cast' || !value.type.includes('*')) return;
  const inner = value.operand;
  const number = inner.kind === 'cast' && /^(?:u?intptr_t|unsigned long(?: long)?|u?long|size_t|u?int64_t|__u64|long(?: long)?|std::u?intptr_t)$/.test(inner.type.trim()) ? inner.operand : inner.kind === 'int' && inner.value !== 0n ? inner : undefined;
  if (!number) return;
  report({
    at: placeOf(func, { span: call.nameSpan }),
    message: 'A number travels as a pointer here; io_uring_sqe_set_data64() takes it as it is, and io_uring_cqe_get_data64() gives it back.',
    fixes: [{
      title: 'Use io_uring_sqe_set_data64', safe: true,
      edits: [insertion(func, call.nameSpan.end, '64'), { place: placeIn(func, value.span), text: file.source(placeOf(func, number)) }],
    }],
  });
}

const FIELDS = new Map([['kring_mask', 'ring_mask'], ['kring_entries', 'ring_entries']]);
/** `*ring->sq.kring_mask`: the pointer became a value. */
function oldField(file: View, func: Func, operand: Expr, whole: Expr, report: Report): void {
  const e = bare(operand);
  const successor = e.kind === 'member' ? FIELDS.get(e.field) : undefined;
  if (e.kind !== 'member' || !successor || !offers(file, 'io_uring_get_events') || !isQueue(file, func, e.object)) return;
  const text = file.source(placeOf(func, e));
  report({
    at: placeIn(func, e.fieldSpan), message: `${e.field} is deprecated: ${successor} holds the value itself.`,
    fixes: [{ title: `Use ${successor}`, safe: true, edits: [{ place: placeOf(func, whole), text: text.slice(0, e.fieldSpan.start - e.span.start) + successor }] }],
  });
}
/** `ring->sq`, `ring->cq` */
function isQueue(file: View, func: Func, e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'member' && /^[sc]q$/.test(inner.field) ? typeNameOf(file, func, inner.object) === 'io_uring' : /^io_uring_[sc]q$/.test(typeNameOf(file, func, inner) ?? '');
}

/** `io_uring_submit(r);` with nothing but a look at its result before `io_uring_wait_cqe(r, &cqe)`. */
function* submitThenWait(func: Func): Generator<Call> {
  const bodies: Stmt[][] = [func.body];
  for (const s of statements(func.body)) {
    if (s.kind === 'block' || s.kind === 'loop') bodies.push(s.body);
    else if (s.kind === 'if') bodies.push(s.then, s.otherwise);
  }
  for (const body of bodies) {
    const plain = body.flatMap((s) => (s.kind === 'block' ? s.body : [s]));
    for (let i = 0; i < plain.length; i++) {
      const submit = callIn(plain[i]!, 'io_uring_submit');
      if (!submit) continue;
      let next = i + 1;
      if (plain[next]?.kind === 'if') next++;
      const wait = plain[next] && callIn(plain[next]!, 'io_uring_wait_cqe');
      if (wait && sameText(submit.args[0], wait.args[0])) yield submit;
    }
  }
}
/** The call that a statement makes first of all. */
function callIn(s: Stmt, name: string): Call | undefined {
  const e = s.kind === 'expr' ? bare(s.expr) : s.kind === 'declare' && s.init ? bare(s.init) : undefined;
  const call = e?.kind === 'assign' ? bare(e.value) : e;
  return call?.kind === 'call' && call.name === name ? call : undefined;
}
function sameText(a: Expr | undefined, b: Expr | undefined): boolean {
  const key = (e: Expr | undefined): string | undefined => {
    const x = e && bare(e);
    if (x?.kind === 'name') return x.id;
    if (x?.kind === 'member') return `${key(x.object)}.${x.field}`;
    return x?.kind === 'unary' ? `${x.op}${key(x.operand)}` : undefined;
  };
  return key(a) !== undefined && key(a) === key(b);
}

const EXPORTED = /^io_uring_(?:setup|enter2?|register)$/;
/** A function of the project by the name of one that liburing exports: which of them a call means is up to the linker. */
function interposed(file: View, func: Func, report: Report): void {
  if (!EXPORTED.test(func.name) || func.static || func.owner || func.kind !== 'function' || file.language !== 'c' || !file.includes('liburing.h') || file.includes('int_flags.h') || file.includes('lib.h')) return;
  // liburing's own sources, also where a project brings them along
  if (file.program.mentions(func, /\b__(?:sys|do)_io_uring_/)) return;
  if (/\binline\b/.test(file.source(placeIn(func, { start: 0, end: func.nameSpan.start })))) return;
  report({
    at: placeIn(func, func.nameSpan), severity: 'warning',
    message: `liburing exports ${func.name}() since 2.3: with a function of the same name the linker decides which one liburing itself calls. Make this one static, or call it something else.`,
  });
}
