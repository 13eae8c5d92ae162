/** Rust: files opened with O_DIRECT, and what is read into or written from where through them. */
import { integers } from '../flow/value';
import { statements, walk, walkFunction, type Bound, type Call, type Expr, type Func, type Span } from '../model';
import type { View } from '../rules/rule';
import { SECTOR } from './allocation';
import { assignmentsTo } from './assignments';
import { declarationOf, methodsOn, plain } from './rust-code';

export interface RustOpen {
  call: Call;
  /** the name of the flag; for opens without it the name of the call */
  flag: Expr;
  direct: boolean;
  /** the flag does not depend on anything */
  always: boolean;
  /** its error leaves the function, or ends the program */
  given: boolean;
  isDevice: boolean;
  path: Expr | undefined;
  writable: boolean;
}
export interface RustTransfer { call: Call; /** as people call it: `read_at`, `Read::new` */ name: string; fd: Expr; buffer: Expr | undefined; length: Expr | undefined; offset: Expr | undefined; writes: boolean }

const FLAG = /(?:^|::)O_DIRECT$|(?:^|::)OF?[Ff]lags?::DIRECT$/;
/** Files whose text has this open something with O_DIRECT. */
export const SPEAKS_OF_DIRECT = /\bO_DIRECT\b|Flags?::DIRECT\b/;
/** Functions that expect a refusal, or take O_DIRECT off again for what is no block. */
export const PREPARED = /EINVAL|InvalidInput|\bF_SETFL\b/;
const WRITABLE = /(?:^|::)(?:O_)?(?:WRONLY|RDWR)$/;
const opens = new WeakMap<Func, RustOpen[]>();

/** Opens of files in a function, with O_DIRECT and without. */
export function rustOpens(func: Func): RustOpen[] {
  let found = opens.get(func);
  if (!found) opens.set(func, (found = gather(func)));
  return found;
}
export function directOpens(func: Func): RustOpen[] {
  return rustOpens(func).filter((o) => o.direct);
}

function gather(func: Func): RustOpen[] {
  const given = new Set<Expr>();
  const out: RustOpen[] = [];
  for (const e of walkFunction(func)) {
    if (e.kind === 'try') given.add(opened(e.operand));
    if (e.kind !== 'call') continue;
    if ((e.name === 'unwrap' || e.name === 'expect') && e.callee.kind === 'member') given.add(opened(e.callee.object));
    const open = openAt(func, e);
    if (open) out.push({ ...open, given: false });
  }
  return out.map((o) => ({ ...o, given: given.has(o.call) }));
}
/** The call below what only passes an error on. */
export function opened(e: Expr): Expr {
  for (;;) {
    if (e.kind === 'await' || e.kind === 'cast' || e.kind === 'try') e = e.operand;
    else if (e.kind === 'call' && e.callee.kind === 'member' && /^(?:map_err|context|with_context|unwrap|expect|into)$/.test(e.name)) e = e.callee.object;
    else return e;
  }
}

function openAt(func: Func, e: Call): Omit<RustOpen, 'given'> | undefined {
  const device = (path: Expr | undefined) => path !== undefined && [...walk([path])].some((x) => x.kind === 'text' && x.value.startsWith('/dev/'));
  if (e.callee.kind === 'member' && e.name === 'open' && e.args.length <= 1) {
    const settings = chain(func, e.callee.object);
    if (!settings) return undefined;
    const flags = settings.filter((c) => c.name === 'custom_flags').flatMap((c) => c.args).map((a) => held(func, a));
    const flag = flags.flatMap((a) => [...walk([a])]).find((x) => x.kind === 'name' && FLAG.test(x.name));
    const writable = settings.some((c) => (c.name === 'write' || c.name === 'append') && c.args[0]?.kind === 'int' && c.args[0].value === 1n);
    return { call: e, flag: flag ?? e.callee, direct: flag !== undefined, always: flags.some(always), isDevice: device(e.args[0]), path: e.args[0], writable };
  }
  if (e.callee.kind !== 'name' || e.macro) return undefined;
  if (/(?:^|::)(?:open|openat|open64)$/.test(e.callee.name) && e.args.length >= 2) {
    const flags = e.args.slice(1).map((a) => held(func, a)).find((a) => [...walk([a])].some((x) => x.kind === 'name' && (FLAG.test(x.name) || WRITABLE.test(x.name) || /(?:^|::)(?:O_)?RDONLY$/.test(x.name))));
    if (!flags) return undefined;
    const names = [...walk([flags])].filter((x) => x.kind === 'name');
    const flag = names.find((x) => FLAG.test(x.name));
    const path = e.args[/openat$/.test(e.callee.name) ? 1 : 0];
    return { call: e, flag: flag ?? e.callee, direct: flag !== undefined, always: always(flags), isDevice: device(path), path, writable: names.some((x) => WRITABLE.test(x.name)) };
  }
  if (/(?:^|::)File::(?:open|create)$/.test(e.callee.name) && e.args.length === 1) {
    return { call: e, flag: e.callee, direct: false, always: true, isDevice: device(e.args[0]), path: e.args[0], writable: e.name === 'create' };
  }
  return undefined;
}
/** What a variable holds that is set once; anything else as it is. */
function held(func: Func, e: Expr): Expr {
  const all = e.kind === 'name' ? assignmentsTo(owner(func, e.id), e.id) : [];
  return all.length === 1 && all[0]!.op === '=' && all[0]!.value && all[0]!.value.kind !== 'opaque' ? all[0]!.value : e;
}
/** `A | O_DIRECT`, and nothing that decides. */
function always(e: Expr): boolean {
  switch (e.kind) {
    case 'name': return FLAG.test(e.name);
    case 'binary': return e.op === '|' && (always(e.left) || always(e.right));
    case 'cast': return always(e.operand);
    case 'call': return e.callee.kind === 'member' && /^(?:bits|try_into|unwrap|into)$/.test(e.name) && always(e.callee.object);
    default: return false;
  }
}
/** Calls on an `OpenOptions`, in one expression or on a variable of the function. */
function chain(func: Func, e: Expr): Call[] | undefined {
  const out: Call[] = [];
  for (let at = e; ;) {
    if (at.kind === 'call' && at.callee.kind === 'member') {
      out.push(at);
      at = at.callee.object;
    } else if (at.kind === 'call' && at.callee.kind === 'name') return /OpenOptions::new$|OpenOptions::default$|File::options$/.test(at.callee.name) ? out : undefined;
    else if (at.kind === 'unary') at = at.operand;
    else if (at.kind === 'name') return variableChain(func, at.id, out);
    else return undefined;
  }
}
function variableChain(func: Func, id: string, out: Call[]): Call[] | undefined {
  const init = assignmentsTo(func, id);
  if (init.length !== 1 || !init[0]!.value) return undefined;
  const first = init[0]!.value.kind === 'name' ? undefined : chain(func, init[0]!.value);
  if (!first) return undefined;
  // settings under a condition depend on something
  for (const s of func.body) {
    if (s.kind !== 'expr') continue;
    for (let e: Expr = s.expr; e.kind === 'call' && e.callee.kind === 'member'; e = e.callee.object) {
      let root: Expr = e;
      while (root.kind === 'call' && root.callee.kind === 'member') root = root.callee.object;
      if (root.kind === 'name' && root.id === id) first.push(e);
    }
  }
  return [...first, ...out];
}

const HANDLES = /^(?:as_raw_fd|as_fd|as_ref|as_mut|by_ref|clone|try_clone|borrow|borrow_mut|unwrap|expect|get_ref|get_mut|into_raw_fd|inner)$/;
const WRAPPERS = /(?:^|::)(?:Fd|from_std|from_raw_fd|Arc::new|Rc::new|Box::new|Some|Ok|BorrowedFd::borrow_raw|RefCell::new|Mutex::new|from)$/;

/** The opens behind a descriptor or file, when all of them certainly are direct. */
export function directFile(file: View, func: Func, e: Expr, depth = 0): RustOpen[] | undefined {
  if (depth > 8) return undefined;
  const next = (x: Expr) => directFile(file, func, x, depth + 1);
  switch (e.kind) {
    case 'unary': case 'cast': case 'await': case 'try': return next(e.operand);
    case 'control': return e.tail.length === 1 && !e.body.length ? next(e.tail[0]!) : inBlock(file, func, e, depth);
    case 'call': {
      const own = rustOpens(func).find((o) => o.call === e);
      if (own) return own.direct && own.always ? [own] : undefined;
      if (e.callee.kind === 'member') return HANDLES.test(e.name) || /^(?:map_err|context|with_context|or_else|unwrap_or_else)$/.test(e.name) ? next(e.callee.object) : undefined;
      if (e.callee.kind !== 'name' || e.macro) return undefined;
      if (WRAPPERS.test(e.callee.name) && e.args.length === 1) return next(e.args[0]!);
      const callee = file.program.functionNamed(e.name);
      const all = callee && callee !== func ? rustOpens(callee) : [];
      return all.length && all.every((o) => o.direct && o.always) && /File|Fd|Self|i32/.test(callee!.returns) ? all : undefined;
    }
    case 'name': {
      const all = assignmentsTo(owner(func, e.id), e.id);
      return all.length === 1 && all[0]!.op === '=' && all[0]!.value ? directFile(file, owner(func, e.id), all[0]!.value, depth + 1) : undefined;
    }
    case 'member': return e.object.kind === 'name' ? directField(file, e.field, depth) : undefined;
    default: return undefined;
  }
}
/** `unsafe { File::from_raw_fd(fd) }` */
function inBlock(file: View, func: Func, e: Extract<Expr, { kind: 'control' }>, depth: number): RustOpen[] | undefined {
  let body = e.body;
  while (body.length === 1 && body[0]!.kind === 'block') body = body[0].body;
  const only = body.length === 1 ? body[0] : undefined;
  return only?.kind === 'expr' ? directFile(file, func, only.expr, depth + 1) : undefined;
}
/** A field that only direct files are put in. */
function directField(file: View, name: string, depth: number): RustOpen[] | undefined {
  const out: RustOpen[] = [];
  for (const f of file.program.functions(new RegExp(`\\b${name}\\b`))) {
    for (const a of assignmentsTo(f, `.${name}`)) {
      const found = a.value && directFile(file, f, a.value, depth + 1);
      if (!found) return undefined;
      out.push(...found);
    }
  }
  return out.length ? out : undefined;
}
export function owner(func: Func, id: string): Func {
  for (let f: Func | undefined = func; f; f = f.parent) if (f.locals.has(id)) return f;
  return func;
}

const METHODS = /^(?:read|read_exact|read_at|read_exact_at|write|write_all|write_at|write_all_at|seek_read|seek_write)$/;
const CALLS = /(?:^|::)(?:p?read|p?write|pread64|pwrite64)$/;

/** Transfers a function makes itself; the files may be anything. */
export function rustTransfers(func: Func): RustTransfer[] {
  const out: RustTransfer[] = [];
  for (const e of walkFunction(func)) {
    if (e.kind !== 'call' || e.macro) continue;
    const writes = /write/i.test(e.callee.kind === 'name' ? e.callee.name : e.name);
    if (e.callee.kind === 'member' && METHODS.test(e.name) && e.args.length >= 1) {
      out.push({ call: e, name: e.name, fd: e.callee.object, buffer: e.args[0], length: sliced(e.args[0]!), offset: /_at$/.test(e.name) ? e.args[1] : undefined, writes });
    } else if (e.callee.kind === 'name' && CALLS.test(e.callee.name) && e.args.length >= 2) {
      const c = /^libc::/.test(e.callee.name) || e.args.length === 4;
      const positioned = /pread|pwrite/.test(e.callee.name);
      out.push({ call: e, name: e.name, fd: e.args[0]!, buffer: e.args[1], length: c ? e.args[2] : sliced(e.args[1]!), offset: positioned ? e.args[c ? 3 : 2] : undefined, writes });
    } else if (e.callee.kind === 'name' && /(?:^|::)(?:Read|Write)::new$/.test(e.callee.name) && e.args.length === 3) {
      out.push({ call: e, name: /\w+::new$/.exec(e.callee.name)![0], fd: e.args[0]!, buffer: e.args[1], length: e.args[2], offset: undefined, writes });
    }
  }
  return out;
}
/** `N` in `&buf[..N]`. */
function sliced(e: Expr): Expr | undefined {
  const inner = e.kind === 'unary' ? e.operand : e;
  const range = inner.kind === 'index' ? inner.index : inner.kind === 'call' && inner.callee.kind === 'member' && inner.name === 'slice' ? inner.args[0] : undefined;
  if (range?.kind !== 'opaque') return undefined;
  // `0..n` is as long as `..n`
  const [first, last] = range.parts;
  return range.parts.length === 1 ? first : range.parts.length === 2 && first?.kind === 'int' && first.value === 0n ? last : undefined;
}

const VIEWS = /^(?:as_mut|as_ref|as_slice|as_mut_slice|as_ptr|as_mut_ptr|as_bytes|clone|cast|to_vec|into_bytes|slice|to_owned)$/;
const BYTES = /^(?:u8|i8|\[u8\s*;[^\]]*\])$/;
const BYTE_TYPES = /^&?(?:mut )?(?:Vec<u8>|\[u8;.*\]|Box<\[u8\]>|BytesMut|bytes::BytesMut|String)$/;

/** Memory that begins wherever the allocator or the stack had room; undefined for anything else. */
export function unalignedBuffer(file: View, func: Func, e: Expr, depth = 0): { what: string; at: Expr | undefined; func: Func } | undefined {
  if (depth > 8) return undefined;
  const next = (x: Expr, f = func) => unalignedBuffer(file, f, x, depth + 1);
  const found = (what: string) => ({ what, at: e, func });
  switch (e.kind) {
    case 'unary': case 'cast': case 'try': return next(e.operand);
    case 'index': {
      if (!e.index || isRange(file, func, e.index)) return e.index && startsAtZero(file, func, e.index) ? next(e.object) : undefined;
      return elementOf(file, func, e.object, depth + 1);
    }
    case 'list': return e.type?.startsWith('[') && e.items.length > 0 && e.items[0]!.value.kind === 'int' ? found('an array') : undefined;
    case 'call': {
      if (e.macro) return e.name === 'vec' && ofBytes(file, func, e) ? found('a Vec<u8>') : undefined;
      if (e.callee.kind === 'member') {
        if (e.name === 'into_boxed_slice') return next(e.callee.object);
        // a copy is as aligned as its type, whatever it was made from
        if (COPIES.test(e.name) && isBytes(file, func, e.callee.object)) return found('a Vec<u8>');
        return VIEWS.test(e.name) ? next(e.callee.object) : undefined;
      }
      if (e.callee.kind !== 'name') return undefined;
      if (/(?:^|::)BytesMut::(?:with_capacity|zeroed|new)$/.test(e.callee.name)) return found('a BytesMut');
      if (/(?:^|::)String::(?:with_capacity|new|from)$/.test(e.callee.name)) return found('a String');
      if (/(?:^|::)Vec(?:::<u8>)?::(?:with_capacity|new)$/.test(e.callee.name)) return found('a Vec');
      return /(?:^|::)Box::new$/.test(e.callee.name) && e.args[0] ? next(e.args[0]) : undefined;
    }
    case 'name': {
      const home = owner(func, e.id);
      const all = assignmentsTo(home, e.id);
      if (all.length !== 1 || all[0]!.op !== '=' || !all[0]!.value) return undefined;
      const bound = all[0]!.value.kind === 'opaque' ? declarationOf(home, e.id)?.statement.bound : undefined;
      if (bound) return goesThrough(bound) ? elementOf(file, home, bound.from, depth + 1) : undefined;
      const type = home.locals.get(e.id)?.type.replace(/\s+/g, ' ').trim() ?? '';
      if (type !== '' && type !== '_' && !BYTE_TYPES.test(type.replace(/\s*;\s*/, ';')) && !/^Vec<_>$/.test(type)) return undefined;
      const memory = next(all[0]!.value, home);
      // `Vec::new()` says nothing of its elements
      return memory?.what === 'a Vec' && !/u8/.test(type) && !holdsBytes(file, home, e.id) ? undefined : memory;
    }
    case 'member': return unalignedField(file, e.field, depth);
    default: return undefined;
  }
}
/** A field that holds memory which begins anywhere; an array lies in the struct itself, and has its alignment. */
function unalignedField(file: View, field: string, depth: number): ReturnType<typeof unalignedBuffer> {
  let first: ReturnType<typeof unalignedBuffer>;
  for (const f of file.program.functions(new RegExp(`\\b${field}\\b`))) {
    for (const a of assignmentsTo(f, `.${field}`)) {
      const memory = a.value && unalignedBuffer(file, f, a.value, depth + 1);
      if (!memory || (memory.what === 'an array' && file.says(/\brepr\s*\([^)]*\balign\b/))) return undefined;
      first ??= memory;
    }
  }
  return first;
}
/** Memory of each element of a list, where all of it begins anywhere: `vec![vec![0u8; n]; m]`, or what was pushed. */
function elementOf(file: View, func: Func, list: Expr, depth: number): ReturnType<typeof unalignedBuffer> {
  if (depth > 8) return undefined;
  let e = plain(list);
  while (e.kind === 'call' && e.callee.kind === 'member' && /^(?:iter|iter_mut|into_iter|enumerate|collect|as_slice|as_mut_slice)$/.test(e.name)) e = plain(e.callee.object);
  if (e.kind === 'list') return e.type?.startsWith('[') && e.items[0] && (e.type === '[;]' || e.items.length === 1) ? unalignedBuffer(file, func, e.items[0].value, depth + 1) : undefined;
  if (e.kind === 'call' && e.macro) return e.name === 'vec' && e.args[0] && e.args[0].kind !== 'int' ? unalignedBuffer(file, func, e.args[0], depth + 1) : undefined;
  // `(0..n).map(|_| vec![0u8; len])`
  if (e.kind === 'call' && e.callee.kind === 'member' && e.name === 'map' && e.args[0]?.kind === 'lambda') {
    const inner = e.args[0].func;
    const value = inner.body.at(-1);
    return inner.body.length === 1 && value?.kind === 'expr' ? unalignedBuffer(file, inner, value.expr, depth + 1) : undefined;
  }
  if (e.kind !== 'name') return undefined;
  const home = owner(func, e.id);
  const all = assignmentsTo(home, e.id);
  const init = all.length === 1 && all[0]!.op === '=' ? all[0]!.value && plain(all[0]!.value) : undefined;
  if (!init) return undefined;
  if (!(init.kind === 'call' && init.callee.kind === 'name' && /(?:^|::)Vec(?:::<.*>)?::(?:with_capacity|new)$/.test(init.callee.name))) return elementOf(file, home, init, depth + 1);
  const grown = methodsOn(home, e.id).filter((c) => /^(?:push|insert|extend|append|resize|resize_with)$/.test(c.name));
  const each = grown.map((c) => (c.name === 'push' && c.args[0] ? unalignedBuffer(file, home, c.args[0], depth + 1) : undefined));
  return each.length > 0 && each.every((m) => m !== undefined) ? each[0] : undefined;
}
/** `for b in &list`, and `for (i, b) in list.iter().enumerate()`. */
function goesThrough(bound: Bound): boolean {
  const counted = bound.from.kind === 'call' && bound.from.name === 'enumerate';
  return bound.each && (counted ? bound.path.length === 1 && bound.path[0] === '1' : bound.path.length === 0);
}
const COPIES = /^(?:clone|to_vec|to_owned)$/;
/** A vector, a string or a slice of bytes by its type, where a copy of it is one too. */
function isBytes(file: View, func: Func, e: Expr): boolean {
  const at = plain(e);
  if (at.kind === 'call') return at.callee.kind === 'member' && at.name === 'as_bytes';
  const type = at.kind === 'name' ? owner(func, at.id).locals.get(at.id)?.type : at.kind === 'member' ? file.fieldType(at.field) : undefined;
  return type !== undefined && /^&?(?:mut )?(?:Vec<u8>|\[u8\]|Box<\[u8\]>)$/.test(type.replace(/'\w+\s*/g, '').trim());
}
function isRange(file: View, func: Func, index: Expr): boolean {
  return index.kind === 'opaque' && file.source({ base: func.base, span: index.span }).includes('..');
}
function holdsBytes(file: View, func: Func, id: string): boolean {
  for (const e of walkFunction(func)) {
    if (e.kind !== 'call' || e.callee.kind !== 'member' || e.callee.object.kind !== 'name' || e.callee.object.id !== id) continue;
    if (e.name === 'resize' && e.args[1]?.kind === 'int') return true;
    if (e.name === 'extend_from_slice' && e.args[0]) return /\bb"|as_bytes/.test(file.source({ base: func.base, span: e.args[0].span }));
  }
  return false;
}
function ofBytes(file: View, func: Func, e: Call): boolean {
  const text = file.source({ base: func.base, span: e.span });
  return /^(?:std::)?vec!\s*[[({]\s*(?:0x[\da-fA-F]+|\d+|b'.+?')(?:_?[ui]8)?\s*(?:;|,|\])/.test(text) && !BYTES.test(text);
}
function startsAtZero(file: View, func: Func, index: Expr): boolean {
  return /^(?:0\s*)?\.\./.test(file.source({ base: func.base, span: index.span }));
}

/** The constant a length or offset is, with `as` and the like taken off. */
export function rustConstant(file: View, e: Expr): bigint | undefined {
  let inner = e;
  while (inner.kind === 'cast' || (inner.kind === 'call' && inner.callee.kind === 'member' && inner.name === 'into')) inner = inner.kind === 'cast' ? inner.operand : (inner.callee as Extract<Expr, { kind: 'member' }>).object;
  const all = integers(file.program.constantValue(inner));
  return all?.length === 1 ? all[0] : undefined;
}
export function isOdd(n: bigint): boolean {
  return n % SECTOR !== 0n;
}
/** Whether an expression stands under no condition. */
export function isUnconditional(func: Func, e: Expr): boolean {
  const holds = (span: Span): boolean => span.start <= e.span.start && e.span.end <= span.end;
  return ![...statements(func.body)].some((s) => (s.kind === 'if' || s.kind === 'switch' || s.kind === 'loop') && holds(s.span));
}
