/** Loops around a place, and what changes from turn to turn. */
import { statements, walk, ownExpressions, type Expr, type Func, type Span, type Stmt } from '../model';

export type Loop = Extract<Stmt, { kind: 'loop' }>;

/** Whether one span lies in another. */
export function within(inner: Span, outer: Span): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}
/** The loops around a place, outermost first. */
export function loopsAround(func: Func, at: Span): Loop[] {
  return [...statements(func.body)].filter((s): s is Loop => s.kind === 'loop' && within(at, s.span));
}

/** Variables that a loop assigns, steps or declares, by id. */
export function changedIn(loop: Loop): ReadonlySet<string> {
  const known = cache.get(loop);
  if (known) return known;
  const out = new Set<string>();
  for (const s of statements([loop])) {
    if (s.kind === 'declare' && within(s.span, loop.span)) out.add(s.local.id);
    for (const e of walk(ownExpressions(s))) {
      const target = e.kind === 'assign' ? e.target : e.kind === 'unary' && (e.op === '++' || e.op === '--' || e.op === '&') ? e.operand : undefined;
      if (target?.kind === 'name') out.add(target.id);
    }
  }
  cache.set(loop, out);
  return out;
}
const cache = new WeakMap<Loop, ReadonlySet<string>>();

/** Whether an expression has another value in the next turn, as far as its variables tell. */
export function changesIn(loop: Loop, e: Expr): boolean {
  const changed = changedIn(loop);
  return [...walk([e])].some((n) => (n.kind === 'name' && changed.has(n.id)) || n.kind === 'call' || (n.kind === 'unary' && (n.op === '++' || n.op === '--')));
}
