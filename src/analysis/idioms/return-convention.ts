/**
 * How calls tell of failure, and where a function deals with a call that failed.
 *
 * libaio and liburing return the negative error number and leave `errno` alone; system calls return -1 and set it; a third
 * kind returns the error number itself. A project function that hands such a result on has the same convention.
 */
import { solve } from '../flow/dataflow';
import type { Block, Edge, Event } from '../flow/cfg';
import type { Flow } from '../flow/program';
import { bare, childrenOf, expressionsOf, walk, walkFunction, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';

export type Convention = 'negative' | 'minus one' | 'number';
/** `zero`: success is 0, not a count. */
export interface Returns { convention: Convention; zero: boolean }

const LIBAIO_ZERO = /^io_(?:setup|destroy|cancel|queue_(?:init|release))$/;
const LIBAIO_COUNT = /^io_(?:submit|p?getevents|queue_run)$/;
const LIBURING_ZERO = /^io_uring_(?:queue_init\w*|wait_cqe\w*|peek_cqe|register_(?!files_update|sync_msg)\w+|unregister_\w+|ring_dontfork|close_ring_fd|queue_mmap|resize_rings|clone_buffers\w*)$/;
const LIBURING_COUNT = /^io_uring_(?:submit\w*|register_files_update\w*|register_sync_msg|register|setup|enter2?|get_events|sqring_wait|mlock_size\w*|memory_size\w*)$/;
const NUMBER = /^(?:aio_error(?:64)?|posix_(?:memalign|fallocate|fadvise|spawnp?)|pthread_(?!self|equal|getspecific|testcancel|exit)\w+)$/;
const MINUS_ONE_ZERO = /^(?:close|fstat|stat|lstat|ftruncate|truncate|fallocate|fsync|fdatasync|unlink|rename|mkdir|munmap|madvise|mlock|mprotect|bind|listen|connect|getsockopt|setsockopt|socketpair|pipe2?|epoll_ctl|timerfd_settime|sigaction|sigprocmask|nanosleep|aio_(?:read|write|fsync|suspend)(?:64)?|lio_listio(?:64)?|sem_\w+|kill|setrlimit|getrlimit|sched_setaffinity)$/;
const MINUS_ONE = /^(?:syscall|open(?:at)?2?|open64|openat64|creat|p?read(?:v2?|64)?|p?write(?:v2?|64)?|l?seek(?:64)?|lseek|dup[23]?|fcntl|ioctl|socket|accept4?|send|sendto|sendmsg|sendmmsg|recv|recvfrom|recvmsg|recvmmsg|eventfd|signalfd|timerfd_create|epoll_(?:create1?|p?wait2?)|p?poll|p?select|fork|vfork|clone|waitpid|mmap(?:64)?|shmget|memfd_create|inotify_\w+|aio_(?:return|cancel)(?:64)?)$/;
const RAW_AIO = /^(?:SYS|__NR)_io_/;

/** How a call of the API or of a project function tells of failure; undefined where that is not known. */
export function returnsOf(file: View, caller: Func, call: Call): Returns | undefined {
  if (call.callee.kind !== 'name' || call.macro) return undefined;
  const { program } = file;
  const callee = program.callee(call);
  if (callee) return program.callEachOther(caller, callee) ? undefined : returnsOfFunction(file, callee);
  const name = call.name;
  if (program.defines(name)) return undefined;
  if (LIBAIO_ZERO.test(name) || LIBAIO_COUNT.test(name)) {
    // with the kernel's header alone these are a project's own wrappers
    return file.includes('linux/aio_abi.h') ? undefined : { convention: 'negative', zero: LIBAIO_ZERO.test(name) };
  }
  if (LIBURING_ZERO.test(name)) return { convention: 'negative', zero: true };
  if (LIBURING_COUNT.test(name)) {
    // without the library's header a function by a system call's name is somebody's wrapper
    if (/^io_uring_(?:setup|enter2?|register)$/.test(name) && !file.includes('liburing.h')) return undefined;
    return { convention: 'negative', zero: false };
  }
  if (NUMBER.test(name)) return { convention: 'number', zero: true };
  if (MINUS_ONE_ZERO.test(name)) return { convention: 'minus one', zero: true };
  if (MINUS_ONE.test(name)) return { convention: 'minus one', zero: rawZero(call) };
  return undefined;
}
function rawZero(call: Call): boolean {
  const number = call.name === 'syscall' ? call.args[0] : undefined;
  return number?.kind === 'name' && /^(?:SYS|__NR)_io_(?:setup|destroy|cancel)$/.test(number.name);
}
/** `syscall(SYS_io_…, …)`: the raw system calls of Linux AIO and io_uring. */
export function isRawAsyncCall(call: Call): boolean {
  const number = call.name === 'syscall' && call.callee.kind === 'name' ? call.args[0] : undefined;
  return number?.kind === 'name' && RAW_AIO.test(number.name);
}

/** A function inherits a convention when every value it returns follows it. */
function returnsOfFunction(file: View, func: Func): Returns | undefined {
  return file.program.memo.derived(func, 'return convention', () => {
    if (/\*|void|bool/.test(func.returns)) return undefined;
    const results = resultFlow(file, func);
    const found = new Set<Convention>();
    let zero = true;
    let lost = results === undefined;
    const take = (e: Expr, state: ResultState): void => {
      const inner = bare(e);
      if (inner.kind === 'conditional') return [inner.then, inner.otherwise].forEach((x) => take(x, state));
      const value = integerOf(inner);
      if (value !== undefined && value >= 0n) {
        if (value > 0n) zero = false;
      } else if (value === -1n) found.add('minus one');
      else if (isNegativeError(inner)) found.add('negative');
      else {
        const calls = heldBy(inner, state);
        const each = calls && [...calls].map((c) => (c === OTHER ? undefined : returnsOf(file, func, c)));
        if (!each?.length || each.includes(undefined)) lost = true;
        else {
          each.forEach((r) => found.add(r!.convention));
          zero &&= each.every((r) => r!.zero);
        }
      }
    };
    results?.visit((event, state) => {
      if (event.kind === 'return' && event.value) take(event.value, state);
    });
    return !lost && found.size === 1 ? { convention: [...found][0]!, zero } : undefined;
  }, (a, b) => a?.convention === b?.convention && a?.zero === b?.zero);
}

/** `-EAGAIN`, `-errno`. */
export function isNegativeError(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'unary' && inner.op === '-' && isErrorName(inner.operand);
}
function isErrorName(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'name' && /^(?:E[A-Z0-9]{2,}|errno)$/.test(inner.name);
}
function integerOf(e: Expr): bigint | undefined {
  const inner = bare(e);
  if (inner.kind === 'int') return inner.value;
  if (inner.kind !== 'unary' || inner.op !== '-') return undefined;
  const operand = bare(inner.operand);
  return operand.kind === 'int' ? -operand.value : undefined;
}

/** A value that is no call's result. */
export const OTHER = Symbol('other');
export type Source = Call | typeof OTHER;

/** At one point of a function. */
export interface ResultState {
  /** variables and fields that hold results of calls, by their written form */
  readonly holders: ReadonlyMap<string, ReadonlySet<Source>>;
  /** the calls whose failure is why control is here; OTHER where it may be here for another reason */
  readonly causes: ReadonlySet<Source>;
}
export interface ResultFlow {
  /** each event that can be reached with the state before it */
  visit(visit: (event: Event, state: ResultState, block: Block) => void): void;
  /** each test with the state it is made in */
  tests(visit: (test: Expr, state: ResultState, block: Block) => void): void;
  /** the calls whose result an expression is */
  sources(e: Expr, state: ResultState): ReadonlySet<Source> | undefined;
  /** whether taking the edge means that the call failed (true) or that it succeeded (false) */
  outcome(edge: Edge, state: ResultState, call: Call): boolean | undefined;
  /** state at the end of a block */
  after(block: Block): ResultState | undefined;
}

const ELSEWHERE: ReadonlySet<Source> = new Set<Source>([OTHER]);
/** Calls that nobody looks at errno for, and that are made on the way out: what they do to it is not the point. */
const LEAVES_CAUSE = /^(?:\w*printf|\w*(?:log|print|trace|debug|warn|err|error|msg)\w*|put[sc]|fput[sc]|perror|strerror\w*|syslog|abort|_?exit|free|delete|\w*(?:close|destroy|release)|munmap|memset|bzero|io_\w+|unlink|fflush|assert|system_error|error_code|runtime_error|generic_category|system_category|string|to_string|likely|unlikely|__builtin_expect)$/i;
const MACRO = /^[A-Z][A-Z0-9_]*$/;

/** Which results variables hold, and which failures led where, throughout a function; undefined when it could not be followed. */
export function resultFlow(file: View, func: Func): ResultFlow | undefined {
  return file.program.memo.derived(func, 'results', () => {
    const flow = file.program.flow(func);
    return flow && run(file, flow);
  });
}

function run(file: View, flow: Flow): ResultFlow | undefined {
  const { func, cfg } = flow;
  const step = (event: Event, state: ResultState): ResultState => {
    switch (event.kind) {
      case 'declare': return event.local.static ? state : hold(state, event.local.id, event.init ? heldBy(event.init, state) : undefined);
      case 'store': {
        const target = bare(event.target);
        if (target.kind === 'name' && target.name === 'errno') return { ...state, causes: ELSEWHERE };
        const key = lvalue(target);
        return key === undefined ? state : hold(state, key, event.op === '=' && event.value ? heldBy(event.value, state) : undefined);
      }
      case 'call': {
        const after = event.call.args.reduce(overwritten, state);
        return LEAVES_CAUSE.test(event.call.name) || MACRO.test(event.call.name) ? after : { ...after, causes: ELSEWHERE };
      }
      case 'deref': case 'compare': case 'return': return state;
    }
  };
  const along = (edge: Edge, state: ResultState): ResultState => {
    if (!edge.guard) return state;
    const tested = operandOf(edge.guard.test);
    const sources = tested && heldBy(tested.operand, state);
    if (!sources) return state;
    const outcomes = [...sources].map((s) => outcomeOf(file, func, edge, s));
    if (outcomes.every((o) => o === true)) return { ...state, causes: sources };
    return outcomes.includes(false) ? { ...state, causes: ELSEWHERE } : outcomes.includes(true) ? { ...state, causes: new Set([...sources, OTHER]) } : state;
  };
  const start: ResultState = { holders: new Map(), causes: ELSEWHERE };
  const entries = solve<ResultState>(cfg, { start, step, along, join: joinStates, equal: equalStates });
  if (!entries) return undefined;
  return {
    visit: (visit) => {
      for (const [id, entry] of entries) {
        let state = entry;
        for (const event of cfg.blocks[id]!.events) {
          visit(event, state, cfg.blocks[id]!);
          state = step(event, state);
        }
      }
    },
    tests: (visit) => {
      for (const [id, entry] of entries) {
        const block = cfg.blocks[id]!;
        const test = block.next.find((e) => e.guard)?.guard?.test;
        if (test) visit(test, block.events.reduce((s, e) => step(e, s), entry), block);
      }
    },
    sources: heldBy,
    outcome: (edge, state, call) => {
      const tested = edge.guard && operandOf(edge.guard.test);
      const sources = tested && heldBy(tested.operand, state);
      return sources?.size === 1 && sources.has(call) ? outcomeOf(file, func, edge, call) : undefined;
    },
    after: (block) => {
      const entry = entries.get(block.id);
      return entry && block.events.reduce((s, e) => step(e, s), entry);
    },
  };
}

function hold(state: ResultState, key: string, sources: ReadonlySet<Source> | undefined): ResultState {
  const holders = new Map(state.holders);
  for (const k of state.holders.keys()) if (k.startsWith(`${key}.`) || k.startsWith(`${key}->`)) holders.delete(k);
  if (sources) holders.set(key, sources);
  else holders.delete(key);
  return { ...state, holders };
}

/** A callee that gets the address of a result may store another one there. */
function overwritten(state: ResultState, argument: Expr): ResultState {
  const inner = bare(argument);
  const key = inner.kind === 'unary' && inner.op === '&' ? lvalue(inner.operand) : undefined;
  return key !== undefined && state.holders.has(key) ? hold(state, key, ELSEWHERE) : state;
}

/** The written form of a variable or field, with the variable made unique; undefined for anything else. */
export function lvalue(e: Expr): string | undefined {
  const inner = bare(e);
  if (inner.kind === 'name') return inner.id;
  if (inner.kind === 'unary' && inner.op === '*') {
    const pointer = lvalue(inner.operand);
    return pointer === undefined ? undefined : `*${pointer}`;
  }
  if (inner.kind !== 'member') return undefined;
  const object = lvalue(inner.object);
  return object === undefined ? undefined : `${object}${inner.deref ? '->' : '.'}${inner.field}`;
}

function heldBy(e: Expr, state: ResultState): ReadonlySet<Source> | undefined {
  const inner = bare(e);
  if (inner.kind === 'call') return new Set([inner]);
  if (inner.kind === 'assign') return inner.op === '=' ? heldBy(inner.value, state) : undefined;
  if (inner.kind === 'control') return inner.tail.length === 1 ? heldBy(inner.tail[0]!, state) : undefined;
  const key = lvalue(inner);
  return key === undefined ? undefined : state.holders.get(key);
}

type Comparison = '<' | '>' | '<=' | '>=' | '==' | '!=';
const TURNED: Record<Comparison, Comparison> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=', '==': '==', '!=': '!=' };
const DENIED: Record<Comparison, Comparison> = { '<': '>=', '>': '<=', '<=': '>', '>=': '<', '==': '!=', '!=': '==' };

/** What a test compares, and with what. */
export interface Tested { operand: Expr; op: Comparison; /** undefined: something that is no number in the text */ with: bigint | 'error' | undefined }

/** Reads `x < 0`, `0 > x`, `x == -EINTR`, `x`; the operand is the side that is no constant. */
export function operandOf(test: Expr): Tested | undefined {
  const e = bare(test);
  if (e.kind !== 'binary') return e.kind === 'name' || e.kind === 'member' || e.kind === 'call' || e.kind === 'assign' || e.kind === 'control' || e.kind === 'unary' && e.op === '*' ? { operand: e, op: '!=', with: 0n } : undefined;
  if (!(e.op in TURNED)) return undefined;
  const op = e.op as Comparison;
  const right = constantOf(e.right);
  if (right !== undefined) return { operand: e.left, op, with: right };
  const left = constantOf(e.left);
  return left === undefined ? { operand: e.left, op, with: undefined } : { operand: e.right, op: TURNED[op], with: left };
}
function constantOf(e: Expr): bigint | 'error' | undefined {
  return integerOf(e) ?? (isNegativeError(e) ? 'error' : undefined);
}

/** Whether an edge's test says that the call failed or succeeded. */
function outcomeOf(file: View, func: Func, edge: Edge, source: Source): boolean | undefined {
  const tested = edge.guard && operandOf(edge.guard.test);
  if (!tested || source === OTHER) return undefined;
  const returns = returnsOf(file, func, source);
  const op = edge.guard!.truth ? tested.op : DENIED[tested.op];
  if (returns?.convention === 'number') return numberOutcome(op, tested.with);
  if (tested.with === 'error') return op === '==' ? true : undefined;
  // a count expected, or a size: not negative
  const value = tested.with ?? 1n;
  if (value === 0n && (op === '!=' || op === '==')) return returns?.zero ? op === '!=' : op === '==' ? false : undefined;
  const negative = mayBeNegative(op, value);
  const otherwise = mayBeNegative(DENIED[op], value);
  return negative === otherwise ? (negative && op === '==' ? true : undefined) : negative;
}
function numberOutcome(op: Comparison, value: Tested['with']): boolean | undefined {
  if (value === 0n) return op === '!=' || op === '>' ? true : op === '==' || op === '<=' ? false : undefined;
  return undefined;
}
/** Whether `x op value` leaves room for negative x. */
function mayBeNegative(op: Comparison, value: bigint): boolean {
  switch (op) {
    case '<': case '<=': case '!=': return true;
    case '>': return value < -1n;
    case '>=': return value < 0n;
    case '==': return value < 0n;
  }
}

function joinStates(a: ResultState, b: ResultState): ResultState {
  if (a === b) return a;
  const holders = new Map<string, ReadonlySet<Source>>();
  for (const key of new Set([...a.holders.keys(), ...b.holders.keys()])) {
    holders.set(key, new Set([...(a.holders.get(key) ?? ELSEWHERE), ...(b.holders.get(key) ?? ELSEWHERE)]));
  }
  return { holders, causes: new Set([...a.causes, ...b.causes]) };
}
function equalStates(a: ResultState, b: ResultState): boolean {
  return sameSet(a.causes, b.causes) && a.holders.size === b.holders.size
    && [...a.holders].every(([k, s]) => b.holders.has(k) && sameSet(s, b.holders.get(k)!));
}
function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a === b || (a.size === b.size && [...a].every((x) => b.has(x)));
}

/** Something that reads errno. */
export interface ErrnoUse {
  kind: 'perror' | 'err' | '%m' | 'errno';
  at: Expr;
  /** the call around it, or the `-` in front of it */
  around: Expr | undefined;
  causes: Call[];
  /** a variable that holds the result */
  result: string | undefined;
}

/** `DIE(rc < 0, "io_setup")` of a macro that reads errno where what it is given holds, or (`holds` false) does not. */
function testedByMacro(file: View, call: Call): { test: Expr; holds: boolean } | undefined {
  return comparedByMacro(file, call) ?? givenToMacro(file, call);
}
/** `CHECK(io_uring_queue_init(…))` of a macro that reads errno where what it is given is negative, or -1, or not 0. */
function comparedByMacro(file: View, call: Call): { test: Expr; holds: boolean } | undefined {
  const macro = call.callee.kind === 'name' ? file.program.macro(call.name) : undefined;
  if (macro === undefined || !/\b(?:perror|errno)\b|%m\b/.test(macro) || /\berrno\s*=(?!=)/.test(macro)) return undefined;
  const [, list, body = ''] = /^\(([^)]*)\)([^]*)$/.exec(macro) ?? [];
  const tested = /\bif\s*\(\s*(?:\(\s*(\w+)\s*\)|(\w+))\s*(<|==|!=)\s*(-?\s*\d+)\s*\)/.exec(body);
  const argument = call.args[list?.split(',').map((p) => p.trim()).indexOf(tested?.[1] ?? tested?.[2] ?? '') ?? -1];
  if (!tested || !argument || body.indexOf(tested[0]) > body.search(/\b(?:perror|errno)\b|%m\b/)) return undefined;
  const value = BigInt(tested[4]!.replace(/\s/g, ''));
  const right: Expr = value < 0n ? { kind: 'unary', op: '-', operand: { kind: 'int', value: -value, span: argument.span }, span: argument.span } : { kind: 'int', value, span: argument.span };
  return { test: { kind: 'binary', op: tested[3]!, left: argument, right, span: argument.span }, holds: true };
}
function givenToMacro(file: View, call: Call): { test: Expr; holds: boolean } | undefined {
  const macro = call.callee.kind === 'name' ? file.program.macro(call.name) : undefined;
  if (macro === undefined || !/\b(?:perror|errno)\b|%m\b/.test(macro)) return undefined;
  const [, list, body] = /^\(([^)]*)\)([^]*)$/.exec(macro) ?? [];
  const tested = /\bif\s*\(\s*(?:unlikely\s*\(|likely\s*\(|__builtin_expect\s*\(!*)?\s*(!)?\s*\(*\s*(\w+)\s*\)*\s*(?:,\s*\w+\s*\))?\s*\{?/.exec(body ?? '');
  const position = list?.split(',').map((p) => p.trim()).indexOf(tested?.[2] ?? '') ?? -1;
  const test = call.args[position];
  // what the macro does first, and to errno itself, is out of the question
  if (!tested || !test || /\berrno\s*=(?!=)/.test(macro) || macro.indexOf(tested[0]) > macro.search(/\b(?:perror|errno)\b|%m\b/)) return undefined;
  return { test, holds: tested[1] === undefined };
}

/** A project function or macro that reads errno whenever it is called, and is told no error number. */
function speaksOfErrno(file: View, call: Call): boolean {
  const macro = call.callee.kind === 'name' ? file.program.macro(call.name) : undefined;
  // `#define FATAL(what) do { perror(what); exit(1); } while (0)`
  if (macro !== undefined) return /\bperror\s*\(|\bstrerror\s*\(\s*errno\s*\)/.test(macro) && !/\bif\b|\?|\berrno\s*=(?!=)/.test(macro) && call.args.every((a) => bare(a).kind === 'text');
  const callee = file.program.callee(call);
  if (!callee || !file.program.mentions(callee, /\bperror\b|\berrno\b|%m/)) return false;
  return file.program.memo.derived(callee, 'speaks of errno', () => {
    if (callee.params.some((p) => !p.pointer && /\b(?:int|long|ssize_t|errno_t|error_code)\b/.test(p.type))) return false;
    for (const s of callee.body) {
      if (s.kind !== 'expr' && s.kind !== 'declare') return false;
      for (const e of walk(expressionsOf(s))) {
        if (e.kind === 'assign' && e.target.kind === 'name' && e.target.name === 'errno') return false;
        if (e.kind === 'call' && e.name === 'perror') return true;
        if (e.kind === 'name' && e.name === 'errno') return true;
      }
    }
    return false;
  });
}

const READS_ERRNO: Record<string, ErrnoUse['kind']> = { perror: 'perror', psignal: 'perror', err: 'err', warn: 'err', verr: 'err', vwarn: 'err' };

/** Reads of errno where control is only because calls that `concerns` failed. */
export function errnoUses(file: View, func: Func, concerns: (call: Call, returns: Returns) => boolean): ErrnoUse[] {
  const calls = [...walkFunction(func)].filter((e): e is Call => e.kind === 'call');
  const byMacro = new Map(calls.map((c) => [c, testedByMacro(file, c)] as const).filter(([, t]) => t !== undefined));
  const bySpeaker = calls.filter((c) => speaksOfErrno(file, c));
  if (!byMacro.size && !bySpeaker.length && !/\berrno\b|\bperror\b|\bv?(?:err|warn)\b|%m/.test(file.source({ base: func.base, span: func.span }))) return [];
  const results = resultFlow(file, func);
  if (!results) return [];
  const out = new Map<Expr, ErrnoUse>();
  const concerned = (sources: ReadonlySet<Source>): boolean => sources.size > 0 && [...sources].every((c) => {
    const r = c === OTHER ? undefined : returnsOf(file, func, c);
    return r !== undefined && concerns(c as Call, r);
  });
  const macro = (call: Call, { test, holds }: { test: Expr; holds: boolean }, state: ResultState): void => {
    const tested = operandOf(test);
    const sources = tested && heldBy(tested.operand, state);
    if (!sources || !concerned(sources)) return;
    if (![...sources].every((c) => outcomeOf(file, func, { to: 0, guard: { test, truth: holds } }, c) === true)) return;
    out.set(call, { kind: 'errno', at: call, around: undefined, causes: [...sources] as Call[], result: undefined });
  };
  const look = (roots: (Expr | undefined)[], around: Expr | undefined, state: ResultState): void => {
    if (!concerned(state.causes)) return;
    const causes = [...state.causes] as Call[];
    const result = [...state.holders].find(([, s]) => sameSet(s, state.causes))?.[0];
    const add = (kind: ErrnoUse['kind'], at: Expr, outer: Expr | undefined): void => {
      out.set(at, { kind, at, around: outer, causes, result });
    };
    if (around?.kind === 'call' && around.callee.kind === 'name' && !file.program.defines(around.name)) {
      const kind = Object.hasOwn(READS_ERRNO, around.name) ? READS_ERRNO[around.name] : undefined;
      if (kind) add(kind, around, undefined);
      for (const a of around.args) if (a.kind === 'text' && /%m(?![a-zA-Z[])/.test(a.value) && !/strftime|scanf|strptime|put_time/.test(around.name)) add('%m', a, around);
    }
    for (const root of roots) {
      const stack: [Expr, Expr | undefined][] = root ? [[root, around]] : [];
      for (let top = stack.pop(); top; top = stack.pop()) {
        const [e, outer] = top;
        if (e.kind === 'name' && e.name === 'errno') add('errno', e, outer);
        // nested calls are events of their own, and an assignment's target is written
        else if (e.kind === 'assign') stack.push([e.value, e]);
        else if (e.kind !== 'call') for (const child of childrenOf(e)) stack.push([child, e.kind === 'unary' ? e : outer]);
      }
    }
  };
  results.visit((event, state) => {
    switch (event.kind) {
      case 'call': {
        const tested = byMacro.get(event.call);
        if (tested) macro(event.call, tested, state);
        if (bySpeaker.includes(event.call) && concerned(state.causes)) {
          const causes = [...state.causes] as Call[];
          out.set(event.call, { kind: 'errno', at: event.call, around: undefined, causes, result: undefined });
        }
        return look(event.call.args, event.call, state);
      }
      case 'declare': return look([event.init], undefined, state);
      case 'store': return look([event.value], undefined, state);
      case 'compare': return look([event.test], undefined, state);
      case 'return': return look([event.value], undefined, state);
      case 'deref': return undefined;
    }
  });
  results.tests((test, state) => look([test], undefined, state));
  return [...out.values()].sort((a, b) => a.at.span.start - b.at.span.start);
}

/** Tests of a result for -1 where failure is any negative number. */
export function minusOneTests(file: View, func: Func, concerns: (call: Call, returns: Returns) => boolean): { test: Expr; operand: Expr; equal: boolean; call: Call }[] {
  const results = file.program.mentions(func, /-\s*1\b/) ? resultFlow(file, func) : undefined;
  const out = new Map<Expr, { test: Expr; operand: Expr; equal: boolean; call: Call }>();
  const look = (test: Expr, state: ResultState): void => {
    const tested = operandOf(test);
    if (tested?.with !== -1n || (tested.op !== '==' && tested.op !== '!=')) return;
    const calls = [...(heldBy(tested.operand, state) ?? [])];
    if (!calls.length || !calls.every((c) => { const r = c === OTHER ? undefined : returnsOf(file, func, c); return r !== undefined && concerns(c as Call, r); })) return;
    out.set(bare(test), { test: bare(test), operand: tested.operand, equal: tested.op === '==', call: calls[0] as Call });
  };
  results?.tests((test, state) => look(test, state));
  results?.visit((event, state) => {
    if (event.kind === 'compare') look(event.test, state);
  });
  return [...out.values()];
}

/** Results taken for negative error numbers: `strerror(-ret)`, `-ret == EAGAIN`, `ret == -EAGAIN`. */
export function negatedResults(file: View, func: Func, concerns: (call: Call, returns: Returns) => boolean): { at: Expr; call: Call }[] {
  const results = resultFlow(file, func);
  const out = new Map<Expr, { at: Expr; call: Call }>();
  const concerned = (e: Expr, state: ResultState): Call | undefined => {
    const calls = [...(heldBy(e, state) ?? [])];
    const good = calls.length > 0 && calls.every((c) => { const r = c === OTHER ? undefined : returnsOf(file, func, c); return r !== undefined && concerns(c as Call, r); });
    return good ? calls[0] as Call : undefined;
  };
  const negated = (e: Expr, state: ResultState): Call | undefined => {
    const inner = bare(e);
    return inner.kind === 'unary' && inner.op === '-' ? concerned(inner.operand, state) : undefined;
  };
  const compare = (test: Expr, state: ResultState): void => {
    const e = bare(test);
    if (e.kind !== 'binary' || (e.op !== '==' && e.op !== '!=')) return;
    for (const [a, b] of [[e.left, e.right], [e.right, e.left]] as const) {
      const call = isErrorName(b) ? negated(a, state) : isNegativeError(b) && errorName(b) !== 'EPERM' ? concerned(a, state) : undefined;
      if (call) out.set(e, { at: e, call });
    }
  };
  results?.tests((test, state) => compare(test, state));
  results?.visit((event, state) => {
    if (event.kind === 'compare') compare(event.test, state);
    if (event.kind !== 'call' || !/strerror/.test(event.call.name)) return;
    for (const a of event.call.args) {
      const call = negated(a, state);
      if (call) out.set(a, { at: a, call });
    }
  });
  return [...out.values()].sort((a, b) => a.at.span.start - b.at.span.start);
}
function errorName(e: Expr): string {
  const inner = bare(e);
  const operand = inner.kind === 'unary' ? bare(inner.operand) : inner;
  return operand.kind === 'name' ? operand.name : '';
}
