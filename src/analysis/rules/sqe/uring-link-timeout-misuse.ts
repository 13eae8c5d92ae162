import { failuresOf } from '../../idioms/op-failures';
import { setupsIn } from '../../idioms/ring-setup';
import { before, behind, isLinked, makesRoom, ringsOf, sqeName } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { HARDLINK, LINK, mayBeSameRing, mayReach, share, SKIP_SUCCESS, surely, takesAnew, type Prep, type SqeEvent } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { constant, integers } from '../../flow/value';
import { bare } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type Draft, type DraftFix, type Rule, type View } from '../rule';

const ETIME_SUCCESS = 32n;
const HAS_ETIME_SUCCESS = 5016;
const ONE_CQE = /^io_uring_(?:wait_cqe|wait_cqe_timeout|peek_cqe)$/;

export const uringLinkTimeoutMisuse: Rule = {
  info: {
    id: 'uring-link-timeout-misuse', languages: ['c', 'cpp'], severity: 'error', confidence: 'certain',
    summary: 'A link timeout without a linked request before it, or a timeout that cuts its own chain.',
  },
  why: 'A link timeout guards the request right before it, which must carry IOSQE_IO_LINK; else it fails with -EINVAL and nothing is guarded. It posts a completion of its own. An ordinary timeout expires with -ETIME, a failure that cancels what is linked behind it.',
  families: ['liburing'],
  check(file, func, report) {
    // who tells expiries apart anywhere knows of them
    if (!file.program.some('tells an expiry', (f) => file.program.mentions(f, /\bETIME\b/))) for (const { test, prep, by } of failuresOf(file, func, 'timer')) report({
      at: placeOf(func, test), severity: 'warning',
      message: 'A timer that expires completes with -ETIME, which is what it is for: here it counts as an error. Tell -ETIME apart, or set IORING_TIMEOUT_ETIME_SUCCESS.',
      related: [{ at: placeOf(by, prep), message: 'the timer' }],
    });
    if (!file.program.mentions(func, /timeout/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const prep of flow.of('prep')) {
      if (prep.inside || prep.byHand) continue;
      const refused = prep.op === 'link_timeout' ? unlinked(file, flow, prep) : undefined;
      const draft = refused ? { ...refused, harmlessInTests: true } : prep.op === 'link_timeout' ? oneCompletion(flow, prep) : prep.op === 'timeout' ? cutsChain(file, flow, prep) : undefined;
      if (draft) report(draft);
    }
  },
};

function unlinked(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  const { func } = flow.flow;
  const at = placeOf(func, prep);
  const guarded = before(flow, prep);
  if (!guarded.length) return firstInBatch(file, flow, prep) ? { at, message: 'This link timeout is the first of its batch: there is no request before it to guard, and it fails with -EINVAL.' } : undefined;
  const related = [{ at: placeOf(func, guarded[0]!), message: 'the request before it' }];
  if (guarded.every((g) => g.op === 'link_timeout')) return { at, message: 'The request before this link timeout is a link timeout itself: one cannot guard another, and this one fails with -EINVAL.', related };
  if (!guarded.every((g) => isLinked(flow, g) === 'no')) return undefined;
  return {
    at, related, fixes: guarded.length === 1 ? linkIt(file, flow, guarded[0]!) : [],
    message: 'The request before this link timeout does not carry IOSQE_IO_LINK: the timeout fails with -EINVAL, and nothing is guarded.',
  };
}
/** The function made the ring, or has just submitted, and queued nothing since. */
function firstInBatch(file: View, flow: SqeFlow, prep: Prep): boolean {
  const others = (e: SqeEvent) => e.kind === 'queue' || e.kind === 'unseen' || (e.kind === 'prep' && e !== prep);
  if (setupsIn(file, flow.flow.func).length > 0 && !flow.events.some((e) => others(e) && flow.reaches(e, (x) => x === prep))) return true;
  const rings = ringsOf(flow, prep.sqes);
  const ends = (ring: readonly string[]) => mayBeSameRing(ring, rings);
  const submits = flow.of('submit').filter((s) => ends(s.rings) && !makesRoom(flow, s) && flow.reaches(s, (x) => x === prep, (x) => (x.kind === 'queue' && ends(x.rings)) || (x.kind === 'unseen' && mayReach(x, rings)) || (x.kind === 'prep' && x !== prep), { ahead: true }));
  return submits.some((s) => s.block === prep.block);
}

/** The function takes one completion, and two come. */
function oneCompletion(flow: SqeFlow, prep: Prep): Draft | undefined {
  const { func } = flow.flow;
  const rings = ringsOf(flow, prep.sqes);
  if (!rings.length || !before(flow, prep).some((g) => isLinked(flow, g) === 'yes')) return undefined;
  if (flow.of('flags').some((f) => share(f.sqes, prep.sqes) && (f.bits === undefined || f.bits.some((b) => (b & SKIP_SUCCESS) !== 0n)))) return undefined;
  const takes = new Set<number>();
  let more = false;
  let submits = false;
  flow.walk(prep, (e) => {
    if (e.kind === 'submit' && !e.inside && !e.waits) submits = true;
    if (e.kind === 'unseen' || (e.kind === 'reap' && (e.inside || !/^io_uring_(?:wait_cqe|wait_cqe_timeout|peek_cqe|cqe_seen)$/.test(e.call.name)))) more = true;
    if (e.kind === 'reap' && ONE_CQE.test(e.call.name)) {
      takes.add(e.span.start);
      if (flow.reaches(e, (x) => x === e)) more = true;
    }
    return undefined;
  });
  if (!submits || more || takes.size !== 1) return undefined;
  return {
    at: placeOf(func, prep), severity: 'warning',
    message: 'A link timeout posts a completion of its own, so two come; this function takes one, and the next reader of the ring finds the other. Take both, or set IOSQE_CQE_SKIP_SUCCESS.',
  };
}

/** An ordinary timeout in front of a request that it cancels by expiring. */
function cutsChain(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  const { func } = flow.flow;
  const [count, flags] = [prep.call?.args[2], prep.call?.args[3]];
  if (!count || !flags || constant(flow.flow.value(count, prep.memory)) !== 0n) return undefined;
  const bits = integers(flow.flow.value(flags, prep.memory));
  if (!bits || bits.some((b) => (b & ETIME_SUCCESS) !== 0n)) return undefined;
  const linked = flow.of('flags').find((f) => !f.inside && f.how !== 'remove' && share(f.sqes, prep.sqes) && surely(f.bits, LINK) && flow.reaches(prep, (x) => x === f, undefined, { ahead: true }));
  // a hard link holds whatever happens, and a link timeout guards this one
  const holds = flow.of('flags').some((f) => share(f.sqes, prep.sqes) && f.how !== 'remove' && (f.bits === undefined || f.bits.some((b) => (b & HARDLINK) !== 0n)));
  const next = linked && behind(flow, prep);
  if (!next?.length || holds || next.some((n) => n.op === 'link_timeout') || isLinked(flow, prep) !== 'yes') return undefined;
  const zero = bare(flags).kind === 'int';
  const { kernel } = file.target;
  return {
    at: placeOf(func, prep), severity: 'warning',
    message: 'This timeout expires with -ETIME, which counts as a failure and cancels the request linked behind it. Set IORING_TIMEOUT_ETIME_SUCCESS.',
    related: [{ at: placeOf(func, next[0]!), message: 'the request that is cancelled' }],
    fixes: kernel !== undefined && kernel < HAS_ETIME_SUCCESS ? [] : [{
      title: 'Let the expiry count as success',
      edits: [{ place: placeOf(func, flags), text: zero ? 'IORING_TIMEOUT_ETIME_SUCCESS' : `${file.source(placeOf(func, flags))} | IORING_TIMEOUT_ETIME_SUCCESS` }],
      safe: kernel !== undefined,
    }],
  };
}

/** `sqe->flags |= IOSQE_IO_LINK;` behind a preparation; nothing where other flags replace it after that. */
export function linkIt(file: View, flow: SqeFlow, prep: Prep, safe = true): DraftFix[] {
  const { func } = flow.flow;
  const name = sqeName(prep);
  const statement = prep.call?.statement;
  const replaced = flow.of('flags').some((f) => f.how === 'set' && share(f.sqes, prep.sqes) && flow.reaches(prep, (e) => e === f, (e) => takesAnew(e, prep.sqes)));
  if (replaced || !name || !statement || !isInBlock(file, placeOf(func, { span: statement }))) return [];
  const indent = file.indentation(placeOf(func, { span: statement }));
  return [{ title: `Link ${name}`, edits: [insertion(func, statement.end, `\n${indent}${name}->flags |= IOSQE_IO_LINK;`)], safe }];
}
