import { integers } from '../../flow/value';
import { behind, linkFlag, setsLink } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { HARDLINK, share, type Flags, type Prep } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { readsCqe } from '../../idioms/declared-type';
import { bare, type Expr } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';

const MSG_WAITALL = 0x100n;
const SENDS = /^(?:send|sendmsg|send_zc|sendmsg_zc)$/;
const READS = /^(?:read|readv|readv2|read_fixed|splice)$/;
const USES = /^(?:write|writev|writev2|write_fixed|send|sendmsg|send_zc|splice)$/;

export const uringLinkShortTransfer: Rule = {
  info: {
    id: 'uring-link-short-transfer', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic',
    summary: 'A linked transfer may be short: the chain breaks, or goes on, where the code does not expect it.',
  },
  why: 'A short read breaks a chain like an error, and what is linked behind it completes with -ECANCELED. A partial send does not break it unless MSG_WAITALL is set: what follows overtakes the rest of the data.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /LINK/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const prep of flow.of('prep')) {
      if (prep.inside || !prep.call || !prep.op) continue;
      const link = flow.of('flags').find((f) => setsLink(f) && share(f.sqes, prep.sqes) && flow.reaches(prep, (x) => x === f, (x) => x.kind === 'get', { ahead: true }));
      if (!link) continue;
      const next = behind(flow, prep);
      const draft = next.length ? partialSend(file, flow, prep, link, next) ?? shortReceive(file, flow, prep, link, next) ?? shortRead(file, flow, prep, link, next) : undefined;
      if (draft) report(draft);
    }
  },
};

function argument(prep: Prep, position: number | undefined): Expr | undefined {
  return position === undefined ? undefined : prep.call?.args[position];
}
function text(file: View, flow: SqeFlow, e: Expr | undefined): string {
  return e ? file.source(placeOf(flow.flow.func, e)).replace(/\s/g, '') : '';
}

/** A send that may be cut short in front of another on the same socket. */
function partialSend(file: View, flow: SqeFlow, prep: Prep, link: Flags, next: Prep[]): Draft | undefined {
  const { func } = flow.flow;
  if (!SENDS.test(prep.op!)) return undefined;
  const socket = text(file, flow, argument(prep, 1));
  const follower = next.find((n) => n.op !== undefined && SENDS.test(n.op) && text(file, flow, argument(n, 1)) === socket);
  const flags = argument(prep, prep.shape?.flags);
  if (!follower || !flags || !integers(flow.flow.value(flags, prep.memory))?.every((f) => (f & MSG_WAITALL) === 0n)) return undefined;
  const zero = bare(flags).kind === 'int';
  return {
    at: placeOf(func, { span: linkFlag(link) }),
    message: 'A partial send does not break this chain: the next send goes out before the rest of this one. Add MSG_WAITALL, so that it runs only after all of the data.',
    related: [{ at: placeOf(func, follower), message: 'the send that would overtake' }],
    fixes: [{ title: 'Add MSG_WAITALL', edits: [{ place: placeOf(func, flags), text: zero ? 'MSG_WAITALL' : `${text(file, flow, flags)} | MSG_WAITALL` }], safe: true }],
  };
}

/** A receive in front of a request that passes on as many bytes as were asked for, not as many as came. */
function shortReceive(file: View, flow: SqeFlow, prep: Prep, link: Flags, next: Prep[]): Draft | undefined {
  const { func } = flow.flow;
  if (prep.op !== 'recv') return undefined;
  const same = (n: Prep, part: 'buffer' | 'length'): boolean => {
    const own = text(file, flow, argument(prep, prep.shape?.[part]));
    return own !== '' && own !== '0' && own !== 'NULL' && text(file, flow, argument(n, n.shape?.[part])) === own;
  };
  const follower = next.find((n) => n.op !== undefined && USES.test(n.op) && same(n, 'buffer') && same(n, 'length'));
  const flags = argument(prep, prep.shape?.flags);
  if (!follower || !flags || !integers(flow.flow.value(flags, prep.memory))?.every((f) => (f & MSG_WAITALL) === 0n)) return undefined;
  return {
    at: placeOf(func, { span: linkFlag(link) }),
    message: 'A receive that brings less does not break this chain: what is linked behind it passes on the whole length, with old bytes at its end. Queue it from the completion, with the length that came.',
    related: [{ at: placeOf(func, follower), message: 'the request that passes on too much' }],
  };
}

/** A read that what follows depends on, and nobody thinks of -ECANCELED. */
function shortRead(file: View, flow: SqeFlow, prep: Prep, link: Flags, next: Prep[]): Draft | undefined {
  const { program } = file;
  if (!READS.test(prep.op!) || link.bits?.some((b) => (b & HARDLINK) !== 0n) || !next.some((n) => n.op !== undefined && USES.test(n.op))) return undefined;
  if (program.some('ECANCELED', (f) => program.mentions(f, /ECANCELED|errno|strerror|st_size|stx_size/))) return undefined;
  if (!program.some('reads results of cqes', (f) => readsCqe(file, f, 'res'))) return undefined;
  return {
    at: placeOf(flow.flow.func, { span: linkFlag(link) }),
    message: 'A short read breaks this chain: what is linked behind it completes with -ECANCELED, which nothing here handles.',
    related: [{ at: placeOf(flow.flow.func, next[0]!), message: 'the request that is cancelled' }],
  };
}
