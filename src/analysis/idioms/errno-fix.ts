/** Puts the result of a call in the place of errno, where the call leaves errno alone. */
import type { Func } from '../model';
import { placeIn } from '../model';
import { placeOf } from '../source-file';
import { includeEdits, insertion, type DraftFix, type View } from '../rules/rule';
import type { ErrnoUse } from './errno-uses';

/** `errno` becomes `-ret`, `perror("x")` prints `strerror(-ret)`. Nothing where the result is in no variable, or its place is unclear. */
export function errnoFixes(file: View, func: Func, use: ErrnoUse): DraftFix[] {
  const result = use.result === undefined ? undefined : written(func, use.result);
  if (result === undefined) return [];
  if (use.kind === 'errno') {
    const negated = use.around?.kind === 'unary' && use.around.op === '-';
    const at = negated ? use.around! : use.at;
    return [{ title: `Use ${negated ? result : `-${result}`} in place of ${negated ? '-errno' : 'errno'}`, edits: [{ place: placeOf(func, at), text: negated ? result : `-${result}` }], safe: true }];
  }
  if (use.kind !== 'perror' || use.at.kind !== 'call' || use.at.args.length !== 1) return [];
  const [text] = use.at.args;
  const source = file.source(placeOf(func, text!));
  const literal = text!.kind === 'text' && /^"[^"%]*"$/.test(source);
  const format = literal ? `${source.slice(0, -1)}: %s\\n"` : '"%s: %s\\n"';
  const between = literal ? '' : `, ${source}`;
  return [{
    title: `Print strerror(-${result})`,
    edits: [
      { place: placeIn(func, { start: use.at.span.start, end: text!.span.start }), text: 'fprintf(stderr, ' },
      { place: placeOf(func, text!), text: format },
      insertion(func, text!.span.end, `${between}, strerror(-${result})`),
      ...includeEdits(file, 'string.h', 'cstring'),
    ],
    safe: true,
  }];
}

/** `ret~f` is `ret` in the source. */
function written(func: Func, key: string): string | undefined {
  const root = /^\**([\w:~$]+)/.exec(key)?.[1];
  if (root === undefined) return undefined;
  const local = func.locals.get(root);
  return local ? key.replace(root, local.name) : root.includes('~') ? undefined : key;
}
