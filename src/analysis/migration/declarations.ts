/** Declarations of variables that libaio needed and liburing does not. */
import { statements, type Func, type Stmt } from '../model';
import type { SourceFile } from '../source-file';
import type { Draft } from './draft';

/**
 * Takes the declarations of these variables out of a function; `instead` stands where the first was, or where the function
 * begins if that is not in front of `before`. False where one declaration also declares something else.
 */
export function rewriteDeclarations(file: SourceFile, func: Func, draft: Draft, ids: ReadonlySet<string>, instead: string | undefined, before: number): boolean {
  const groups = new Map<number, Extract<Stmt, { kind: 'declare' }>[]>();
  for (const s of statements(func.body)) {
    if (s.kind !== 'declare') continue;
    const group = groups.get(s.statement.start);
    if (group) group.push(s);
    else groups.set(s.statement.start, [s]);
  }
  const own = [...groups.values()].filter((g) => g.some((s) => ids.has(s.local.id)));
  if (own.some((g) => g.some((s) => !ids.has(s.local.id)))) return false;
  let open = instead;
  for (const [first] of own) {
    if (open !== undefined && func.body.includes(first!) && first!.span.start < before) {
      draft.replace(func, first!.statement, open.replaceAll('\n', `\n${draft.indentation(func, first!.statement)}`));
      open = undefined;
    } else draft.remove(func, first!.statement);
  }
  if (open !== undefined) {
    const [start] = func.body;
    if (!start || file.text.slice(func.base, func.base + start.span.start).trimEnd().at(-1) !== '{') return false;
    const place = start.kind === 'declare' ? start.statement : start.span;
    draft.insert(func, place.start, `${open}\n`.replaceAll('\n', `\n${draft.indentation(func, place)}`));
  }
  return true;
}
