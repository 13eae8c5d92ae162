/** Everything a function assigns to its variables, whatever the path. */
import { bare, childrenOf, ownExpressions, statements, type Expr, type Func } from '../model';

export interface Assignment {
  /** `=`, or the operator of a compound assignment; `+` and `-` without a value for `++` and `--` */
  op: string;
  value: Expr | undefined;
  at: Expr;
}

const known = new WeakMap<Func, Map<string, Assignment[]>>();

/** Assignments to a variable or, by the name of the field, to any member of that name. */
export function assignmentsTo(func: Func, id: string): readonly Assignment[] {
  return assignmentsOf(func).get(id) ?? [];
}

/** By id of the variable; members go by `.` and their name. */
export function assignmentsOf(func: Func): ReadonlyMap<string, readonly Assignment[]> {
  let found = known.get(func);
  if (!found) known.set(func, (found = gather(func)));
  return found;
}

function gather(func: Func): Map<string, Assignment[]> {
  const out = new Map<string, Assignment[]>();
  const add = (key: string | undefined, a: Assignment): void => {
    if (key === undefined) return;
    const list = out.get(key);
    if (list) list.push(a);
    else out.set(key, [a]);
  };
  const visit = (e: Expr): void => {
    if (e.kind === 'assign') add(keyOf(e.target), { op: e.op, value: e.value, at: e });
    else if (e.kind === 'unary' && (e.op === '++' || e.op === '--')) add(keyOf(e.operand), { op: e.op[0]!, value: undefined, at: e });
    else if (e.kind === 'list') for (const i of e.items) if (i.field !== undefined) add(`.${i.field}`, { op: '=', value: i.value, at: i.value });
    // statements inside are visited on their own
    if (e.kind !== 'control') childrenOf(e).forEach(visit);
    else e.tail.forEach(visit);
  };
  for (const s of statements(func.body)) {
    if (s.kind === 'declare' && s.init) add(s.local.id, { op: '=', value: s.init, at: s.init });
    ownExpressions(s).forEach(visit);
  }
  return out;
}
function keyOf(target: Expr): string | undefined {
  const e = bare(target);
  return e.kind === 'name' ? e.id : e.kind === 'member' ? `.${e.field}` : undefined;
}
