/** What events of the control-flow graph mean for sqes and rings. */
import { SQE_SOURCES, SQE_USE, URING_SUBMIT } from '../api/names';
import type { Event } from '../flow/cfg';
import { loadAll, pointees, rootOf, type Memory } from '../flow/memory';
import type { Flow, Program } from '../flow/program';
import { atomId, integers } from '../flow/value';
import { bare, walk, walkFunction, type Call, type Expr, type Func, type Local, type Name, type Span } from '../model';
import { saysAndEnds } from './macro-code';
import { isOutOfTheWay } from './out-of-sight';
import type { Draft, Flags, Prep, SqeEvent } from './sqe-events';
import type { SqeFlow } from './sqe-flow';
import { PREPS, prepName } from './sqe-preps';

const SQE_FIELDS = new Set([
  'opcode', 'flags', 'ioprio', 'fd', 'off', 'addr2', 'cmd_op', 'addr', 'splice_off_in', 'level', 'optname', 'len', 'rw_flags', 'fsync_flags', 'poll_events', 'poll32_events',
  'sync_range_flags', 'msg_flags', 'timeout_flags', 'accept_flags', 'cancel_flags', 'open_flags', 'statx_flags', 'fadvise_advice', 'splice_flags', 'rename_flags',
  'unlink_flags', 'hardlink_flags', 'xattr_flags', 'msg_ring_flags', 'uring_cmd_flags', 'waitid_flags', 'futex_flags', 'install_fd_flags', 'nop_flags', 'pipe_flags',
  'user_data', 'buf_index', 'buf_group', 'personality', 'splice_fd_in', 'file_index', 'optlen', 'addr_len', 'zcrx_ifq_idx', 'addr3', 'optval', 'cmd',
]);
/** Functions of the C library that write to memory, by the argument that points there; and those that only read. */
const WRITES_TO = new Map<string, number>([
  ...['memcpy', 'memmove', 'memset', 'bzero', 'strcpy', 'strncpy', 'strcat', 'strncat', 'strlcpy', 'snprintf', 'sprintf', 'vsnprintf', 'vsprintf', 'fgets', 'fread'].map((n) => [n, 0] as const),
  ...['read', 'pread', 'recv'].map((n) => [n, 1] as const),
]);
const READS_FROM = /^(?:f?printf|f?puts|fwrite|write|pwrite|send|str(?:len|n?cmp|n?casecmp|r?chr|str|dup|to[lduf]\w*)|mem(?:cmp|chr|mem)|ato[ifl]l?)$/;
/** What may move the bytes of a container, or give them back. */
const MOVES = /^(?:resize|reserve|shrink_to_fit|assign|append|push_back|emplace_back|insert|reset)$/;
const FREES = /^(?:free|munmap|delete|g_free|kfree|xfree)$/;
const BLOCKING_REAP = /^io_uring_wait_cqes?(?:_\w+)?$/;
const REAP = /^io_uring_(?:wait_cqes?(?:_\w+)?|peek_cqe|peek_batch_cqe|for_each_cqe|cqe_seen|cq_advance|submit_and_wait\w*|cq_ready|buf_ring_cq_advance|queue_exit)$/;

/** Preparations of a called function that its callers look at. */
const MAX_INNER = 8;

export interface Read { event: Draft<SqeEvent>; span: Span }

/** What a function does to rings its caller knows, and to the sqes it is given or returns; in order, each once. */
export interface FunctionUse { rings: Use[]; params: Map<number, SqeEvent[]>; /** preparations of sqes of its own */ own: Prep[]; flow: SqeFlow }
export interface Use { kind: 'submit' | 'reap' | 'queue' | 'unseen'; keys: readonly string[]; firm: boolean }

export class SqeReader {
  private readonly watches: boolean;

  constructor(private readonly flow: Flow, private readonly program: Program, private readonly useOf: (callee: Func) => FunctionUse | undefined) {
    this.watches = program.mentions(flow.func, /io_uring_prep_/);
  }

  read(event: Event, memory: Memory): Read[] {
    switch (event.kind) {
      case 'call': return [...event.call.args.flatMap((a) => this.packed(a, memory)), ...this.touches(event.call, memory), ...this.call(event.call, memory)];
      case 'store': return [...(event.value ? this.packed(event.value, memory) : []), ...this.stored(event.target, memory), ...this.store(event, memory)];
      case 'declare': return event.init ? [...this.packed(event.init, memory), ...this.rawGet(event.local, event.init, event.local.span, memory)] : [];
      case 'return': return event.value ? [...this.packed(event.value, memory), ...this.escape(event.value, memory)] : [];
      case 'deref': return event.at.kind === 'member' ? [] : this.touch(event.pointer, false, event.at.span, memory);
      case 'compare': case 'streamed': return [];
    }
  }

  private touch(pointer: Expr, writes: boolean, span: Span, memory: Memory): Read[] {
    const bytes = bytesOf(pointer);
    const memories = this.watches ? this.ids(bytes, memory) : [];
    return memories.length ? [{ event: { kind: 'touch', pointer: bytes, memories, writes }, span }] : [];
  }
  private stored(target: Expr, memory: Memory): Read[] {
    const e = bare(target);
    const pointer = e.kind === 'index' ? e.object : e.kind === 'unary' && e.op === '*' ? e.operand : undefined;
    return pointer ? this.touch(pointer, true, e.span, memory) : [];
  }
  private touches(call: Call, memory: Memory): Read[] {
    if (!this.watches || this.program.callee(call)) return [];
    if (call.callee.kind === 'member' && MOVES.test(call.name)) return this.touch(call.callee.object, true, call.span, memory);
    const name = call.name.replace(/^(?:__builtin_|std::)/, '');
    const written = WRITES_TO.get(name);
    return call.args.flatMap((a, i) => (i === written ? this.touch(a, true, a.span, memory) : written !== undefined || READS_FROM.test(name) ? this.touch(a, false, a.span, memory) : []));
  }

  private ids(e: Expr, memory: Memory): string[] {
    return [...this.flow.value(e, memory).atoms.values()].filter((a) => a.kind !== 'int').map(atomId);
  }
  private keys(e: Expr | undefined, memory: Memory): string[] {
    return e ? pointees(this.flow.value(e, memory)) : [];
  }

  private escape(e: Expr, memory: Memory): Read[] {
    return this.isSqe(e, memory) ? [{ event: { kind: 'escape', sqes: this.ids(e, memory) }, span: e.span }] : [];
  }
  /** Sqes that are put into an object, or caught by a lambda, on the way. */
  private packed(e: Expr, memory: Memory): Read[] {
    const inner = bare(e);
    if (inner.kind === 'await') return this.packed(inner.operand, memory);
    if (inner.kind !== 'list' && inner.kind !== 'opaque' && inner.kind !== 'lambda') return [];
    const names = inner.kind === 'lambda' ? [...walkFunction(inner.func)] : [...walk([inner])];
    return names.filter((n) => n.kind === 'name' && this.local(n.id) !== undefined).flatMap((n) => this.escape(n, memory));
  }

  /** A pointer to an sqe: by its type, by where it comes from, or by what else the function does with it. */
  private isSqe(e: Expr, memory: Memory): boolean {
    const inner = bare(e);
    if (inner.kind === 'name') {
      const local = this.local(inner.id);
      if (local?.type === 'io_uring_sqe') return local.pointer;
      if (local && local.type !== 'auto' && !local.type.includes('auto')) return false;
    }
    if (inner.kind === 'call' && SQE_SOURCES.has(inner.name)) return true;
    if (inner.kind === 'name' && this.prepared().has(inner.id)) return true;
    if (inner.kind === 'member' && (this.prepared().has(`.${inner.field}`) || this.program.ownersOf(inner.field).some((o) => this.program.fieldsOf(o).some((f) => f.name === inner.field && f.type === 'io_uring_sqe' && f.pointer)))) return true;
    return [...this.flow.value(inner, memory).atoms.values()].some((a) => a.kind === 'call' && SQE_SOURCES.has(a.call.name));
  }
  /** Variables, and members (`.name`), that preparations are made on. */
  private prepared(): Set<string> {
    if (this.prepares) return this.prepares;
    this.prepares = new Set();
    for (const e of walkFunction(this.flow.func)) {
      const sqe = e.kind === 'call' && SQE_USE.test(e.name) && e.args[0] ? bare(e.args[0]) : undefined;
      if (sqe?.kind === 'name') this.prepares.add(sqe.id);
      else if (sqe?.kind === 'member') this.prepares.add(`.${sqe.field}`);
    }
    return this.prepares;
  }
  private prepares: Set<string> | undefined;
  private local(id: string): Local | undefined {
    for (let f: Func | undefined = this.flow.func; f; f = f.parent) {
      const found = f.locals.get(id);
      if (found) return found;
    }
    return undefined;
  }

  private store(event: Extract<Event, { kind: 'store' }>, memory: Memory): Read[] {
    const target = bare(event.target);
    const statement = event.at.kind === 'assign' ? event.at.statement : undefined;
    if (target.kind === 'member' && SQE_FIELDS.has(target.field)) {
      const object = target.deref ? target.object : addressOf(target.object);
      if (object && this.isSqe(object, memory)) return [{ event: this.fieldStore(target.field, event, this.ids(object, memory), statement, memory), span: event.at.span }];
    }
    if (target.kind === 'unary' && target.op === '*' && this.isSqe(target.operand, memory)) {
      return [{ event: { kind: 'overwrite', cleared: false, sqes: this.ids(target.operand, memory) }, span: event.at.span }];
    }
    if (!event.value) return [];
    if (target.kind === 'name') {
      const local = this.local(target.id);
      if (local) return this.rawGet(local, event.value, event.at.span, memory);
    }
    // kept where others find it
    const keys = this.flow.keys(event.target, memory);
    const outlives = !keys.length || keys.some((k) => !this.local(rootOf(k)) || k.includes('*'));
    return outlives ? this.escape(event.value, memory) : [];
  }

  private fieldStore(field: string, event: Extract<Event, { kind: 'store' }>, sqes: string[], statement: Span | undefined, memory: Memory): Draft<SqeEvent> {
    const { value } = event;
    if (field === 'user_data') return { kind: 'data', sqes, value, inside: false, statement };
    if (field === 'opcode') return { kind: 'prep', sqes, op: opcodeName(value), shape: undefined, call: undefined, byHand: true, inside: false, args: [], fds: [], inner: undefined };
    if (field !== 'flags' || !value) return { kind: 'field', sqes, field, value, inside: false, statement };
    const { how, operand } = combined(event.op, value);
    return { kind: 'flags', sqes, how, bits: operand && integers(this.flow.value(operand, memory)), value: operand, inside: false, statement };
  }

  /** `memcpy(&sqe->user_data, &tag, sizeof(tag))`: a field is stored as bytes. */
  private copiedTo(call: Call, memory: Memory): Read | undefined {
    const to = /^(?:std::|__builtin_)?(?:memcpy|memmove|memset)$/.test(call.name) && call.args[0] ? bare(call.args[0]) : undefined;
    const member = to?.kind === 'unary' && to.op === '&' ? bare(to.operand) : undefined;
    if (member?.kind !== 'member' || !SQE_FIELDS.has(member.field) || member.field === 'opcode') return undefined;
    const object = member.deref ? member.object : addressOf(member.object);
    if (!this.isSqe(object, memory)) return undefined;
    const sqes = this.ids(object, memory);
    // the value is that of bytes elsewhere, but for memset
    const value = call.name.endsWith('memset') ? call.args[1] : undefined;
    const plain = { sqes, value, inside: false, statement: call.statement } as const;
    return { event: member.field === 'user_data' ? { kind: 'data', ...plain } : { kind: 'field', field: member.field, ...plain }, span: call.span };
  }

  /** `sqe = &sqes[index]`: an entry of a ring that is driven by hand. */
  private rawGet(local: Local, value: Expr, span: Span, memory: Memory): Read[] {
    const inner = bare(value);
    if (local.type !== 'io_uring_sqe' || !local.pointer || inner.kind !== 'unary' || inner.op !== '&' || bare(inner.operand).kind !== 'index') return [];
    return [{ event: { kind: 'get', sqes: this.ids(inner, memory), rings: [], call: undefined, inside: false }, span }];
  }

  private call(call: Call, memory: Memory): Read[] {
    const callee = this.program.callee(call);
    if (callee) return this.projectCall(call, callee, memory);
    if (this.program.defines(call.name)) return isOutOfTheWay(call) || saysAndEnds(this.program, call) ? [] : this.unseen(call, memory);
    if (call.callee.kind === 'name' && call.name.startsWith('io_uring_')) return this.apiCall(call, memory);
    const raw = rawEnter(call);
    if (raw) return raw.map((event) => ({ event, span: call.span }));
    if (/^(?:std::)?(?:memcpy|memmove|memset|bzero)$/.test(call.name) && call.args[0] && this.isSqe(call.args[0], memory)) {
      return [{ event: { kind: 'overwrite', cleared: !/cpy|move/.test(call.name), sqes: this.ids(call.args[0], memory) }, span: call.span }];
    }
    const field = this.copiedTo(call, memory);
    if (field) return [field];
    if (FREES.test(call.name) && call.args[0]) return [{ event: { kind: 'freed', memories: this.ids(call.args[0], memory), call }, span: call.span }];
    return isOutOfTheWay(call) || this.onlyMakes(call) ? [] : this.unseen(call, memory);
  }
  /** `new char[n]`, `new Request{…}` of a type whose members are known, and whose constructor, if it is here, knows of no ring. */
  private onlyMakes({ name, made }: Call): boolean {
    if (name !== 'new' || !made) return false;
    if (/^(?:(?:unsigned |signed )?(?:char|int|long|short)|u?int\d+_t|(?:std::)?byte|bool|size_t|iovec|msghdr|(?:std::)?(?:string|vector\b.*|function\b.*))$/.test(made)) return true;
    const own = made.replace(/^.*::/, '');
    const constructor = this.program.functionNamed(own);
    return this.program.fieldsOf(own).length > 0 && (!constructor || !this.program.mentions(constructor, /ring|sqe|cqe|submit|wait/i));
  }

  private apiCall(call: Call, memory: Memory): Read[] {
    const out: Draft<SqeEvent>[] = [];
    const sqe = call.args[call.name === 'io_uring_prep_rw' ? 1 : 0];
    const ids = () => (sqe ? this.ids(sqe, memory) : []);
    if (SQE_SOURCES.has(call.name)) {
      const own = atomId({ kind: 'call', call, place: { base: 0, span: call.span }, via: [] });
      out.push({ kind: 'get', sqes: [own], rings: this.keys(call.args[0], memory), call, inside: false });
    } else if (call.name.startsWith('io_uring_prep_')) {
      const op = prepName(call.name) ?? opcodeName(call.args[0]);
      const shape = op === undefined || call.name === 'io_uring_prep_rw' ? undefined : PREPS.get(op);
      const fd = shape?.fd === undefined ? undefined : call.args[shape.fd];
      out.push({ kind: 'prep', sqes: ids(), op, shape, call, byHand: false, inside: false, args: call.args, fds: fd ? this.ids(fd, memory) : [], inner: undefined });
    } else if (call.name === 'io_uring_sqe_set_flags') {
      const value = call.args[1];
      out.push({ kind: 'flags', sqes: ids(), how: 'set', bits: value && integers(this.flow.value(value, memory)), value, inside: false, statement: call.statement });
    } else if (/^io_uring_sqe_set_data(?:64)?$/.test(call.name)) {
      out.push({ kind: 'data', sqes: ids(), value: call.args[1], inside: false, statement: call.statement });
    } else if (/^io_uring_sqe_set_\w+$/.test(call.name)) {
      out.push({ kind: 'field', sqes: ids(), field: call.name.slice('io_uring_sqe_set_'.length), value: call.args[1], inside: false, statement: call.statement });
    } else if (URING_SUBMIT.has(call.name) || call.name === 'io_uring_sqring_wait') {
      out.push({ kind: 'submit', rings: this.keys(call.args[0], memory), call, inside: false, waits: /_wait/.test(call.name) });
    } else if (/^io_uring_enter2?$/.test(call.name)) {
      out.push({ kind: 'submit', rings: [], call, inside: false, waits: true });
    }
    if (REAP.test(call.name)) out.push({ kind: 'reap', rings: this.keys(call.args[0], memory), call, inside: false, blocks: BLOCKING_REAP.test(call.name) || call.name.startsWith('io_uring_submit_and_wait') });
    return out.map((event) => ({ event, span: call.span }));
  }

  private projectCall(call: Call, callee: Func, memory: Memory): Read[] {
    const use = this.program.callEachOther(this.flow.func, callee) ? undefined : this.useOf(callee);
    if (!use) return this.unseen(call, memory);
    const inner: Draft<SqeEvent>[] = [];
    for (const u of use.rings) {
      const keys = u.keys.flatMap((k) => this.translate(k, call, callee, memory));
      if (u.kind === 'unseen') inner.push({ kind: 'unseen', keys, call, fills: false });
      else if (u.kind === 'submit') inner.push({ kind: 'submit', rings: keys, call, inside: true, waits: u.firm });
      else if (u.kind === 'reap') inner.push({ kind: 'reap', rings: keys, call, inside: true, blocks: u.firm });
      else inner.push({ kind: 'queue', rings: keys, call, inside: true });
    }
    const given = [...use.params].flatMap(([i, events]) => {
      const arg = call.args[i];
      return arg ? events.map((e) => this.onBehalf(e, this.ids(arg, memory), call, callee, use.flow, memory)) : [];
    });
    const returned = this.returned(call, callee, use.flow, memory);
    const queued = returned.length ? [] : use.own.slice(0, MAX_INNER).map((e) => this.onBehalf(e, [], call, callee, use.flow, memory));
    // one that is taken in there and handed back is not the callee's own any more
    const all = returned.length ? inner.filter((e) => e.kind !== 'queue') : inner;
    return [...given, ...queued, ...all, ...returned].map((event) => ({ event, span: call.span }));
  }

  /** Sqes that a function of the file hands back, with what it did to them. */
  private returned(call: Call, callee: Func, own: SqeFlow, memory: Memory): Draft<SqeEvent>[] {
    const summary = this.program.summaryFor(this.flow.func, callee);
    if (!summary) return [];
    return [...summary.returns.atoms.values()].flatMap((a): Draft<SqeEvent>[] => {
      if (a.kind !== 'call' || !SQE_SOURCES.has(a.call.name)) return [];
      const inner = atomId(a);
      const sqes = [atomId({ ...a, via: [call, ...a.via] })];
      const events = own.events.filter((e) => 'sqes' in e && e.sqes.includes(inner));
      const got = events.find((e) => e.kind === 'get');
      const rings = got?.kind === 'get' ? got.rings.flatMap((k) => this.translate(k, call, callee, memory)) : [];
      return [
        { kind: 'get', sqes, rings, call, inside: true },
        ...events.filter((e) => e.kind !== 'get' && e.kind !== 'escape').map((e) => this.onBehalf(e, sqes, call, callee, own, memory)),
      ];
    });
  }

  /** What a called function does to an sqe of the caller's. */
  private onBehalf(e: SqeEvent, sqes: string[], call: Call, callee: Func, flow: SqeFlow, memory: Memory): Draft<SqeEvent> {
    switch (e.kind) {
      case 'prep': {
        const args = e.args.map((a) => argumentFor(a, call, callee));
        const fds = e.fds.flatMap((id) => this.idsInCaller(id, call, callee, memory));
        return { kind: 'prep', sqes, op: e.op, shape: e.shape, call, byHand: e.byHand, inside: true, args, fds, inner: e.inner ?? { prep: e, flow } };
      }
      case 'flags': return { ...e, sqes, value: undefined, inside: true, statement: undefined };
      case 'data': return { kind: 'data', sqes, value: argumentFor(e.value, call, callee), inside: true, statement: undefined };
      case 'field': return { kind: 'field', sqes, field: e.field, value: undefined, inside: true, statement: undefined };
      case 'overwrite': return { kind: 'overwrite', cleared: e.cleared, sqes };
      case 'get': case 'escape': case 'submit': case 'reap': case 'queue': case 'unseen': case 'freed': case 'touch': return { kind: 'escape', sqes };
    }
  }
  /** What a value that the called function was given is called here. */
  private idsInCaller(id: string, call: Call, callee: Func, memory: Memory): string[] {
    if (!id.startsWith('=')) return [];
    const position = callee.params.findIndex((p) => p.id === id.slice(1));
    const arg = position < 0 ? undefined : call.args[position];
    if (arg) return this.ids(arg, memory);
    const keys = this.translate(id.slice(1), call, callee, memory);
    return keys.length ? [...loadAll(memory, keys).atoms.keys()] : [];
  }

  private unseen(call: Call, memory: Memory): Read[] {
    const keys = call.args.flatMap((a) => this.keys(a, memory));
    if (call.callee.kind === 'member') keys.push(...(call.callee.deref ? this.keys(call.callee.object, memory) : this.flow.keys(call.callee.object, memory)));
    const out: Draft<SqeEvent>[] = [{ kind: 'unseen', keys, call, fills: call.callee.kind === 'name' && call.args.some((a) => this.isSqe(a, memory)) }];
    for (const a of call.args) if (this.isSqe(a, memory)) out.push({ kind: 'escape', sqes: this.ids(a, memory) });
    return out.map((event) => ({ event, span: call.span }));
  }

  /** The caller's memory for a key of the callee. */
  private translate(key: string, call: Call, callee: Func, memory: Memory): string[] {
    const root = rootOf(key);
    const steps = key.slice(root.length).match(/\*|\.[^*.]+/g) ?? [];
    const position = callee.params.findIndex((p) => p.id === root);
    if (position < 0) {
      const of = this.program.objectOf(call, callee, key);
      const objects = of && (of.deref ? this.keys(of.object, memory) : this.flow.keys(of.object, memory));
      if (objects) return this.follow(objects, [`.${root}`, ...steps], memory);
      return root.includes('~') ? [] : [key];
    }
    const arg = call.args[position];
    if (!arg) return [];
    if (callee.params[position]!.reference) return this.follow(this.flow.keys(arg, memory), steps[0] === '*' ? steps.slice(1) : steps, memory);
    return steps.shift() === '*' ? this.follow(this.keys(arg, memory), steps, memory) : [];
  }
  private follow(from: string[], steps: string[], memory: Memory): string[] {
    let keys = from;
    for (const step of steps) keys = step === '*' ? pointees(loadAll(memory, keys)) : keys.map((k) => k + step);
    return keys;
  }
}

/** The container whose bytes `x.data()` or `x.get()` is; anything else as it is. */
export function bytesOf(e: Expr): Expr {
  const inner = bare(e);
  return inner.kind === 'call' && inner.callee.kind === 'member' && !inner.args.length && /^(?:data|c_str|get)$/.test(inner.name) ? bare(inner.callee.object) : inner;
}

/** What the caller passes where a called function says one of its parameters; the address of a reference is that of the caller's object. */
function argumentFor(e: Expr | undefined, call: Call, callee: Func): Expr | undefined {
  const inner = e && bare(e);
  const given = (a: Expr, reference: boolean) => call.args[callee.params.findIndex((p) => p.id === (a as Partial<Name>).id && (!reference || p.reference))];
  const referred = inner?.kind === 'unary' && inner.op === '&' ? given(bare(inner.operand), true) : undefined;
  return referred ? addressOf(referred) : inner && given(inner, false);
}
function addressOf(e: Expr): Expr {
  return { kind: 'unary', op: '&', operand: e, span: e.span };
}

/** `flags |= X`, `flags = flags | X`, `flags &= ~X`, `flags = X`. */
function combined(op: string, value: Expr): { how: Flags['how']; operand: Expr | undefined } {
  const v = bare(value);
  if (op === '|' || op === '+') return { how: 'add', operand: v };
  if (op === '&') return { how: 'remove', operand: v.kind === 'unary' && v.op === '~' ? v.operand : undefined };
  if (op !== '=') return { how: 'remove', operand: undefined };
  if (v.kind === 'binary' && (v.op === '|' || v.op === '&')) {
    const [left, right] = [bare(v.left), bare(v.right)];
    const isFlags = (e: Expr) => e.kind === 'member' && e.field === 'flags';
    if (isFlags(left) || isFlags(right)) return combined(v.op, isFlags(left) ? right : left);
  }
  return { how: 'set', operand: v };
}

function opcodeName(e: Expr | undefined): string | undefined {
  const inner = e && bare(e);
  return inner?.kind === 'name' ? /^IORING_OP_(\w+)$/.exec(inner.name)?.[1]?.toLowerCase() : undefined;
}

/** `syscall(__NR_io_uring_enter, …)`, and wrappers that people give the system call's name. */
function rawEnter(call: Call): Draft<SqeEvent>[] | undefined {
  const named = call.name === 'syscall' && call.args[0] !== undefined && [...walk([call.args[0]])].some((e) => e.kind === 'name' && /io_uring_enter/.test(e.name));
  if (!named && !/^(?:sys_|__sys_|__)io_uring_enter2?$/.test(call.name)) return undefined;
  return [{ kind: 'submit', rings: [], call, inside: false, waits: true }, { kind: 'reap', rings: [], call, inside: false, blocks: true }];
}
