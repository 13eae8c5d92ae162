/** Lengths that come from where lengths are no round numbers. */
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { integers } from '../flow/value';
import { bare, statements, walk, walkFunction, ownExpressions, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { SECTOR } from './allocation';
import { assignmentsTo } from './assignments';

const TEXT_LENGTH = /^(?:strlen|strnlen|wcslen|v?sn?printf|__builtin_strlen)$/;
const READ = /^(?:p?read(?:v|64)?|preadv2?|fread|recv|recvfrom|recvmsg)$/;
const MINIMUM = /^(?:min|MIN|min_t|Min|std::min|MIN_T|imin|ulmin|fmin)$/;
const TEXT = /^(?:const )?(?:std::)?(?:string|string_view)$/;
const ROUNDS = /align|round|ceil|floor|block|pad/i;
const MAX_DEPTH = 6;

/** Where a length comes from that is whatever the data happen to be; undefined where it may be round. */
export function oddLength(file: View, flow: Flow, e: Expr, memory: Memory, depth = 0): string | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const { func } = flow;
  const next = (x: Expr): string | undefined => oddLength(file, flow, x, memory, depth + 1);
  const inner = bare(e);
  switch (inner.kind) {
    case 'int': case 'sizeof': {
      const all = integers(flow.value(inner, memory));
      return all?.every((n) => n % SECTOR !== 0n) && inner.kind === 'sizeof' ? 'sizeof' : undefined;
    }
    case 'member': return inner.field === 'st_size' ? 'the size of a file (st_size)' : undefined;
    case 'conditional': return next(inner.then) ?? next(inner.otherwise);
    case 'binary':
      if (inner.op === '-') {
        const total = next(inner.left);
        return total && `what remains of ${total}`;
      }
      return inner.op === '+' ? next(inner.left) ?? next(inner.right) : undefined;
    case 'call': {
      if (inner.callee.kind === 'member') return /^(?:size|length)$/.test(inner.name) && isGivenText(flow, inner.callee.object) ? 'the length of a string' : undefined;
      if (file.program.callee(inner)) return undefined;
      if (TEXT_LENGTH.test(inner.name)) return `${inner.name}()`;
      if (READ.test(inner.name)) return `the result of ${inner.name}()`;
      if (!MINIMUM.test(inner.name)) return undefined;
      for (const a of inner.args) {
        const found = next(a);
        if (found) return found;
      }
      return undefined;
    }
    case 'name': {
      if (!inner.id.includes('~') || func.params.some((p) => p.id === inner.id) || isRounded(func, inner.id)) return undefined;
      const all = assignmentsTo(func, inner.id);
      if (all.some((a) => a.op !== '=' && a.op !== '-')) return undefined;
      const set = all.filter((a) => a.op === '=' && a.value && !integers(file.program.constantValue(a.value)));
      return set.length === 1 ? next(set[0]!.value!) : undefined;
    }
    default: return undefined;
  }
}

/** A string somebody else filled. */
function isGivenText(flow: Flow, object: Expr): boolean {
  const e = bare(object);
  const param = e.kind === 'name' ? flow.func.params.find((p) => p.id === e.id) : undefined;
  return param !== undefined && TEXT.test(param.type);
}

const rounded = new WeakMap<Func, Set<string>>();
/** Whether a variable is tested for being round, made so, or handed to something that may. */
function isRounded(func: Func, id: string): boolean {
  let found = rounded.get(func);
  if (!found) rounded.set(func, (found = gather(func)));
  return found.has(id);
}
function gather(func: Func): Set<string> {
  const out = new Set<string>();
  const names = (e: Expr): void => {
    for (const x of walk([e])) if (x.kind === 'name') out.add(x.id);
  };
  const look = (e: Expr): void => {
    if (e.kind === 'binary' && (e.op === '%' || e.op === '&' || e.op === '/')) names(e);
    else if (e.kind === 'assign' && /^[%&|/]$/.test(e.op)) names(e.target);
    else if (e.kind === 'call' && ROUNDS.test(e.name)) (e as Call).args.forEach(names);
    else if (e.kind === 'unary' && e.op === '&' && e.operand.kind === 'name') out.add(e.operand.id);
  };
  for (const e of walkFunction(func)) look(e);
  for (const s of statements(func.body)) for (const e of walk(ownExpressions(s))) look(e);
  return out;
}
