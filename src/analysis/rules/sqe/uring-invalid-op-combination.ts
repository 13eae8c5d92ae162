import { flagState, O_CREAT, originsOf } from '../../idioms/fd-origin';
import { withoutFlag } from '../../idioms/flag-fix';
import { within } from '../../idioms/loops';
import { ringsOf, sqeName } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { DRAIN, share, SKIP_SUCCESS, surely, type Flags, type Prep } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { flagStore, hasFlag } from '../../idioms/sqe-flags';
import { PREPS } from '../../idioms/sqe-preps';
import { SYSTEM_CONSTANTS } from '../../flow/system-constants';
import { constant, integers } from '../../flow/value';
import { bare, callsIn, statements, walk, type Expr, type Func, type Span } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type Draft, type DraftFix, type Rule, type View } from '../rule';
import { invalidCombinationInRust } from './uring-invalid-op-combination.rust';

const FIXED_FILE = SYSTEM_CONSTANTS.get('IOSQE_FIXED_FILE')!;
const BUFFER_SELECT = SYSTEM_CONSTANTS.get('IOSQE_BUFFER_SELECT')!;
const MSG_WAITALL = SYSTEM_CONSTANTS.get('MSG_WAITALL')!;
const [ABS, BOOTTIME, REALTIME, MULTISHOT] = ['ABS', 'BOOTTIME', 'REALTIME', 'MULTISHOT'].map((n) => SYSTEM_CONSTANTS.get(`IORING_TIMEOUT_${n}`)!) as [bigint, bigint, bigint, bigint];
const MAX_BUFFERS = 32768n;

/** Operations that take a buffer of a group, now or on some kernel to come. */
const SELECTS = /^(?:readv?2?|recv|recvmsg|send|sendmsg|uring_cmd\w*|cmd_\w+|\w+_multishot|provide_buffers)$/;
const OTHERS = /^(?:nop|poll_remove|cancel\w*|async_cancel|madvise|timeout_remove|remove_buffers|msg_ring\w*)$/;
/** The first kernel on which a send may take one. */
const SEND_SELECTS = 6010;
/** Operations that name files by path, or a descriptor to close: a slot of the table is nothing to them. */
const BY_PATH = /^(?:open(?:at2?)?(?:_direct)?|close|statx|rename(?:at)?|unlink(?:at)?|mkdir(?:at)?|symlink(?:at)?|link(?:at)?)$/;
const ZERO_COPY = /^send(?:msg)?_zc(?:_fixed)?$/;
/** The kernel where a length of its own stopped being refused. */
const LENGTH_ALLOWED = 6015;
/** Flags in `ioprio` that make multishot requests of plain ones. */
const IN_IOPRIO = /^IORING_(?:RECV|ACCEPT)_MULTISHOT$/;

export const uringInvalidOpCombination: Rule = {
  info: {
    id: 'uring-invalid-op-combination', languages: ['c', 'cpp', 'rust'], severity: 'error', confidence: 'certain', refused: true,
    summary: 'An operation and flags or arguments that the kernel refuses together.',
  },
  why: 'The kernel checks what goes together when it takes the request: what does not fails with -EINVAL, -EOPNOTSUPP or -EBADF in its completion, every time.',
  families: ['liburing', 'raw-io-uring', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') invalidCombinationInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust' || func.damaged || !file.program.mentions(func, /io_uring_|IORING_OP_|ring_entries/)) return;
    bufferRings(file, func, report);
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const prep of flow.of('prep')) {
      const op = operation(flow, prep);
      if (op === undefined) continue;
      const drafts = [noGroup(file, flow, prep, op), groupRefused(file, flow, prep, op), quiet(file, flow, prep, op), slot(file, flow, prep, op), ...(prep.inside ? [] : ofArguments(file, flow, prep, op))];
      for (const draft of drafts) if (draft) report(draft);
    }
    const drain = drains(flow);
    if (drain) report(drain);
  },
};

/** `recv_multishot` too where the flag is put into `ioprio`. */
function operation(flow: SqeFlow, prep: Prep): string | undefined {
  const { op } = prep;
  if (op === undefined || !/^(?:recv|recvmsg|accept)$/.test(op)) return op;
  const flags = flow.of('field').find((f) => f.field === 'ioprio' && f.value && share(f.sqes, prep.sqes) && flow.reaches(prep, (x) => x === f, undefined, { ahead: true }));
  const name = flags?.value && [...walk([flags.value])].find((e) => e.kind === 'name' && IN_IOPRIO.test(e.name));
  return !name ? op : op === 'accept' ? 'multishot_accept' : `${op}_multishot`;
}
/** The sqe is taken in this function, so that all its flags are in sight. */
function isTakenHere(flow: SqeFlow, prep: Prep): boolean {
  return flow.of('get').some((g) => share(g.sqes, prep.sqes)) && flow.of('prep').every((p) => p === prep || !share(p.sqes, prep.sqes));
}
function placeOfFlag(func: Func, flags: Flags & { value: Expr }, name: string): Expr {
  return [...walk([flags.value])].find((e) => e.kind === 'name' && e.name === name) ?? flags.value;
}

/** Multishot receives take their buffers from a group only. */
function noGroup(file: View, flow: SqeFlow, prep: Prep, op: string): Draft | undefined {
  const { func } = flow.flow;
  // which sets the flag itself
  if (prep.call?.name === 'io_uring_prep_read_multishot') return undefined;
  if (!/^(?:recv|recvmsg|read)_multishot$/.test(op) || !isTakenHere(flow, prep) || hasFlag(flow, prep, BUFFER_SELECT) !== 'no') return undefined;
  const called = prep.call && { span: prep.call.nameSpan };
  return {
    at: placeOf(func, called ?? prep), fixes: selectIt(file, flow, prep),
    message: 'A multishot receive takes its buffers from a group: without IOSQE_BUFFER_SELECT the kernel answers -EINVAL. Set the flag, and buf_group.',
  };
}
/** Whoever names the group has only forgotten the flag. */
function selectIt(file: View, flow: SqeFlow, prep: Prep): DraftFix[] {
  const { func } = flow.flow;
  const [name, statement] = [sqeName(prep), prep.call?.statement];
  const group = flow.of('field').some((f) => f.field === 'buf_group' && share(f.sqes, prep.sqes));
  if (!group || !name || !statement || !isInBlock(file, placeOf(func, { span: statement }))) return [];
  const indent = file.indentation(placeOf(func, { span: statement }));
  return [{ title: 'Take a buffer of the group', edits: [insertion(func, statement.end, `\n${indent}${name}->flags |= IOSQE_BUFFER_SELECT;`)], safe: false }];
}

function groupRefused(file: View, flow: SqeFlow, prep: Prep, op: string): Draft | undefined {
  // requests on registered buffers are another rule's
  if (prep.shape?.bufferIndex !== undefined || !(PREPS.has(op) || OTHERS.test(op))) return undefined;
  const { kernel } = file.target;
  const old = /^send(?:msg)?$/.test(op) && kernel !== undefined && kernel < SEND_SELECTS;
  const flags = SELECTS.test(op) && !old ? undefined : flagStore(flow, prep, BUFFER_SELECT);
  if (!flags) return undefined;
  const { func } = flow.flow;
  return {
    at: placeOf(func, placeOfFlag(func, flags, 'IOSQE_BUFFER_SELECT')), related: [{ at: placeOf(func, prep), message: 'prepared here' }],
    message: `${old ? 'Before Linux 6.10 a send' : `The operation ${op}`} takes no buffer of a group: with IOSQE_BUFFER_SELECT the kernel answers -EOPNOTSUPP.`,
  };
}

function quiet(file: View, flow: SqeFlow, prep: Prep, op: string): Draft | undefined {
  const flags = ZERO_COPY.test(op) ? flagStore(flow, prep, SKIP_SUCCESS) : undefined;
  if (!flags) return undefined;
  const { func } = flow.flow;
  const name = placeOfFlag(func, flags, 'IOSQE_CQE_SKIP_SUCCESS');
  return {
    at: placeOf(func, name), related: [{ at: placeOf(func, prep), message: 'prepared here' }],
    message: 'A zero-copy send always posts its completions: with IOSQE_CQE_SKIP_SUCCESS the kernel answers -EINVAL.',
    fixes: withoutStore(file, func, flags, name),
  };
}
/** The whole statement where it does nothing else. */
function withoutStore(file: View, func: Func, flags: Flags & { value: Expr }, name: Expr): DraftFix[] {
  const title = 'Leave out IOSQE_CQE_SKIP_SUCCESS';
  const { statement } = flags;
  if (bare(flags.value) !== name || !statement || flags.how !== 'add' || !isInBlock(file, placeOf(func, { span: statement }))) return withoutFlag(file, func, flags.value, name, title);
  const before = file.source(placeOf(func, { span: { start: 0, end: statement.start } }));
  return [{ title, safe: true, edits: [{ place: placeOf(func, { span: { start: before.trimEnd().length, end: statement.end } }), text: '' }] }];
}

function slot(file: View, flow: SqeFlow, prep: Prep, op: string): Draft | undefined {
  const flags = BY_PATH.test(op) ? flagStore(flow, prep, FIXED_FILE) : undefined;
  if (!flags) return undefined;
  const { func } = flow.flow;
  const name = placeOfFlag(func, flags, 'IOSQE_FIXED_FILE');
  return {
    at: placeOf(func, name), related: [{ at: placeOf(func, prep), message: 'prepared here' }],
    message: `The operation ${op} takes no slot of the descriptor table: with IOSQE_FIXED_FILE the kernel answers -EBADF.${op === 'close' ? ' io_uring_prep_close_direct() closes a slot.' : ''}`,
    fixes: op === 'close' ? [] : withoutFlag(file, func, flags.value, name, 'Leave out IOSQE_FIXED_FILE', false),
  };
}

function* ofArguments(file: View, flow: SqeFlow, prep: Prep, op: string): Generator<Draft | undefined> {
  const { func } = flow.flow;
  const args = prep.call?.args ?? [];
  const at = (e: Expr) => placeOf(func, e);
  const bits = (e: Expr | undefined) => (e ? integers(flow.flow.value(e, prep.memory)) : undefined);
  // -1 is there to see the call refused
  const has = (e: Expr | undefined, ...masks: bigint[]) => (e && bits(e)?.length && bits(e)!.every((b) => b >= 0n && masks.every((m) => (b & m) !== 0n)) ? e : undefined);
  const named = (e: Expr, name: string) => [...walk([e])].find((n) => n.kind === 'name' && n.name === name) ?? e;
  if (/^recv(?:msg)?_multishot$/.test(op)) {
    const flags = has(args[prep.shape?.flags ?? -1], MSG_WAITALL);
    if (flags) yield { at: at(named(flags, 'MSG_WAITALL')), message: 'A multishot receive cannot wait for all: with MSG_WAITALL the kernel answers -EINVAL.', fixes: withoutFlag(file, func, flags, named(flags, 'MSG_WAITALL'), 'Leave out MSG_WAITALL', false) };
    const { kernel } = file.target;
    if (op === 'recv_multishot' && kernel !== undefined && kernel < LENGTH_ALLOWED && args[3] && bits(args[3])?.every((n) => n !== 0n)) {
      yield { at: at(args[3]), message: 'Up to Linux 6.14 a multishot receive takes its length from the buffers of its group: with one of its own the kernel answers -EINVAL. Pass 0.' };
    }
  }
  if (prep.call?.name === 'io_uring_prep_read_multishot') {
    if (args[2] && bits(args[2])?.every((n) => n !== 0n)) yield { at: at(args[2]), message: 'A multishot read takes its length from the buffers of its group: with one of its own the kernel answers -EINVAL. Pass 0.' };
    const origins = args[1] && originsOf(file, flow.flow, args[1], prep.memory);
    if (origins?.every((o) => o.kind === 'memory file' || (o.kind === 'file' && flagState(o, O_CREAT) === 'on'))) {
      yield { at: at(args[1]!), message: 'A multishot read needs a file that can be polled, such as a pipe: on a regular file the kernel answers -EBADFD.', related: origins[0]?.place && !origins[0].via.length ? [{ at: origins[0].place, message: 'opened here' }] : [] };
    }
  }
  const clock = /^(?:link_)?timeout(?:_update)?$/.test(op) ? args[prep.shape?.flags ?? -1] : undefined;
  if (has(clock, BOOTTIME, REALTIME)) yield { at: at(clock!), message: 'A timeout has one clock: IORING_TIMEOUT_BOOTTIME and IORING_TIMEOUT_REALTIME together are refused with -EINVAL.' };
  if (has(clock, MULTISHOT, ABS)) yield { at: at(clock!), message: 'A timeout that repeats has no absolute time: IORING_TIMEOUT_MULTISHOT and IORING_TIMEOUT_ABS together are refused with -EINVAL.' };
  if (/^multishot_accept(?:_direct)?$/.test(op) && args[2] && isAddress(func, args[2])) {
    yield { at: at(bare(args[2])), severity: 'warning', message: 'Every connection writes its address over the one before: with several accepted before you look, this is that of the last. Pass NULL, and ask getpeername().' };
  }
}
function isAddress(func: Func, e: Expr): boolean {
  const inner = bare(e);
  return (inner.kind === 'unary' && inner.op === '&') || (inner.kind === 'name' && (func.locals.get(inner.id)?.array ?? false));
}

/** A request that drains behind one without a completion, on the same ring: from then on the kernel refuses to drain. */
function drains(flow: SqeFlow): Draft | undefined {
  const { func } = flow.flow;
  const stores = flow.of('flags').filter((f): f is Flags & { value: Expr } => !f.inside && f.value !== undefined && f.how !== 'remove');
  for (const drain of stores) {
    if (!surely(drain.bits, DRAIN)) continue;
    const rings = ringsOf(flow, drain.sqes);
    const skips = flow.of('flags').find((f) => f.how !== 'remove' && surely(f.bits, SKIP_SUCCESS)
      && (f === drain || share(f.sqes, drain.sqes) || (rings.length > 0 && share(ringsOf(flow, f.sqes), rings))) && (f === drain || (!isApart(func, f.span, drain.span) && flow.reaches(f, (x) => x === drain, undefined, { ahead: true }))));
    if (!skips) continue;
    return {
      at: placeOf(func, placeOfFlag(func, drain, 'IOSQE_IO_DRAIN')), related: [{ at: placeOf(func, skips), message: 'used here' }],
      message: 'A ring that used IOSQE_CQE_SKIP_SUCCESS can no longer drain: with IOSQE_IO_DRAIN the kernel answers -EOPNOTSUPP.',
    };
  }
  return undefined;
}

/** One of the two depends on a condition that the other does not: the conditions may exclude each other. */
function isApart(func: Func, a: Span, b: Span): boolean {
  return [...statements(func.body)].some((s) => (s.kind === 'if' || s.kind === 'switch') && within(a, s.span) !== within(b, s.span));
}

/** Rings of buffers have a power of two of them. */
function bufferRings(file: View, func: Func, report: (draft: Draft) => void): void {
  if (!file.program.mentions(func, /io_uring_setup_buf_ring|ring_entries/)) return;
  const refused = (e: Expr | undefined, n: bigint | undefined): void => {
    if (!e || n === undefined || (n > 0n && n <= MAX_BUFFERS && (n & (n - 1n)) === 0n)) return;
    report({ at: placeOf(func, e), message: `A ring of buffers has a power of two of them, and at most ${MAX_BUFFERS}: ${n} are refused with -EINVAL.` });
  };
  const flow = file.program.flow(func);
  const calls = new Set(callsIn(func).filter((c) => c.name === 'io_uring_setup_buf_ring' && !file.program.defines(c.name)));
  flow?.replay((event, memory) => {
    if (event.kind === 'call' && calls.has(event.call)) refused(event.call.args[1], event.call.args[1] && constant(flow.value(event.call.args[1], memory)));
    if (event.kind === 'store' && event.op === '=' && event.value && event.target.kind === 'member' && event.target.field === 'ring_entries') refused(event.value, constant(flow.value(event.value, memory)));
    if (event.kind === 'declare' && event.local.type === 'io_uring_buf_reg' && event.init?.kind === 'list') {
      const item = event.init.items.find((i) => i.field === 'ring_entries');
      // 0 stands for what is set later
      const n = item && constant(flow.value(item.value, memory));
      if (n !== 0n) refused(item?.value, n);
    }
  });
}
