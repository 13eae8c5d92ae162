/** The type a place was declared with. */
import { SQE_SOURCES } from '../api/names';
import { bare, statements, walkFunction, type Expr, type Func, type Local } from '../model';
import type { View } from '../rules/rule';

/** The variable a name stands for, if it is a local of the function or of one around it. */
export function localOf(func: Func, e: Expr): Local | undefined {
  if (e.kind !== 'name') return undefined;
  for (let f: Func | undefined = func; f; f = f.parent) {
    const local = f.locals.get(e.id);
    if (local) return local;
  }
  return undefined;
}

/**
 * The type's name, without pointers and arrays: `struct io_event *ev` and `std::vector<io_event> ev` give `io_event` for
 * `ev[0]`. Fields go by their name alone.
 */
export function typeNameOf(file: View, func: Func, e: Expr): string | undefined {
  const inner = bare(e);
  switch (inner.kind) {
    case 'name': {
      const local = localOf(func, inner);
      if (!local) return inner.id.includes('~') ? undefined : file.globalType(inner.id) ?? file.fieldType(inner.id);
      return /\bauto\b/.test(local.type) ? initialType(file, func, local) : local.type;
    }
    case 'member': return file.fieldType(inner.field);
    case 'index': {
      const type = typeNameOf(file, func, inner.object);
      return type === undefined ? undefined : /^(?:std::)?(?:vector|array|span|unique_ptr)\s*<\s*(?:struct\s+)?([\w:]+)/.exec(type)?.[1] ?? type;
    }
    case 'unary': return inner.op === '*' || inner.op === '&' ? typeNameOf(file, func, inner.operand) : undefined;
    case 'call': {
      if (SQE_SOURCES.has(inner.name)) return 'io_uring_sqe';
      const returned = file.program.callee(inner)?.returns;
      return returned === undefined ? undefined : /^(?:(?:static|inline|const|struct)\s+)*([\w:]+)[\s*&]*$/.exec(returned)?.[1];
    }
    default: return undefined;
  }
}
function initialType(file: View, func: Func, local: Local): string | undefined {
  for (let f: Func | undefined = func; f; f = f.parent) {
    for (const s of statements(f.body)) if (s.kind === 'declare' && s.local === local) return s.init ? typeNameOf(file, f, s.init) : undefined;
  }
  return undefined;
}

/** A cqe, or a pointer to one, as declared; what it is called says nothing. */
export function isCqe(file: View, func: Func, e: Expr): boolean {
  return typeNameOf(file, func, e) === 'io_uring_cqe';
}
/** `cqe->res`, `cqe->flags`, `cqe->user_data` */
export function isCqeField(file: View, func: Func, e: Expr, field: string): boolean {
  const inner = bare(e);
  return inner.kind === 'member' && inner.field === field && isCqe(file, func, inner.object);
}
/** Whether a function, but not the lambdas in it, reads that field of some cqe. */
export function readsCqe(file: View, func: Func, field: string): boolean {
  return file.program.mentions(func, new RegExp(`\\b${field}\\b`)) && [...walkFunction(func)].some((e) => isCqeField(file, func, e, field));
}
