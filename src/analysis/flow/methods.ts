/** Which method of the project a call of C++ runs: through an object, by the class it was declared with, or by its bare name. */
import { bare, type Call, type Expr, type Func, type Local } from '../model';
import type { Program } from './program';
import { rootOf } from './memory';

/** Wrappers through which `->` reaches what they hold. */
const HOLDER = /^(?:std::)?(?:unique_ptr|shared_ptr|optional|reference_wrapper)\s*<\s*([\w:]+)\s*[,>]/;
const CONTAINER = /^(?:std::)?(?:vector|array|span|deque)\s*<\s*([\w:]+)\s*[,>]/;

/** The method, where that is beyond doubt. */
export function methodOf(program: Program, call: Call): Func | undefined {
  if (!call.within || call.macro) return undefined;
  const { callee } = call;
  if (callee.kind === 'name') {
    const owner = call.within.owner;
    return owner && !callee.global && !callee.id.includes('~') && !callee.name.includes('::') ? only(program, className(owner), call) : undefined;
  }
  if (callee.kind !== 'member') return undefined;
  const type = typeOf(program, call.within, callee.object);
  const owner = type === undefined ? undefined : className(callee.deref ? HOLDER.exec(type)?.[1] ?? type : type);
  return owner ? only(program, owner, call) : undefined;
}

/** Among the overloads the only one that takes as many arguments; one that classes below may replace is none. */
function only(program: Program, owner: string, call: Call): Func | undefined {
  const all = program.methods(owner, call.name);
  const fitting = all.length === 1 ? all.filter((f) => f.params.length >= call.args.length) : all.filter((f) => f.params.length === call.args.length);
  const [found] = fitting;
  return found && fitting.length === 1 && !program.mayBeReplaced(found) ? found : undefined;
}

/** Without namespaces and arguments of templates. */
export function className(type: string): string {
  return type.replace(/<.*$/s, '').replace(/[\s*&]+$/, '').replace(/^.*::/s, '').replace(/^.*\s/s, '');
}

/** The type as declared of what the object is; a pointer's is that of what it points to. */
function typeOf(program: Program, func: Func, e: Expr): string | undefined {
  const inner = bare(e);
  switch (inner.kind) {
    case 'name': {
      const local = localOf(func, inner.id);
      if (local) return /\bauto\b/.test(local.type) ? undefined : local.type;
      if (inner.id.includes('~')) return undefined;
      return memberType(program, className(func.owner), inner.name) ?? program.global(inner.name)?.type;
    }
    case 'member': {
      const type = typeOf(program, func, inner.object);
      return type === undefined ? undefined : memberType(program, className(inner.deref ? HOLDER.exec(type)?.[1] ?? type : type), inner.field);
    }
    case 'index': {
      const type = typeOf(program, func, inner.object);
      return type === undefined ? undefined : CONTAINER.exec(type)?.[1] ?? type;
    }
    case 'unary': return inner.op === '*' || inner.op === '&' ? typeOf(program, func, inner.operand) : undefined;
    case 'call': return program.callee(inner)?.returns.replace(/[\s*&]+$/, '');
    default: return undefined;
  }
}
function localOf(func: Func, id: string): Local | undefined {
  for (let f: Func | undefined = func; f; f = f.parent) {
    const found = f.locals.get(id);
    if (found) return found;
  }
  return undefined;
}
function memberType(program: Program, owner: string, name: string): string | undefined {
  return owner === '' ? undefined : program.fieldsOf(owner).find((f) => f.name === name)?.type;
}

/**
 * The object a method was called on, where a key of the method's is a member of that: in methods members go by their bare
 * names, outside by the object's.
 */
export function objectOf(program: Program, call: Call, callee: Func, key: string): { object: Expr; deref: boolean } | undefined {
  if (call.callee.kind !== 'member' || callee.owner === '') return undefined;
  const root = rootOf(key);
  if (root.includes('~') || !program.homeOf(callee).fieldsOf(className(callee.owner)).some((f) => f.name === root)) return undefined;
  return call.callee;
}
