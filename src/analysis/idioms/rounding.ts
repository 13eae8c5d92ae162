/** Names a function rounds, or tests for being round: they are in good hands. */
import { statements, walk, ownExpressions, type Expr, type Func } from '../model';

const ROUNDS = /align|round|ceil|floor|block|pad/i;
/** Calls that allocate do not round what they are given. */
const ALLOCATES = /^(?:posix_memalign|(?:std::)?aligned_alloc|memalign|valloc)$/;
const known = new WeakMap<Func, Set<string>>();

/** Ids of variables, and members as `.` and their name. */
export function roundedIn(func: Func): ReadonlySet<string> {
  let found = known.get(func);
  if (!found) known.set(func, (found = gather(func)));
  return found;
}

function gather(func: Func): Set<string> {
  const out = new Set<string>();
  const names = (e: Expr): void => {
    for (const x of walk([e])) {
      if (x.kind === 'name') out.add(x.id);
      else if (x.kind === 'member') out.add(`.${x.field}`);
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
