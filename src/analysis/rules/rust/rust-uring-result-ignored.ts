import { allRustCalls, plain, rustCalls, typeOf, usesOf, type Use } from '../../idioms/rust-code';
import { completionUse } from '../../idioms/rust-completions';
import { isWithin, bare, statements, walk, walkFunction, type Call, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { insertion, type Draft, type DraftFix, type Rule } from '../rule';

/** Operations whose result comes with the buffer. */
const WITH_BUFFER = /^(?:readv?(?:_at|_exact|_exact_at|_fixed|_fixed_at|_vectored)?|write(?:v|_all|_at|_all_at|_fixed|_fixed_at|_fixed_all|_fixed_all_at|_vectored)?|writev(?:_at|_all|_at_all)|recv|recv_from|recv_vectored|recvmsg|send|send_to|send_zc|sendmsg|sendmsg_zc)$/;
/** Those that may transfer less than they were asked for. */
const SHORT = /^(?:read|readv|read_at|readv_at|read_fixed|read_fixed_at|write|writev|write_at|writev_at|write_fixed|write_fixed_at|recv|send)$/;
const RECEIVER = /^(?:(?:tokio_uring|monoio|compio)::(?:fs|net)|compio_(?:fs|net))::/;

export const rustUringResultIgnored: Rule = {
  info: {
    id: 'rust-uring-result-ignored', languages: ['rust'], severity: 'warning', confidence: 'certain',
    summary: 'The result of an operation is thrown away together with its error and byte count.',
  },
  why: 'These runtimes give back `(Result, buffer)`. Dropping the first element drops the error and the byte count, and the compiler says nothing. A completion of the io-uring crate holds a negative error number in its result.',
  families: ['tokio-uring', 'monoio', 'compio', 'io-uring-crate'],
  checkFile(file, report) {
    const unread = neverRead(file);
    if (unread) report(unread);
    for (const func of file.program.functions()) {
      if (func.damaged) continue;
      for (const s of statements(func.body)) if (s.kind === 'declare' && s.pattern) ignored(file, func, s, report);
      for (const draft of [...dropsCount(file, func), ...usesAll(file, func), ...completions(file, func)]) report(draft);
    }
  },
};

type Declare = Extract<Stmt, { kind: 'declare' }>;

function ignored(file: SourceFile, func: Func, s: Declare, report: (d: Draft) => void): void {
  if (s.pattern![0] !== '_' || s.init?.kind !== 'await') return;
  const operation = operationOf(file, func, s.init);
  if (!operation) return;
  // a wildcard for the whole tuple, or for its first element
  report({
    at: placeOf(func, s),
    message: `The result of ${operation.type.replace(/^.*::/, '')}::${operation.name}() is thrown away: an error or a short transfer goes unnoticed.`,
    fixes: s.pattern!.length === 2 ? fix(file, func, s) : [],
  });
}

/** The operation of `x.read_at(…).await` and `x.write_at(…).submit().await` on a type of the runtimes. */
function operationOf(file: SourceFile, func: Func, e: Expr): { name: string; type: string } | undefined {
  let at = e;
  while (at.kind === 'await') at = at.operand;
  if (at.kind === 'call' && at.name === 'submit' && at.callee.kind === 'member') at = at.callee.object;
  if (at.kind !== 'call' || at.callee.kind !== 'member' || !WITH_BUFFER.test(at.name)) return undefined;
  const type = typeOf(file, at.callee.object, func);
  return type && RECEIVER.test(type) ? { name: at.name, type } : undefined;
}

/** Binds the result and hands its error on, where the function can return it. */
function fix(file: SourceFile, func: Func, s: Declare): DraftFix[] {
  if (!/\bResult\b/.test(func.returns) || func.kind !== 'function' || [...func.locals.values()].some((l) => l.name === 'res')) return [];
  const indent = file.indentation(placeOf(func, { span: s.statement }));
  const text = file.source(placeOf(func, s));
  return [{
    title: 'Bind the result and return its error',
    edits: [
      { place: placeOf(func, s), text: text.replace(/\b_\b/, 'res') },
      insertion(func, s.statement.end, `\n${indent}res?;`),
    ],
    safe: true,
  }];
}

/** `let (res, buf) = file.read_at(…).await; if res.is_ok() {…}`: the count is never looked at. */
function dropsCount(file: SourceFile, func: Func): Draft[] {
  return [...statements(func.body)].flatMap((s): Draft[] => {
    if (s.kind !== 'declare' || s.bound?.path.join() !== '0') return [];
    const operation = operationOf(file, func, s.bound.from);
    if (!operation || !SHORT.test(operation.name)) return [];
    const uses = usesOf(func, s.local.id);
    const asks = /^(?:write|send)/.test(operation.name) ? (u: Use) => isOutcome(u) || isErrorAlone(func, u.at) : isOutcome;
    if (!uses.length || !uses.every(asks)) return [];
    const instead = /^read/.test(operation.name) ? 'Look at the count, or use read_exact_at' : 'Look at the count, or write all';
    return [{
      // who hands the error on has looked at something
      ...(uses.every(isOutcome) ? {} : { severity: 'information' as const }),
      at: placeOf(func, { span: uses[0]!.call?.span ?? uses[0]!.at }),
      message: `Of ${operation.name}() only whether it worked is asked, not how much it transferred, which may be less than was asked for. ${instead}.`,
    }];
  });
}

function isOutcome(use: Use): boolean {
  return use.how === 'method' && /^is_(?:ok|err)$/.test(use.call?.name ?? '');
}
/** `res?;`, `res.unwrap();`: a read leaves its count in the buffer's length as well, a write nowhere else. */
function isErrorAlone(func: Func, at: Span): boolean {
  return [...statements(func.body)].some((s) => {
    if (s.kind !== 'expr' || !isWithin(at, s.span)) return false;
    const e = s.expr.kind === 'try' ? s.expr.operand : s.expr.kind === 'call' && s.expr.callee.kind === 'member' && /^(?:unwrap|expect)$/.test(s.expr.name) ? s.expr.callee.object : undefined;
    return e?.kind === 'name' && e.span.start === at.start;
  });
}

/** `let (res, buf) = file.read_at(vec![0; n], 0).await; res?; use(&buf);`: behind the bytes that were read lie zeros. */
function usesAll(file: SourceFile, func: Func): Draft[] {
  const all = [...statements(func.body)];
  return all.flatMap((s): Draft[] => {
    if (s.kind !== 'declare' || s.bound?.path.join() !== '0') return [];
    const { from } = s.bound;
    const operation = operationOf(file, func, from);
    if (!operation || !/^(?:read|read_at|recv)$/.test(operation.name)) return [];
    const filled = [...walk([from])].some((e) => e.kind === 'call' && e.name === operation.name && e.args[0] && plain(e.args[0]).kind === 'call' && /^vec!\s*\[\s*0(?:u8)?\s*;/.test(file.source(placeOf(func, e.args[0]))));
    // the result is asked for its error as a statement of its own, and for nothing else
    const only = usesOf(func, s.local.id);
    const asked = all.some((x) => x.kind === 'expr' && x.expr.kind === 'try' && only.length === 1 && isWithin(only[0]!.at, x.span));
    const buffer = all.find((x) => x.kind === 'declare' && x.bound?.from === from && x.bound.path.join() === '1');
    if (!filled || !asked || buffer?.kind !== 'declare') return [];
    const [first] = usesOf(func, buffer.local.id);
    if (!first || (first.how !== 'borrowed' && first.how !== 'moved')) return [];
    return [{
      at: placeOf(func, { span: first.at }), related: [{ at: placeOf(func, s), message: 'the count is dropped here' }],
      message: `${operation.name}() may have read less than the buffer holds, and what is left of it are the zeros it began with. Take &${buffer.local.name}[..n], with n from the result.`,
    }];
  });
}

/** Requests of the io-uring crate whose outcome a program counts on. */
const MATTERS = /^io_uring::opcode::(?:Read|Write|Readv|Writev|ReadFixed|WriteFixed|Send|Recv|SendMsg|RecvMsg|Fsync|Fallocate|OpenAt|OpenAt2|Connect|Accept|Statx|Splice)::new$/;

/** Completions of such requests are taken, in a file that never looks at a result and hands no entry on. */
function neverRead(file: SourceFile): Draft | undefined {
  if (/\bresult\s*\(\s*\)/.test(file.text) || /\bcqueue\b(?!::Entry::)[\w:]*\s*(?:>|,\s*\w+\s*\)|\)|\{|->)/.test(file.text)) return undefined;
  const calls = allRustCalls(file);
  const requests = calls.filter((c) => /^io_uring::opcode::\w+::new$/.test(c.path));
  const taken = calls.find((c) => c.path === 'io_uring::cqueue::Entry::user_data') ?? calls.find((c) => c.path === 'io_uring::CompletionQueue::next');
  if (!taken || !requests.length || !requests.every((r) => MATTERS.test(r.path)) || completionUse(file).leads) return undefined;
  return {
    at: placeOf(taken.func, taken.call), related: [{ at: placeOf(requests[0]!.func, requests[0]!.call), message: 'the request' }],
    message: 'Nothing looks at the result of this completion: it is negative when the operation failed, and a request that failed is taken for done.',
  };
}

/** Results of the io-uring crate: negative error numbers. */
function completions(file: SourceFile, func: Func): Draft[] {
  const results = rustCalls(file, func).filter((c) => c.path === 'io_uring::cqueue::Entry::result').map((c) => c.call);
  if (!results.length) return [];
  const out: Draft[] = [];
  const names = new Set<string>();
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && results.includes(plain(s.init) as Call)) names.add(s.local.id);
  const isResult = (e: Expr): boolean => {
    const at = bare(e);
    return (at.kind === 'call' && results.includes(at)) || (at.kind === 'name' && names.has(at.id));
  };
  const all = [...walkFunction(func)];
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
    if (e.kind !== 'cast' || alone || (tested && !fresh(e.operand)) || !/^(?:usize|u16|u32|u64)$/.test(e.type) || !isResult(e.operand)) continue;
    out.push({
      at: placeOf(func, e),
      message: 'The result of a completion is negative when the operation failed: the cast makes a huge count of the error. Test it for < 0 first.',
    });
  }
  for (const c of rustCalls(file, func)) {
    if (c.path !== 'std::io::Error::last_os_error') continue;
    const branch = [...statements(func.body)].find((s) => s.kind === 'if' && s.test && isWithin(c.call.span, s.span) && negativeTest(s.test, isResult) && inside(s, c.call.span));
    if (!branch) continue;
    out.push({
      at: placeOf(func, c.call),
      message: 'errno says nothing of a completion: the error number is its negative result. Use io::Error::from_raw_os_error(-result).',
    });
  }
  return out;
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
  const within = (body: Stmt[]): boolean => [...statements(body)].some((x) => isWithin(at, x.span));
  const deeper = [...statements([...s.then, ...s.otherwise])].some((x) => x.kind === 'if' && isWithin(at, x.span));
  return !deeper && (within(s.then) || within(s.otherwise));
}
