/** Files and the like that a function of Rust owns: what is done with them, and whether they are still its own at its end. */
import type { Event } from '../flow/cfg';
import type { Flow } from '../flow/program';
import { isWithin, statements, type Call, type Expr, type Func, type Local, type Span, type Stmt } from '../model';
import { placeOf, type SourceFile } from '../source-file';
import { insertion, type DraftFix } from '../rules/rule';
import { wayTo } from './paths';
import { chainOf, declarationOf, localOf, methodsOn, plain, rustCalls, succeeds, typeOf, usesOf } from './rust-code';

export interface Handle { local: Local; type: string; func: Func; /** what it was made from; absent for parameters */ made: Stmt | undefined }

/** Locals and owned parameters of a type, as far as they are not given away: moved, captured, or lent to code out of sight. */
export function ownHandles(file: SourceFile, func: Func, type: RegExp, lentTo: RegExp): Handle[] {
  const out: Handle[] = [];
  const add = (local: Local, made: Stmt | undefined): void => {
    if (local.reference || /^\s*&/.test(local.type)) return;
    const found = typeOf(file, { kind: 'name', name: local.name, id: local.id, span: local.span }, func);
    if (found === undefined || !type.test(found) || /\b(?:Rc|Arc)\b/.test(local.type)) return;
    if (made?.kind === 'declare' && made.bound && (!isOwned(func, made.bound.from) || /\bref\s+(?:mut\s+)?$/.test(file.source(placeOf(func, { span: { start: Math.max(0, local.span.start - 16), end: local.span.start } }))))) return;
    if (made?.kind === 'declare' && (made.init?.kind === 'unary' || (made.init && isShared(made.init)))) return;
    const uses = usesOf(func, local.id);
    const gone = uses.some((u) => u.inner || (u.how === 'moved' && u.call?.name !== 'drop') || (u.how === 'borrowed' && u.call !== undefined && !u.call.macro && !lentTo.test(u.call.name)));
    if (!gone && uses.length) out.push({ local, type: found, func, made });
  };
  for (const p of func.params) if (p.name && p.name !== 'self') add(p, undefined);
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.local.name !== '_' && s.local.name !== '') add(s.local, s);
  return out;
}
/** What a pattern takes apart is the function's own, and not lent: `file.take()`, a local `Option<File>`. */
function isOwned(func: Func, from: Expr, depth = 0): boolean {
  if (from.kind === 'unary' || depth > 4) return false;
  const { root, calls } = chainOf(from);
  if (calls.some((c) => LENDS.test(c.name))) return false;
  if (root.kind !== 'name') return root.kind === 'call' || (root.kind === 'member' && calls.some((c) => /^(?:take|replace|remove|pop\w*|swap_remove|drain)$/.test(c.name)));
  const local = localOf(func, root.id);
  if (!local || local.reference || /^\s*&/.test(local.type)) return false;
  const declared = declarationOf(func, root.id)?.statement;
  return !declared || isOwned(func, declared.bound?.from ?? declared.init ?? root, depth + 1) || declared.init === undefined || (declared.init.kind === 'name' && declared.init.name === 'None');
}
const LENDS = /^(?:as_(?:deref_)?(?:mut|ref)|as_deref|get|get_mut|iter|iter_mut|values|values_mut|borrow|borrow_mut|lock|read|write|entry|or_insert\w*|(?:get_or_)?insert\w*|first\w*|last\w*|peek\w*|by_ref)$/;
/** `Rc::new(File::create(…))`: others may hold it. */
function isShared(e: Extract<Stmt, { kind: 'declare' }>['init'] & object): boolean {
  const at = plain(e);
  return at.kind === 'call' && at.callee.kind === 'name' ? /(?:^|::)(?:Rc|Arc)::(?:new|clone)$/.test(at.callee.name) : at.kind === 'member' || (at.kind === 'call' && at.name === 'clone');
}

/** Calls of methods of a handle, and of functions it is lent to. */
export function callsOn(file: SourceFile, h: Handle): { call: Call; name: string }[] {
  const own = methodsOn(h.func, h.local.id).map((call) => ({ call, name: call.name }));
  const lent = rustCalls(file, h.func).filter((c) => c.call.args.some((a) => a.kind === 'unary' && a.op === '&' && a.operand.kind === 'name' && a.operand.id === h.local.id));
  return [...own, ...lent.map((c) => ({ call: c.call, name: c.path }))].sort((a, b) => a.call.span.start - b.call.span.start);
}

/**
 * What comes behind a call on a way that goes well and meets none of `stop`: the end of the function, or of the handle when
 * it is made in a loop, or one of `goal`.
 */
export function endBehind(flow: Flow, h: Handle, from: Event, stop: (call: Call) => boolean, goal: (call: Call) => boolean): Call | 'end' | undefined {
  const found = wayTo(flow, from, {
    goal: (e) => e === undefined || (e.kind === 'declare' && e.local === h.local) || (e.kind === 'call' && goal(e.call)),
    stop: (e) => e.kind === 'call' && stop(e.call),
    edge: succeeds(flow),
  });
  return found === undefined ? undefined : found !== 'end' && found.kind === 'call' ? found.call : 'end';
}

/** Puts a statement behind the one that holds `at`, where that stands in a block and ends in a semicolon. */
export function statementBehind(file: SourceFile, func: Func, at: Span, text: string, title: string): DraftFix[] {
  const holder = [...statements(func.body)].filter((s) => (s.kind === 'expr' || s.kind === 'declare') && isWithin(at, spanOf(s)))
    .sort((a, b) => (a.span.end - a.span.start) - (b.span.end - b.span.start))[0];
  if (!holder || func.kind !== 'function' || !func.async || !/\bResult\b/.test(func.returns)) return [];
  const span = spanOf(holder);
  if (!file.source(placeOf(func, { span })).endsWith(';')) return [];
  return [{ title, edits: [insertion(func, span.end, `\n${file.indentation(placeOf(func, { span }))}${text}`)], safe: true }];
}
function spanOf(s: Stmt): Span {
  return s.kind === 'declare' ? s.statement : s.span;
}
