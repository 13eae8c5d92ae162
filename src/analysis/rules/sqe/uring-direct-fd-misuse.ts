import { constant, integers } from '../../flow/value';
import { originsOf } from '../../idioms/fd-origin';
import { mostEntries, neverRegistered, registrationsIn } from '../../idioms/registrations';
import { isLinked, ringsOf } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { share, type Prep } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { flagsAround, flagStore } from '../../idioms/sqe-flags';
import { withoutFlag } from '../../idioms/flag-fix';
import { loopsAround } from '../../idioms/loops';
import { bare, callsIn, statements, walk, walkFunction, type Expr, type Func, type Span } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';

const FIXED_FILE = 1n;
const ALLOC = 0xffffffffn;
const CLOEXEC = 0o2000000n;
/** Where the flags of an operation that opens a direct descriptor are; a socket's are with its type. */
const FLAGS: Record<string, number> = { open_direct: 2, openat_direct: 3, accept_direct: 4, multishot_accept_direct: 4, socket_direct: 2, socket_direct_alloc: 2, pipe_direct: 2 };
/** The first liburing whose headers know IORING_FILE_INDEX_ALLOC there. */
const KNOWS_ALLOC = 2004;
const LINKED_FILE = 5017;
/** Ordinary calls that take a descriptor first. */
const PLAIN = /^(?:p?(?:read|write)v?(?:64)?|close|recv|send|f(?:data)?sync|fstat|ftruncate|lseek|dup|shutdown|bind|listen|accept4?|connect|[gs]etsockopt|getsockname|getpeername)$/;

export const uringDirectFdMisuse: Rule = {
  info: {
    id: 'uring-direct-fd-misuse', languages: ['c', 'cpp'], severity: 'error', confidence: 'certain',
    summary: 'A slot of the ring’s descriptor table is taken for an ordinary descriptor, or made with flags it cannot have.',
  },
  why: 'Direct descriptors live in a table of the ring. Their number means something else as an ordinary descriptor: 0, 1 and 2 are the standard streams. They cannot be inherited, so close-on-exec is refused.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /_direct|register_files|FIXED_FILE/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    const slots: Slot[] = [];
    for (const prep of flow.of('prep')) {
      if (prep.inside || !prep.call || !prep.op?.includes('_direct')) continue;
      for (const draft of [closeOnExec(file, flow, prep), closeFixed(file, flow, prep), noTable(file, flow, prep), allocates(file, flow, prep)]) if (draft) report(draft);
      const slot = slotOf(file, flow, prep);
      if (slot) slots.push(slot);
    }
    for (const prep of flow.of('prep')) {
      const draft = prep.inside || !prep.call ? undefined : plainUse(file, flow, prep, slots) ?? tableIndex(file, flow, prep) ?? fixedOrdinary(file, flow, prep) ?? linkedUse(file, flow, prep, slots);
      if (draft) report(draft);
    }
    plainCalls(file, func, slots, report);
    fromCompletion(file, flow, report);
  },
};

interface Slot { prep: Prep; value: bigint | undefined; name: string | undefined }

/** The slot an operation opens into, where it names one. */
function slotOf(file: View, flow: SqeFlow, prep: Prep): Slot | undefined {
  const e = prep.op === 'close_direct' || prep.shape?.fileIndex === undefined ? undefined : prep.call!.args[prep.shape.fileIndex];
  if (!e) return undefined;
  const value = constant(flow.flow.value(e, prep.memory));
  return value === ALLOC ? undefined : { prep, value, name: value === undefined ? textOf(file, flow.flow.func, e) : undefined };
}
function textOf(file: View, func: Func, e: Expr): string {
  return file.source(placeOf(func, bare(e))).replace(/\s/g, '');
}
function isSlot(file: View, func: Func, e: Expr, slot: Slot): boolean {
  const inner = bare(e);
  if (slot.name !== undefined) return /[a-zA-Z_]/.test(slot.name) && textOf(file, func, inner) === slot.name;
  return inner.kind === 'int' && inner.value === slot.value;
}

function closeOnExec(file: View, { flow }: SqeFlow, prep: Prep): Draft | undefined {
  const position = FLAGS[prep.op!];
  const flags = position === undefined ? undefined : prep.call!.args[position];
  const bits = flags && integers(flow.value(flags, prep.memory));
  if (!flags || !bits?.length || !bits.every((b) => (b & CLOEXEC) !== 0n)) return undefined;
  const name = [...walk([flags])].find((n) => n.kind === 'name' && /^(?:O|SOCK)_CLOEXEC$/.test(n.name));
  return {
    at: placeOf(flow.func, name ?? flags),
    message: 'A direct descriptor is never inherited, and the kernel refuses close-on-exec on it with -EINVAL. Leave the flag out.',
    fixes: name ? withoutFlag(file, flow.func, flags, name, 'Leave out close-on-exec') : [],
  };
}

/** The flag that makes a close look for the slot where it is not. */
function closeFixed(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  if (prep.op !== 'close_direct') return undefined;
  const flags = flagStore(flow, prep, FIXED_FILE);
  if (!flags) return undefined;
  const { func } = flow.flow;
  const name = [...walk([flags.value])].find((n) => n.kind === 'name' && n.name === 'IOSQE_FIXED_FILE') ?? flags.value;
  return {
    at: placeOf(func, name), message: 'io_uring_prep_close_direct() names the slot itself: with IOSQE_FIXED_FILE the request fails with -EBADF.',
    related: [{ at: placeOf(func, prep), message: 'prepared here' }],
    fixes: withoutFlag(file, func, flags.value, name, 'Leave out IOSQE_FIXED_FILE'),
  };
}
function noTable(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  const { func } = flow.flow;
  if (neverRegistered(file, 'files', ringsOf(flow, prep.sqes))) {
    return { at: placeOf(func, { span: prep.call!.nameSpan }), message: 'No descriptor table is registered with this ring: the request fails with -ENXIO. Call io_uring_register_files_sparse() first.' };
  }
  const slot = prep.shape?.fileIndex === undefined ? undefined : prep.call!.args[prep.shape.fileIndex];
  const value = slot && constant(flow.flow.value(slot, prep.memory));
  const count = mostEntries(file, 'files');
  return slot && value !== undefined && value !== ALLOC && count !== undefined && value >= count
    ? { at: placeOf(func, slot), message: `There is no slot ${value}: the table has ${count}, from 0 to ${count - 1n}. The request fails with -EINVAL.` } : undefined;
}

/** Old headers take the value for "no slot". */
function allocates(file: View, { flow }: SqeFlow, prep: Prep): Draft | undefined {
  const { liburing } = file.target;
  const slot = prep.op === 'close_direct' || prep.shape?.fileIndex === undefined ? undefined : prep.call!.args[prep.shape.fileIndex];
  if (!slot || liburing === undefined || liburing >= KNOWS_ALLOC || constant(flow.value(slot, prep.memory)) !== ALLOC) return undefined;
  return {
    at: placeOf(flow.func, slot),
    message: 'Up to liburing 2.3 this function takes IORING_FILE_INDEX_ALLOC for "no slot" and makes an ordinary descriptor. Set sqe->file_index to it behind the preparation instead.',
  };
}

/** A slot given to a request that looks for an ordinary descriptor of that number. */
function plainUse(file: View, flow: SqeFlow, prep: Prep, slots: Slot[]): Draft | undefined {
  const { func } = flow.flow;
  const fd = prep.shape?.fd === undefined || prep.op === 'fixed_fd_install' ? undefined : prep.call!.args[prep.shape.fd];
  const slot = fd && slots.find((s) => s.prep !== prep && isSlot(file, func, fd, s) && flow.reaches(s.prep, (x) => x === prep));
  if (!fd || !slot || isMaybeFixed(flow, prep)) return undefined;
  return {
    at: placeOf(func, fd), message: `This is a slot of the ring's table, but without IOSQE_FIXED_FILE the request goes to the process's descriptor of that number.`,
    related: [{ at: placeOf(func, slot.prep), message: 'the slot is filled here' }],
  };
}
function isMaybeFixed(flow: SqeFlow, prep: Prep): boolean {
  return flow.events.some((e) => (e.kind === 'escape' || e.kind === 'overwrite') && share(e.sqes, prep.sqes))
    || flagsAround(flow, prep).some((f) => f.bits === undefined || f.bits.some((b) => (b & FIXED_FILE) !== 0n));
}

/** An index of the table registered here, given to a request as if it were a descriptor. */
function tableIndex(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  const { func } = flow.flow;
  const fd = prep.shape?.fd === undefined || prep.op === 'fixed_fd_install' ? undefined : prep.call!.args[prep.shape.fd];
  const table = registrationsIn(file, func, 'files').find((r) => r.array !== undefined);
  const count = table?.count;
  if (!fd || !table || count === undefined || table.call.span.start > prep.span.start || isMaybeFixed(flow, prep)) return undefined;
  const inner = bare(fd);
  const literal = inner.kind === 'int' && inner.value >= 0n && inner.value < count;
  const counter = inner.kind === 'name' && loopsAround(func, prep.span).some((l) => l.form === 'for' && l.update?.kind === 'unary' && l.update.operand.kind === 'name' && l.update.operand.id === inner.id);
  if (!literal && !counter) return undefined;
  return {
    at: placeOf(func, fd),
    message: 'This is an index of the registered table, but without IOSQE_FIXED_FILE the request goes to the process’s descriptor of that number: 0, 1 and 2 are the standard streams.',
    related: [{ at: placeOf(func, table.call), message: 'registered here' }],
  };
}

/** What open() or socket() returned, with the flag that has it looked up in the ring's table. */
function fixedOrdinary(file: View, flow: SqeFlow, prep: Prep): Draft | undefined {
  const { func } = flow.flow;
  const fd = prep.shape?.fd === undefined ? undefined : prep.call!.args[prep.shape.fd];
  const flags = fd && flagStore(flow, prep, FIXED_FILE);
  if (!flags || !isSmall(file, flow, prep)) return undefined;
  // `use_fd = registered ? 0 : fd` goes with a flag that is set in the same case
  const value = flow.flow.value(fd, prep.memory);
  const origins = value.unknown || value.atoms.size !== 1 ? undefined : originsOf(file, flow.flow, fd, prep.memory);
  if (!origins?.length || !origins.every((o) => o.call && MAKES.test(o.call.name))) return undefined;
  const maker = origins[0]!;
  return {
    at: placeOf(func, fd), message: `This is a descriptor of the process, and with IOSQE_FIXED_FILE the request goes to the slot of that number in the ring's table. Give it the index in the table, or leave the flag out.`,
    related: [{ at: placeOf(func, flags.value), message: 'the flag' }, ...(maker.place && !maker.via.length ? [{ at: maker.place, message: 'the descriptor is made here' }] : [])],
  };
}
const MAKES = /^(?:open(?:at2?)?(?:64)?|creat(?:64)?|socket|accept4?|eventfd|timerfd_create|memfd_create)$/;
/** Nobody has slots with the numbers of descriptors, which begin behind the standard streams. */
function isSmall(file: View, flow: SqeFlow, prep: Prep): boolean {
  if (file.program.some('updates tables', (f) => file.program.mentions(f, /files_update|register_files_sparse/))) return false;
  const count = mostEntries(file, 'files');
  return (count !== undefined && count <= 3n) || neverRegistered(file, 'files', ringsOf(flow, prep.sqes));
}

/** Before 5.17 the slot is looked up when the chain is submitted, so before it is filled. */
function linkedUse(file: View, flow: SqeFlow, prep: Prep, slots: Slot[]): Draft | undefined {
  const { kernel } = file.target;
  if (kernel === undefined || kernel >= LINKED_FILE) return undefined;
  const { func } = flow.flow;
  const fd = prep.shape?.fd === undefined ? undefined : prep.call!.args[prep.shape.fd];
  const slot = fd && slots.find((s) => s.prep !== prep && isSlot(file, func, fd, s) && isLinked(flow, s.prep) === 'yes' && flow.reaches(s.prep, (x) => x === prep, (x) => x.kind === 'submit', { ahead: true }));
  return slot && {
    at: placeOf(func, fd), message: 'Before Linux 5.17 a chain looks up its descriptors when it is submitted: this slot is still empty then. Submit the open first, and wait for it.',
    related: [{ at: placeOf(func, slot.prep), message: 'filled in the same chain' }],
  };
}

/** The result of the only request here, which opened a slot: the slot's number, or 0 where the request named one. */
function fromCompletion(file: View, flow: SqeFlow, report: (d: Draft) => void): void {
  const { func } = flow.flow;
  const all = flow.of('prep');
  const [open] = all.filter((p) => p.op?.includes('_direct') && p.op !== 'close_direct');
  if (!open?.call || open.inside || all.some((p) => p !== open && p.span.start < open.span.end)) return;
  const named = open.shape?.fileIndex === undefined ? undefined : open.call.args[open.shape.fileIndex];
  const slot = named && constant(flow.flow.value(named, open.memory));
  const allocated = /^(?:multishot_accept_direct|socket_direct_alloc)$/.test(open.op!) || slot === ALLOC;
  if ((!allocated && slot === undefined) || file.program.some('installs', (f) => file.program.mentions(f, /fixed_fd_install/))) return;
  for (const [id, taken] of resultsBehind(func, open.span.end)) {
    const isTaken = (e: Expr | undefined) => e !== undefined && bare(e).kind === 'name' && (bare(e) as { id?: string }).id === id && e.span.start > taken.end;
    for (const prep of all) {
      const fd = prep.inside || prep.shape?.fd === undefined || prep === open ? undefined : prep.call?.args[prep.shape.fd];
      if (!fd || !isTaken(fd) || (allocated && isMaybeFixed(flow, prep))) continue;
      report({
        at: placeOf(func, fd), related: [{ at: placeOf(func, open), message: 'the slot is filled here' }],
        message: allocated ? "This is a slot of the ring's table, but without IOSQE_FIXED_FILE the request goes to the process's descriptor of that number."
          : `The request names slot ${slot} itself, and its result is 0: this is not where the file is. Use ${slot}.`,
      });
    }
    for (const call of callsIn(func)) {
      if (!PLAIN.test(call.name) || call.callee.kind !== 'name' || file.program.defines(call.name) || !isTaken(call.args[0])) continue;
      report({
        at: placeOf(func, call.args[0]!), related: [{ at: placeOf(func, open), message: 'the slot is filled here' }],
        message: `The request fills a slot of the ring's table, and its result is no descriptor of the process: ${call.name}() takes it for one.`,
      });
      break;
    }
  }
}
/** Locals that hold `cqe->res`, and where each got it. */
function resultsBehind(func: Func, from: number): Map<string, Span> {
  const out = new Map<string, Span>();
  const isResult = (e: Expr | undefined) => {
    const inner = e && bare(e);
    return inner?.kind === 'member' && inner.field === 'res' && inner.deref && inner.span.start > from;
  };
  for (const s of statements(func.body)) if (s.kind === 'declare' && isResult(s.init)) out.set(s.local.id, s.span);
  for (const e of walkFunction(func)) {
    const target = e.kind === 'assign' && e.op === '=' && isResult(e.value) ? bare(e.target) : undefined;
    if (target?.kind === 'name' && func.locals.has(target.id)) out.set(target.id, e.span);
  }
  return out;
}

/** `read(slot, …)` and the like. */
function plainCalls(file: View, func: Func, slots: Slot[], report: (d: Draft) => void): void {
  if (!slots.length) return;
  for (const call of callsIn(func)) {
    const fd = call.args[0];
    if (!fd || !PLAIN.test(call.name) || call.callee.kind !== 'name' || file.program.defines(call.name)) continue;
    const slot = slots.find((s) => s.prep.span.end < call.span.start && isSlot(file, func, fd, s));
    if (!slot || file.program.some('installs', (f) => file.program.mentions(f, /fixed_fd_install/))) continue;
    report({
      at: placeOf(func, fd), message: `This is a slot of the ring's table: ${call.name}() takes it for the process's descriptor of that number.`,
      related: [{ at: placeOf(func, slot.prep), message: 'the slot is filled here' }],
    });
  }
}
