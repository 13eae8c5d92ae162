import { blockValue, declarationOf, hasAttribute, localOf, plain, rustCalls, scopeOf, usesOf, type Use } from '../../idioms/rust-code';
import { entriesOf, pushesOf, reapsOf, ringKey, setUpsOf, submitsOf, type Entry } from '../../idioms/rust-uring';
import { isWithin, statements, walk, walkFunction, type Call, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Rule } from '../rule';

/** Operations whose pointers the kernel uses until the completion; it copies what the others point to when they are submitted. */
const UNTIL_COMPLETION = new Set(['Read', 'Write', 'ReadFixed', 'WriteFixed', 'Recv', 'Send', 'SendZc', 'Readv', 'Writev', 'RecvMsg', 'SendMsgZc', 'Accept', 'Statx', 'EpollWait', 'FutexWait', 'GetSockOpt']);
/** Arguments of `new` that are buffers: the rest are lengths, descriptors and flags. */
const POINTER = /^(?:as_mut_ptr|as_ptr|cast|as_mut_slice)$/;
const OWNS = /^(?:std::)?(?:vec::)?(?:Vec|String|Box|CString|std::ffi::CString|ffi::CString|bytes::BytesMut|BytesMut|alloc::vec::Vec)(?:::|$)/;
const REALLOCATES = /^(?:push|push_str|extend|extend_from_slice|resize|resize_with|reserve|reserve_exact|append|insert|shrink_to_fit|put_slice)$/;

export const rustUringPushBufferLifetime: Rule = {
  info: {
    id: 'rust-uring-push-buffer-lifetime', languages: ['rust'], severity: 'error', confidence: 'likely', memorySafety: true,
    summary: 'The kernel gets a pointer into something that is gone before the operation completes.',
  },
  why: 'SubmissionQueue::push() is unsafe because whoever calls it promises that buffers and parameters live until the completion. A local that ends earlier leaves the kernel with a pointer into memory that is used for something else by then.',
  families: ['io-uring-crate'],
  checkFile(file, report) {
    for (const func of file.program.functions(/\bopcode\b|::new\s*\(/)) {
      if (func.damaged) continue;
      for (const entry of entriesOf(file, func)) {
        for (const arg of entry.make.args) {
          const found = look(file, func, entry, arg);
          if (found) report({ at: placeOf(func, found.at), message: found.message, related: found.related });
        }
      }
    }
  },
};

interface Found { at: { span: Span }; message: string; related: { at: ReturnType<typeof placeOf>; message: string }[] }

function look(file: SourceFile, func: Func, entry: Entry, arg: Expr): Found | undefined {
  const target = targetOf(func, arg);
  if (!target) return undefined;
  if (target.temporary) {
    return {
      at: arg, message: 'The value this pointer is taken from is a temporary: it is freed at the end of the statement, before the kernel looks at it. Keep it in a variable until the completion.',
      related: [],
    };
  }
  // what main() owns lives as long as the process
  if (func.name === 'main') return undefined;
  const owner = target.part === undefined ? ownerOf(func, target.root) : ownerOfPart(file, func, target.root, target.part);
  if (!owner) return undefined;
  const scope = scopeOf(func, owner.statement);
  const { root } = target;
  const uses = usesOf(func, root.id);
  const left = leaves(func, entry, scope);
  if (left && !uses.some((u) => u.how === 'moved' || (u.inner && u.how !== 'borrowed') || keeps(func, u))) {
    return { at: target.at, message: `The kernel gets a pointer into ${root.name}, which goes ${left.end} that the entry leaves: it is freed before the entry is even submitted. Keep the buffer with the operation until it completes.`, related: [{ at: placeOf(func, { span: { start: scope.end - 1, end: scope.end } }), message: `${root.name} goes here` }] };
  }
  const push = pushPoints(file, func, entry).find((p) => p.call.span.start > target.at.span.start);
  if (!push) return undefined;
  // what makes room for an entry that was not taken is done without it
  const room = forRoom(func, pushPoints(file, func, entry).map((p) => p.call));
  const isForRoom = (call: Call): boolean => room.some((span) => isWithin(call.span, span));
  const reaps = reapsOf(file, func).map((r) => r.call).filter((r) => r.span.start > push.call.span.end && !isForRoom(r));
  const first = reaps.filter((r) => isWithin(r.span, scope)).sort((a, b) => a.span.start - b.span.start)[0];
  const before = (span: Span): boolean => span.start > push.call.span.end && (!first || span.end < first.span.start) && isWithin(span, scope);
  const stable = !UNTIL_COMPLETION.has(entry.opcode) && !pollsInKernel(file, func) && submitsOf(file, func).some((s) => !isForRoom(s.call) && (before(s.call.span) || (first && s.call === first)));
  const data = `The kernel has a pointer into ${root.name}`;
  const grown = uses.find((u) => u.how === 'method' && u.call !== undefined && REALLOCATES.test(u.call.name) && before(u.at));
  if (grown && !stable && owner.growable) return { at: target.at, message: `${data}, which may move when it grows before the operation completes.`, related: [{ at: placeOf(func, { span: grown.at }), message: 'it grows here' }] };
  const dropped = uses.find((u) => u.how === 'moved' && u.call !== undefined && /(?:^|::)drop$/.test(u.call.name) && before(u.at));
  if (dropped && !stable) return { at: target.at, message: `${data}, which is dropped before the operation completes.`, related: [{ at: placeOf(func, { span: dropped.at }), message: 'it is dropped here' }] };
  const moved = uses.some((u) => (u.how === 'moved' && !/(?:^|::)drop$/.test(u.call?.name ?? '')) || (u.inner && u.how !== 'borrowed') || keeps(func, u));
  if (moved || first || stable || handedOn(file, func, push, scope) || func.name === 'drop') return undefined;
  // a ring that goes first takes its operations with it, as far as anybody can tell
  if (diverges(func, scope)) return undefined;
  return {
    at: target.at,
    message: `${data}, which goes at the end of ${isWithin(func.bodySpan, scope) || scope.end >= func.bodySpan.end - 1 ? 'the function' : 'this block'}, and nothing waits for the completion before. Keep the buffer with the operation until it completes.`,
    related: [{ at: placeOf(func, { span: { start: scope.end - 1, end: scope.end } }), message: `${root.name} goes here` }, { at: placeOf(func, push.call), message: 'the entry is queued here' }],
  };
}

interface Target { root: Extract<Expr, { kind: 'name' }>; /** the field of it that is pointed into */ part?: string; at: Expr; temporary: false }
/** What a pointer argument points into: a variable, or a temporary that dies with its statement. */
function targetOf(func: Func, arg: Expr, depth = 0): Target | { temporary: true } | undefined {
  let e = arg;
  let pointer = false;
  for (;;) {
    if (e.kind === 'cast') e = e.operand;
    else if (e.kind === 'unary' && e.op === '&') {
      pointer = true;
      e = e.operand;
    } else if (e.kind === 'call' && e.callee.kind === 'member' && POINTER.test(e.name)) {
      pointer ||= e.name !== 'cast';
      e = e.callee.object;
      if (pointer && isMadeHere(unwrapped(e))) return { temporary: true };
    } else if (e.kind === 'call' && e.macro && /^addr_of(?:_mut)?$/.test(e.name) && e.args[0]) {
      pointer = true;
      e = e.args[0];
    } else if (e.kind === 'index') e = e.object;
    else break;
  }
  // `let ts = &Timespec::new();` keeps the value to the end of the block, `f(&Timespec::new())` does not
  if (pointer && depth === 0 && isMadeHere(e)) return { temporary: true };
  if (pointer && e.kind === 'member' && e.object.kind === 'name' && e.object.id.includes('~')) return { root: e.object, part: e.field, at: arg, temporary: false };
  if (e.kind !== 'name' || !e.id.includes('~')) return undefined;
  if (pointer) return { root: e, at: arg, temporary: false };
  // `let p = buf.as_mut_ptr();`
  const init = declarationOf(func, e.id)?.statement.init;
  const from = init && depth < 2 ? targetOf(func, init, depth + 1) : undefined;
  return from && !from.temporary ? { ...from, at: arg } : from;
}
/** A path, a timespec or a vector that is made for the call alone. */
function isMadeHere(e: Expr): boolean {
  const made = plain(e);
  if (made.kind !== 'call') return false;
  if (made.macro) return /^(?:vec|format)$/.test(made.name);
  return /(?:^|::)(?:CString::new|Timespec::(?:new|from)|Vec::(?:<.*>::)?with_capacity|String::from)$/.test(firstName(made).replace(/::<.*?>/g, '')) && !/^(?:leak|into_raw|as_ref|as_mut)$/.test(made.name);
}
function unwrapped(e: Expr): Expr {
  let at = plain(e);
  while (at.kind === 'call' && at.callee.kind === 'member' && /^(?:unwrap|expect)$/.test(at.name)) at = plain(at.callee.object);
  return at;
}

/** A local that owns what it holds: it goes with its scope. */
function ownerOf(func: Func, root: Extract<Expr, { kind: 'name' }>): { statement: Extract<Stmt, { kind: 'declare' }>; growable: boolean } | undefined {
  const statement = declarationOf(func, root.id)?.statement;
  const init = statement?.init;
  if (!statement || !init || statement.bound || statement.local.type.startsWith('&')) return undefined;
  const made = unwrapped(init);
  if (init.kind === 'unary') return undefined;
  if (made.kind === 'call') {
    const name = made.callee.kind === 'name' ? made.callee.name.replace(/::<.*?>/g, '') : '';
    const leaked = made.callee.kind === 'member' && /^(?:leak|into_raw)$/.test(made.name);
    if (leaked || /::(?:leak|into_raw|from_raw\w*)$/.test(name)) return undefined;
    if (made.macro && /^(?:vec|format)$/.test(made.name)) return { statement, growable: true };
    if (OWNS.test(name)) return { statement, growable: true };
    if (/(?:^|::)(?:Timespec|timespec|MaybeUninit|OpenHow)::\w+$/.test(name) || /(?:^|::)zeroed$/.test(name)) return { statement, growable: false };
    if (made.callee.kind === 'member' && /^(?:to_vec|into_boxed_slice|to_owned|into_bytes|to_string|into_bytes_with_nul)$/.test(made.name)) return { statement, growable: true };
    if (made.callee.kind === 'member' && /(?:^|::)Timespec::new$/.test(firstName(made))) return { statement, growable: false };
    // whoever made it, the type says whose it is
    return OWNED.test(statement.local.type) ? { statement, growable: true } : undefined;
  }
  // arrays and structs stand on the stack
  return made.kind === 'list' ? { statement, growable: false } : undefined;
}
/** `for op in ops`: each op goes at the end of its turn, and with it what its field owns. */
function ownerOfPart(file: SourceFile, func: Func, root: Extract<Expr, { kind: 'name' }>, part: string): ReturnType<typeof ownerOf> {
  const statement = declarationOf(func, root.id)?.statement;
  const { bound } = statement ?? {};
  if (!statement || !bound?.each || bound.path.length > 0 || !OWNED.test(file.fieldType(part) ?? '') || !ownsElements(func, bound.from)) return undefined;
  const isPart = (e: Expr | undefined): boolean => e !== undefined && plain(e).kind === 'member' && (plain(e) as { field?: string }).field === part;
  const given = [...walkFunction(func)].some((e) => (e.kind === 'call' ? !e.macro && e.args.some(isPart) : e.kind === 'assign' ? isPart(e.value) : e.kind === 'list' && e.items.some((i) => isPart(i.value))));
  return given || [...statements(func.body)].some((s) => s.kind === 'declare' && isPart(s.init)) ? undefined : { statement, growable: true };
}
const OWNED = /^(?:std::)?(?:vec::)?(?:Vec|Box|String|CString|BytesMut)\b/;
/** A vector that is taken apart by value. */
function ownsElements(func: Func, from: Expr): boolean {
  let e = plain(from);
  if (e.kind === 'call' && e.callee.kind === 'member' && /^(?:into_iter|drain)$/.test(e.name)) e = plain(e.callee.object);
  const local = e.kind === 'name' ? localOf(func, e.id) : undefined;
  return local !== undefined && /^(?:std::)?(?:vec::)?Vec\b/.test(local.type) && !local.reference;
}
function firstName(call: Call): string {
  let e: Expr = call;
  while (e.kind === 'call' && e.callee.kind === 'member') e = plain(e.callee.object);
  return e.kind === 'call' && e.callee.kind === 'name' ? e.callee.name : '';
}
/** Where an entry gets into the queue, and by which words the ring is named there. */
interface PushPoint { call: Call; ring: string | undefined }
/** Pushes, and calls of functions of this file that push an entry they are given and do not wait for it. */
function pushPoints(file: SourceFile, func: Func, entry: Entry): PushPoint[] {
  const own = pushesOf(file, func).map(({ call }) => ({ call, ring: call.callee.kind === 'member' ? ringKey(file, func, call.callee.object) : undefined }));
  const out: PushPoint[] = [...own];
  for (const e of walkFunction(func)) {
    if (e.kind !== 'call' || e.macro || e.span.start < entry.make.span.start || own.some((o) => o.call === e)) continue;
    const index = e.args.findIndex((a) => plain(a) === entry.whole || (plain(a).kind === 'name' && (plain(a) as { id?: string }).id === entry.variable && entry.variable !== undefined));
    const helper = index < 0 ? undefined : helperOf(file, func, e);
    const inner = helper && pushedBy(file, helper, index);
    if (!helper || !inner) continue;
    const at = helper.params.filter((p) => p.name !== 'self').findIndex((p) => p.id === inner);
    const ring = inner.startsWith('self.') ? inner : at >= 0 && e.args[at] ? ringKey(file, func, e.args[at]) : undefined;
    if (ring !== undefined) out.push({ call: e, ring });
  }
  return out.sort((a, b) => a.call.span.start - b.call.span.start);
}
/** `push(&mut ring, &sqe)`, `self.queue(sqe)`: a function of this file, the only one of its name. */
function helperOf(file: SourceFile, func: Func, call: Call): Func | undefined {
  const method = call.callee.kind === 'member';
  if (call.callee.kind === 'member' && !(call.callee.object.kind === 'name' && call.callee.object.name === 'self')) return undefined;
  const named = file.program.functions(/\bpush/).filter((f) => !f.parent && f.kind === 'function' && f.name === call.name && (method ? f.owner === func.owner : call.callee.kind === 'name' && !call.callee.name.includes('::') && !f.owner));
  const [only] = named;
  return named.length === 1 && only !== func && !only!.damaged ? only : undefined;
}
/** The ring that a function pushes its parameter to, when all it does behind that is to make room for it, or to submit what others wait for. */
function pushedBy(file: SourceFile, helper: Func, index: number): string | undefined {
  const param = helper.params.filter((p) => p.name !== 'self')[index];
  const pushes = pushesOf(file, helper).map((p) => p.call);
  const [first] = pushes;
  if (!param || !first || !pushes.every((p) => p.args[0] && plain(p.args[0]).kind === 'name' && (plain(p.args[0]) as { id?: string }).id === param.id)) return undefined;
  const ring = first.callee.kind === 'member' ? ringKey(file, helper, first.callee.object) : undefined;
  const room = forRoom(helper, pushes);
  const last = pushes.at(-1)!;
  const waits = [...reapsOf(file, helper), ...submitsOf(file, helper)].some((c) => c.call.span.start > first.span.end && !room.some((span) => isWithin(c.call.span, span)));
  return ring === undefined || waits || handedOn(file, helper, { call: last, ring }, helper.bodySpan) ? undefined : ring;
}
/** Code that runs because a push failed: `while sq.push(&e).is_err() {…}`, `let pushed = sq.push(&e); if pushed.is_err() {…}`. */
function forRoom(func: Func, pushes: Call[]): Span[] {
  const results = new Set<string>();
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && !s.bound && [...walk([s.init])].some((e) => pushes.includes(e as Call))) results.add(s.local.id);
  const spans = (body: Stmt[]): Span[] => body.map((s) => s.span);
  return [...statements(func.body)].flatMap((s): Span[] => {
    if ((s.kind !== 'if' && s.kind !== 'loop') || !s.test) return [];
    const test = [...walk([s.test])];
    if (!test.some((e) => pushes.includes(e as Call) || (e.kind === 'name' && results.has(e.id)))) return [];
    const asks = test.find((e): e is Call => e.kind === 'call' && /^is_(?:err|ok)$/.test(e.name));
    const pattern = s.test.kind === 'opaque' ? s.test.pattern ?? '' : '';
    const negated = test.some((e) => e.kind === 'unary' && e.op === '!');
    const failed = asks ? (asks.name === 'is_err') !== negated : /^Err\b/.test(pattern);
    if (!asks && !/^(?:Ok|Err)\b/.test(pattern)) return [];
    return s.kind === 'loop' ? (failed ? spans(s.body) : []) : spans(failed ? s.then : s.otherwise);
  });
}
/** The entry is the value of the block, or of the function, that the owner of its buffer ends with. */
function leaves(func: Func, entry: Entry, scope: Span): { end: string } | undefined {
  const isEntry = (e: Expr | undefined): boolean => {
    if (!e) return false;
    const at = plain(e);
    if (at.kind === 'call' && at.callee.kind === 'name' && /^(?:Ok|Some)$/.test(at.name) && at.args.length === 1) return isEntry(at.args[0]);
    return at === entry.whole || (at.kind === 'name' && entry.variable !== undefined && at.id === entry.variable);
  };
  for (const e of walkFunction(func)) {
    if (e.kind !== 'control' || e.span.start !== scope.start || e.span.end !== scope.end) continue;
    if (isEntry(blockValue(e))) return { end: 'with the block' };
  }
  if (!isWithin(func.bodySpan, scope)) return undefined;
  const given = [...statements(func.body)].some((s) => s.kind === 'return' && isEntry(s.value));
  const last = func.body.at(-1);
  return given || (last?.kind === 'expr' && !(last.expr.kind === 'call' && last.expr.discarded) && isEntry(last.expr)) ? { end: 'with the function' } : undefined;
}
/** Something else keeps the pointer's owner: `keep(&mut buf)` may do anything. */
function keeps(func: Func, use: Use): boolean {
  if (use.how !== 'borrowed' || !use.call || use.call.macro) return false;
  return !/^(?:new|copy_from_slice|drop|len|push|push_multiple|from_raw_parts\w*|addr_of\w*|Fd)$/.test(use.call.name);
}
/** The ring goes to code out of sight behind the push, which may wait for the completion. */
function handedOn(file: SourceFile, func: Func, { call: push, ring }: PushPoint, scope: Span): boolean {
  if (ring === undefined) return true;
  const receiver = ring.replace(/\..*$/, '');
  const known = new Set(rustCalls(file, func).filter((c) => c.path.startsWith('io_uring::')).map((c) => c.call));
  for (const e of walkFunction(func)) {
    if (e.kind !== 'call' || e.span.start <= push.span.end || e.span.end > scope.end) continue;
    if (e.args.map(plain).some((a) => sameThing(file, func, a, ring))) return true;
    if (e.callee.kind === 'member' && !known.has(e) && sameThing(file, func, plain(e.callee.object), receiver)) return true;
  }
  return false;
}
function sameThing(file: SourceFile, func: Func, e: Expr, key: string): boolean {
  return e.kind === 'name' ? e.id === key || e.name === key : e.kind === 'member' && file.source(placeOf(func, e)).replace(/\s+/g, '') === key;
}
function pollsInKernel(file: SourceFile, func: Func): boolean {
  return file.program.functions().some((f) => setUpsOf(file, f).some((s) => s.options.has('setup_sqpoll'))) || hasAttribute(func, /sqpoll/);
}
/** A scope that only panics or loops for ever never ends. */
function diverges(func: Func, scope: Span): boolean {
  return [...statements(func.body)].some((s) => s.kind === 'loop' && s.form === 'forever' && isWithin(s.span, scope) && ![...statements(s.body)].some((x) => x.kind === 'break' || x.kind === 'return'));
}
