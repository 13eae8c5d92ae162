/** Types of Rust expressions, as far as imports, annotations and constructors tell. Types are full paths: `tokio_uring::fs::File`. */
import { statements, type Expr, type FileFacts, type Func, type Import } from '../model';

interface Origin { type: string; init: Expr | undefined; /** element of a tuple */ element: number | undefined }

const CONSTRUCTORS = new Set(['open', 'create', 'create_new', 'from_std', 'new', 'bind', 'connect', 'connect_addr', 'builder', 'build', 'default', 'unbound']);
/** Methods that give back what they are called on, or something that stands for it. */
const SAME = new Set(['unwrap', 'expect', 'clone', 'unwrap_or_else', 'map_err', 'context', 'with_context', 'as_ref', 'as_mut', 'borrow', 'borrow_mut', 'into_inner', 'to_owned', 'ok', 'by_ref']);
const WRAPPERS = /^(?:(?:std|alloc)::\w+::)?(?:Rc|Arc|Box|Option|Result|io::Result|RefCell|Pin|std::io::Result)<(.*)>$/s;
/** Names a glob import may bring in. */
const GLOB_TYPES = new Set(['File', 'OpenOptions', 'TcpListener', 'TcpStream', 'UdpSocket', 'UnixListener', 'UnixStream', 'IoUring', 'DmaFile']);

export class RustTypes {
  private readonly origins = new Map<Func, Map<string, Origin>>();
  private readonly aliases: Map<string, Import>;
  private readonly globs: string[];

  constructor(private readonly facts: FileFacts) {
    this.aliases = new Map(facts.imports.filter((i) => !i.glob).map((i) => [i.alias, i]));
    this.globs = facts.imports.filter((i) => i.glob).map((i) => i.path);
  }

  /** The full path of a name as written here. */
  resolve(path: string, depth = 0): string {
    const clean = path.replace(/^::/, '');
    const [first = '', ...rest] = clean.split('::');
    const imported = this.aliases.get(first);
    // `use tokio;` stands for itself
    if (imported && imported.path.split('::')[0] !== first && depth < 8) return [...this.resolve(imported.path, depth + 1).split('::'), ...rest].join('::');
    if (imported) return [imported.path, ...rest].join('::');
    if (!imported && GLOB_TYPES.has(first)) {
      const owner = this.globs.find((g) => /::(?:fs|net)$|^io_uring$/.test(g));
      if (owner) return [owner, clean].join('::');
    }
    return clean;
  }

  /** A written type without references, wrappers and arguments, resolved. */
  written(type: string): string {
    let t = type.trim();
    for (let before = ''; before !== t;) {
      before = t;
      t = t.replace(/^&\s*(?:'\w+\s+)?(?:mut\s+)?/, '').replace(/^(?:dyn|impl)\s+/, '').trim();
      t = WRAPPERS.exec(t)?.[1]?.replace(/,[^<>]*$/, '').trim() ?? t;
    }
    return this.resolve(t.replace(/<.*$/s, '').replace(/\s+/g, ''));
  }

  /** The type of an expression, or undefined when nothing here says. */
  typeOf(e: Expr, func: Func, depth = 0): string | undefined {
    if (depth > 12) return undefined;
    const next = (inner: Expr) => this.typeOf(inner, func, depth + 1);
    switch (e.kind) {
      case 'await': case 'try': case 'cast': return next(e.operand);
      case 'unary': return e.op === '&' || e.op === '*' ? next(e.operand) : undefined;
      case 'name': {
        if (e.name === 'self') return func.owner || undefined;
        const origin = this.origin(e.id, func);
        if (!origin) return undefined;
        if (origin.type && origin.type !== 'Self') return this.written(origin.type);
        return origin.init ? (origin.element === undefined ? next(origin.init) : this.element(origin.init, origin.element, func, depth)) : undefined;
      }
      case 'member': {
        const owner = next(e.object);
        const type = owner === undefined ? undefined : this.fieldType(owner, e.field);
        return type === undefined ? undefined : this.written(type);
      }
      case 'call': return this.callType(e, func, depth);
      default: return undefined;
    }
  }

  private callType(e: Extract<Expr, { kind: 'call' }>, func: Func, depth: number): string | undefined {
    if (e.macro) return undefined;
    if (e.callee.kind === 'name') {
      const path = e.callee.id.includes('~') ? '' : this.resolve(e.callee.name);
      if (/(?:^|::)(?:Rc|Arc|Box|Some|Ok|RefCell|Pin)(?:::new)?$/.test(path) && e.args[0]) return this.typeOf(e.args[0], func, depth + 1);
      const owner = path.replace(/::\w+$/, '');
      if (owner !== path && CONSTRUCTORS.has(e.name)) return owner;
      const own = owner === path ? this.facts.functions.filter((f) => f.name === e.name) : [];
      return own.length === 1 ? this.returned(own[0]!) : undefined;
    }
    if (e.callee.kind !== 'member') return undefined;
    const receiver = this.typeOf(e.callee.object, func, depth + 1);
    if (receiver === undefined) return undefined;
    if (SAME.has(e.name)) return receiver;
    if (/::OpenOptions$/.test(receiver)) return e.name === 'open' ? receiver.replace(/OpenOptions$/, 'File') : receiver;
    return undefined;
  }
  private returned(func: Func): string | undefined {
    return func.returns ? this.written(func.returns) : undefined;
  }

  /** The written type of a struct's field. */
  private fieldType(owner: string, name: string): string | undefined {
    const struct = owner.replace(/^.*::/, '');
    return this.facts.fields.find((f) => f.owner === struct && f.name === name)?.type;
  }

  /** `let (stream, peer) = listener.accept().await?` */
  private element(init: Expr, index: number, func: Func, depth: number): string | undefined {
    let e = init;
    while (e.kind === 'await' || e.kind === 'try' || (e.kind === 'call' && SAME.has(e.name) && e.callee.kind === 'member')) {
      e = e.kind === 'call' ? (e.callee as Extract<Expr, { kind: 'member' }>).object : e.operand;
    }
    if (e.kind !== 'call' || e.name !== 'accept' || e.callee.kind !== 'member' || index !== 0) return undefined;
    const listener = this.typeOf(e.callee.object, func, depth + 1);
    return listener && /Listener$/.test(listener) ? listener.replace(/Listener$/, 'Stream') : undefined;
  }

  private origin(id: string, func: Func): Origin | undefined {
    for (let f: Func | undefined = func; f; f = f.parent) {
      const found = this.originsOf(f).get(id);
      if (found) return found;
    }
    return undefined;
  }
  private originsOf(func: Func): Map<string, Origin> {
    let map = this.origins.get(func);
    if (map) return map;
    this.origins.set(func, (map = new Map()));
    for (const p of func.params) map.set(p.id, { type: p.type, init: undefined, element: undefined });
    let tuple: { names: string[]; init: Expr | undefined; statement: number } | undefined;
    for (const s of statements(func.body)) {
      if (s.kind !== 'declare') continue;
      if (s.pattern) tuple = { names: s.pattern, init: s.init, statement: s.statement.start };
      const inTuple = !s.pattern && tuple?.statement === s.statement.start ? tuple.names.indexOf(s.local.name) : -1;
      map.set(s.local.id, inTuple < 0 ? { type: s.local.type, init: s.init, element: undefined } : { type: '', init: tuple!.init, element: inTuple });
    }
    return map;
  }
}
