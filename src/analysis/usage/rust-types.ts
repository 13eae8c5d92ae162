/** Types of Rust expressions, as far as imports, annotations and constructors tell. Types are full paths: `tokio_uring::fs::File`. */
import { statements, walkFunction, type Bound, type Call, type Expr, type FileFacts, type Func, type Import, type Stmt } from '../model';
import { canonical, methodReturns, returnedBy } from './rust-returns';

type Origin = { type: string; init: Expr | undefined; bound?: Bound };

const WRAPPERS = /^(?:[\w:]+::)?(?:Rc|Arc|Box|Option|Result|RefCell|Cell|UnsafeCell|Pin|Mutex|RwLock|MutexGuard|Ref|RefMut|ManuallyDrop|OnceCell|OnceLock|LazyLock|Lazy|Cow)<(.*)>$/s;
const LISTS = /^(?:[\w:]+::)?(?:Vec|VecDeque|Slab|SmallVec|ArrayVec)<(.*)>$/s;
/** Names a glob import may bring in. */
const GLOB_TYPES = new Set(['File', 'OpenOptions', 'TcpListener', 'TcpStream', 'UdpSocket', 'UnixListener', 'UnixStream', 'IoUring', 'DmaFile', 'BufferedFile', 'opcode', 'types', 'squeue', 'cqueue']);
/** Methods of iterators that hand each element to a closure, and those that give an iterator over the same elements. */
const EACH = /^(?:map|for_each|filter|filter_map|flat_map|inspect|find|find_map|any|all|position|take_while|skip_while|map_while|partition)$/;
/** Of `thread_local!` variables. */
const LENDS = /^with(?:_borrow|_borrow_mut)?$/;
const ADAPTORS = /^(?:into_iter|iter|iter_mut|by_ref|take|skip|step_by|peekable|fuse|rev|filter|inspect|take_while|skip_while|drain)$/;
const MAX_DEPTH = 16;

const known = new WeakMap<FileFacts, RustTypes>();
/** The types of a file, found once a version. */
export function rustTypes(facts: FileFacts): RustTypes {
  let types = known.get(facts);
  if (!types) known.set(facts, (types = new RustTypes(facts)));
  return types;
}

export class RustTypes {
  private readonly origins = new Map<Func, Map<string, Origin>>();
  private readonly assignments = new Map<Func, Map<string, Expr>>();
  private readonly aliases: Map<string, Import>;
  private readonly globs: string[];
  private readonly own: Set<string>;

  constructor(private readonly facts: FileFacts) {
    this.aliases = new Map(facts.imports.filter((i) => !i.glob).map((i) => [i.alias, i]));
    this.globs = facts.imports.filter((i) => i.glob).map((i) => this.resolve(i.path));
    this.own = new Set(facts.structures.map((s) => s.name));
  }

  /** The full path of a name as written here. */
  resolve(path: string, depth = 0): string {
    if (path.startsWith('::')) return canonical(path.slice(2));
    const [first = '', ...rest] = path.split('::');
    const imported = this.aliases.get(first);
    // `use tokio;` stands for itself
    if (imported && imported.path.split('::')[0] !== first && depth < 8) return canonical([...this.resolve(imported.path, depth + 1).split('::'), ...rest].join('::'));
    if (imported) return canonical([imported.path, ...rest].join('::'));
    if (GLOB_TYPES.has(first) && !this.own.has(first)) {
      const owner = this.globs.find((g) => (/^[a-z]/.test(first) || first === 'IoUring' ? g === 'io_uring' : /^(?:tokio|tokio_uring|monoio|compio|glommio)::(?:fs|net|io)$/.test(g)));
      if (owner) return canonical([owner, path].join('::'));
    }
    return canonical(path);
  }

  /** A written type without references, wrappers and arguments, resolved. */
  written(type: string, func?: Func): string {
    return head(this.unwrapped(type, func));
  }
  /** The same with the arguments it was given. */
  private unwrapped(type: string, func?: Func): string {
    let t = type.trim();
    for (let before = ''; before !== t;) {
      before = t;
      t = t.replace(/^(?:&\s*(?:'\w+\s+)?(?:mut\s+)?|\*(?:mut|const)\s+)/, '').replace(/^(?:dyn|impl)\s+/, '').trim();
      const inner = WRAPPERS.exec(t)?.[1];
      if (inner !== undefined) t = split(inner).find((a) => !a.startsWith("'")) ?? inner;
    }
    if (t.startsWith('(') || t.startsWith('[')) return t;
    if (t === 'Self' && func) return func.owner;
    const [, path = t, args = ''] = /^([^<]*)(<.*)?$/s.exec(t) ?? [];
    return this.resolve(path.replace(/\s+/g, '')) + args;
  }

  /** The type of an expression, or undefined when nothing here says. */
  typeOf(e: Expr, func: Func): string | undefined {
    const type = this.full(e, func, 0);
    return type === undefined ? undefined : head(type);
  }

  /** The full path of what a call runs: a function's, or the receiver's type and the method. */
  pathOf(call: Call, func: Func): string | undefined {
    return this.path(call, func, 0);
  }
  private path(call: Call, func: Func, depth: number): string | undefined {
    if (call.callee.kind === 'name') {
      if (call.callee.id.includes('~')) return undefined;
      const path = call.callee.name.replace(/^Self::/, `${func.owner}::`);
      return this.resolve(path);
    }
    if (call.callee.kind !== 'member') return undefined;
    const receiver = this.full(call.callee.object, func, depth + 1);
    return receiver === undefined ? undefined : `${head(receiver)}::${call.name}`;
  }

  /** The type a variable or field was declared with, as written; of a variable without one, the path that made it. */
  spelled(e: Expr, func: Func): string | undefined {
    if (e.kind === 'unary' || e.kind === 'await' || e.kind === 'try') return this.spelled(e.operand, func);
    if (e.kind === 'call' && e.callee.kind === 'member' && /^(?:clone|as_ref|borrow|unwrap)$/.test(e.name)) return this.spelled(e.callee.object, func);
    if (e.kind === 'call' && e.callee.kind === 'name') return [this.path(e, func, 0) ?? '', ...e.args.map((a) => this.spelled(a, func) ?? '')].join(' ');
    if (e.kind === 'name') {
      const origin = this.origin(e.id, func);
      return origin ? origin.type || (origin.init && this.spelled(origin.init, func)) : this.facts.globals.find((g) => g.local.id === e.id)?.local.type;
    }
    if (e.kind !== 'member') return undefined;
    const owner = this.full(e.object, func, 0);
    const struct = owner && head(owner).replace(/^.*::/, '');
    return this.facts.fields.find((f) => f.owner === struct && f.name === e.field)?.type;
  }

  private full(e: Expr, func: Func, depth: number): string | undefined {
    if (depth > MAX_DEPTH) return undefined;
    const next = (inner: Expr) => this.full(inner, func, depth + 1);
    switch (e.kind) {
      case 'await': case 'try': return next(e.operand);
      case 'cast': return /^(?:_|u?int|[iu]\d+|[iu]size)/.test(e.type) ? undefined : this.unwrapped(e.type, func);
      case 'unary': return e.op === '&' || e.op === '*' ? next(e.operand) : undefined;
      case 'name': {
        if (e.name === 'self') return func.owner || undefined;
        const origin = this.origin(e.id, func);
        if (!origin) return this.global(e.id);
        if (origin.type && origin.type !== 'Self' && origin.type !== '_') return this.unwrapped(origin.type, func);
        if (origin.bound) return this.taken(origin.bound, func, depth);
        // `let mut file = None;`, `let file;`: what it gets later tells
        if (!origin.init || (origin.init.kind === 'name' && origin.init.name === 'None')) {
          const later = this.assigned(e.id, func);
          return later && next(later);
        }
        return next(origin.init);
      }
      case 'member': {
        const owner = next(e.object);
        return owner === undefined ? undefined : this.part(owner, e.field, func);
      }
      case 'index': {
        const list = next(e.object);
        return list === undefined ? undefined : this.element(list);
      }
      case 'call': return this.callType(e, func, depth);
      case 'list': return e.type === undefined ? undefined : this.unwrapped(e.type, func);
      case 'control': return e.tail.length ? next(e.tail[0]!) : e.body.length ? this.valueOf(e.body[e.body.length - 1]!, func, depth) : undefined;
      case 'conditional': return next(e.then);
      default: return undefined;
    }
  }

  /** The value of a block, `if` or `match`: that of the first way that has one. */
  private valueOf(s: Stmt, func: Func, depth: number): string | undefined {
    const bodies = s.kind === 'block' ? [s.body] : s.kind === 'if' ? [s.then, s.otherwise] : s.kind === 'switch' ? s.cases.map((c) => c.body) : [];
    if (s.kind === 'expr') return s.expr.kind === 'call' && s.expr.discarded ? undefined : this.full(s.expr, func, depth + 1);
    for (const body of bodies) {
      const last = body.at(-1);
      const type = last && this.valueOf(last, func, depth + 1);
      if (type !== undefined) return type;
    }
    return undefined;
  }

  private callType(e: Call, func: Func, depth: number): string | undefined {
    if (e.macro) return /^(?:pin|dbg)$/.test(e.name) && e.args[0] ? this.full(e.args[0], func, depth + 1) : undefined;
    const path = this.path(e, func, depth);
    if (path === undefined) return undefined;
    if (e.callee.kind === 'name') {
      if (/(?:^|::)(?:(?:Rc|Arc|Box|RefCell|Pin|Mutex|RwLock|ManuallyDrop)::(?:new|pin|clone)|Some|Ok)$/.test(path) && e.args[0]) return this.full(e.args[0], func, depth + 1);
      return returnedBy(path) ?? this.returned(path);
    }
    const receiver = path.slice(0, path.lastIndexOf('::'));
    // `cell.get()` points to what is in the cell; a list's takes an index
    if (e.name === 'get' && !e.args.length && e.callee.kind === 'member') return this.full(e.callee.object, func, depth + 1);
    // what a lock of another crate, or of one's own, guards
    const guarded = /^(?:try_)?lock$/.test(e.name) && e.callee.kind === 'member' ? /^[\w:]+<(.*)>$/s.exec(this.full(e.callee.object, func, depth + 1) ?? '')?.[1] : undefined;
    const inside = guarded === undefined ? [] : split(guarded);
    if (inside.length === 1 && !inside[0]!.startsWith("'")) return this.unwrapped(inside[0]!, func);
    const known = this.returned(path) ?? methodReturns(receiver, e.name);
    // an iterator over the same elements
    return known ?? (ADAPTORS.test(e.name) && e.callee.kind === 'member' ? this.full(e.callee.object, func, depth + 1) : undefined);
  }
  /** What a function of the file says it returns. */
  private returned(path: string): string | undefined {
    const [, owner = '', name = path] = /^(?:.*::)?(\w+)::(\w+)$/.exec(path) ?? [];
    const own = this.facts.functions.filter((f) => f.name === name && f.owner === owner);
    return own.length === 1 && own[0]!.returns ? this.unwrapped(own[0]!.returns, own[0]) : undefined;
  }

  private taken(bound: Bound, func: Func, depth: number): string | undefined {
    let { from, path } = bound;
    // `let (reader, writer) = (stream.clone(), stream);`
    for (let item = tupleItem(from, path[0]); item && !bound.each; item = tupleItem(from, path[0])) [from, path] = [item, path.slice(1)];
    let type = this.full(from, func, depth + 1);
    if (bound.each && type !== undefined) type = this.element(type);
    for (const step of path) {
      if (type === undefined || step === 'Err') return undefined;
      if (step !== 'Some' && step !== 'Ok') type = this.part(type, step, func);
    }
    return type;
  }
  /** A field of a struct, or an element of a tuple. */
  private part(type: string, name: string, func: Func): string | undefined {
    if (type.startsWith('(')) {
      const item = split(type.slice(1, -1))[Number(name)];
      return item === undefined ? undefined : this.unwrapped(item, func);
    }
    const struct = head(type).replace(/^.*::/, '');
    const written = this.facts.fields.find((f) => f.owner === struct && f.name === name)?.type;
    return written === undefined ? undefined : this.unwrapped(written);
  }
  private element(type: string): string | undefined {
    if (type === 'io_uring::CompletionQueue') return 'io_uring::cqueue::Entry';
    const inner = LISTS.exec(type)?.[1] ?? /^\[([^;]*)(?:;.*)?\]$/s.exec(type)?.[1];
    return inner === undefined ? undefined : this.unwrapped(inner);
  }
  private global(id: string): string | undefined {
    const type = this.facts.globals.find((g) => g.local.id === id)?.local.type;
    return type === undefined ? undefined : this.unwrapped(type);
  }

  private origin(id: string, func: Func): Origin | undefined {
    for (let f: Func | undefined = func; f; f = f.parent) {
      const found = this.originsOf(f).get(id);
      if (found) return found;
    }
    return undefined;
  }
  /** The first value given to a variable behind its `let`. */
  private assigned(id: string, func: Func): Expr | undefined {
    for (let f: Func | undefined = func; f; f = f.parent) {
      let map = this.assignments.get(f);
      if (!map) {
        this.assignments.set(f, (map = new Map()));
        for (const e of walkFunction(f)) if (e.kind === 'assign' && e.target.kind === 'name' && !map.has(e.target.id) && !(e.value.kind === 'name' && e.value.name === 'None')) map.set(e.target.id, e.value);
      }
      const found = map.get(id);
      if (found) return found;
    }
    return undefined;
  }
  private originsOf(func: Func): Map<string, Origin> {
    let map = this.origins.get(func);
    if (map) return map;
    this.origins.set(func, (map = new Map()));
    const given = func.kind === 'lambda' && func.parent && func.params.length === 1 && func.params[0]!.type === '' ? givenTo(func, func.parent) : undefined;
    for (const p of func.params) map.set(p.id, { type: p.type, init: undefined, ...(given ? { bound: { ...given, path: [] } } : {}) });
    for (const s of statements(func.body)) {
      if (s.kind === 'declare') map.set(s.local.id, { type: s.local.type, init: s.init, bound: s.bound });
    }
    return map;
  }
}

/** What an iterator's method goes through with a closure, `q` of `q.map(|e| …)`; or what is lent to it, `RING` of `RING.with(|ring| …)`. */
function givenTo(closure: Func, parent: Func): { from: Expr; each: boolean } | undefined {
  for (const e of walkFunction(parent)) {
    if (e.kind !== 'call' || e.callee.kind !== 'member' || !(EACH.test(e.name) || LENDS.test(e.name))) continue;
    if (e.args.some((a) => a.kind === 'lambda' && a.func === closure)) return { from: e.callee.object, each: !LENDS.test(e.name) };
  }
  return undefined;
}

/** An element of a tuple as written. */
function tupleItem(e: Expr, index: string | undefined): Expr | undefined {
  return e.kind === 'opaque' && e.pattern === undefined && e.parts.length > 1 && index !== undefined && /^\d+$/.test(index) ? e.parts[Number(index)] : undefined;
}

/** Without arguments. */
function head(type: string): string {
  return /^[(]/.test(type) ? type : type.replace(/<.*$/s, '');
}
/** Splits at commas outside of brackets. */
function split(list: string): string[] {
  const out: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < list.length; i++) {
    if ('<([{'.includes(list[i]!)) depth++;
    else if (')]}'.includes(list[i]!) || (list[i] === '>' && list[i - 1] !== '-')) depth--;
    else if (list[i] === ',' && depth === 0) {
      out.push(list.slice(from, i).trim());
      from = i + 1;
    }
  }
  const last = list.slice(from).trim();
  return last ? [...out, last] : out;
}
