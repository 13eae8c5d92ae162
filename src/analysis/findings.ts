/** Drafts of rules at their places in the file. What was placed before is used again as long as it lies where it lay. */
import type { Finding, Position, Severity } from '../protocol/analysis';
import { FILE, type Place, type Unit } from './model';
import type { Draft, Rule } from './rules/rule';
import type { SourceFile } from './source-file';

export interface Judged { rule: Rule; draft: Draft; severity: Severity | 'off' }
/** `marks`: the units all of it lies in, and where they began. */
interface Placed { policy: string; marks: { unit: Readonly<Unit>; at: Position }[]; findings: readonly Finding[] }
/** What is said carries along where it was placed. */
const PLACED = Symbol('placed');

/** The findings of what stays together; `policy` names all that decides on severities besides the drafts. */
export function placed(file: SourceFile, said: object & { [PLACED]?: Placed }, policy: string, judged: () => Judged[]): readonly Finding[] {
  const before = said[PLACED];
  if (before?.policy === policy && before.marks.every(({ unit, at }) => file.table.isAt(unit.base, at))) return before.findings;
  const all = judged();
  const findings: Finding[] = [];
  for (const { rule, draft, severity } of all) if (severity !== 'off') findings.push(finding(file, rule, draft, severity));
  const marks = marksOf(file, all.flatMap(({ draft }) => placesOf(draft)));
  said[PLACED] = marks && { policy, marks, findings };
  return findings;
}
/** Undefined where something lies elsewhere than in units of this file, which keep their text. */
function marksOf(file: SourceFile, places: Place[]): Placed['marks'] | undefined {
  const units = new Set<Readonly<Unit>>();
  for (const place of places) {
    if (!place.unit || file.otherFile(place) || (place.unit === FILE && place.span.end > 0)) return undefined;
    units.add(place.unit);
  }
  return [...units].map((unit) => ({ unit, at: file.position(unit.base) }));
}
function placesOf(draft: Draft): Place[] {
  return [draft.at, ...(draft.related ?? []).map((r) => r.at), ...(draft.fixes ?? []).flatMap((f) => f.edits.map((e) => e.place))];
}

function finding(file: SourceFile, rule: Rule, draft: Draft, severity: Severity): Finding {
  return {
    rule: rule.info.id,
    severity,
    message: draft.message,
    range: file.range(draft.at),
    related: (draft.related ?? []).map((r) => {
      const path = file.otherFile(r.at)?.path;
      return { range: file.range(r.at), message: r.message, ...(path === undefined ? {} : { path }) };
    }),
    // edits go into this file alone
    fixes: (draft.fixes ?? []).filter((f) => !f.edits.some((e) => file.otherFile(e.place))).map((f) => ({ title: f.title, safe: f.safe, edits: f.edits.map((e) => ({ range: file.range(e.place), text: e.text })) })),
  };
}
/** As they lie in the file, and by rule where several lie at one place. */
export function inOrder(a: Finding, b: Finding): number {
  return a.range.start.line - b.range.start.line || a.range.start.column - b.range.start.column || a.rule.localeCompare(b.rule);
}
