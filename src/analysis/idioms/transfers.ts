/** Transfers between a descriptor and memory, whatever the API: what they move, from where, how much, to which offset. */
import type { Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { bare, walkFunction, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { assignmentsTo } from './assignments';

/** An expression at one point of a function. */
export interface Operand { expr: Expr; flow: Flow; memory: Memory }

export interface Transfer {
  /** the call of the function at hand that does it: the transfer itself, or a project function that leads there */
  call: Call;
  /** the transfer itself */
  inner: Call;
  fd: Operand;
  buffer: Operand | undefined;
  length: Operand | undefined;
  offset: Operand | undefined;
  writes: boolean;
}

/** Positions of the arguments; `vector`: the buffer is an array of iovecs, and the length their number. */
interface Shape { fd: number; buffer: number; length: number; offset?: number; vector?: boolean }

const PLAIN: Shape = { fd: 0, buffer: 1, length: 2 };
const AT: Shape = { ...PLAIN, offset: 3 };
const PREPARED: Shape = { fd: 1, buffer: 2, length: 3, offset: 4 };
const SHAPES = new Map<string, Shape>([
  ...['read', 'write'].map((n) => [n, PLAIN] as const),
  ...['pread', 'pwrite', 'pread64', 'pwrite64'].map((n) => [n, AT] as const),
  ...['readv', 'writev'].map((n) => [n, { ...PLAIN, vector: true }] as const),
  ...['preadv', 'pwritev', 'preadv64', 'pwritev64', 'preadv2', 'pwritev2', 'preadv64v2', 'pwritev64v2'].map((n) => [n, { ...AT, vector: true }] as const),
  ...['io_prep_pread', 'io_prep_pwrite', 'io_uring_prep_read', 'io_uring_prep_write', 'io_uring_prep_read_fixed', 'io_uring_prep_write_fixed'].map((n) => [n, PREPARED] as const),
  ...['io_prep_preadv', 'io_prep_pwritev', 'io_prep_preadv2', 'io_prep_pwritev2', 'io_uring_prep_readv', 'io_uring_prep_writev', 'io_uring_prep_readv2', 'io_uring_prep_writev2']
    .map((n) => [n, { ...PREPARED, vector: true }] as const),
]);
const CONTROL_BLOCK = /^aio_(?:read|write)(?:64)?$/;
/** Names that occur in functions with transfers of their own. */
const TRANSFER_NAME = /\b(?:p?(?:read|write)v?(?:64)?2?|io_prep_p\w+|io_uring_prep_(?:read|write)\w*|aio_(?:read|write)\w*)\s*\(/;
const MAX_DEPTH = 3;

/** The transfers of a function, and those of functions of the project that it hands a descriptor, buffer or length. */
export function transfersOf(file: View, func: Func): Transfer[] {
  return transfers(file, func, 0);
}
function transfers(file: View, func: Func, depth: number): Transfer[] {
  const { program } = file;
  return program.memo.derived(func, depth === 0 ? 'transfers' : `transfers, ${depth} down`, () => {
    const flow = leadsToTransfer(file, func, depth) ? program.flow(func) : undefined;
    if (!flow) return [];
    const out: Transfer[] = [];
    flow.replay((event, memory) => {
      if (event.kind !== 'call') return;
      const { call } = event;
      const callee = program.callee(call);
      if (callee) {
        if (depth < MAX_DEPTH && !program.callEachOther(func, callee)) for (const t of transfers(file, callee, depth + 1)) out.push(...passedOn(t, callee, call, { flow, memory }));
      } else if (call.callee.kind === 'name' && !call.macro) out.push(...own(call, flow, memory));
    });
    return out;
  });
}

/** Whether a look at the names says that it may: following values is dear. */
function leadsToTransfer(file: View, func: Func, depth: number): boolean {
  const { program } = file;
  return program.memo.derived(func, `leads to transfers, ${depth} down`, () => {
    if (program.mentions(func, TRANSFER_NAME)) return true;
    if (depth >= MAX_DEPTH) return false;
    for (const e of walkFunction(func)) {
      const callee = e.kind === 'call' ? program.callee(e) : undefined;
      if (callee && callee !== func && !program.callEachOther(func, callee) && leadsToTransfer(file, callee, depth + 1)) return true;
    }
    return false;
  });
}

function own(call: Call, flow: Flow, memory: Memory): Transfer[] {
  const operand = (expr: Expr | undefined): Operand | undefined => expr && { expr, flow, memory };
  const common = { call, inner: call, writes: /write/.test(call.name) };
  const block = call.args[0];
  if (CONTROL_BLOCK.test(call.name) && block) {
    const field = (name: string): Operand => ({ expr: stored(block, name, flow), flow, memory });
    return [{ ...common, fd: field('aio_fildes'), buffer: field('aio_buf'), length: field('aio_nbytes'), offset: field('aio_offset') }];
  }
  const shape = SHAPES.get(call.name);
  const fd = shape && operand(call.args[shape.fd]);
  if (!shape || !fd || call.args.length <= shape.length) return [];
  const offset = shape.offset === undefined ? undefined : operand(call.args[shape.offset]);
  const buffer = call.args[shape.buffer]!;
  if (!shape.vector) return [{ ...common, fd, buffer: operand(buffer), length: operand(call.args[shape.length]), offset }];
  return vectors(buffer, flow).map((v) => ({ ...common, fd, buffer: operand(v.base), length: operand(v.length), offset }));
}

/** `(block)->field`, or what the function stores in that field where it does so once. */
function stored(block: Expr, name: string, flow: Flow): Expr {
  const all = assignmentsTo(flow.func, `.${name}`);
  return (all.length === 1 && all[0]!.op === '=' && all[0]!.value) || member(block, name);
}

/** Bases and lengths of an iovec or an array of them, as far as the function itself fills them in. */
function vectors(iov: Expr, flow: Flow): { base: Expr | undefined; length: Expr | undefined }[] {
  const e = bare(iov);
  const array = bare(e.kind === 'unary' && e.op === '&' ? e.operand : e);
  const root = array.kind === 'index' ? bare(array.object) : array;
  const key = written(root);
  if (key === undefined) return [];
  const out: { base: Expr | undefined; length: Expr | undefined }[] = [];
  for (const { value } of assignmentsTo(flow.func, root.kind === 'member' ? `.${root.field}` : key)) {
    if (value?.kind !== 'list') continue;
    const nested = value.items.filter((i) => i.value.kind === 'list');
    for (const list of nested.length ? nested.map((i) => i.value) : [value]) {
      if (list.kind !== 'list' || list.items.length !== 2) continue;
      const item = (field: string, index: number) => (list.items.find((i) => i.field === field) ?? (list.items[index]!.field === undefined ? list.items[index] : undefined))?.value;
      out.push({ base: item('iov_base', 0), length: item('iov_len', 1) });
    }
  }
  if (out.length) return out;
  const own = (field: string) => assignmentsTo(flow.func, `.${field}`).filter((a) => a.op === '=' && a.at.kind === 'assign' && a.at.target.kind === 'member' && written(bare(a.at.target.object)) === key);
  const bases = own('iov_base');
  const lengths = own('iov_len');
  // filled in elsewhere
  if (!bases.length && !lengths.length) return [{ base: member(iov, 'iov_base'), length: member(iov, 'iov_len') }];
  return [...bases.map((a) => ({ base: a.value, length: undefined })), ...lengths.map((a) => ({ base: undefined, length: a.value }))];
}
/** How a variable or member is written, elements of an array like the array; undefined for anything else. */
function written(e: Expr): string | undefined {
  const inner = bare(e);
  if (inner.kind === 'name') return inner.id;
  if (inner.kind === 'index') return written(inner.object);
  if (inner.kind === 'unary' && (inner.op === '*' || inner.op === '&')) return written(inner.operand);
  const object = inner.kind === 'member' ? written(inner.object) : undefined;
  return inner.kind === 'member' && object !== undefined ? `${object}.${inner.field}` : undefined;
}
function member(object: Expr, name: string): Expr {
  return { kind: 'member', object, field: name, deref: true, fieldSpan: object.span, span: object.span };
}

/** A callee's transfer in terms of the caller; none where nothing of it comes from the caller. */
function passedOn(t: Transfer, callee: Func, call: Call, at: { flow: Flow; memory: Memory }): Transfer[] {
  let mapped = false;
  const map = (o: Operand): Operand => {
    const i = o.flow.func === callee ? parameterIn(o) : -1;
    const arg = i < 0 ? undefined : call.args[i];
    if (!arg) return o;
    mapped = true;
    return { expr: arg, ...at };
  };
  const out: Transfer = { ...t, call, fd: map(t.fd), buffer: t.buffer && map(t.buffer), length: t.length && map(t.length), offset: t.offset && map(t.offset) };
  return mapped ? [out] : [];
}
/** The parameter an operand begins as; what a loop has moved on from there does not count. */
export function parameterIn({ expr, flow, memory }: Operand): number {
  let e = bare(expr);
  // the first turn begins at the base
  if (e.kind === 'binary' && e.op === '+' && flow.func.params.some((p) => p.pointer)) e = bare(e.left);
  const { params } = flow.func;
  const direct = e.kind === 'name' ? params.findIndex((p) => p.id === (e as { id: string }).id) : -1;
  if (direct >= 0) return assignmentsTo(flow.func, params[direct]!.id).every((a) => a.op === '+' || a.op === '-') ? direct : -1;
  const value = flow.value(e, memory);
  if (value.atoms.size !== 1 || value.unknown) return -1;
  const atom = [...value.atoms.values()][0]!;
  return atom.kind === 'initial' ? params.findIndex((p) => p.id === atom.key) : -1;
}
