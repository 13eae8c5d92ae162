import { sqeFlow } from '../../idioms/sqe';
import { mayBeSameRing, mayReach, share, takesAnew, type Get, type Prep, type Queue, type Reap } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { statements, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';

/** Waits that submitted by themselves on kernels without IORING_FEAT_EXT_ARG. */
const MAY_SUBMIT = /^io_uring_wait_cqe(?:s(?:_min_timeout)?|_timeout)$/;
const SUBMITS = /\bio_uring_(?:submit\w*|enter2?|sqring_wait)\b|io_uring_enter\b/;

export const uringMissingSubmit: Rule = {
  info: {
    id: 'uring-missing-submit', languages: ['c', 'cpp'], severity: 'error', confidence: 'likely',
    summary: 'A prepared sqe is waited for without being submitted: the wait never ends.',
  },
  why: 'A preparation only fills an entry of the submission queue. Without io_uring_submit() the kernel never sees it, and a wait for its completion blocks for ever.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /sqe|io_uring_|wait/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    const said = new Set<Reap>();
    const queued: { prep: Prep | Queue; rings: readonly string[] }[] = flow.of('queue').map((q) => ({ prep: q, rings: q.rings }));
    for (const prep of flow.of('prep')) {
      const get = flow.of('get').find((g) => share(g.sqes, prep.sqes));
      if (get) queued.push({ prep, rings: get.rings });
    }
    for (const { prep, rings } of queued) {
      if (!rings.length) continue;
      const wait = endlessWait(flow, prep, rings);
      if (wait && !said.has(wait)) {
        said.add(wait);
        const mayItself = !wait.inside && MAY_SUBMIT.test(wait.call.name);
        report({
          at: placeOf(func, wait), ...(mayItself ? { severity: 'hint' as const } : {}),
          message: mayItself ? 'What is prepared above is not submitted: only on kernels before 5.11 does this wait submit it. Call io_uring_submit() first.'
            : 'What is prepared above was not submitted: this wait blocks for ever. Call io_uring_submit() first.',
          related: [{ at: placeOf(func, prep), message: 'prepared here' }],
          fixes: fix(file, func, wait),
        });
      }
    }
    const lone = said.size ? undefined : neverSubmitted(file, flow);
    if (lone) {
      report({
        at: placeOf(func, lone), severity: 'warning',
        message: 'Nothing in this program submits: the request stays in the submission queue. Call io_uring_submit().',
      });
    }
  },
};

/** The wait that every way from the preparation leads to, with no submission on any of them, and none in flight to wait for. */
function endlessWait(flow: SqeFlow, prep: Prep | Queue, rings: readonly string[]): Reap | undefined {
  let wait: Reap | undefined;
  let submitted = false;
  flow.walk(prep, (e) => {
    if (submitted) return 'end';
    if ((e.kind === 'submit' && mayBeSameRing(e.rings, rings)) || (e.kind === 'unseen' && mayReach(e, rings)) || (e.kind === 'escape' && 'sqes' in prep && share(e.sqes, prep.sqes))) submitted = true;
    if (e.kind !== 'reap' || !share(e.rings, rings)) return undefined;
    if (e.blocks) wait ??= e;
    else submitted = true;
    return 'end';
  });
  if (!wait || submitted) return undefined;
  // requests of before may be what it waits for, and the new ones be submitted later
  const before = (kinds: string[]) => flow.events.some((e) => kinds.includes(e.kind) && e !== prep && (e.kind !== 'unseen' || mayReach(e, rings)) && flow.reaches(e, (x) => x === prep));
  const after = flow.reaches(wait, (e) => e.kind === 'submit' || (e.kind === 'unseen' && mayReach(e, rings)));
  return after && before(['submit', 'unseen']) ? undefined : wait;
}

/** A preparation in a program that is wholly in this file, where nothing submits anything. */
function neverSubmitted(file: View, flow: SqeFlow): Prep | undefined {
  const { program } = file;
  if (!program.defines('main') || program.some('submits', (f) => program.mentions(f, SUBMITS))) return undefined;
  const gets = new Map<string, Get>();
  for (const g of flow.of('get')) for (const id of g.sqes) gets.set(id, g);
  const prep = flow.of('prep').find((p) => !p.inside && p.sqes.some((id) => gets.has(id)));
  if (!prep || flow.events.some((e) => e.kind === 'escape' && share(e.sqes, prep.sqes))) return undefined;
  const leadsOut = program.some('leads out of sight', (f) => sqeFlow(program, f)?.of('unseen').some((u) => u.keys.length > 0) !== false);
  return leadsOut || flow.reaches(prep, (e) => e.kind === 'unseen', (e) => takesAnew(e, prep.sqes)) ? undefined : prep;
}

/** Submits in front of the wait's statement, in functions that return error codes; the wait for one cqe goes along in the same system call. */
function fix(file: View, func: Func, wait: Reap): DraftFix[] {
  const ring = wait.call.args[0];
  if (wait.inside || !ring || func.kind !== 'function' || func.name === 'main' || !/^(?:int|long|ssize_t)$/.test(func.returns)) return [];
  const name = ['submitted', 'submit_result'].find((n) => ![...func.locals.values()].some((l) => l.name === n));
  const holder = [...statements(func.body)].find((s) => holds(s, wait));
  if (!holder || !name) return [];
  const span = holder.kind === 'declare' ? holder.statement : holder.span;
  if (!isInBlock(file, placeOf(func, { span }))) return [];
  const indent = file.indentation(placeOf(func, { span }));
  const unit = indent.includes('\t') ? '\t' : '    ';
  const address = file.source(placeOf(func, ring));
  const submit = wait.call.name === 'io_uring_wait_cqe' ? `io_uring_submit_and_wait(${address}, 1)` : `io_uring_submit(${address})`;
  return [{
    title: 'Submit before the wait',
    edits: [insertion(func, span.start, `int ${name} = ${submit};\n${indent}if (${name} < 0)\n${indent}${unit}return ${name};\n${indent}`)],
    safe: /\breturn\s+\(?(?:-|rc\b|ret\b|err\b|res\b)/.test(file.source(placeOf(func, func))),
  }];
}
function holds(s: Stmt, wait: Reap): boolean {
  const at = s.kind === 'if' ? s.test?.span : s.kind === 'expr' || s.kind === 'declare' || s.kind === 'return' ? s.span : undefined;
  return at !== undefined && at.start <= wait.span.start && wait.span.end <= at.end;
}
