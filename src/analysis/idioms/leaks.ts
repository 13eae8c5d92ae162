/** What a function opened and an error return leaves open. */
import { solve } from '../flow/dataflow';
import type { Edge, Event } from '../flow/cfg';
import type { Flow } from '../flow/program';
import { bare, statements, type Call, type Expr, type Func, type Span } from '../model';
import { placeOf } from '../source-file';
import { insertion, isInBlock, type DraftFix, type View } from '../rules/rule';
import { OTHER, resultFlow } from './return-convention';

/** `mixed`: not known, or in other hands. */
export type Holding = 'none' | 'open' | 'closed' | 'mixed';

/** Somebody gives back at the end of a scope what was opened in it. */
export function isGuarded(file: View, func: Func): boolean {
  return /cleanup|_ptr|guard|defer|scope|finally/i.test(file.source(placeOf(func, func)));
}
/** Neither an endless loop nor the end of the process: the function's end is reached. */
export function comesBack(file: View, func: Func): boolean {
  const flow = file.program.flow(func);
  return flow !== undefined && flow.cfg.blocks.some((b) => flow.after(b) !== undefined && b.next.some((e) => e.to === flow.cfg.exit)) && !file.program.mentions(func, /\b_?exit\s*\(|while\s*\((?:1|true)\)|for\s*\(;;\)/);
}

/**
 * A return with an error, or after a failure, on a way where what `opening` opened is still open.
 * `return init(ring);` is none: what it opens is the caller's.
 */
export function leakingReturn(file: View, flow: Flow, opening: Call, changes: ReadonlyMap<Event, Holding>): { at: { span: Span }; statement: Span | undefined } | undefined {
  const { func } = flow;
  const results = resultFlow(file, func);
  if (!results) return undefined;
  const along = (edge: Edge, state: { at: Holding }, from: { id: number }): { at: Holding } => {
    if (state.at !== 'open' || !edge.guard) return state;
    const block = flow.cfg.blocks[from.id]!;
    const known = results.after(block);
    return known && results.outcome(edge, known, opening) === true ? { at: 'none' } : state;
  };
  const step = (event: Event, state: { at: Holding }): { at: Holding } => (changes.has(event) ? { at: changes.get(event)! } : state);
  const entries = solve<{ at: Holding }>(flow.cfg, {
    start: { at: 'none' }, step, along, join: (a, b) => (a.at === b.at ? a : { at: 'mixed' }), equal: (a, b) => a.at === b.at,
  });
  if (!entries) return undefined;
  const afterFailure = new Set<unknown>();
  results.visit((event, state) => {
    if (event.kind === 'return' && state.causes.size > 0 && !state.causes.has(OTHER)) afterFailure.add(event);
  });
  for (const [id, entry] of entries) {
    let state = entry;
    for (const event of flow.cfg.blocks[id]!.events) {
      if (event.kind === 'return' && state.at === 'open' && (!event.value || bare(event.value) !== opening) && (afterFailure.has(event) || (event.value && isError(func, event.value)))) {
        const { value, span } = event;
        const statement = [...statements(func.body)].find((x) => x.kind === 'return' && (value ? x.value === value : x.span === span))?.span;
        return { at: value ?? { span }, statement };
      }
      state = step(event, state);
    }
  }
  return undefined;
}
/** `return -ENOMEM;`, `return -1;`, `return NULL;`: the caller gets nothing to close. */
function isError(func: Func, value: Expr): boolean {
  const e = bare(value);
  if (e.kind === 'int') return e.value < 0n || e.value === (/\*|bool/.test(func.returns) ? 0n : 1n);
  if (e.kind === 'name') return /^(?:NULL|nullptr|false|EXIT_FAILURE)$/.test(e.name);
  return e.kind === 'unary' && e.op === '-';
}

/** Puts a call in front of a return. */
export function releaseBefore(file: View, func: Func, statement: Span, title: string, call: string): DraftFix {
  const place = placeOf(func, { span: statement });
  const edits = isInBlock(file, place)
    ? [insertion(func, statement.start, `${call};\n${file.indentation(place)}`)]
    : [insertion(func, statement.start, `{ ${call}; `), insertion(func, statement.end, ' }')];
  return { title, safe: true, edits };
}
