/** Drafts of rules at their places in the file. What was placed before is used again as long as it lies where it lay. */
import type { Finding, Position, Severity } from '../protocol/analysis';
import { FILE, type Place, type Unit } from './model';
import type { Draft, Rule } from './rules/rule';
import type { SourceFile } from './source-file';

/** `marks`: the units it lies in, and where they began. */
interface Placed { policy: string; marks: { unit: Readonly<Unit>; at: Position }[]; finding: Finding | typeof NONE }
export const NONE = 'none';
/** A draft carries along where it was placed. */
const PLACED = Symbol('placed');
type Known = Draft & { [PLACED]?: Placed };

/** The finding that a draft made before, where it still lies there; undefined when that is not known, `NONE` when it made none. */
export function placedBefore(file: SourceFile, draft: Draft, policy: string): Finding | typeof NONE | undefined {
  const before = (draft as Known)[PLACED];
  if (before?.policy !== policy) return undefined;
  for (const { unit, at } of before.marks) if (!file.table.isAt(unit.base, at)) return undefined;
  return before.finding;
}
/** The finding a draft makes; `policy` names all that decided on the severity. */
export function place(file: SourceFile, rule: Rule, draft: Draft, policy: string, severity: Severity | 'off'): Finding | typeof NONE {
  const made = severity === 'off' ? NONE : finding(file, rule, draft, severity);
  const marks = marksOf(file, draft);
  if (marks) (draft as Known)[PLACED] = { policy, marks, finding: made };
  return made;
}
/** Undefined where something lies elsewhere than in units of this file, which keep their text. */
function marksOf(file: SourceFile, draft: Draft): Placed['marks'] | undefined {
  const units = new Set<Readonly<Unit>>();
  for (const place of placesOf(draft)) {
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
