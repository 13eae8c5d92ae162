/** Lengths that come from where lengths are no round numbers. */
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { integers } from '../flow/value';
import { bare, statements, walk, walkFunction, type Expr, type Func, type Span } from '../model';
import type { View } from '../rules/rule';
import { SECTOR } from './allocation';
import { assignmentsTo } from './assignments';
import { isRounded } from './rounding';

const TEXT_LENGTH = /^(?:strlen|strnlen|wcslen|v?sn?printf|__builtin_strlen)$/;
const READ = /^(?:p?read(?:v|64)?|preadv2?|fread|recv|recvfrom|recvmsg)$/;
const MINIMUM = /^(?:min|MIN|min_t|Min|std::min|MIN_T|imin|ulmin|fmin)$/;
const TEXT = /^(?:const )?(?:std::)?(?:string|string_view)$/;
const ROUNDS_DOWN = /(?:round|align)_?down$|^(?:round|align)_?down/i;
const MAX_DEPTH = 6;

/** Where a length comes from that is whatever the data happen to be; undefined where it may be round. */
export function oddLength(file: View, flow: Flow, e: Expr, memory: Memory, depth = 0, use: Span = e.span): string | undefined {
  if (depth > MAX_DEPTH) return undefined;
  const { func } = flow;
  const next = (x: Expr): string | undefined => oddLength(file, flow, x, memory, depth + 1, use);
  const inner = bare(e);
  switch (inner.kind) {
    case 'int': case 'sizeof': {
      const all = integers(flow.value(inner, memory));
      return all?.every((n) => n % SECTOR !== 0n) && inner.kind === 'sizeof' ? 'sizeof' : undefined;
    }
    // what is made of it elsewhere leaves the field itself as it is
    case 'member': return inner.field === 'st_size' && !isAskedRound(func, inner.field) ? 'the size of a file (st_size)' : undefined;
    case 'conditional': return next(inner.then) ?? next(inner.otherwise);
    case 'binary':
      if (inner.op === '-') {
        if (isRestOf(func, inner.left, inner.right)) return 'what rounding down has left';
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
      if (!inner.id.includes('~') || func.params.some((p) => p.id === inner.id) || isTended(file, func, inner.id, use)) return undefined;
      const all = assignmentsTo(func, inner.id);
      if (all.some((a) => a.op !== '=' && a.op !== '-')) return undefined;
      // 0 and -1 only say that there is nothing yet
      const set = all.filter((a) => a.op === '=' && a.value && !integers(file.program.constantValue(a.value))?.every((n) => n <= 0n));
      return set.length === 1 ? next(set[0]!.value!) : undefined;
    }
    default: return undefined;
  }
}

/** `n - round_down(n, 4096)`, `n - (n & ~4095)`: what rounding took away, which is less than what it rounds to. */
function isRestOf(func: Func, total: Expr, rounded: Expr): boolean {
  const whole = bare(total);
  const set = (e: Expr): Expr => {
    const inner = bare(e);
    const [only, ...others] = inner.kind === 'name' ? assignmentsTo(func, inner.id) : [];
    return only?.op === '=' && only.value && !others.length ? bare(only.value) : inner;
  };
  const down = set(rounded);
  const of = down.kind === 'call' && ROUNDS_DOWN.test(down.name) ? down.args[0] : down.kind === 'binary' && down.op === '&' ? down.left : undefined;
  return whole.kind === 'name' && of !== undefined && isName(of, whole.id);
}

/** `if (st.st_size % 4096)`, `assert((st.st_size & 511) == 0)`, `st.st_size &= ~511`: the function cares whether the field is round. */
function isAskedRound(func: Func, field: string): boolean {
  if (!isRounded(func, `.${field}`)) return false;
  const names = (e: Expr): boolean => [...walk([e])].some((x) => x.kind === 'member' && x.field === field);
  const asks = (e: Expr): boolean => [...walk([e])].some((x) => x.kind === 'binary' && (x.op === '%' || x.op === '&') && names(x));
  for (const s of statements(func.body)) if ((s.kind === 'if' || s.kind === 'loop') && s.test && asks(s.test)) return true;
  for (const e of walkFunction(func)) {
    if (e.kind === 'assign' && bare(e.target).kind === 'member' && (bare(e.target) as Extract<Expr, { kind: 'member' }>).field === field) return true;
    if (e.kind === 'call' && /assert|check/i.test(e.name) && e.args.some(asks)) return true;
    if (e.kind === 'conditional' && asks(e.test)) return true;
  }
  return false;
}

/** A string somebody else filled. */
function isGivenText(flow: Flow, object: Expr): boolean {
  const e = bare(object);
  const param = e.kind === 'name' ? flow.func.params.find((p) => p.id === e.id) : undefined;
  return param !== undefined && TEXT.test(param.type);
}

/** Whether a variable is tested for being round, made so, or may be changed by others. */
function isTended(file: View, func: Func, id: string, use: Span): boolean {
  if (isRounded(func, id, use)) return true;
  for (const e of walkFunction(func)) {
    if (e.kind === 'unary' && e.op === '&' && e.operand.kind === 'name' && e.operand.id === id) return true;
    // `if (n == sizeof(buffer))`: what is left is known
    if (e.kind !== 'binary' || !/^(?:[<>]=?|[!=]=)$/.test(e.op)) continue;
    const other = [e.left, e.right].find((x) => ![...walk([x])].some((y) => y.kind === 'name' && y.id === id));
    if (!other || !isName(e.left === other ? e.right : e.left, id)) continue;
    const inner = bare(other);
    if (inner.kind === 'sizeof' || integers(file.program.constantValue(inner))?.every((n) => n >= SECTOR)) return true;
  }
  return false;
}
function isName(e: Expr, id: string): boolean {
  const inner = bare(e);
  return inner.kind === 'name' && inner.id === id;
}
