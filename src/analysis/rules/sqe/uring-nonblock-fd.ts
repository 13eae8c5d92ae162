import { integers } from '../../flow/value';
import { flagState, O_NONBLOCK, originsOf } from '../../idioms/fd-origin';
import { withoutFlag } from '../../idioms/flag-fix';
import { sqeFlow } from '../../idioms/sqe';
import { share, type Prep } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { callsIn, walk, type Call, type Expr, type Func, type Span } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';
import { nonblockInRust } from './uring-nonblock-fd.rust';

const MSG_DONTWAIT = 0x40n;
const RWF_NOWAIT = 8n;
/** From here on requests on non-blocking descriptors are polled inside the kernel. */
const POLLS_INSIDE = 6000;
const OPERATIONS = /^(?:read|readv|recv|recvmsg|accept|send|sendmsg|recv_multishot)$/;
const HANDLES = /\bE(?:AGAIN|WOULDBLOCK)\b/;
const RESULT = /(?:->|\.)\s*res\b/;
/** The descriptor is driven in the usual way too, or the request waits for readiness first. */
const READINESS = /\b(?:epoll_\w+|poll|select|read|recv|recvfrom|accept4?|write|send)\s*\(|POLL_FIRST|io_uring_prep_poll_(?:add|multishot)|libevent|uv_poll/;

export const uringNonblockFd: Rule = {
  info: {
    id: 'uring-nonblock-fd', languages: ['c', 'cpp', 'rust'], severity: 'hint', confidence: 'heuristic',
    summary: 'A request that may not wait completes with -EAGAIN, and nothing handles that.',
  },
  why: 'MSG_DONTWAIT and RWF_NOWAIT make a request complete with -EAGAIN instead of later. On older kernels O_NONBLOCK does too. With io_uring waiting costs nothing: let it wait.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') nonblockInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    const { program } = file;
    if (!program.mentions(func, /io_uring_prep_/)) return;
    const flow = sqeFlow(program, func);
    if (!flow || !flow.of('prep').some((p) => OPERATIONS.test(p.op ?? ''))) return;
    // whoever handles completions elsewhere may know
    if (!program.some('reads results', (f) => program.mentions(f, RESULT)) || program.some('handles EAGAIN', (f) => program.mentions(f, HANDLES) && program.mentions(f, RESULT))) return;
    for (const prep of flow.of('prep')) {
      if (prep.inside || !prep.call) continue;
      const flag = notWaiting(flow, prep);
      if (flag) {
        report({
          at: placeOf(func, { span: flag.span }),
          message: `${flag.name} makes this request complete with -EAGAIN when there is nothing to do yet, and no completion here handles that. Leave it out: the request then completes when it can.`,
          fixes: withoutFlag(file, func, flag.argument, [...walk([flag.argument])].find((e) => e.kind === 'name' && e.name === flag.name), `Leave out ${flag.name}`, false),
        });
      } else if (OPERATIONS.test(prep.op ?? '')) nonBlocking(file, flow, prep, report);
    }
  },
};

function notWaiting(flow: SqeFlow, prep: Prep): { span: Span; name: string; argument: Expr } | undefined {
  const { func } = flow.flow;
  const argument = prep.shape?.flags === undefined ? undefined : prep.call!.args[prep.shape.flags];
  const isMessage = /^(?:recv|send)/.test(prep.op ?? '');
  const isTransfer = /^(?:read|write)v2$/.test(prep.op ?? '');
  if (argument && (isMessage || isTransfer)) {
    const [bit, name] = isMessage ? [MSG_DONTWAIT, 'MSG_DONTWAIT'] as const : [RWF_NOWAIT, 'RWF_NOWAIT'] as const;
    const bits = integers(flow.flow.value(argument, prep.memory));
    if (bits?.length && bits.every((b) => (b & bit) !== 0n)) return { span: named(argument, name), name, argument };
  }
  const field = flow.of('field').find((f) => f.field === 'rw_flags' && !f.inside && f.value && share(f.sqes, prep.sqes) && func === flow.flow.func);
  const bits = field?.value && integers(flow.flow.value(field.value, field.memory));
  return field?.value && bits?.length && bits.every((b) => (b & RWF_NOWAIT) !== 0n) && /^(?:read|write)/.test(prep.op ?? '')
    ? { span: named(field.value, 'RWF_NOWAIT'), name: 'RWF_NOWAIT', argument: field.value } : undefined;
}
function named(e: Expr, name: string): Span {
  return ([...walk([e])].find((n) => n.kind === 'name' && n.name === name) ?? e).span;
}

function nonBlocking(file: View, flow: SqeFlow, prep: Prep, report: Parameters<NonNullable<Rule['check']>>[2]): void {
  const { func } = flow.flow;
  const { program } = file;
  const fd = prep.call!.args[1];
  const origins = fd && originsOf(file, flow.flow, fd, prep.memory);
  if (!fd || !origins?.every((o) => flagState(o, O_NONBLOCK) === 'on' && ['socket', 'pipe', 'terminal', 'file', 'device'].includes(o.kind))) return;
  if (program.functions(READINESS).some((f) => !onlySetsUp(file, f, origins.map((o) => o.call)))) return;
  const maker = origins[0]!;
  const here = callsIn(func).find((c) => c === maker.call);
  const flag = here && [...walk(here.args)].find((n) => n.kind === 'name' && /^(?:SOCK|O)_NONBLOCK$/.test(n.name));
  const { kernel } = file.target;
  report({
    at: placeOf(func, flag ?? fd), severity: kernel !== undefined && kernel < POLLS_INSIDE ? 'warning' : 'hint',
    message: 'The descriptor does not block, so on older kernels requests on it complete with -EAGAIN instead of later, and no completion here handles that. With io_uring it may block.',
    related: flag ? [{ at: placeOf(func, prep), message: 'the request' }] : maker.place && !maker.via.length ? [{ at: maker.place, message: 'made here' }] : [],
  });
}
/** `accept` and `send` may occur as names of preparations only, and an accept4() that made the descriptor does nothing with it. */
function onlySetsUp(file: View, func: Func, makers: readonly (Call | undefined)[]): boolean {
  return !callsIn(func).some((c) => !makers.includes(c) && READINESS.test(`${c.name}(`) || /POLL_FIRST/.test(c.name)) && !file.program.mentions(func, /POLL_FIRST|prep_poll/);
}
