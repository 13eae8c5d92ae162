import { isAdapter } from '../../usage/rust-returns';
import { declarationOf, fateOf, plain, typeOf, usesOf, type Use } from '../../idioms/rust-code';
import { isWithin, statements, walk, walkFunction, type Call, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { insertion, type Draft, type DraftFix, type Rule } from '../rule';
import { neverRead, ofCompletions } from './rust-uring-result-ignored.completions';

/** Operations whose result comes with the buffer. */
const WITH_BUFFER = /^(?:readv?(?:_at|_exact|_exact_at|_fixed|_fixed_at|_vectored|_to_end|_to_string|_to_end_at)?|write(?:v|_all|_at|_all_at|_fixed|_fixed_at|_fixed_all|_fixed_all_at|_vectored)?|writev(?:_at|_all|_at_all)|recv|recv_from|recv_vectored|recvmsg|send|send_to|send_zc|sendmsg|sendmsg_zc)$/;
/** Those that may transfer less than they were asked for. */
const SHORT = /^(?:read|readv|read_at|readv_at|read_fixed|read_fixed_at|write|writev|write_at|writev_at|write_fixed|write_fixed_at|recv|send)$/;
/** A datagram goes as a whole or not at all. */
const DATAGRAMS = /::(?:UdpSocket|UnixDatagram|UnixSeqpacket)$/;
const RECEIVER = /^(?:(?:tokio_uring|monoio|compio)::(?:fs|net)|compio_(?:fs|net))::/;

export const rustUringResultIgnored: Rule = {
  info: {
    id: 'rust-uring-result-ignored', languages: ['rust'], severity: 'warning', confidence: 'certain',
    summary: 'The result of an operation is thrown away together with its error and byte count.',
  },
  why: 'These runtimes give back `(Result, buffer)`. Dropping the first element drops the error and the byte count, and the compiler says nothing. A completion of the io-uring crate holds a negative error number in its result.',
  families: ['tokio-uring', 'monoio', 'compio', 'io-uring-crate'],
  checkFile(file, report) {
    for (const unread of neverRead(file)) report(unread);
    for (const func of file.program.functions()) {
      if (func.damaged) continue;
      for (const s of statements(func.body)) if (s.kind === 'declare' && s.pattern) ignored(file, func, s, report);
      for (const draft of [...takesBufferOnly(file, func), ...dropsCount(file, func), ...dropsAtOnce(file, func), ...usesAll(file, func), ...ofCompletions(file, func)]) report(draft);
    }
  },
};

type Declare = Extract<Stmt, { kind: 'declare' }>;

function ignored(file: SourceFile, func: Func, s: Declare, report: (d: Draft) => void): void {
  if (s.pattern![0] !== '_' || s.init?.kind !== 'await') return;
  const operation = operationOf(file, func, s.init, /^let\s+(?:\w+::)*BufResult\b/.test(file.source(placeOf(func, { span: s.statement }))));
  if (!operation || isBestEffort(file, func, s, operation.name)) return;
  // a wildcard for the whole tuple, or for its first element
  report({
    at: placeOf(func, s),
    message: thrownAway(operation),
    fixes: s.pattern!.length === 2 ? fix(file, func, s) : [],
  });
}
function thrownAway(operation: { name: string; type: string }): string {
  return `The result of ${operation.type && `${operation.type.replace(/^.*::/, '')}::`}${operation.name}() is thrown away: an error or a short transfer goes unnoticed.`;
}

/** What is sent in the hope that it arrives: the author says so, or it goes along with an error that is told anyway. */
function isBestEffort(file: SourceFile, func: Func, s: Declare, name: string): boolean {
  if (!/^(?:write|send)/.test(name) || s.pattern!.length !== 2) return false;
  const among = declarationOf(func, s.local.id)?.among ?? [];
  const next = among[among.indexOf(s) + 1];
  const error = next?.kind === 'return' ? next.value : next?.kind === 'expr' ? next.expr : undefined;
  if (s.pattern![1] === '_' && error?.kind === 'call' && error.name === 'Err') return true;
  const said = [commentAbove(file, func, s.statement), commentAbove(file, func, outermostSpan(func))].join(' ');
  return /\bbest[- ]effort\b|\bfire[- ]and[- ]forget\b|(?<![-\w])ignor(?:e|es|ed|ing)\b/i.test(said);
}
function outermostSpan(func: Func): Span {
  let f = func;
  while (f.parent) f = f.parent;
  return f.span;
}
/** The comments right above, and behind on the same line. */
function commentAbove(file: SourceFile, func: Func, span: Span): string {
  const lines = file.text.slice(0, func.base + span.start).split('\n').slice(0, -1);
  let from = lines.length;
  while (from > 0 && /^\s*(?:\/\/|\/?\*|#\[)/.test(lines[from - 1]!)) from--;
  const behind = /^[^\n]*/.exec(file.text.slice(func.base + span.end))![0];
  return [...lines.slice(from), /\/\/.*/.exec(behind)?.[0] ?? ''].join('\n');
}

/** `buf = stream.write_all(buf).await.1;`, `(_, buf) = stream.read(buf).await;`: the buffer is taken and the result left. */
function takesBufferOnly(file: SourceFile, func: Func): Draft[] {
  const out: Draft[] = [];
  for (const e of walkFunction(func)) {
    let from: Expr | undefined;
    if (e.kind === 'member' && e.field === '1' && e.object.kind === 'await') from = e.object;
    if (e.kind === 'assign' && e.value.kind === 'await' && /^\(\s*_\s*,/.test(file.source(placeOf(func, e.target)))) from = e.value;
    const operation = from && operationOf(file, func, from);
    if (operation) out.push({ at: placeOf(func, e), message: thrownAway(operation) });
  }
  return out;
}

/** The operation of `x.read_at(…).await` and `x.write_at(…).submit().await` on a type of the runtimes. */
function operationOf(file: SourceFile, func: Func, e: Expr, anyType = false): { name: string; type: string } | undefined {
  let at = e;
  while (at.kind === 'await') at = at.operand;
  if (at.kind === 'call' && at.name === 'submit' && at.callee.kind === 'member') at = at.callee.object;
  if (at.kind !== 'call' || at.callee.kind !== 'member' || !WITH_BUFFER.test(at.name)) return undefined;
  const type = typeOf(file, at.callee.object, func);
  if (type && RECEIVER.test(type)) return { name: at.name, type };
  return anyType ? { name: at.name, type: '' } : undefined;
}
/** Where a pattern takes the result from: the first of a tuple, or of compio's `BufResult`. */
function takesResult(s: Declare): boolean {
  const path = s.bound?.path.join();
  return path === '0' || path === 'BufResult,0';
}
function takesBuffer(s: Declare): boolean {
  const path = s.bound?.path.join();
  return path === '1' || path === 'BufResult,1';
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
    if (s.kind !== 'declare' || !s.bound || !takesResult(s)) return [];
    const operation = operationOf(file, func, s.bound.from, s.bound.path.length === 2);
    if (!operation || !SHORT.test(operation.name) || DATAGRAMS.test(operation.type)) return [];
    const uses = usesOf(func, s.local.id);
    const writes = /^(?:write|send)/.test(operation.name);
    const known = (u: Use): boolean => isOutcome(u) || isAnyOk(func, u);
    // a read leaves its count in the length of a buffer that was empty, a write nowhere
    if (!uses.length || !uses.every((u) => known(u) || (writes && isErrorAlone(func, u.at))) || (!writes && uses.some((u) => !isOutcome(u)) && !isFull(file, func, s.bound!.from))) return [];
    return [{
      // who hands the error on has looked at something
      ...(uses.every(isOutcome) ? {} : { severity: 'information' as const }),
      at: placeOf(func, { span: uses[0]!.call?.span ?? uses[0]!.at }),
      message: onlyWhether(operation.name),
    }];
  });
}
function onlyWhether(name: string): string {
  const instead = /^read/.test(name) ? 'Look at the count, or use read_exact_at' : 'Look at the count, or write all';
  return `Of ${name}() only whether it worked is asked, not how much it transferred, which may be less than was asked for. ${instead}.`;
}

/** `stream.write(buf).await.unwrap();`: the count goes with the buffer. */
function dropsAtOnce(file: SourceFile, func: Func): Draft[] {
  return [...statements(func.body)].flatMap((s): Draft[] => {
    let e = s.kind === 'expr' ? s.expr : s.kind === 'declare' && s.pattern?.[0] === '_' ? s.init : undefined;
    const whole = e;
    while (e && (e.kind === 'try' || (e.kind === 'member' && e.field === '0') || (e.kind === 'call' && e.callee.kind === 'member' && /^(?:unwrap|expect)$/.test(e.name)))) e = e.kind === 'try' ? e.operand : e.kind === 'member' ? e.object : (e.callee as Extract<Expr, { kind: 'member' }>).object;
    if (!e || e === whole || e.kind !== 'await' || (s.kind === 'expr' && s.expr.kind === 'call' && !s.expr.discarded)) return [];
    const operation = operationOf(file, func, e);
    if (!operation || !SHORT.test(operation.name) || DATAGRAMS.test(operation.type) || !/^(?:write|send)/.test(operation.name)) return [];
    return [{ at: placeOf(func, e), severity: 'information', message: onlyWhether(operation.name) }];
  });
}

function isOutcome(use: Use): boolean {
  return use.how === 'method' && /^is_(?:ok|err)$/.test(use.call?.name ?? '');
}
/** `res.map_err(…).map(|_| ())`, `match res { Ok(_) => … }`, `if let Err(e) = res`: any count will do. */
function isAnyOk(func: Func, use: Use): boolean {
  for (let call = use.how === 'method' ? use.call : undefined; call && isAdapter(call.name);) {
    const [arg] = call.args;
    if (/^(?:map|and_then)$/.test(call.name)) return arg?.kind === 'lambda' && arg.func.params.every((p) => p.name === '_');
    const fate = fateOf(func, call);
    call = typeof fate === 'string' ? undefined : fate.method;
  }
  const isUse = (e: Expr): boolean => plain(e).kind === 'name' && plain(e).span.start === use.at.start;
  return [...statements(func.body)].some((s) => {
    if (s.kind === 'switch' && isUse(s.subject)) return s.cases.every((c) => /^(?:Ok\(\s*_\s*\)|Err\b.*)$/s.test(c.pattern ?? ''));
    if (s.kind !== 'if' || s.test?.kind !== 'opaque' || !s.test.parts[0] || !isUse(s.test.parts[0])) return false;
    return /^(?:Ok\(\s*_\s*\)|Err\b.*)$/s.test(s.test.pattern ?? '');
  });
}
/** `res?;`, `res.unwrap();`: a read leaves its count in the buffer's length as well, a write nowhere else. */
function isErrorAlone(func: Func, at: Span): boolean {
  return [...statements(func.body)].some((s) => {
    if (s.kind !== 'expr' || !isWithin(at, s.span)) return false;
    const e = s.expr.kind === 'try' ? s.expr.operand : s.expr.kind === 'call' && s.expr.callee.kind === 'member' && /^(?:unwrap|expect)$/.test(s.expr.name) ? s.expr.callee.object : undefined;
    return e?.kind === 'name' && e.span.start === at.start;
  });
}
/** `vec![0; n]`, or a variable that began as one. */
function isZeros(file: SourceFile, func: Func, given: Expr): boolean {
  const at = plain(given);
  const made = at.kind === 'name' ? declarationOf(func, at.id)?.statement.init : at;
  return made !== undefined && plain(made).kind === 'call' && /^vec!\s*\[\s*0(?:u8)?\s*;/.test(file.source(placeOf(func, plain(made))));
}
/** The buffer had a length of its own before it was read into, or nobody can tell. */
function isFull(file: SourceFile, func: Func, from: Expr): boolean {
  const given = [...walk([from])].find((e): e is Call => e.kind === 'call' && SHORT.test(e.name))?.args[0];
  const name = given && plain(given);
  const made = name?.kind === 'name' ? declarationOf(func, name.id)?.statement.init : given;
  return !made || !/\b(?:with_capacity|new|default|reserve|clear)\b/.test(`${file.source(placeOf(func, made))} ${name?.kind === 'name' && [...walkFunction(func)].some((e) => e.kind === 'call' && e.name === 'clear' && e.callee.kind === 'member' && plain(e.callee.object).kind === 'name' && (plain(e.callee.object) as { id?: string }).id === name.id) ? 'clear' : ''}`);
}

/** `let (res, buf) = file.read_at(vec![0; n], 0).await; res?; use(&buf);`: behind the bytes that were read lie zeros. */
function usesAll(file: SourceFile, func: Func): Draft[] {
  const all = [...statements(func.body)];
  return all.flatMap((s): Draft[] => {
    if (s.kind !== 'declare' || !s.bound || !takesResult(s)) return [];
    const { from } = s.bound;
    const operation = operationOf(file, func, from, s.bound.path.length === 2);
    if (!operation || !/^(?:read|read_at|recv)$/.test(operation.name)) return [];
    const given = [...walk([from])].find((e): e is Call => e.kind === 'call' && e.name === operation.name)?.args[0];
    const buffer = all.find((x) => x.kind === 'declare' && x.bound?.from === from && takesBuffer(x));
    if (!given || !isZeros(file, func, given) || buffer?.kind !== 'declare') return [];
    // the result is asked for its error as a statement of its own, and for nothing else
    const only = usesOf(func, s.local.id);
    const asked = all.some((x) => x.kind === 'expr' && x.expr.kind === 'try' && only.length === 1 && isWithin(only[0]!.at, x.span));
    const [first] = usesOf(func, buffer.local.id);
    const sent = first?.how === 'moved' && first.call?.callee.kind === 'member' && /^(?:write_all|write_all_at|send_all)$/.test(first.call.name) && operationOf(file, func, first.call) !== undefined;
    if (!first || !(sent || (asked && plain(given).kind === 'call' && (first.how === 'borrowed' || first.how === 'moved')))) return [];
    return [{
      at: placeOf(func, { span: first.at }), related: [{ at: placeOf(func, s), message: 'the count is dropped here' }],
      message: `${operation.name}() may have read less than the buffer holds, and what is left of it are the zeros it began with. Take &${buffer.local.name}[..n], with n from the result.`,
    }];
  });
}
