/** What rules ask about Rust: which functions calls run, in which order builders are chained, who else has a value. */
import type { Edge, Block } from '../flow/cfg';
import type { Flow } from '../flow/program';
import { bodiesOf, childrenOf, ownExpressions, statements, walk, walkFunction, type Call, type Expr, type FileFacts, type Func, type Local, type Span, type Stmt } from '../model';
import type { SourceFile } from '../source-file';
import { rustTypes, type RustTypes } from '../usage/rust-types';

/** A call and the full path of what it runs: `std::fs::read`, `tokio_uring::fs::File::read_at`. */
export interface RustCall { call: Call; path: string; func: Func }

interface Known {
  types: RustTypes;
  calls: Map<Func, RustCall[]>;
  awaited: Set<Expr>;
  holders: Map<Func, RustCall>;
  all?: RustCall[];
}
const known = new WeakMap<FileFacts, Known>();

function knowledge(file: SourceFile): Known {
  let found = known.get(file.facts);
  if (found) return found;
  const types = rustTypes(file.facts);
  found = { types, calls: new Map(), awaited: new Set(), holders: new Map() };
  known.set(file.facts, found);
  for (const func of file.program.functions()) {
    const calls: RustCall[] = [];
    found.calls.set(func, calls);
    if (func.damaged) continue;
    for (const e of walkFunction(func)) {
      if (e.kind === 'await') found.awaited.add(e.operand);
      if (e.kind !== 'call') continue;
      const path = types.pathOf(e, func);
      if (path !== undefined) calls.push({ call: e, path, func });
      for (const arg of e.args) {
        const lambda = lambdaIn(arg);
        if (lambda) found.holders.set(lambda, { call: e, path: path ?? e.name, func });
      }
    }
  }
  return found;
}
function lambdaIn(e: Expr): Func | undefined {
  if (e.kind === 'lambda') return e.func;
  // `Box::pin(async { … })`, `Some(|| …)`
  if (e.kind === 'call' && e.args.length === 1 && /^(?:pin|new|Some|boxed)$/.test(e.name)) return lambdaIn(e.args[0]!);
  return undefined;
}

/** The calls a function makes itself whose path can be told, macros among them. */
export function rustCalls(file: SourceFile, func: Func): RustCall[] {
  return knowledge(file).calls.get(func) ?? [];
}
/** The same for the whole file. */
export function allRustCalls(file: SourceFile): RustCall[] {
  const found = knowledge(file);
  return (found.all ??= [...found.calls.values()].flat());
}
/** The call a closure or async block is an argument of. */
export function holderOf(file: SourceFile, func: Func): RustCall | undefined {
  return knowledge(file).holders.get(func);
}
/** Whether `.await` follows right behind. */
export function isAwaited(file: SourceFile, e: Expr): boolean {
  return knowledge(file).awaited.has(e);
}
export function typeOf(file: SourceFile, e: Expr, func: Func): string | undefined {
  return knowledge(file).types.typeOf(e, func);
}

/** The innermost receiver of a chain of methods, and the calls of the chain, innermost first. */
export function chainOf(e: Expr): { root: Expr; calls: Call[] } {
  const calls: Call[] = [];
  let at = e;
  for (;;) {
    if (at.kind === 'call' && !at.macro) {
      calls.unshift(at);
      if (at.callee.kind !== 'member') return { root: at, calls };
      at = at.callee.object;
    } else if (at.kind === 'await' || at.kind === 'try') at = at.operand;
    else return { root: at, calls };
  }
}
/** Without `&`, `*`, casts, `?`, `.await` and the blocks around a value alone. */
export function plain(e: Expr): Expr {
  for (;;) {
    if (e.kind === 'cast' || e.kind === 'await' || e.kind === 'try' || (e.kind === 'unary' && (e.op === '&' || e.op === '*'))) e = e.operand;
    else if (e.kind === 'control' && blockValue(e)) e = blockValue(e)!;
    else return e;
  }
}
/** The value of `{ …; value }` and `unsafe { value }`. */
export function blockValue(e: Expr): Expr | undefined {
  if (e.kind !== 'control' || e.body.length !== 1) return undefined;
  const block = e.body[0]!;
  const last = block.kind === 'block' ? block.body.at(-1) : undefined;
  if (last?.kind === 'block') return blockValue({ kind: 'control', body: [last], tail: [], span: last.span });
  return last?.kind === 'expr' && !(last.expr.kind === 'call' && last.expr.discarded) ? last.expr : undefined;
}

/** Whether a function, or a closure in it, has a word of the variable. */
export function mentionsVariable(func: Func, id: string): boolean {
  for (const e of walkFunction(func)) if (e.kind === 'name' && e.id === id) return true;
  return func.inner.some((f) => mentionsVariable(f, id));
}

/** How a variable is used: as the receiver of a method, behind `&`, in part, or given away as a whole. */
export interface Use { how: 'method' | 'borrowed' | 'part' | 'moved'; at: Span; call?: Call; /** in a closure or async block */ inner: boolean }
/** Every use of a variable in a function and the closures in it. */
export function usesOf(func: Func, id: string, inner = false): Use[] {
  const out: Use[] = [];
  const visit = (e: Expr, parent: Expr | undefined, call: Call | undefined): void => {
    if (e.kind === 'name') {
      if (e.id === id) out.push({ ...useIn(e, parent, call), inner });
      return;
    }
    // statements in expressions come by themselves
    for (const c of e.kind === 'control' ? e.tail : childrenOf(e)) visit(c, e, e.kind === 'call' ? e : e.kind === 'unary' || e.kind === 'cast' || e.kind === 'member' ? call : undefined);
  };
  for (const s of statements(func.body)) for (const x of ownExpressions(s)) visit(x, undefined, undefined);
  for (const f of func.inner) out.push(...usesOf(f, id, true));
  return out;
}
/** Macros that only look at their arguments. */
const LOOKING = /^(?:e?print(?:ln)?|format|format_args|write|writeln|(?:debug_)?assert(?:_eq|_ne)?|trace|debug|info|warn|error|log|event|span|panic|matches|unreachable|todo|bail|ensure|anyhow)$/;
function useIn(e: Expr, parent: Expr | undefined, call: Call | undefined): Omit<Use, 'inner'> {
  const at = e.span;
  if (parent?.kind === 'call') return { how: parent.macro && LOOKING.test(parent.name) ? 'borrowed' : 'moved', at, call: parent };
  if (parent?.kind === 'member') return call?.callee === parent ? { how: 'method', at, call } : { how: 'part', at };
  if (parent?.kind === 'index' && parent.object === e) return { how: 'part', at };
  if (parent?.kind === 'unary' && parent.op === '&') return { how: 'borrowed', at, ...(call ? { call } : {}) };
  if (parent?.kind === 'binary' || (parent?.kind === 'assign' && parent.target === e) || (parent?.kind === 'unary' && parent.op !== '&')) return { how: 'part', at };
  return { how: 'moved', at };
}

/** Methods called on a variable, `x.method(…)` and `x.field.method(…)` alike, in source order. */
export function methodsOn(func: Func, id: string): Call[] {
  const out: Call[] = [];
  for (const e of walkFunction(func)) {
    if (e.kind !== 'call' || e.callee.kind !== 'member') continue;
    const object = plain(e.callee.object);
    if (object.kind === 'name' && object.id === id) out.push(e);
  }
  return out.sort((a, b) => a.nameSpan.start - b.nameSpan.start);
}

/** The `let` of a variable, and the statements it stands among. */
export function declarationOf(func: Func, id: string): { statement: Extract<Stmt, { kind: 'declare' }>; among: Stmt[] } | undefined {
  const find = (body: Stmt[]): ReturnType<typeof declarationOf> => {
    for (const s of body) {
      if (s.kind === 'declare' && s.local.id === id) return { statement: s, among: body };
      for (const inner of bodiesIn(s)) {
        const found = find(inner);
        if (found) return found;
      }
    }
    return undefined;
  };
  return find(func.body);
}
/** Lists of statements right below a statement, those in its expressions too. */
export function bodiesIn(s: Stmt): Stmt[][] {
  const controls = [...walk(ownExpressions(s))].flatMap((e) => (e.kind === 'control' ? [e.body] : []));
  switch (s.kind) {
    case 'if': return [s.then, s.otherwise, ...controls];
    case 'loop': return [s.init, s.body, ...controls];
    case 'switch': return [...s.cases.map((c) => c.body), ...controls];
    case 'block': return [s.body];
    case 'try': return [s.body, ...s.handlers];
    default: return controls;
  }
}
/** The stretch of source in which what a statement declares lives. */
export function scopeOf(func: Func, statement: Stmt): Span {
  let scope = func.bodySpan;
  const find = (body: Stmt[], around: Span): boolean => {
    if (body.includes(statement)) {
      scope = around;
      return true;
    }
    return body.some((s) => {
      const controls = [...walk(ownExpressions(s))].filter((e) => e.kind === 'control');
      return controls.some((c) => find(c.body, c.span)) || bodiesOf(s).some((inner) => find(inner, s.kind === 'block' || s.kind === 'loop' ? s.span : spanAround(inner, s.span)));
    });
  };
  find(func.body, func.bodySpan);
  return scope;
}
function spanAround(body: Stmt[], fallback: Span): Span {
  return body.length ? { start: body[0]!.span.start, end: body[body.length - 1]!.span.end } : fallback;
}
export function localOf(func: Func, id: string): Local | undefined {
  for (let f: Func | undefined = func; f; f = f.parent) {
    const found = f.locals.get(id);
    if (found) return found;
  }
  return undefined;
}

/** The loops of a function around a place, outermost first. */
export function loopsAround(func: Func, at: Span): Extract<Stmt, { kind: 'loop' }>[] {
  return [...statements(func.body)].filter((s): s is Extract<Stmt, { kind: 'loop' }> => s.kind === 'loop' && s.span.start <= at.start && at.end <= s.span.end)
    .filter((l) => !l.body.length || at.start >= Math.min(...l.body.map((b) => b.span.start)))
    .sort((a, b) => a.span.start - b.span.start);
}

/** Whether running a list of statements never comes to its end: it returns, breaks, goes round, or panics. */
export function leaves(body: Stmt[], continues = true): boolean {
  return body.some((s) => {
    switch (s.kind) {
      case 'return': case 'throw': case 'break': return true;
      case 'continue': return continues;
      case 'block': return leaves(s.body, continues);
      case 'if': return s.otherwise.length > 0 && leaves(s.then, continues) && leaves(s.otherwise, continues);
      case 'switch': return s.cases.length > 0 && s.cases.every((c) => leaves(c.body, continues));
      case 'loop': return s.form === 'forever' && ![...statements(s.body)].some((x) => x.kind === 'break');
      case 'expr': return leavesIn(s.expr, continues);
      case 'declare': return s.init !== undefined && leavesIn(s.init, continues);
      default: return false;
    }
  });
}
function leavesIn(e: Expr, continues: boolean): boolean {
  if (e.kind === 'control') return leaves(e.body, continues);
  return e.kind === 'call' && /^(?:panic|unreachable|todo|unimplemented|bail|exit|abort)$/.test(e.name);
}

/** Edges of a way that goes well: not those of `?`, nor to code behind `return Err(…)`. */
export function succeeds(flow: Flow): (edge: Edge, from: Block) => boolean {
  return (edge, from) => {
    if (edge.to !== flow.cfg.exit) return true;
    const last = from.events.at(-1);
    if (last?.kind === 'return') return !(last.value?.kind === 'call' && last.value.name === 'Err');
    return from.next.length === 1;
  };
}

/** Whether an `#[…]` of a function, or of a module around, says this. */
export function hasAttribute(func: Func, pattern: RegExp): boolean {
  for (let f: Func | undefined = func; f; f = f.parent) if (f.attributes?.some((a) => pattern.test(a.text))) return true;
  return false;
}
/** The named function a closure is written in. */
export function outermost(func: Func): Func {
  let f = func;
  while (f.parent) f = f.parent;
  return f;
}

export type Parent = { expr: Expr; stmt?: undefined } | { stmt: Stmt; expr?: undefined };
const parents = new WeakMap<Func, Map<Expr, Parent>>();
/** What an expression is a part of; the value of a block belongs to the block. */
export function parentOf(func: Func, e: Expr): Parent | undefined {
  let map = parents.get(func);
  if (!map) {
    parents.set(func, (map = new Map()));
    const controls: Expr[] = [];
    for (const s of statements(func.body)) {
      for (const top of ownExpressions(s)) {
        map.set(top, { stmt: s });
        for (const x of shallow(top)) {
          if (x.kind === 'control') controls.push(x);
          for (const c of x.kind === 'control' ? x.tail : childrenOf(x)) map.set(c, { expr: x });
        }
      }
    }
    for (const c of controls) {
      const value = blockValue(c);
      if (value) map.set(value, { expr: c });
    }
  }
  return map.get(e);
}
/** An expression and those below, without statements in it. */
function* shallow(e: Expr): Generator<Expr> {
  yield e;
  for (const c of e.kind === 'control' ? e.tail : childrenOf(e)) yield* shallow(c);
}
/** What is done with a value: a method called on it, thrown away, or something else. */
export function fateOf(func: Func, e: Expr): { method: Call } | 'discarded' | 'used' {
  for (let at = e; ;) {
    const parent = parentOf(func, at);
    if (!parent) return 'used';
    if (parent.expr) {
      const up = parent.expr;
      if (up.kind === 'member' && up.object === at) {
        const call = parentOf(func, up)?.expr;
        return call?.kind === 'call' && call.callee === up ? { method: call } : 'used';
      }
      if (up.kind === 'call' && up.callee.kind === 'name' && /(?:^|::)drop$/.test(up.callee.name)) return 'discarded';
      if (up.kind !== 'control') return 'used';
      at = up;
      continue;
    }
    const s = parent.stmt;
    if (s.kind === 'declare') return s.pattern?.length === 1 && s.pattern[0] === '_' ? 'discarded' : 'used';
    if (s.kind === 'expr' && at.kind === 'call') return at.discarded ? 'discarded' : 'used';
    return 'used';
  }
}

/** The closures in a function, and those in them. */
export function closuresOf(func: Func): Func[] {
  return func.inner.flatMap((f) => [f, ...closuresOf(f)]);
}
