import { assignmentsOf } from '../../idioms/assignments';
import { sharedName } from '../../idioms/ring-setup';
import { sqeFlow } from '../../idioms/sqe';
import { mayBeSameRing, share, SKIP_SUCCESS, surely, takesAnew, type Get, type Prep, type SqeEvent } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { readsCqe, typeNameOf } from '../../idioms/declared-type';
import { isNull } from '../../idioms/tested';
import { nullTest } from '../../flow/typestate';
import { bare, isWithin, statements, walk, walkFunction, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';
import { userDataUnsetInRust } from './uring-user-data-unset.rust';

const GETS = /\bio_uring_cqe_get_data(?:64)?\b/;
const SETS = /\bio_uring_sqe_set_data(?:64)?\b|(?:->|\.)\s*user_data\s*=[^=]|\bmem(?:cpy|move)\s*\(\s*(?:\([\w\s]+\*\s*\)\s*)?&\s*\w+\s*(?:->|\.)\s*user_data\b/;

export const uringUserDataUnset: Rule = {
  info: {
    id: 'uring-user-data-unset', languages: ['c', 'cpp', 'rust'], severity: 'warning', confidence: 'likely',
    summary: 'An sqe is queued without user data, so its completion carries what an older request left there.',
  },
  why: 'io_uring_get_sqe() does not clear user_data. A request without its own completes with the pointer of an older one: that one seems to complete twice, or is used after it was freed.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') userDataUnsetInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    const { program } = file;
    if (!program.mentions(func, /sqe|io_uring_/)) return;
    const flow = sqeFlow(program, func);
    if (!flow) return;
    const gets = flow.of('get').filter((g) => g.sqes.length > 0);
    if (!gets.length) return;
    for (const get of gets) {
      if (!get.inside && neverPrepared(flow, get)) {
        report({ at: placeOf(func, get), severity: 'error', message: 'This sqe is submitted without being prepared: whatever its entry held before runs again. Prepare it, with io_uring_prep_nop() if nothing else.' });
      }
    }
    const leaving = new Set<Stmt>();
    for (const get of gets) {
      const left = get.inside ? undefined : leftUnprepared(file, flow, get);
      // an sqe taken at the second try is left by the same return
      if (left && !leaving.has(left)) {
        leaving.add(left);
        report({
          at: placeOf(func, left),
          message: 'The function returns with an sqe that it has taken and not prepared: the next submission hands it to the kernel, and whatever its entry held before runs again. Take the sqe when all else is at hand.',
          related: [{ at: placeOf(func, get), message: 'the sqe is taken here' }],
        });
      }
    }
    if (!program.some('reads user data', (f) => reads(file, f)) || !program.some('sets user data', (f) => program.mentions(f, SETS))) return;
    for (const prep of flow.of('prep')) {
      const own = gets.filter((g) => share(g.sqes, prep.sqes));
      // preparations of old libraries clear it
      if (!prep.byHand && file.target.liburing !== undefined && file.target.liburing < 2002) continue;
      const test = own.length > 0 ? onlyIfGiven(flow, prep) : undefined;
      if (test) {
        report({
          at: placeOf(func, prep),
          message: 'User data is set only where there is some: without, the completion carries that of an older request. Set it to NULL then.',
          related: [{ at: placeOf(func, test), message: 'set only if this holds' }],
        });
        continue;
      }
      const left = own.length > 0 ? leftBefore(flow, prep) : undefined;
      if (left) {
        report({
          at: placeOf(func, prep),
          message: 'The function may return before it sets user data: the request is queued all the same, and its completion carries that of an older one.',
          related: [{ at: placeOf(func, left), message: 'returns here' }],
        });
        continue;
      }
      if (!own.length || mayHaveData(flow, prep) || readsItself(file, flow, own, prep)) continue;
      const quiet = flow.of('flags').some((f) => share(f.sqes, prep.sqes) && f.how !== 'remove' && surely(f.bits, SKIP_SUCCESS));
      report({
        at: placeOf(func, prep), ...(quiet ? { severity: 'hint' as const } : {}),
        message: quiet ? 'No user data is set. Only a failure of this request posts a completion, but that one carries the user data of an older request.'
          : 'No user data is set on this sqe: its completion carries that of an older request, which then seems to complete twice. Set it, if only to NULL or a tag.',
        related: own[0]!.call ? [{ at: placeOf(func, own[0]!), message: 'the sqe comes from here' }] : [],
        fixes: fix(file, func, prep),
      });
    }
  },
};

/** The function reads the user data of a completion. */
function reads(file: View, func: Func): boolean {
  if (file.program.mentions(func, GETS) || readsCqe(file, func, 'user_data')) return true;
  // `events_[i]->user_data` of a member that is declared out of sight
  return file.program.mentions(func, /user_data\b(?!\s*=[^=])/) && file.fieldType('user_data') === undefined
    && [...walkFunction(func)].some((e) => e.kind === 'member' && e.field === 'user_data' && e.deref && bare(e.object).kind === 'index' && typeNameOf(file, func, e.object) === undefined);
}

/** Some way to or from the preparation stores user data, or the sqe leaves the function and someone else may. */
function mayHaveData(flow: SqeFlow, prep: Prep): boolean {
  const gives = (e: SqeEvent) => (e.kind === 'data' || e.kind === 'overwrite' || e.kind === 'escape') && share(e.sqes, prep.sqes);
  const ends = (e: SqeEvent) => takesAnew(e, prep.sqes);
  if (flow.reaches(prep, gives, ends)) return true;
  return flow.events.some((e) => gives(e) && flow.reaches(e, (x) => x === prep, ends));
}

/** `if (p) io_uring_sqe_set_data(sqe, p);`, and nothing else sets any: the test. */
function onlyIfGiven(flow: SqeFlow, prep: Prep): Expr | undefined {
  const { func } = flow.flow;
  const all = flow.events.filter((e) => (e.kind === 'data' || e.kind === 'overwrite' || e.kind === 'escape') && share(e.sqes, prep.sqes));
  const [data] = all;
  if (all.length !== 1 || data?.kind !== 'data' || data.inside || !data.value) return undefined;
  const value = bare(data.value);
  const around = [...statements(func.body)].find((s) => s.kind === 'if' && !s.otherwise.length && s.test !== undefined && s.then.some((b) => b.span.start <= data.span.start && data.span.end <= b.span.end));
  if (around?.kind !== 'if' || !around.test || (around.span.start <= prep.span.start && prep.span.end <= around.span.end)) return undefined;
  const tested = nullTest(around.test, true, isNull);
  const pointer = tested && !tested.isNull ? bare(tested.pointer) : undefined;
  return pointer?.kind === 'name' && value.kind === 'name' && pointer.id === value.id ? around.test : undefined;
}

/** A return between the preparation and the one place that sets user data, without a submission that failed on the way. */
function leftBefore(flow: SqeFlow, prep: Prep): Stmt | undefined {
  const { func } = flow.flow;
  const all = flow.events.filter((e) => (e.kind === 'data' || e.kind === 'overwrite' || e.kind === 'escape') && share(e.sqes, prep.sqes));
  const [data] = all;
  const others = flow.of('prep').filter((p) => p !== prep && share(p.sqes, prep.sqes));
  if (all.length !== 1 || data?.kind !== 'data' || data.inside || prep.inside || others.length) return undefined;
  const between = [...statements(func.body)].filter((s) => s.kind === 'return' && s.span.start > prep.span.end && s.span.end < data.span.start);
  if (!between.length || flow.events.some((e) => (e.kind === 'submit' || e.kind === 'unseen') && e.span.start > prep.span.end && e.span.end < data.span.start && e.kind === 'submit')) return undefined;
  // the preparation and the data on one way, with the return beside it
  const ifs = [...statements(func.body)].filter((s) => s.kind === 'if');
  const branch = (at: { start: number; end: number }) => ifs.filter((s) => s.span.start <= at.start && at.end <= s.span.end).length;
  return branch(prep.span) === branch(data.span) ? between[0] : undefined;
}

/** The function waits for its completion itself, and has no use for user data. */
function readsItself(file: View, flow: SqeFlow, gets: Get[], prep: Prep): boolean {
  const { func } = flow.flow;
  if (reads(file, func)) return false;
  let waits = false;
  flow.walk(prep, (e) => {
    if (e.kind !== 'reap' || !gets.some((g) => mayBeSameRing(g.rings, e.rings))) return undefined;
    const callee = e.inside ? file.program.callee(e.call) : undefined;
    if (!callee || !reads(file, callee)) waits = true;
    return 'end';
  });
  return waits;
}

/** Every way from here leaves the sqe as it was, and some way submits it. */
function neverPrepared(flow: SqeFlow, get: Get): boolean {
  if (flow.events.some((e) => e !== get && 'sqes' in e && e.kind !== 'data' && share(e.sqes, get.sqes))) return false;
  return flow.reaches(get, (e) => e.kind === 'submit' && share(e.rings, get.rings), (e) => takesAnew(e, get.sqes));
}

/** A return between an sqe and its first preparation, for a reason that has nothing to do with the sqe. */
function leftUnprepared(file: View, flow: SqeFlow, get: Get): Stmt | undefined {
  const { func } = flow.flow;
  // what main() leaves behind is never submitted, and whoever hands a ring in may give it up at an error
  if (func.name === 'main' || !get.rings.length || get.rings.some((r) => sharedName(r) === undefined)) return undefined;
  const uses = flow.events.filter((e) => e !== get && e.kind !== 'data' && 'sqes' in e && share(e.sqes, get.sqes));
  const first = uses.map((e) => e.span.start).filter((s) => s > get.span.end).sort((a, b) => a - b)[0];
  if (first === undefined) return undefined;
  const all = [...statements(func.body)];
  const holder = sqeVariable(func, get);
  if (holder === undefined) return undefined;
  // `int full = sqe == NULL;` speaks of it as well
  const known = new Set([holder]);
  const names = (e: Expr | undefined): boolean => e !== undefined && [...walk([e])].some((x) => x.kind === 'name' && known.has(x.id));
  for (const [id, assigned] of assignmentsOf(func)) if (assigned.some((a) => names(a.value))) known.add(id);
  const candidates = all.filter((s) => s.kind === 'return' && s.span.start > get.span.end && s.span.end < first && !names(s.value)
    && all.some((o) => o.kind === 'if' && isWithin(s.span, o.span) && !isWithin(get.span, o.span))
    && !all.some((o) => (o.kind === 'if' || o.kind === 'loop' || o.kind === 'switch') && isWithin(s.span, o.span) && !isWithin(get.span, o.span) && (o.kind !== 'if' || names(o.test))));
  if (!candidates.length || !flow.walk(get, (e) => (uses.includes(e) || e.kind === 'submit' || takesAnew(e, get.sqes) ? 'end' : undefined))) return undefined;
  return candidates[0];
}
/** The variable that is declared with the sqe, or gets it once. */
function sqeVariable(func: Func, get: Get): string | undefined {
  for (const s of statements(func.body)) {
    if (s.kind === 'declare' && s.init && bare(s.init) === get.call) return s.local.id;
    if (s.kind === 'expr' && s.expr.kind === 'assign' && bare(s.expr.value) === get.call && bare(s.expr.target).kind === 'name') return (bare(s.expr.target) as { id: string }).id;
  }
  return undefined;
}

/** `io_uring_sqe_set_data(sqe, NULL);` behind the preparation. */
function fix(file: View, func: Func, prep: Prep): DraftFix[] {
  const statement = prep.call?.statement;
  const sqe = prep.inside ? undefined : prep.call?.args[0];
  if (!statement || sqe?.kind !== 'name' || !isInBlock(file, placeOf(func, { span: statement }))) return [];
  const indent = file.indentation(placeOf(func, { span: statement }));
  const nothing = file.language === 'cpp' ? 'nullptr' : 'NULL';
  return [{
    title: 'Set the user data to NULL',
    edits: [insertion(func, statement.end, `\n${indent}io_uring_sqe_set_data(${sqe.name}, ${nothing});`)],
    safe: false,
  }];
}
