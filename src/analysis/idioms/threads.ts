/** Threads: which functions of a file start them, and what runs on them. */
import { sameList } from '../memo';
import { bare, childrenOf, statements, walkFunction, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';

export interface ThreadStart {
  /** the function that starts the thread, and where in it */
  creator: Func;
  at: Expr;
  entry: Func;
  /** what the entry is given, in the order of its parameters */
  args: Expr[];
  /** in a loop: the same function runs on several threads */
  several: boolean;
}

const THREAD_TYPE = /^(?:(?:std|boost)::)?j?thread$/;

/** The threads that the functions of the file start, as far as it defines what runs on them. */
export function threadStarts(file: View): ThreadStart[] {
  const { program } = file;
  return program.memo.derived(program, 'thread starts', () => program.functions(/thread|thrd_create|async|emplace_back|push_back/i)
    .flatMap((f) => program.memo.derived(f, 'thread starts', () => startsIn(file, f), sameList)), sameList);
}

function startsIn(file: View, func: Func): ThreadStart[] {
  if (!file.program.mentions(func, /pthread_create|thrd_create|thread|async\b|emplace_back\s*\(\s*&/i)) return [];
  const out: ThreadStart[] = [];
  const loops = [...statements(func.body)].filter((s) => s.kind === 'loop');
  const add = (at: Expr, entry: Expr | undefined, args: Expr[]): void => {
    const found = entry && functionOf(file, entry);
    if (found) out.push({ creator: func, at, entry: found, args, several: loops.some((l) => l.span.start <= at.span.start && at.span.end <= l.span.end) });
  };
  for (const e of walkFunction(func)) {
    if (e.kind === 'call') started(file, e, add);
    // `worker_(&Engine::run, this)` among the initialisers, `worker = std::thread(…)` is a call
    else if (e.kind === 'assign' && e.target.kind === 'name' && THREAD_TYPE.test(file.fieldType(e.target.name) ?? '')) constructed(e.value, add);
  }
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && THREAD_TYPE.test(s.local.type)) constructed(s.init, add);
  return out;
}

type Add = (at: Expr, entry: Expr | undefined, args: Expr[]) => void;
function started(file: View, call: Call, add: Add): void {
  const name = call.name.replace(/^.*::/, '');
  if (name === 'pthread_create') add(call, call.args[2], call.args.slice(3));
  else if (name === 'thrd_create') add(call, call.args[1], call.args.slice(2));
  else if (name === 'thread' || name === 'jthread') add(call, call.args[0], call.args.slice(1));
  else if (name === 'async' || name === 'make_unique' || name === 'make_shared') {
    const first = call.args.findIndex((a) => functionOf(file, a) !== undefined);
    const asked = name === 'async' || /thread/.test(call.callee.kind === 'name' ? call.callee.id : '');
    if (asked && first >= 0) add(call, call.args[first], call.args.slice(first + 1));
  } else if ((name === 'emplace_back' || name === 'push_back') && call.callee.kind === 'member') {
    const list = call.callee.object;
    const listName = list.kind === 'name' ? list.name : list.kind === 'member' ? list.field : '';
    if (/thread|worker/i.test(listName) || runsMethod(file, call)) add(call, call.args[0], call.args.slice(1));
  }
}
/** `readers_.emplace_back(&Service::reader, this)`: with its arguments a function is handed to threads only. */
function runsMethod(file: View, { name, args }: Call): boolean {
  const first = args[0] && bare(args[0]);
  return name === 'emplace_back' && args.length > 1 && first?.kind === 'unary' && first.op === '&' && functionOf(file, first) !== undefined;
}
/** `std::thread t(entry, args…)` */
function constructed(init: Expr, add: Add): void {
  const e = bare(init);
  if (e.kind === 'opaque' || e.kind === 'list') {
    const [entry, ...args] = childrenOf(e);
    add(e, entry, args);
  } else if (e.kind === 'lambda' || e.kind === 'name' || e.kind === 'unary') add(e, e, []);
}

/** `worker`, `&worker`, `&Engine::run`, a lambda. */
function functionOf(file: View, e: Expr): Func | undefined {
  const inner = bare(e);
  if (inner.kind === 'lambda') return inner.func;
  if (inner.kind === 'unary' && inner.op === '&') return functionOf(file, inner.operand);
  if (inner.kind !== 'name' || inner.id.includes('~')) return undefined;
  return file.program.functionNamed(inner.name.replace(/^.*::/, ''));
}

/** A function and all that it calls in the file, methods of its own class included. */
export function reachedFrom(file: View, entry: Func): ReadonlySet<Func> {
  const { program } = file;
  return program.memo.derived(entry, 'reached', () => {
    const seen = new Set<Func>([entry]);
    for (const f of seen) {
      for (const callee of calledBy(file, f)) seen.add(callee);
      // a lambda on the way runs there, unless it is what another thread starts with
      const starts = threadStarts(file);
      for (const inner of f.inner) if (!starts.some((s) => s.entry === inner)) seen.add(inner);
    }
    return seen;
  }, (a, b) => a.size === b.size && [...a].every((f) => b.has(f)));
}
function calledBy(file: View, func: Func): Func[] {
  const { program } = file;
  return program.memo.derived(func, 'called in the file', () => {
    const out = new Set<Func>();
    for (const e of walkFunction(func)) {
      if (e.kind !== 'call') continue;
      const callee = program.callee(e) ?? (e.callee.kind === 'member' ? program.functionNamed(e.name) : undefined);
      if (callee) out.add(callee);
    }
    return [...out];
  }, sameList);
}
/** Functions of the file that call one, lambdas included. */
export function callersOf(file: View, func: Func): Func[] {
  return file.program.functions().filter((f) => f !== func && calledBy(file, f).includes(func));
}
