/** The io-uring crate: rings, queues, entries and what is done with them. */
import { constant } from '../flow/value';
import { isWithin, statements, walkFunction, type Call, type Expr, type Func } from '../model';
import { placeOf, type SourceFile } from '../source-file';
import { chainOf, declarationOf, plain, rustCalls, usesOf, type RustCall } from './rust-code';

export const PUSH = /^io_uring::SubmissionQueue::push(?:_multiple)?$/;
/** Submission, by any name; unknown helpers with such a name count too. */
export const SUBMIT = /^io_uring::(?:IoUring|Submitter)::(?:submit|submit_and_wait|submit_with_args|enter)$/;
export const SUBMIT_AND_WAIT = /^io_uring::(?:IoUring|Submitter)::(?:submit_and_wait|submit_with_args)$/;
const READS_COMPLETIONS = /^io_uring::(?:CompletionQueue::\w+|IoUring::completion(?:_shared)?|cqueue::Entry::\w+)$/;

export function pushesOf(file: SourceFile, func: Func): RustCall[] {
  return rustCalls(file, func).filter((c) => PUSH.test(c.path));
}
export function submitsOf(file: SourceFile, func: Func): RustCall[] {
  return rustCalls(file, func).filter((c) => SUBMIT.test(c.path));
}
/** Calls that take completions off the queue, or wait for them. */
export function reapsOf(file: SourceFile, func: Func): RustCall[] {
  return rustCalls(file, func).filter((c) => READS_COMPLETIONS.test(c.path) || (SUBMIT_AND_WAIT.test(c.path) && !isZero(c.call.args[0])));
}
function isZero(e: Expr | undefined): boolean {
  return e?.kind === 'int' && e.value === 0n;
}

/** The ring, by the words that name it: `ring`, `self.ring`; of queues and submitters the ring they came from. */
export function ringKey(file: SourceFile, func: Func, e: Expr, depth = 0): string | undefined {
  const at = plain(e);
  if (depth > 6) return undefined;
  if (at.kind === 'call') {
    if (at.callee.kind === 'member') return ringKey(file, func, at.callee.object, depth + 1);
    return undefined;
  }
  if (at.kind === 'member') return file.source(placeOf(func, at)).replace(/\s+/g, '');
  if (at.kind !== 'name') return undefined;
  const declared = declarationOf(func, at.id)?.statement;
  const from = declared && (declared.bound?.from ?? declared.init);
  if (from) {
    const { calls } = chainOf(from);
    const last = calls.at(-1);
    if (last && /^(?:split|submission|completion|submitter|submission_shared|completion_shared|as_mut|borrow_mut|lock|unwrap)$/.test(last.name)) return ringKey(file, func, last, depth + 1);
  }
  return at.id;
}

/** An entry as it was built: `opcode::Read::new(…).offset(…).build().user_data(…)`. */
export interface Entry {
  /** `Read`, `OpenAt` … */
  opcode: string;
  /** the call of the opcode's `new` */
  make: Call;
  /** every method of the chain, `build` and those behind it included, with those called on the variable it is kept in */
  methods: Call[];
  /** the whole chain */
  whole: Expr;
  /** the variable that holds the entry */
  variable: string | undefined;
  func: Func;
}
/** The entries a function builds, in source order. */
export function entriesOf(file: SourceFile, func: Func): Entry[] {
  const out: Entry[] = [];
  const calls = rustCalls(file, func);
  for (const { call, path } of calls) {
    const opcode = /^io_uring::opcode::(\w+)::new$/.exec(path)?.[1];
    if (opcode === undefined) continue;
    out.push({ opcode, make: call, ...chainFrom(func, call, calls), func });
  }
  return out;
}
function chainFrom(func: Func, make: Call, calls: RustCall[]): Pick<Entry, 'methods' | 'whole' | 'variable'> {
  // the longest chain that begins with this call
  let whole: Expr = make;
  let methods: Call[] = [];
  for (const { call } of calls) {
    const chain = chainOf(call);
    if (chain.root === make && chain.calls.length - 1 > methods.length) {
      whole = call;
      methods = chain.calls.slice(1);
    }
  }
  const variable = keptIn(func, whole);
  if (variable === undefined) return { methods, whole, variable };
  const later = calls.filter(({ call }) => call.callee.kind === 'member' && plain(chainOf(call).root).kind === 'name' && (plain(chainOf(call).root) as { id?: string }).id === variable).map((c) => c.call);
  return { methods: [...methods, ...later], whole, variable };
}
const kept = new WeakMap<Func, Map<Expr, string>>();
/** The variable whose `let` has this value. */
function keptIn(func: Func, e: Expr): string | undefined {
  let map = kept.get(func);
  if (!map) {
    kept.set(func, (map = new Map()));
    for (const s of statements(func.body)) {
      if (s.kind !== 'declare') continue;
      const { bound } = s;
      const taken = bound && !bound.each && bound.path.length > 0 && bound.path.every((step) => /^(?:Ok|Some)$/.test(step)) ? bound.from : undefined;
      const from = taken ? [taken, plain(taken)] : bound || s.pattern || !s.init ? [] : [s.init, plain(s.init), ...matched(s.init)];
      for (const value of from) if (!map.has(value)) map.set(value, s.local.id);
    }
  }
  return map.get(e);
}
/** `match IoUring::new(8) { Ok(ring) => ring, Err(e) => return … }`: what was matched. */
function matched(e: Expr): Expr[] {
  const only = e.kind === 'control' && e.body.length === 1 ? e.body[0] : undefined;
  if (only?.kind !== 'switch') return [];
  const handsOn = only.cases.some((c) => {
    const last = c.body.at(-1);
    return /^(?:Ok|Some)\b/.test(c.pattern ?? '') && last?.kind === 'expr' && last.expr.kind === 'name';
  });
  return handsOn ? [plain(only.subject)] : [];
}
/** The value of an integer expression made of constants, casts and paths, where it is known. */
export function numberOf(file: SourceFile, e: Expr | undefined): bigint | undefined {
  if (!e) return undefined;
  const at = plain(e);
  if (at.kind === 'int') return at.value;
  if (at.kind === 'name' && at.name.includes('::')) return constant(file.program.constant(at.name.replace(/^.*::/, '')) ?? { atoms: new Map(), unknown: true });
  if (at.kind === 'binary') {
    const [left, right] = [numberOf(file, at.left), numberOf(file, at.right)];
    if (left === undefined || right === undefined) return undefined;
    switch (at.op) {
      case '+': return left + right;
      case '-': return left - right;
      case '*': return left * right;
      case '|': return left | right;
      case '<<': return right < 64n && right >= 0n ? left << right : undefined;
      default: return undefined;
    }
  }
  return constant(file.program.constantValue(at));
}

/** How a ring is set up: `IoUring::new(n)`, and `IoUring::builder().setup_…(…).build(n)`. */
export interface SetUp {
  func: Func;
  entries: Expr | undefined;
  /** by name: `setup_sqpoll` */
  options: Map<string, Call>;
  /** options may be added that are not among these, or only on some way */
  open: boolean;
  at: Call;
  /** of the variable or field the ring goes to */
  key: string | undefined;
}
const made = new WeakMap<Func, SetUp[]>();
export function setUpsOf(file: SourceFile, func: Func): SetUp[] {
  let out = made.get(func);
  if (out) return out;
  made.set(func, (out = []));
  const calls = rustCalls(file, func);
  for (const { call, path } of calls) {
    if (path === 'io_uring::IoUring::new') out.push({ func, entries: call.args[0], options: new Map(), open: false, at: call, key: goesTo(file, func, calls, call) });
    if (path !== 'io_uring::Builder::build') continue;
    const chain = chainOf(call);
    const options = new Map(chain.calls.map((c) => [c.name, c]));
    let open = false;
    // `let mut builder = IoUring::builder(); builder.setup_iopoll();`
    const root = plain(chain.root);
    if (root.kind === 'name') {
      const init = declarationOf(func, root.id)?.statement.init;
      if (!init) continue;
      for (const c of chainOf(init).calls) options.set(c.name, c);
      for (const c of calls) {
        const on = plain(chainOf(c.call).root);
        if (!c.path.startsWith('io_uring::Builder::') || on.kind !== 'name' || on.id !== root.id) continue;
        if (isConditional(func, c.call)) open = true;
        else options.set(c.call.name, c.call);
      }
      open ||= usesOf(func, root.id).some((u) => u.how === 'moved' || u.how === 'borrowed' || u.inner);
    } else if (root.kind === 'member') open = true;
    out.push({ func, entries: call.args[0], options, open, at: call, key: goesTo(file, func, calls, call) });
  }
  return out;
}
export function allSetUps(file: SourceFile): SetUp[] {
  return file.program.functions(/IoUring|build\s*\(/).flatMap((f) => (f.damaged ? [] : setUpsOf(file, f)));
}
function isConditional(func: Func, call: Call): boolean {
  for (const s of statements(func.body)) {
    if ((s.kind === 'if' || s.kind === 'switch' || s.kind === 'loop') && isWithin(call.span, s.span)) return true;
  }
  return false;
}
/** The variable of the `let`, or the field of the struct literal, that a new ring ends in. */
function goesTo(file: SourceFile, func: Func, calls: RustCall[], inner: Call): string | undefined {
  let whole: Expr = inner;
  for (const { call } of calls) if (chainOf(call).calls.includes(inner) && call.span.end > whole.span.end) whole = call;
  const variable = keptIn(func, whole) ?? keptIn(func, inner);
  const isRing = (e: Expr): boolean => {
    const at = plain(e);
    // `Arc::new(Mutex::new(ring))`
    if (at.kind === 'call' && at.callee.kind === 'name' && at.args.length === 1 && /^(?:Arc|Rc|Mutex|RwLock|RefCell|UnsafeCell|Box|Some)(?:::new)?$/.test(at.callee.name.replace(/^.*::(?=\w+::new$)/, ''))) return isRing(at.args[0]!);
    return at === inner || at === whole || (variable !== undefined && at.kind === 'name' && at.id === variable);
  };
  for (const e of walkFunction(func)) {
    if (e.kind === 'list') {
      const item = e.items.find((i) => i.field !== undefined && isRing(i.value));
      if (item) return `self.${item.field}`;
    }
    if (e.kind === 'assign' && e.target.kind === 'member' && (plain(e.value) === inner || plain(e.value) === whole)) return file.source(placeOf(func, e.target)).replace(/\s+/g, '');
  }
  return variable;
}
/** The set-up of the ring by this key, where it is the only one that can be meant. */
export function setUpOf(file: SourceFile, func: Func, key: string | undefined): SetUp | undefined {
  const all = allSetUps(file);
  const own = all.filter((s) => s.key !== undefined && s.key === key && (key.startsWith('self.') || s.func === func || isInside(func, s.func)));
  return own.length === 1 ? own[0] : undefined;
}
function isInside(func: Func, outer: Func): boolean {
  for (let f: Func | undefined = func; f; f = f.parent) if (f === outer) return true;
  return false;
}

/** The variable that a pointer argument points into: `buf.as_mut_ptr()`, `buf[4..].as_ptr() as *const _`, or one such in a variable. */
export function pointeeOf(func: Func, arg: Expr | undefined, depth = 0): Extract<Expr, { kind: 'name' }> | undefined {
  let e = arg && plain(arg);
  while (e?.kind === 'call' && e.callee.kind === 'member' && /^(?:as_mut_ptr|as_ptr|cast)$/.test(e.name)) e = plain(e.callee.object);
  while (e?.kind === 'index') e = plain(e.object);
  if (e?.kind !== 'name' || !e.id.includes('~')) return undefined;
  const init = declarationOf(func, e.id)?.statement.init;
  const at = init && plain(init);
  return at?.kind === 'call' && at.callee.kind === 'member' && /^(?:as_mut_ptr|as_ptr)$/.test(at.name) && depth < 2 ? pointeeOf(func, at, depth + 1) : e;
}
