/** Names a function rounds, or tests for being round: they are in good hands. */
import { loopsAround } from './loops';
import { isWithin, statements, walk, ownExpressions, type Expr, type Func, type Span } from '../model';

const ROUNDS = /align|round|ceil|floor|block|pad/i;
/** Calls that allocate do not round what they are given. */
const ALLOCATES = /^(?:posix_memalign|(?:std::)?aligned_alloc|memalign|valloc)$/;
const known = new WeakMap<Func, Map<string, Span[]>>();

/** Whether a variable by its id, or a member as `.` and its name, is rounded somewhere; with `use`, before that or in a loop around both. */
export function isRounded(func: Func, id: string, use?: Span): boolean {
  return roundedIn(func).get(id)?.some((at) => use === undefined || at.start < use.end || loopsAround(func, use).some((l) => isWithin(at, l.span))) ?? false;
}
function roundedIn(func: Func): ReadonlyMap<string, Span[]> {
  let found = known.get(func);
  if (!found) known.set(func, (found = gather(func)));
  return found;
}

function gather(func: Func): Map<string, Span[]> {
  const out = new Map<string, Span[]>();
  const names = (e: Expr): void => {
    for (const x of walk([e])) {
      const id = x.kind === 'name' ? x.id : x.kind === 'member' ? `.${x.field}` : undefined;
      if (id !== undefined) out.set(id, [...(out.get(id) ?? []), e.span]);
    }
  };
  for (const s of statements(func.body)) {
    for (const e of walk(ownExpressions(s))) {
      if (e.kind === 'binary' && (e.op === '%' || e.op === '&' || e.op === '/')) names(e);
      else if (e.kind === 'assign' && /^[%&|/]$/.test(e.op)) names(e.target);
      else if (e.kind === 'call' && ROUNDS.test(e.name) && !ALLOCATES.test(e.name)) e.args.forEach(names);
    }
  }
  return out;
}
