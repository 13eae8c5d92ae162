/**
 * The facts every language front end makes and every rule reads. No syntax-node name appears past this file.
 *
 * Spans are UTF-16 offsets relative to the start of the unit (the top-level item) they lie in, so that an item whose
 * text did not change keeps its facts when text above it grows; `Unit.base` turns them into offsets of the file.
 */
import type { Language } from '../protocol/analysis';

export interface Span { start: number; end: number }

interface Base { span: Span }
/** `id` is unique in the file for locals and parameters (`fd~main`), and the plain name for everything else. */
export interface Name extends Base { kind: 'name'; name: string; id: string; /** C++: written with `::` in front */ global?: true }
/** `deref`: reached through a pointer (`->`). */
export interface Member extends Base { kind: 'member'; object: Expr; field: string; deref: boolean; fieldSpan: Span }
export interface Index extends Base { kind: 'index'; object: Expr; index: Expr | undefined }
export interface Call extends Base {
  kind: 'call';
  callee: Expr;
  /** last part of the callee: `io_submit`, `write_at` */
  name: string;
  nameSpan: Span;
  args: Expr[];
  argsSpan: Span;
  /** the result goes nowhere: an expression statement, or a cast to void */
  discarded?: 'statement' | 'void';
  /** the whole statement, where the call is one */
  statement?: Span;
  /** for `name!(…)` in Rust: what it does with its arguments is its own business */
  macro?: boolean;
  /** C and C++: the function it is written in */
  within?: Func;
  /** for `new T` and `new T[n]` of C++, which are calls of `new` with what is in brackets as arguments: T */
  made?: string;
}
export interface Int extends Base { kind: 'int'; value: bigint }
export interface Text extends Base { kind: 'text'; value: string }
export interface Unary extends Base { kind: 'unary'; op: '&' | '*' | '!' | '-' | '~' | '+' | '++' | '--'; operand: Expr }
export interface Binary extends Base { kind: 'binary'; op: string; left: Expr; right: Expr }
/** `op` is `=`, or the operator of a compound assignment without its `=`. */
export interface Assign extends Base { kind: 'assign'; op: string; target: Expr; value: Expr; statement?: Span }
export interface Conditional extends Base { kind: 'conditional'; test: Expr; then: Expr; otherwise: Expr }
export interface Cast extends Base { kind: 'cast'; type: string; operand: Expr }
/** `type`: of a struct literal of Rust; `[]` and `[;]` (value and count) of its arrays */
export interface List extends Base { kind: 'list'; items: { field?: string; value: Expr }[]; type?: string }
export interface Await extends Base { kind: 'await'; operand: Expr }
export interface Try extends Base { kind: 'try'; operand: Expr }
/** Not evaluated: only the type counts, written or that of the operand. */
export interface Sizeof extends Base { kind: 'sizeof'; type: string | undefined; operand: Expr | undefined }
export interface Lambda extends Base { kind: 'lambda'; func: Func }
/** A statement in expression position: GNU `({…})`, and every block, `if` and `match` of Rust. */
export interface Control extends Base { kind: 'control'; body: Stmt[]; tail: Expr[] }
/** Evaluated, but its value is not modelled. `pattern`: of `let pattern = …` as a condition of Rust. */
export interface Opaque extends Base { kind: 'opaque'; parts: Expr[]; pattern?: string }

export type Expr =
  | Name | Member | Index | Call | Int | Text | Unary | Binary | Assign | Conditional | Cast | List
  | Await | Try | Sizeof | Lambda | Control | Opaque;

export interface Local {
  name: string;
  id: string;
  /** as written, without the declarator's stars and brackets */
  type: string;
  pointer: boolean;
  array: boolean;
  reference: boolean;
  static: boolean;
  /** what `alignas` or an aligned attribute asks for */
  alignment?: Expr;
  /** elements of an array, all dimensions multiplied; absent where the declaration does not say */
  extent?: Expr;
  span: Span;
}

/**
 * Where a pattern of Rust takes a name from: `from` is matched as a whole, or (`each`) its elements in turn, and `path` leads
 * to the name, variants by name and elements of tuples by number: `Ok`, `0`. Not evaluated where it stands.
 */
export interface Bound { from: Expr; path: string[]; each: boolean }

export type Stmt =
  | { kind: 'expr'; expr: Expr; span: Span }
  | { kind: 'declare'; local: Local; init: Expr | undefined; span: Span; /** the whole declaration */ statement: Span; /** the only name it declares */ alone: boolean; /** Rust: names the pattern bound, in order; `_` stays */ pattern?: string[]; /** Rust: what a pattern took the name from */ bound?: Bound }
  | { kind: 'if'; test: Expr | undefined; then: Stmt[]; otherwise: Stmt[]; span: Span }
  | { kind: 'loop'; form: 'while' | 'do' | 'for' | 'each' | 'forever'; label?: string; init: Stmt[]; test: Expr | undefined; update: Expr | undefined; body: Stmt[]; span: Span }
  | { kind: 'switch'; subject: Expr; fallthrough: boolean; cases: { values: Expr[]; default: boolean; body: Stmt[]; /** Rust: as written, without a guard */ pattern?: string }[]; span: Span }
  | { kind: 'block'; body: Stmt[]; label?: string; span: Span }
  | { kind: 'try'; body: Stmt[]; handlers: Stmt[][]; span: Span }
  | { kind: 'return'; value: Expr | undefined; span: Span }
  | { kind: 'throw'; value: Expr | undefined; span: Span }
  | { kind: 'break' | 'continue'; label?: string; span: Span }
  | { kind: 'goto'; label: string; span: Span }
  | { kind: 'label'; label: string; span: Span };

/** A stretch of the file that moves as a whole. */
export interface Unit {
  /** its offset in the file as it is now */
  base: number;
}
/** The file itself, for places at its beginning. */
export const FILE: Readonly<Unit> = { base: 0 };

/** `#[text]` of Rust, and of the modules around. */
export interface Attribute { text: string; span: Span }

export interface Func extends Readonly<Unit> {
  name: string;
  /** class, namespace or `impl` type it belongs to, empty when none */
  owner: string;
  kind: 'function' | 'lambda' | 'async block' | 'destructor';
  span: Span;
  nameSpan: Span;
  bodySpan: Span;
  params: Local[];
  locals: Map<string, Local>;
  returns: string;
  async: boolean;
  static: boolean;
  body: Stmt[];
  /** holds syntax the parser could not make sense of: nothing is reported in it */
  damaged: boolean;
  /** the function a lambda is written in */
  parent: Func | undefined;
  /** lambdas and async blocks inside, in order */
  inner: Func[];
  attributes?: Attribute[];
}

/** A place in the file; it moves with its unit when the text around that changes. */
export interface Place { readonly base: number; span: Span; readonly unit?: Readonly<Unit> }
class PlaceInUnit implements Place {
  constructor(readonly unit: Readonly<Unit>, readonly span: Span) {}
  get base(): number { return this.unit.base; }
}
/** Whether one place of a unit lies in another. */
export function isWithin(inner: Span, outer: Span): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}
export function placeIn(unit: Readonly<Unit>, span: Span): Place {
  return new PlaceInUnit(unit, span);
}

export interface Include { name: string; system: boolean; /** without the line break */ place: Place }
/** `use` of Rust: the local name to the full path (`File` → `tokio_uring::fs::File`); `*` entries are globs. */
export interface Import { path: string; alias: string; glob: boolean; place: Place }
export interface Field { owner: string; name: string; type: string; array: boolean; pointer: boolean; alignment?: Expr; extent?: Expr; /** narrower than its type */ bits?: true; /** the class gives it a value */ initial?: true }
/** A struct, union or class with members; an unnamed one goes by the name a typedef gives it. */
export interface Structure { name: string; union: boolean; derived: boolean; alignment?: Expr }
/** A name that occurs in code, and how. Offsets in its unit. */
export interface Mention { text: string; role: 'name' | 'type' | 'path' | 'attribute' | 'macro'; start: number; end: number }

/** What a front end makes of one file. */
export interface FileFacts {
  language: Language;
  includes: Include[];
  imports: Import[];
  functions: Func[];
  fields: Field[];
  structures: Structure[];
  /** object-like macros, enumerators and constants: name to the definitions seen (more than one under #if) */
  constants: Map<string, Expr[]>;
  /** function-like macros by name: `(parameters) body` */
  macros: Map<string, string>;
  /** variables outside functions */
  globals: { local: Local; init: Expr | undefined; unit: Readonly<Unit> }[];
  /** whether functions beyond what was understood may exist (a parse error outside functions) */
  damaged: boolean;
  /** by unit; a unit's list stays the same object as long as its text is the same */
  mentions: { unit: Readonly<Unit>; mentions: Mention[] }[];
}

/** Children in evaluation order. */
export function childrenOf(e: Expr): Expr[] {
  switch (e.kind) {
    case 'name': case 'int': case 'text': case 'lambda': case 'sizeof': return [];
    case 'member': return [e.object];
    case 'index': return e.index ? [e.object, e.index] : [e.object];
    case 'call': return [e.callee, ...e.args];
    case 'unary': case 'cast': case 'await': case 'try': return [e.operand];
    case 'binary': return [e.left, e.right];
    case 'assign': return [e.value, e.target];
    case 'conditional': return [e.test, e.then, e.otherwise];
    case 'list': return e.items.map((i) => i.value);
    case 'control': return [...e.body.flatMap(expressionsOf), ...e.tail];
    case 'opaque': return e.parts;
  }
}

/** Top expressions of a statement and of the statements in it. */
export function expressionsOf(s: Stmt): Expr[] {
  switch (s.kind) {
    case 'expr': return [s.expr];
    case 'declare': return s.init ? [s.init] : [];
    case 'if': return [...(s.test ? [s.test] : []), ...s.then.flatMap(expressionsOf), ...s.otherwise.flatMap(expressionsOf)];
    case 'loop': return [...s.init.flatMap(expressionsOf), ...(s.test ? [s.test] : []), ...s.body.flatMap(expressionsOf), ...(s.update ? [s.update] : [])];
    case 'switch': return [s.subject, ...s.cases.flatMap((c) => [...c.values, ...c.body.flatMap(expressionsOf)])];
    case 'block': return s.body.flatMap(expressionsOf);
    case 'try': return [...s.body.flatMap(expressionsOf), ...s.handlers.flat().flatMap(expressionsOf)];
    case 'return': case 'throw': return s.value ? [s.value] : [];
    case 'break': case 'continue': case 'goto': case 'label': return [];
  }
}

/** Every expression below `roots`, parents before children; does not enter lambdas. */
export function* walk(roots: Expr[]): Generator<Expr> {
  const stack = [...roots].reverse();
  for (let e = stack.pop(); e; e = stack.pop()) {
    yield e;
    const children = childrenOf(e);
    for (let i = children.length - 1; i >= 0; i--) stack.push(children[i]!);
  }
}
const walked = new WeakMap<Func, readonly Expr[]>();
/** Every expression of a function's own body (not of the lambdas in it). */
export function walkFunction(func: Func): readonly Expr[] {
  let all = walked.get(func);
  if (!all) walked.set(func, (all = [...walk(func.body.flatMap(expressionsOf))]));
  return all;
}
/** Every call in a function's own body. */
export function callsIn(func: Func): Call[] {
  return [...walkFunction(func)].filter((e) => e.kind === 'call');
}
const listed = new WeakMap<Stmt[], readonly Stmt[]>();
/** The statements below `body`, outer before inner; statements inside expressions included. */
export function statements(body: Stmt[]): readonly Stmt[] {
  let all = listed.get(body);
  if (!all) {
    const out: Stmt[] = [];
    list(body, out);
    listed.set(body, (all = out));
  }
  return all;
}
function list(body: Stmt[], out: Stmt[]): void {
  for (const s of body) {
    out.push(s);
    for (const inner of bodiesOf(s)) list(inner, out);
    for (const e of ownExpressions(s)) listIn(e, out);
  }
}
/** Those of the outermost statement-expressions below an expression. */
function listIn(e: Expr, out: Stmt[]): void {
  if (e.kind === 'control') list(e.body, out);
  for (const inner of e.kind === 'control' ? e.tail : childrenOf(e)) listIn(inner, out);
}
/** The lists of statements right inside a statement. */
export function bodiesOf(s: Stmt): Stmt[][] {
  switch (s.kind) {
    case 'if': return [s.then, s.otherwise];
    case 'loop': return [s.init, s.body];
    case 'switch': return s.cases.map((c) => c.body);
    case 'block': return [s.body];
    case 'try': return [s.body, ...s.handlers];
    default: return [];
  }
}
/** Expressions of the statement itself, without those of the statements in it. */
export function ownExpressions(s: Stmt): Expr[] {
  switch (s.kind) {
    case 'if': return s.test ? [s.test] : [];
    case 'loop': return [...(s.test ? [s.test] : []), ...(s.update ? [s.update] : [])];
    case 'switch': return [s.subject, ...s.cases.flatMap((c) => c.values)];
    case 'block': case 'try': return [];
    default: return expressionsOf(s);
  }
}
/** Without casts, which change no value that matters here. */
export function bare(e: Expr): Expr {
  while (e.kind === 'cast') e = e.operand;
  return e;
}
