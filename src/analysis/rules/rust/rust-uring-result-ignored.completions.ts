/** Results of completions of the io-uring crate: never read, taken for counts, or looked up in errno. */
import { closuresOf, allRustCalls, fateOf, plain, rustCalls, typeOf, usesOf, type RustCall } from '../../idioms/rust-code';
import { completionUse } from '../../idioms/rust-completions';
import { queuedIn } from '../../idioms/rust-entries';
import { ringKey, setUpsOf, SUBMIT_AND_WAIT } from '../../idioms/rust-uring';
import { isWithin, bare, statements, walk, walkFunction, type Call, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Draft } from '../rule';

const UNSIGNED = /^(?:usize|u16|u32|u64)$/;
/** Requests of the io-uring crate whose outcome a program counts on. */
const MATTERS = /^io_uring::opcode::(?:Read|Write|Readv|Writev|ReadFixed|WriteFixed|Send|Recv|SendMsg|RecvMsg|Fsync|Fallocate|OpenAt|OpenAt2|Connect|Accept|Statx|Splice)::new$/;

const LOST = 'it is negative when the operation failed, and a request that failed is taken for done.';

/** Completions that nobody asks how it went. */
export function neverRead(file: SourceFile): Draft[] {
  const unread = inFile(file);
  if (unread) return [unread];
  return [...file.program.functions(/\bopcode\b|::new\s*\(/).flatMap((func) => (func.damaged ? [] : inFunction(file, func))), ...inReaper(file)];
}

/** Where everything that is queued may fail, a function that takes completions, as others do, and never looks at a result. */
function inReaper(file: SourceFile): Draft[] {
  const calls = allRustCalls(file);
  const requests = calls.filter((c) => /^io_uring::opcode::\w+::new$/.test(c.path));
  if (!requests.length || !requests.every((r) => MATTERS.test(r.path))) return [];
  return file.program.functions(/completion|CompletionQueue/).flatMap((func): Draft[] => {
    // who ends the ring has no use for results any more
    if (func.damaged || func.kind !== 'function' || /drain|shut|drop|cancel|close|clear|discard|stop|teardown|quiesce|wait_all|finish/i.test(func.name)) return [];
    const bodies = [func, ...closuresOf(func)];
    if (bodies.some((f) => rustCalls(file, f).some((c) => c.path === 'io_uring::cqueue::Entry::result')) || queuedIn(file, func).length > 0) return [];
    const taken = goneThrough(file, func).find((s) => usesOf(func, s.local.id).length > 0);
    return taken ? [{ at: placeOf(func, taken), related: [{ at: placeOf(requests[0]!.func, requests[0]!.call), message: 'a request' }], message: `Nothing looks at the result of this completion: ${LOST}` }] : [];
  });
}

/** Completions of such requests are taken, in a file that never looks at a result and hands no entry on. */
function inFile(file: SourceFile): Draft | undefined {
  if (/\bresult\s*\(\s*\)/.test(file.text) || /\bcqueue\b(?!::Entry::)[\w:]*\s*(?:>|,\s*\w+\s*\)|\)|\{|->)/.test(file.text)) return undefined;
  const calls = allRustCalls(file);
  const requests = calls.filter((c) => /^io_uring::opcode::\w+::new$/.test(c.path));
  const taken = calls.find((c) => c.path === 'io_uring::cqueue::Entry::user_data') ?? calls.find((c) => c.path === 'io_uring::CompletionQueue::next') ?? calls.find((c) => isThrownAway(c));
  if (!taken || !requests.length || !requests.every((r) => MATTERS.test(r.path)) || completionUse(file).leads) return undefined;
  return {
    at: placeOf(taken.func, taken.call), related: [{ at: placeOf(requests[0]!.func, requests[0]!.call), message: 'the request' }],
    message: `Nothing looks at the result of this completion: ${LOST}`,
  };
}
/** `ring.completion().for_each(drop)`, `.count()` */
function isThrownAway({ call, path }: RustCall): boolean {
  if (/^io_uring::CompletionQueue::(?:count|last)$/.test(path)) return true;
  const [with_] = call.args;
  return path === 'io_uring::CompletionQueue::for_each' && ((with_?.kind === 'name' && /(?:^|::)drop$/.test(with_.name)) || (with_?.kind === 'lambda' && with_.func.params.every((p) => p.name === '_')));
}

/** A function that queues requests and waits for them itself, and takes their completions without a look, or not at all. */
function inFunction(file: SourceFile, func: Func): Draft[] {
  const queued = queuedIn(file, func);
  if (!queued.length || !queued.every((q) => MATTERS.test(`io_uring::opcode::${q.entry.opcode}::new`))) return [];
  const bodies = [func, ...closuresOf(func)];
  const calls = bodies.flatMap((f) => rustCalls(file, f));
  const last = Math.max(...queued.map((q) => q.push.span.end));
  const wait = calls.find((c) => SUBMIT_AND_WAIT.test(c.path) && c.func === func && c.call.span.start > last && !(c.call.args[0]?.kind === 'int' && c.call.args[0].value === 0n));
  if (!wait || calls.some((c) => c.path === 'io_uring::cqueue::Entry::result')) return [];
  const related = [{ at: placeOf(func, queued[0]!.entry.make), message: 'the request' }];
  const taken = calls.filter((c) => /^io_uring::IoUring::(?:completion|completion_shared|split)$/.test(c.path) || c.path.startsWith('io_uring::CompletionQueue::'));
  const ring = wait.call.callee.kind === 'member' ? ringKey(file, func, wait.call.callee.object) : undefined;
  if (!taken.length) {
    // nobody else has the ring
    const own = ring !== undefined && setUpsOf(file, func).some((s) => s.key === ring) && usesOf(func, ring).every((u) => u.how === 'method' && !u.inner);
    return own ? [{ at: placeOf(func, wait.call), related, message: `Nothing takes the completion of what this waits for, nor looks at its result: ${LOST}` }] : [];
  }
  const next = taken.find((c) => c.call.span.start > wait.call.span.end && (isThrownAway(c) || (c.path === 'io_uring::CompletionQueue::next' && c.func === func && isLeft(file, func, c.call))));
  const at = next ? next.call : goneThrough(file, func).find((s) => s.statement.start > wait.call.span.end);
  return at ? [{ at: placeOf(func, at), related, message: `Nothing looks at the result of this completion: ${LOST}` }] : [];
}
function isValue(e: Expr | undefined, call: Call): boolean {
  return e !== undefined && plain(e) === call;
}
/** `for cqe in ring.completion() {…}`, where nothing but its number is asked of any. */
function goneThrough(file: SourceFile, func: Func): Extract<Stmt, { kind: 'declare' }>[] {
  return [...statements(func.body)].filter((s): s is Extract<Stmt, { kind: 'declare' }> => s.kind === 'declare' && s.bound?.each === true && s.bound.path.length === 0
    && typeOf(file, { kind: 'name', name: s.local.name, id: s.local.id, span: s.local.span }, func) === 'io_uring::cqueue::Entry' && asksNoResult(func, s));
}
function asksNoResult(func: Func, s: Extract<Stmt, { kind: 'declare' }>): boolean {
  const uses = usesOf(func, s.local.id);
  // of a variable without any use the compiler tells
  return (uses.length > 0 || s.local.name.startsWith('_')) && uses.every((u) => u.how === 'method' && /^(?:user_data|flags)$/.test(u.call?.name ?? ''));
}
/** `ring.completion().next();`, with what it gave thrown away, or in a variable of which nothing but its number is asked. */
function isLeft(file: SourceFile, func: Func, next: Call): boolean {
  let call = next;
  for (;;) {
    const fate = fateOf(func, call);
    if (fate === 'discarded') return true;
    if (typeof fate === 'string') break;
    if (/^is_(?:some|none)$/.test(fate.method.name)) return true;
    if (!/^(?:unwrap|expect|ok_or|ok_or_else)$/.test(fate.method.name)) return false;
    call = fate.method;
  }
  const declared = [...statements(func.body)].find((s): s is Extract<Stmt, { kind: 'declare' }> => s.kind === 'declare' && isValue(s.bound?.from ?? s.init, call) && typeOf(file, { kind: 'name', name: s.local.name, id: s.local.id, span: s.local.span }, func) === 'io_uring::cqueue::Entry');
  // `if let Some(_) = ring.completion().next()`
  const tested = [...statements(func.body)].some((s) => (s.kind === 'if' || s.kind === 'loop') && s.test?.kind === 'opaque' && /^Some\(\s*_\s*\)$/.test(s.test.pattern ?? '') && s.test.parts[0] !== undefined && plain(s.test.parts[0]) === call);
  return tested || (declared !== undefined && asksNoResult(func, declared));
}

/** Results of the io-uring crate: negative error numbers. */
export function ofCompletions(file: SourceFile, func: Func): Draft[] {
  const out: Draft[] = [];
  const results = rustCalls(file, func).filter((c) => c.path === 'io_uring::cqueue::Entry::result').map((c) => c.call);
  const all = results.length ? [...walkFunction(func)] : [];
  for (const isResult of each(func, results)) out.push(...ofOne(file, func, all, isResult));
  return [...out, ...errnoInstead(file, func, results)];
}

type Test = (e: Expr) => boolean;
/** What stands for the result of one completion: calls on the same variable, and the variables they are kept in. */
function each(func: Func, results: Call[]): Test[] {
  const groups = new Map<unknown, Call[]>();
  for (const call of results) {
    const on = call.callee.kind === 'member' ? plain(call.callee.object) : call;
    const key = on.kind === 'name' ? on.id : call;
    groups.set(key, [...groups.get(key) ?? [], call]);
  }
  return [...groups.values()].map((calls) => resultTest(func, calls));
}
function resultTest(func: Func, results: Call[]): Test {
  const names = new Set<string>();
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && results.includes(plain(s.init) as Call) && !isUnsigned(s.init, s.local.type)) names.add(s.local.id);
  return (e) => {
    const at = bare(e);
    return (at.kind === 'call' && results.includes(at)) || (at.kind === 'name' && names.has(at.id));
  };
}
/** `cqe.result() as usize`: no error can be told from it any more. */
function isUnsigned(e: Expr, type: string): boolean {
  if (UNSIGNED.test(type)) return true;
  return (e.kind === 'cast' && (UNSIGNED.test(e.type) || isUnsigned(e.operand, ''))) || (e.kind === 'unary' && isUnsigned(e.operand, ''));
}

function ofOne(file: SourceFile, func: Func, all: Expr[], isResult: Test): Draft[] {
  const out: Draft[] = [];
  // a completion that a call has just given is known by that call alone
  const fresh = (e: Expr): boolean => {
    const at = bare(e);
    return at.kind === 'call' && at.callee.kind === 'member' && plain(at.callee.object).kind === 'call' && (plain(at.callee.object) as Call).callee.kind === 'name';
  };
  // -1 is EPERM, and no other error
  const one = all.find((e) => isMinusTest(e, isResult));
  const compared = all.some((e) => (e.kind === 'binary' && /^(?:[<>]=?|[!=]=)$/.test(e.op) && (isResult(e.left) || isResult(e.right)) && !isMinusTest(e, isResult))
    || (e.kind === 'call' && e.callee.kind === 'member' && isResult(e.callee.object) && /^(?:is_negative|is_positive|signum|try_into|cmp|max|checked_\w+)$/.test(e.name)))
    || [...statements(func.body)].some((s) => (s.kind === 'switch' && isResult(s.subject)) || (s.kind === 'if' && s.test?.kind === 'opaque' && s.test.parts.some(isResult)));
  const tested = compared || all.some((e) => e.kind === 'call' && e.callee.kind === 'name' && e.args.some(isResult));
  const alone = compared ? undefined : one;
  if (alone) out.push({
    at: placeOf(func, alone),
    message: 'The result of a completion is the negative error number itself: -1 is EPERM, and every other error passes this test. Compare it with 0.',
  });
  for (const e of all) {
    if (e.kind !== 'cast' || alone || (tested && !fresh(e.operand)) || !UNSIGNED.test(e.type) || !isResult(e.operand)) continue;
    out.push({
      at: placeOf(func, e),
      message: 'The result of a completion is negative when the operation failed: the cast makes a huge count of the error. Test it for < 0 first.',
    });
  }
  return out;
}

/** errno asked for what a completion says, or for an error that is at hand. */
function errnoInstead(file: SourceFile, func: Func, results: Call[]): Draft[] {
  const out: Draft[] = [];
  const isResult = resultTest(func, results);
  for (const c of rustCalls(file, func)) {
    if (c.path !== 'std::io::Error::last_os_error') continue;
    const ofResult = (s: Stmt): boolean => (s.kind === 'if' && s.test !== undefined && negativeTest(s.test, isResult) && inside(s, c.call.span)) || (s.kind === 'switch' && isResult(s.subject) && caseAt(s, c.call.span) !== undefined);
    if (![...statements(func.body)].some((s) => isWithin(c.call.span, s.span) && (ofResult(s) || atHand(func, s, c.call.span)))) continue;
    out.push({
      at: placeOf(func, c.call),
      message: 'errno says nothing of a completion: the error number is its negative result. Use io::Error::from_raw_os_error(-result).',
    });
  }
  return out;
}
type Switch = Extract<Stmt, { kind: 'switch' }>;
function caseAt(s: Switch, at: Span): Switch['cases'][number] | undefined {
  return s.cases.find((c) => [...statements(c.body)].some((x) => isWithin(at, whole(x))));
}
/** `Err(_) => Err(io::Error::last_os_error())`, where the `io::Error` came as an argument, and nothing of the C library is called. */
function atHand(func: Func, s: Stmt, at: Span): boolean {
  if (s.kind !== 'switch') return false;
  const subject = plain(s.subject);
  const param = subject.kind === 'name' ? func.params.find((p) => p.id === subject.id) : undefined;
  if (!param || !/\bResult<.*\b(?:io::Error|Error)>$|\bio::Result</s.test(param.type) || !/^Err\(\s*_\s*\)$/.test(caseAt(s, at)?.pattern ?? '')) return false;
  return ![...walkFunction(func)].some((e) => e.kind === 'call' && e.callee.kind === 'name' && /\b(?:libc|nix|syscall)\b/.test(e.callee.name));
}
function negativeTest(test: Expr, isResult: (e: Expr) => boolean): boolean {
  return [...walk([test])].some((e) => isMinusTest(e, isResult) || (e.kind === 'binary' && /^[<>]=?$/.test(e.op) && (isResult(e.left) || isResult(e.right))));
}
/** `result == -1`, as after a call of the C library. */
function isMinusTest(e: Expr, isResult: (e: Expr) => boolean): boolean {
  if (e.kind !== 'binary' || !/^[!=]=$/.test(e.op) || isResult(e.left) === isResult(e.right)) return false;
  const other = bare(isResult(e.left) ? e.right : e.left);
  return (other.kind === 'int' && other.value === -1n) || (other.kind === 'unary' && other.op === '-' && bare(other.operand).kind === 'int' && (bare(other.operand) as Extract<Expr, { kind: 'int' }>).value === 1n);
}
/** In the branch itself, not in one that tests something else. */
function inside(s: Extract<Stmt, { kind: 'if' }>, at: Span): boolean {
  const within = (body: Stmt[]): boolean => [...statements(body)].some((x) => isWithin(at, whole(x)));
  const deeper = [...statements([...s.then, ...s.otherwise])].some((x) => x.kind === 'if' && isWithin(at, x.span));
  return !deeper && (within(s.then) || within(s.otherwise));
}
function whole(s: Stmt): Span {
  return s.kind === 'declare' ? s.statement : s.span;
}
