/** Edits that take a flag out of the expression it is set in. */
import { bare, walk, type Expr, type Func } from '../model';
import type { DraftFix, View } from '../rules/rule';
import { placeOf } from '../source-file';

/** Takes a name out of `A | B | C`, or puts 0 in its place where it stands alone; nothing where it is part of something else. */
export function withoutFlag(file: View, func: Func, all: Expr, name: Expr | undefined, title: string, safe = true): DraftFix[] {
  const inner = bare(all);
  if (!name) return [];
  if (inner === name) return [{ title, edits: [{ place: placeOf(func, inner), text: '0' }], safe }];
  const parent = [...walk([inner])].find((e) => e.kind === 'binary' && e.op === '|' && (bare(e.left) === name || bare(e.right) === name));
  if (parent?.kind !== 'binary') return [];
  const rest = bare(parent.left) === name ? parent.right : parent.left;
  return [{ title, edits: [{ place: placeOf(func, parent), text: file.source(placeOf(func, rest)) }], safe }];
}
