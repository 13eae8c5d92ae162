import { automaticBehind, type Automatic } from '../../idioms/automatic';
import { everyRing, setupFlag, setups, sharedName, surely } from '../../idioms/ring-setup';
import { ringsOf } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import type { Prep, SqeEvent } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { bare, statements, walk, walkFunction, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, type DraftFix, type Rule, type View } from '../rule';
import { isCoroutine, returnsInFlight } from './uring-buffer-escapes-scope';

/** From 5.5 on a submission copies what requests point to. */
const COPIES = 5005;

export const uringStructLifetime: Rule = {
  info: {
    id: 'uring-struct-lifetime', languages: ['c', 'cpp'], severity: 'error', confidence: 'likely', memorySafety: true,
    summary: 'A timespec, iovec, path or the like ends before the kernel has read or filled it.',
  },
  why: 'A preparation stores a pointer only. What it points to is read when the ring is submitted (with SQPOLL, and before Linux 5.5, at any time until the completion), and results are written at the completion.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /io_uring_|sqe|ring/i) || isCoroutine(file, func)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const prep of flow.of('prep')) {
      const late = prep.shape?.structs?.length ? copiesLate(file, ringsOf(flow, prep.sqes)) : undefined;
      for (const s of prep.shape?.structs ?? []) {
        const argument = prep.args[s.argument];
        const automatic = argument && automaticBehind(file, flow.flow, argument, prep.memory);
        // what main() ends with ends with the process, but its blocks end before
        if (!automatic || (func.name === 'main' && automatic.scope === func.bodySpan)) continue;
        const what = s.what === 'path' || s.what === 'name' ? 'string' : s.what;
        // what is filled at the completion is asked for at the submission already
        const message = s.until === 'completion' && (automatic.scope === func.bodySpan || submittedWithin(flow, prep, automatic))
          ? returnsInFlight(flow, prep) && `The function returns before this request completes, and ${automatic.name} ends with it: the kernel writes the ${what} later. Keep it in the request.`
          : !submittedWithin(flow, prep, automatic) || submittedWhenFull(file, flow, prep)
            ? `${capital(automatic.name)} ends before the ring is submitted, and only then the kernel reads the ${what}. Keep it where it lives on until the submission.`
            : late && returnsInFlight(flow, prep)
              && `${capital(automatic.name)} ends before this request completes, and ${late} the kernel may read the ${what} until then. Keep it in the request.`;
        if (!message) continue;
        report({
          at: placeOf(func, bare(argument)), message,
          related: automatic.local ? [{ at: placeOf(func, { span: automatic.at }), message: 'it ends with the block it is declared in' }] : [],
          fixes: makeStatic(func, automatic),
        });
      }
    }
  },
};

function capital(name: string): string {
  return /^the /.test(name) ? `T${name.slice(1)}` : `\`${name}\``;
}

/** Why what a request points to is read later than at the submission; undefined where it is not, or not for sure. */
function copiesLate(file: View, rings: readonly string[]): string | undefined {
  if (file.target.kernel !== undefined && file.target.kernel < COPIES) return 'before Linux 5.5';
  const names = rings.map(sharedName);
  // a ring that is tried with SQPOLL first, and without when that is refused, has to be good for both
  const tried = rings.length > 0 && names.every((n) => n !== undefined && setups(file).some((s) => s.ring !== undefined && sharedName(s.ring) === n && surely(s.flags, setupFlag('SQPOLL'))));
  return tried || everyRing(file, 'SQPOLL') ? 'with SQPOLL' : undefined;
}

/** Whether the ring may be submitted, or code out of sight reached, before the object ends. */
function submittedWithin(flow: SqeFlow, prep: Prep, automatic: Automatic): boolean {
  const { scope } = automatic;
  const inside = (at: Span) => scope.start <= at.start && at.end <= scope.end;
  const counts = (e: SqeEvent) => (e.kind === 'submit' || e.kind === 'unseen' || e.kind === 'reap') && inside(e.span) && (!automatic.inLoop || e.span.start > prep.span.start);
  return flow.reaches(prep, counts);
}

const COUNTS = /count|num|pend|queue|append|batch|sqe|entries|depth|flight|fill|full|left|max|limit|^n(?:r_?\w*)?$/i;
/** `if (++queued >= depth) io_uring_submit(ring);`, also in a macro: most of the time the function returns without a submission. */
function submittedWhenFull(file: View, flow: SqeFlow, prep: Prep): boolean {
  const { func } = flow.flow;
  const ifs = [...statements(func.body)].filter((s): s is Extract<Stmt, { kind: 'if' }> => s.kind === 'if' && s.test !== undefined);
  let some = false;
  let sure = false;
  const exits = flow.walk(prep, (e) => {
    if (e.kind === 'submit' && !e.inside) {
      const around = ifs.filter((s) => s.span.start <= e.span.start && e.span.end <= s.span.end && !(s.span.start <= prep.span.start && prep.span.end <= s.span.end)).at(-1);
      if (around && !around.otherwise.length && isThreshold(around.test!)) some = true;
      else sure = true;
    } else if (e.kind === 'unseen' && e.call.callee.kind === 'name') {
      const macro = /^\([^)]*\)([^]*)$/.exec(file.program.macro(e.call.name) ?? '')?.[1];
      if (macro !== undefined && /\bif\s*\(.*(?:>=?|==|%).*\bio_uring_submit\s*\(/s.test(macro) && !/\belse\b/.test(macro)) some = true;
      else sure = true;
    } else if (e.kind === 'submit' || e.kind === 'unseen' || e.kind === 'reap' || e.kind === 'escape') sure = true;
    return undefined;
  });
  return exits && some && !sure;
}
function isThreshold(test: Expr): boolean {
  const e = bare(test);
  if (e.kind !== 'binary' || !/^(?:>=?|==)$/.test(e.op)) return false;
  return [...walk([e])].some((x) => COUNTS.test(x.kind === 'name' ? x.name : x.kind === 'member' ? x.field : ''))
    && ![...walk([e])].some((x) => x.kind === 'call' || (x.kind === 'name' && /^(?:rc|ret|err|res|r)$/.test(x.name)));
}

/** `static` for a local whose initialisers are all constants and that nothing is stored to. */
function makeStatic(func: Func, { local, what }: Automatic): DraftFix[] {
  if (!local || what !== 'variable') return [];
  const declared = [...statements(func.body)].find((s): s is Extract<Stmt, { kind: 'declare' }> => s.kind === 'declare' && s.local === local);
  if (!declared?.alone || !declared.init || !isConstant(declared.init)) return [];
  for (const e of walkFunction(func)) {
    if (e.kind === 'assign' && [...walk([e.target])].some((n) => n.kind === 'name' && n.id === local.id)) return [];
  }
  return [{ title: 'Make it static', edits: [insertion(func, declared.statement.start, 'static ')], safe: true }];
}
function isConstant(e: Expr): boolean {
  return [...walk([e])].every((x) => ['int', 'list', 'cast', 'binary', 'unary', 'sizeof', 'text'].includes(x.kind) || (x.kind === 'name' && /^[A-Z][A-Z0-9_]*$/.test(x.name)));
}
