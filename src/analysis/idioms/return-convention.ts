/**
 * How calls tell of failure, and where a function deals with a call that failed.
 *
 * libaio and liburing return the negative error number and leave `errno` alone; system calls return -1 and set it; a third
 * kind returns the error number itself. A project function that hands such a result on has the same convention.
 */
import { solve } from '../flow/dataflow';
import type { Block, Edge, Event } from '../flow/cfg';
import type { Flow } from '../flow/program';
import { bare, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { DENIED, integerOf, isNegativeError, lvalue, operandOf, type Comparison, type Tested } from './tested';

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
const LEAVES_CAUSE = /^(?:\w*printf|\w*(?:log|print|trace|debug|warn|err|error|msg)\w*|put[sc]|fput[sc]|perror|strerror\w*|syslog|abort|_?exit|free|delete|\w*(?:close|destroy|release|unlock)|munmap|memset|bzero|io_\w+|unlink|fflush|assert|system_error|error_code|runtime_error|generic_category|system_category|string|to_string|likely|unlikely|__builtin_expect)$/i;
const MACRO = /^[A-Z][A-Z0-9_]*$/;
/** What atomics, containers and condition variables do without the system. */
const MEMBER = /^(?:fetch_(?:add|sub|or|and|xor)|load|store|exchange|push(?:_back|_front)?|pop(?:_back|_front)?|emplace(?:_back|_front)?|insert|erase|clear|size|empty|at|begin|end|c_str|data|get|reset|release|notify_(?:one|all))$/;

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
        const member = event.call.callee.kind === 'member' && MEMBER.test(event.call.name) && !file.program.callee(event.call);
        return member || LEAVES_CAUSE.test(event.call.name) || MACRO.test(event.call.name) ? after : { ...after, causes: ELSEWHERE };
      }
      case 'deref': case 'compare': case 'streamed': case 'return': return state;
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

/** The calls whose result an expression is. */
export function heldBy(e: Expr, state: ResultState): ReadonlySet<Source> | undefined {
  const inner = bare(e);
  if (inner.kind === 'call') return new Set([inner]);
  if (inner.kind === 'assign') return inner.op === '=' ? heldBy(inner.value, state) : undefined;
  if (inner.kind === 'control') return inner.tail.length === 1 ? heldBy(inner.tail[0]!, state) : undefined;
  const key = lvalue(inner);
  return key === undefined ? undefined : state.holders.get(key);
}

/** Whether an edge's test says that the call failed or succeeded. */
export function outcomeOf(file: View, func: Func, edge: Edge, source: Source): boolean | undefined {
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
export function sameSet<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): boolean {
  return a === b || (a.size === b.size && [...a].every((x) => b.has(x)));
}
