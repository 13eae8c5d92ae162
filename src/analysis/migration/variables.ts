/** Variables of libaio's types, and what the code says of them. */
import { isNull } from '../idioms/tested';
import { bare, type Expr, type Func, type Local } from '../model';
import type { SourceFile } from '../source-file';

/**
 * `context`: an `io_context_t`; `handle`: one that a parameter is a copy of; `pointer`: a parameter that points to one;
 * `request`, `requests`: one iocb, an array of them; `list`: an array of pointers to some; `alias`: a pointer to one;
 * `event`, `events`, `cursor`: the same for io_events.
 */
export type Role = 'context' | 'handle' | 'pointer' | 'request' | 'requests' | 'list' | 'alias' | 'event' | 'events' | 'cursor';
export interface Variable { id: string; name: string; role: Role; /** absent: outside functions */ func?: Func }

const REQUESTS: readonly Role[] = ['request', 'requests', 'list', 'alias'];
export function isRequest(role: Role): boolean {
  return REQUESTS.includes(role);
}

/** Those of the functions, and contexts of the file itself; undefined when one has a type that is not understood. */
export function variables(file: SourceFile, functions: Func[]): Map<string, Variable> | undefined {
  const out = new Map<string, Variable>();
  for (const { local, init } of file.facts.globals) {
    if (!isOfLibaio(local)) continue;
    const role = roleOf(local, false);
    if (role !== 'context' || (init && !isEmpty(init))) return undefined;
    out.set(local.id, { id: local.id, name: local.name, role });
  }
  for (const func of functions) {
    for (const local of func.locals.values()) {
      if (!isOfLibaio(local)) continue;
      const role = roleOf(local, func.params.some((p) => p.id === local.id));
      if (!role) return undefined;
      out.set(local.id, { id: local.id, name: local.name, role, func });
    }
  }
  return out;
}

const TYPE = /^(?:struct )?(io_context_t|iocb|io_event)$/;
function isOfLibaio(local: Local): boolean {
  return /\b(?:io_context_t|iocb|io_event|io_context)\b/.test(local.type);
}
function roleOf({ type, pointer, array, reference }: Local, parameter: boolean): Role | undefined {
  const base = TYPE.exec(type)?.[1];
  if (!base || reference) return undefined;
  if (base === 'io_context_t') return array ? undefined : pointer ? (parameter ? 'pointer' : undefined) : parameter ? 'handle' : 'context';
  if (parameter) return undefined;
  if (base === 'iocb') return pointer ? (array ? 'list' : 'alias') : array ? 'requests' : 'request';
  return pointer ? (array ? undefined : 'cursor') : array ? 'events' : 'event';
}

/** `0`, `NULL`, `{}`, `{0}`. */
export function isEmpty(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'list' ? inner.items.every((i) => isEmpty(i.value)) : isNull(inner);
}
