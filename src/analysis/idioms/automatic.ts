/** Objects that end with their block, behind a pointer: locals, temporaries, and what local containers own. */
import { load, pointees, rootOf, type Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import type { Value } from '../flow/value';
import { bare, statements, walkFunction, type Expr, type Func, type Local, type Member, type Span, type Stmt } from '../model';
import type { View } from '../rules/rule';
import { typeNameOf } from './declared-type';

export interface Automatic {
  what: 'variable' | 'temporary' | 'container' | 'stack memory';
  name: string;
  local: Local | undefined;
  /** where it is declared or made */
  at: Span;
  /** it ends at the end of this */
  scope: Span;
  /** the scope is run through again and again */
  inLoop: boolean;
}

const CONTAINER = /^(?:const )?(?:std::)?(?:vector|array|string|basic_string|unique_ptr|wstring)\b/;
const OWNED = new Set(['data', 'c_str', 'get', 'front', 'begin']);

/** What a pointer certainly leads to and ends with its block; undefined where it is anything else or unknown. */
export function automaticBehind(file: View, flow: Flow, e: Expr, memory: Memory): Automatic | undefined {
  return byExpression(file, flow.func, e) ?? byValue(flow, [...flow.value(e, memory).atoms.values()], flow.value(e, memory).unknown);
}

/** The same for what a field of the structure behind a pointer holds: `iov_base` of an iovec. */
export function automaticField(file: View, flow: Flow, e: Expr, memory: Memory, path: string[]): Automatic | undefined {
  let keys = pointees(flow.value(e, memory));
  for (const [i, field] of path.entries()) {
    if (keys.length !== 1) return undefined;
    const value = load(memory, `${keys[0]}.${field}`);
    if (i === path.length - 1) return byValue(flow, [...value.atoms.values()], value.unknown) ?? (i === 0 ? positional(file, flow.func, e) : undefined);
    keys = pointees(value);
  }
  return undefined;
}

/** The same for a value: what it certainly leads to. */
export function automaticValue(flow: Flow, value: Value): Automatic | undefined {
  return byValue(flow, [...value.atoms.values()], value.unknown);
}

type Atoms = ReturnType<Flow['value']>['atoms'] extends ReadonlyMap<string, infer A> ? A[] : never;

function byValue(flow: Flow, atoms: Atoms, unknown: boolean): Automatic | undefined {
  if (unknown || atoms.length !== 1) return undefined;
  const atom = atoms[0]!;
  if (atom.kind === 'call' && !atom.via.length && /^(?:__builtin_)?alloca$/.test(atom.call.name)) {
    return { what: 'stack memory', name: 'alloca', local: undefined, at: atom.call.span, scope: flow.func.bodySpan, inLoop: false };
  }
  if (atom.kind !== 'address') return undefined;
  const local = flow.func.locals.get(rootOf(atom.key));
  const steps = atom.key.slice(rootOf(atom.key).length);
  // through a pointer it is somebody else's
  return local && !(steps.includes('*') && (!local.array || isParameter(flow.func, local) || local.pointer)) ? variable(flow.func, local) : undefined;
}

function variable(func: Func, local: Local): Automatic | undefined {
  if (local.static || local.reference) return undefined;
  const scope = scopesOf(func).get(local.id);
  return scope && { what: 'variable', name: local.name, local, at: local.span, scope: scope.span, inLoop: scope.loop };
}
function isParameter(func: Func, local: Local): boolean {
  return func.params.some((p) => p.id === local.id);
}

/** `&x.y`, `x.array`, `x.array + n`, `v.data()`, `std::string(…).c_str()`. */
function byExpression(file: View, func: Func, e: Expr): Automatic | undefined {
  const inner = bare(e);
  if (inner.kind === 'binary' && (inner.op === '+' || inner.op === '-')) return byExpression(file, func, inner.left);
  if (inner.kind === 'unary' && inner.op === '&') {
    const target = bare(inner.operand);
    if (target.kind === 'list') return { what: 'temporary', name: 'the compound literal', local: undefined, at: target.span, ...blockAround(func, target.span) };
    return inside(file, func, target, false);
  }
  if (inner.kind === 'list' && file.language === 'c') return { what: 'temporary', name: 'the compound literal', local: undefined, at: inner.span, ...blockAround(func, inner.span) };
  if (inner.kind === 'call' && inner.callee.kind === 'member' && OWNED.has(inner.name) && inner.args.length === 0) {
    const object = bare(inner.callee.object);
    if (object.kind === 'call' && inner.name === 'c_str' && /^(?:std::)?(?:string|to_string)$/.test(object.callee.kind === 'name' ? object.callee.name : '')) {
      return { what: 'temporary', name: 'the temporary string', local: undefined, at: object.span, scope: object.span, inLoop: false };
    }
    return object.kind === 'name' ? container(func, object.id) : undefined;
  }
  return inside(file, func, inner, true);
}

/** A variable or a part of one, not reached through a pointer; `decays`: it must be an array then. */
function inside(file: View, func: Func, e: Expr, decays: boolean): Automatic | undefined {
  if (e.kind === 'member') {
    if (e.deref || (decays && !isArrayField(file, func, e))) return undefined;
    return inside(file, func, bare(e.object), false);
  }
  if (e.kind === 'index' && !decays) {
    const object = bare(e.object);
    if (object.kind === 'member') return !object.deref && isArrayField(file, func, object) ? inside(file, func, object, false) : undefined;
    const local = object.kind === 'name' ? func.locals.get(object.id) : undefined;
    if (local && CONTAINER.test(local.type) && !local.pointer) return container(func, local.id);
    return local?.array && !isParameter(func, local) ? variable(func, local) : undefined;
  }
  if (e.kind !== 'name') return undefined;
  const local = func.locals.get(e.id);
  if (!local || (decays && (!local.array || isParameter(func, local)))) return undefined;
  return variable(func, local);
}
function isArrayField(file: View, func: Func, e: Member): boolean {
  const owner = typeNameOf(file, func, e.object);
  return owner !== undefined && file.program.fieldsOf(owner).some((f) => f.name === e.field && f.array);
}

/** A local container that is not moved out of, or released. */
function container(func: Func, id: string): Automatic | undefined {
  const local = func.locals.get(id);
  if (!local || local.pointer || local.reference || local.static) return undefined;
  const made = [...statements(func.body)].find((s) => s.kind === 'declare' && s.local.id === id);
  const init = made?.kind === 'declare' && made.init ? bare(made.init) : undefined;
  const byInit = init?.kind === 'call' && /^(?:make_unique|make_unique_for_overwrite|string|to_string)$/.test(init.name.replace(/<.*/, ''));
  if (!CONTAINER.test(local.type) && !(local.type === 'auto' && byInit)) return undefined;
  for (const e of walkFunction(func)) {
    const leaves = e.kind === 'call' && ((/^(?:move|swap|forward)$/.test(e.name) && e.args.some((a) => isName(a, id)))
      || (e.callee.kind === 'member' && /^(?:release|swap)$/.test(e.name) && isName(e.callee.object, id)));
    if (leaves || (e.kind === 'lambda' && [...walkFunction(e.func)].some((n) => isName(n, id)))) return undefined;
  }
  const found = variable(func, local);
  return found && { ...found, what: 'container' };
}
function isName(e: Expr, id: string): boolean {
  const inner = bare(e);
  return inner.kind === 'name' && inner.id === id;
}

/** `struct iovec iov = { buffer, length };` */
function positional(file: View, func: Func, e: Expr): Automatic | undefined {
  const inner = bare(e);
  const target = inner.kind === 'unary' && inner.op === '&' ? bare(inner.operand) : inner;
  const id = target.kind === 'name' ? target.id : undefined;
  for (const s of statements(func.body)) {
    if (s.kind !== 'declare' || s.local.id !== id || s.local.type !== 'iovec' || s.init?.kind !== 'list') continue;
    let first = s.init.items[0];
    if (first?.value.kind === 'list' && first.field === undefined) first = first.value.items[0];
    return first && first.field === undefined ? byExpression(file, func, first.value) : undefined;
  }
  return undefined;
}

interface Scope { span: Span; loop: boolean }

/** Where each local of a function ends. */
export function scopesOf(func: Func): ReadonlyMap<string, Scope> {
  const known = cache.get(func);
  if (known) return known;
  const scopes = new Map<string, Scope>();
  for (const p of func.params) scopes.set(p.id, { span: func.bodySpan, loop: false });
  const visit = (body: Stmt[], span: Span, loop: boolean): void => {
    for (const s of body) {
      switch (s.kind) {
        case 'declare': scopes.set(s.local.id, { span, loop }); break;
        case 'block': visit(s.body, s.span, loop); break;
        case 'loop':
          visit(s.init, s.span, loop);
          visit(s.body, s.span, true);
          break;
        case 'if': {
          // what is declared under #if is there behind it
          const own = s.test ? s.span : span;
          visit(s.then, own, loop);
          visit(s.otherwise, own, loop);
          break;
        }
        case 'switch': for (const c of s.cases) visit(c.body, s.span, loop); break;
        case 'try':
          visit(s.body, s.span, loop);
          for (const h of s.handlers) visit(h, s.span, loop);
          break;
        case 'expr': case 'return': case 'throw': case 'break': case 'continue': case 'goto': case 'label': break;
      }
    }
  };
  visit(func.body, func.bodySpan, false);
  cache.set(func, scopes);
  return scopes;
}
const cache = new WeakMap<Func, ReadonlyMap<string, Scope>>();

/** The innermost block around a place. */
function blockAround(func: Func, at: Span): { scope: Span; inLoop: boolean } {
  let scope = func.bodySpan;
  let inLoop = false;
  for (const s of statements(func.body)) {
    if ((s.kind !== 'block' && s.kind !== 'loop' && s.kind !== 'if' && s.kind !== 'switch') || s.span.start > at.start || at.end > s.span.end) continue;
    if (s.kind === 'if' && !s.test) continue;
    if (s.kind === 'loop') inLoop = true;
    scope = s.span;
  }
  return { scope, inLoop };
}
