import { allRustCalls, hasAttribute, holderOf, isAwaited, outermost, rustCalls, type RustCall } from '../../idioms/rust-code';
import { attributeRuntime, operationRuntime, runtimesOf, startedBy } from '../../idioms/rust-runtime';
import { isWithin, bodiesOf, statements, type Attribute, type Call, type Func, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { DraftFix, Rule } from '../rule';

const START = /^tokio_uring::(?:start|Builder::start|Runtime::block_on)$/;

export const rustUringForeignRuntime: Rule = {
  info: {
    id: 'rust-uring-foreign-runtime', languages: ['rust'], severity: 'error', confidence: 'certain',
    summary: 'tokio-uring inside another runtime panics; tokio\'s own files and sockets inside tokio-uring bypass the ring.',
  },
  why: 'tokio-uring is a runtime of its own, one ring a thread. Starting it within a runtime panics, its operations panic on a thread without its driver, and tokio::fs and tokio::net inside it use threads and readiness instead of the ring.',
  families: ['tokio-uring'],
  checkFile(file, report) {
    const starts = allRustCalls(file).filter((c) => START.test(c.path));
    for (const c of starts) {
      if (c.func.damaged) continue;
      const inside = asynchronous(file, c.func);
      if (inside) {
        report({
          at: placeOf(c.func, c.call.callee.kind === 'member' ? { span: c.call.nameSpan } : c.call.callee),
          message: `${c.path.split('::').slice(-2).join('::')}() is called ${inside}: a runtime cannot be started from within one, and this panics.`,
          fixes: mainFix(file, c),
        });
      } else for (const caller of callersOf(file, c.func)) {
        const within = asynchronous(file, caller.func);
        if (!within) continue;
        report({
          at: placeOf(caller.func, caller.call.callee.kind === 'member' ? { span: caller.call.nameSpan } : caller.call.callee),
          message: `${c.func.name}() starts the runtime of tokio-uring and is called ${within}: a runtime cannot be started from within one, and this panics.`,
          related: [{ at: placeOf(c.func, c.call), message: 'the runtime is started here' }],
        });
      }
    }
    withoutDriver(file, starts.length > 0, report);
    bypasses(file, report);
  },
};

/** Whether code runs on a runtime already, in words; undefined where it may be on a thread of its own. */
function asynchronous(file: SourceFile, func: Func): string | undefined {
  if (func.async) {
    if (attributeRuntime(file, func)) return 'in a function that a runtime runs already';
    if (func.kind === 'async block' && isLeftAlone(file, func)) return undefined;
    return func.kind === 'async block' ? 'in an async block' : 'in an async function';
  }
  if (!func.parent) return undefined;
  const holder = holderOf(file, func);
  // an unknown function may run its closure anywhere
  const sameThread = holder && holder.call.callee.kind === 'member' && /^(?:map|and_then|unwrap_or_else|or_else|for_each|then|map_err|with)$/.test(holder.call.name);
  return sameThread ? asynchronous(file, func.parent) : undefined;
}
/** An async block that is handed to code out of sight, or kept: who runs it is not known. */
function isLeftAlone(file: SourceFile, func: Func): boolean {
  const holder = holderOf(file, func);
  return holder ? startedBy(holder.path) === undefined : !func.parent?.async;
}

/** Calls of a function of this file by those that run no async code themselves. */
function callersOf(file: SourceFile, func: Func): RustCall[] {
  const of = outermost(func);
  if (func !== of || of.async || of.kind !== 'function' || of.name === 'main' || file.program.functionNamed(of.name) !== of) return [];
  return allRustCalls(file).filter((c) => c.func !== of && !c.call.macro && new RegExp(`^(?:self::|crate::|super::)?${of.owner ? `${of.owner}::` : ''}${of.name}$`).test(c.path));
}

type Report = Parameters<NonNullable<Rule['checkFile']>>[1];

/** tokio-uring's operations on threads that have no ring. */
function withoutDriver(file: SourceFile, hasStart: boolean, report: Report): void {
  for (const func of file.program.functions()) {
    if (func.damaged) continue;
    const own = [...ownRuntimes(file, func, hasStart)];
    if (!own.length) continue;
    const first = rustCalls(file, func).filter((c) => operationRuntime(c.path) === 'tokio-uring' && isAwaited(file, c.call))
      .sort((a, b) => a.call.span.start - b.call.span.start)[0];
    if (!first) continue;
    report({
      at: placeOf(func, first.call.callee.kind === 'member' ? { span: first.call.nameSpan } : first.call.callee),
      message: `This operation of tokio-uring runs ${own[0]!}, where no ring is: it panics. Run it inside tokio_uring::start().`,
    });
  }
}
function* ownRuntimes(file: SourceFile, func: Func, hasStart: boolean): Generator<string> {
  const holder = func.parent && holderOf(file, func);
  if (holder && func.async && /^tokio::(?:spawn|task::spawn)$/.test(holder.path) && !runtimesOf(file, holder.func).has('tokio-uring')) yield 'in a task of tokio';
  if (!func.parent && attributeRuntime(file, func) === 'tokio') yield 'on tokio\'s runtime';
  const all = runtimesOf(file, func);
  if (!func.parent && !hasStart && func.async && all.has('tokio') && !hasAttribute(func, /\btest\b/) && reachedFromMain(file, func)) yield 'on tokio\'s runtime';
}
/** Every caller in the file is tokio's `main`, or reached from there alone. */
function reachedFromMain(file: SourceFile, func: Func): boolean {
  const callers = allRustCalls(file).filter((c) => c.call.name === func.name && c.func !== func);
  return callers.length > 0 && callers.every((c) => attributeRuntime(file, outermost(c.func)) === 'tokio');
}

const BYPASS: [RegExp, string][] = [
  [/^tokio::fs::/, 'goes to a pool of threads'],
  [/^tokio::net::(?:Tcp(?:Stream::connect|Listener::(?:bind|accept))|Unix(?:Stream::connect|Listener::(?:bind|accept))|UdpSocket::bind)$/, 'waits for readiness with epoll'],
  [/^tokio::io::(?:copy|copy_bidirectional|copy_buf)$/, 'copies with readiness and plain reads and writes'],
];
/** tokio's files and sockets on tokio-uring's runtime; once a function is enough. */
function bypasses(file: SourceFile, report: Report): void {
  for (const func of file.program.functions()) {
    const runtimes = runtimesOf(file, func);
    if (func.damaged || !runtimes.has('tokio-uring') || runtimes.has('tokio') || runtimes.has('thread') || hasAttribute(func, /\bfeature\b/)) continue;
    for (const [pattern, does] of BYPASS) {
      const all = rustCalls(file, func).filter((x) => pattern.test(x.path) && !x.call.macro && !isOneOfTwo(file, func, x.call));
      const c = all.find((x) => isAwaited(file, x.call)) ?? all[0];
      if (!c) continue;
      report({
        at: placeOf(func, c.call.callee.kind === 'member' ? { span: c.call.nameSpan } : c.call.callee),
        message: `${c.path}() ${does}, so it bypasses the ring of tokio-uring that this code runs on.`,
        severity: 'warning',
      });
    }
  }
}

/** A branch of a choice whose other branches use tokio-uring: the code runs on either. */
function isOneOfTwo(file: SourceFile, func: Func, call: Call): boolean {
  const others = rustCalls(file, func).filter((c) => /^tokio_uring::/.test(c.path));
  const has = (body: Stmt[], c: Call): boolean => body.some((s) => isWithin(c.span, s.span));
  return [...statements(func.body)].some((s) => {
    const branches = s.kind === 'if' || s.kind === 'switch' ? bodiesOf(s) : [];
    const own = branches.find((b) => has(b, call));
    return own !== undefined && branches.some((b) => b !== own && others.some((c) => has(b, c.call)));
  });
}

/** `#[tokio::main] async fn main() { tokio_uring::start(…) }`: without attribute and `async` it is right. */
function mainFix(file: SourceFile, { call, func }: RustCall): DraftFix[] {
  if (func.kind !== 'function' || !func.async || func.body.length !== 1 || [...statements(func.body)].length !== 1) return [];
  const [only] = func.body;
  if (only!.kind !== 'expr' || only!.expr !== call) return [];
  const attribute = func.attributes?.find((a: Attribute) => /::(?:main|test)\b/.test(a.text));
  const head = file.source(placeOf(func, { span: { start: 0, end: func.nameSpan.start } }));
  const at = /\basync\s+/.exec(head);
  if (!attribute || !at) return [];
  const indent = /^\s*/.exec(file.source(placeOf(func, { span: { start: attribute.span.end, end: 0 } })))![0];
  return [{
    title: 'Drop the attribute and async',
    edits: [
      { place: placeOf(func, { span: { start: attribute.span.start, end: Math.min(0, attribute.span.end + indent.length) } }), text: '' },
      { place: placeOf(func, { span: { start: at.index, end: at.index + at[0].length } }), text: '' },
    ],
    safe: true,
  }];
}
