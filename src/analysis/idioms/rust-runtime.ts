/** On which runtime a piece of Rust runs, as far as the file tells. */
import type { Func } from '../model';
import type { SourceFile } from '../source-file';
import { rustTypes } from '../usage/rust-types';
import { allRustCalls, holderOf, rustCalls, type RustCall } from './rust-code';

/** `uring`: one thread with a ring of its own (tokio-uring, monoio, glommio, compio). `thread`: where blocking is fine. */
export type Runtime = 'tokio-uring' | 'monoio' | 'glommio' | 'compio' | 'tokio' | 'thread';

const STARTS: [RegExp, Runtime][] = [
  [/^tokio_uring::(?:start|spawn|Builder::start|Runtime::block_on|runtime::spawn)$/, 'tokio-uring'],
  [/^monoio::(?:start|spawn|Runtime::block_on|FusionRuntime::block_on)$/, 'monoio'],
  [/^glommio::(?:spawn_local|spawn_local_into|spawn_scoped_local|LocalExecutor::run|LocalExecutorBuilder::spawn|LocalExecutorPoolBuilder::on_all_shards|Task::local)$/, 'glommio'],
  [/^compio(?:::runtime|_runtime)::(?:spawn|Runtime::block_on|Runtime::spawn)$/, 'compio'],
  [/(?:^|::)spawn_blocking\w*$|^std::thread::(?:spawn|scope|Builder::spawn)$|(?:^|::)(?:unblock|asyncify|block_in_place|spawn_raw)$|Scope::spawn$/, 'thread'],
  [/^tokio::(?:spawn|task::spawn|task::spawn_local|runtime::(?:Runtime|Handle)::(?:block_on|spawn)|task::(?:LocalSet|JoinSet)::\w+)$/, 'tokio'],
];
const ATTRIBUTES: [RegExp, Runtime][] = [
  [/^monoio::(?:main|test\w*)\b/, 'monoio'],
  [/^compio::(?:main|test)\b/, 'compio'],
  [/^tokio::(?:main|test)\b/, 'tokio'],
  [/^tokio_uring::(?:main|test)\b/, 'tokio-uring'],
];

/** The runtime a call starts, or hands its argument to. */
export function startedBy(path: string): Runtime | undefined {
  return STARTS.find(([pattern]) => pattern.test(path))?.[1];
}
/** The runtime a function's `#[…::main]` or `#[…::test]` starts. */
export function attributeRuntime(file: SourceFile, func: Func): Runtime | undefined {
  for (const a of func.attributes ?? []) {
    const [, path = '', rest = ''] = /^([\w:]+)(.*)$/s.exec(a.text) ?? [];
    const full = rustTypes(file.facts).resolve(path) + rest;
    const found = ATTRIBUTES.find(([pattern]) => pattern.test(full));
    if (found) return found[1];
  }
  return undefined;
}

const known = new WeakMap<SourceFile['facts'], Map<Func, ReadonlySet<Runtime>>>();
/** The runtimes from which a function, closure or async block is reached in this file; empty when nothing says. */
export function runtimesOf(file: SourceFile, func: Func): ReadonlySet<Runtime> {
  let map = known.get(file.facts);
  if (!map) known.set(file.facts, (map = spread(file)));
  return map.get(func) ?? new Set();
}

function spread(file: SourceFile): Map<Func, ReadonlySet<Runtime>> {
  const map = new Map<Func, Set<Runtime>>();
  const byName = new Map<string, Func[]>();
  for (const f of file.program.functions()) if (!f.parent) byName.set(f.name, [...(byName.get(f.name) ?? []), f]);
  const work: [Func, Runtime][] = [];
  const add = (func: Func, runtime: Runtime): void => {
    const set = map.get(func) ?? new Set();
    if (set.has(runtime)) return;
    map.set(func, set.add(runtime));
    work.push([func, runtime]);
  };
  for (const func of file.program.functions()) {
    const own = attributeRuntime(file, func);
    if (own) add(func, own);
    const holder = func.parent && holderOf(file, func);
    const started = holder && startedBy(holder.path);
    if (started) add(func, started);
    // whoever awaits the runtime's own operations can only run on it
    for (const c of rustCalls(file, func)) {
      const on = operationRuntime(c.path);
      if (on && func.async) add(func, on);
    }
  }
  // `start(run(…))`: the function called is what runs
  for (const c of allRustCalls(file)) {
    const started = startedBy(c.path);
    const argument = started && c.call.args.at(-1);
    if (argument?.kind === 'call') for (const f of calledIn(file, { ...c, call: argument }, byName)) if (f.async) add(f, started!);
  }
  for (let next = work.pop(); next; next = work.pop()) {
    const [func, runtime] = next;
    for (const inner of func.inner) {
      const holder = holderOf(file, inner);
      if (!holder || startedBy(holder.path) === undefined) add(inner, runtime);
    }
    for (const c of rustCalls(file, func)) for (const f of calledIn(file, c, byName)) if (f.async) add(f, runtime);
  }
  return map;
}
function calledIn(file: SourceFile, c: Pick<RustCall, 'call' | 'func'>, byName: Map<string, Func[]>): Func[] {
  const named = byName.get(c.call.name) ?? [];
  if (named.length !== 1) return [];
  const path = rustTypes(file.facts).pathOf(c.call, c.func);
  const [only] = named;
  const own = only!.owner ? path === `${only!.owner}::${only!.name}` : c.call.callee.kind === 'name' && !path?.includes('::');
  return own || path === `self::${only!.name}` || path === `crate::${only!.name}` ? [only!] : [];
}

const OPERATION = /^(?:(tokio_uring)::(?:fs|net)|(monoio)::(?:fs|net)|(glommio)::(?:io|net)|(compio)(?:::|_)(?:fs|net))::(?:\w+::)*(?:[A-Z]\w+::)?(?:open|create|connect|accept|(?:read|write|send|recv)\w*|sync_all|sync_data|fdatasync|close|remove_file|rename|create_dir\w*|statx)$/;
/** The runtime whose ring an operation at this path needs. */
export function operationRuntime(path: string): Runtime | undefined {
  const m = OPERATION.exec(path);
  return m ? (m[1] ? 'tokio-uring' : m[2] ? 'monoio' : m[3] ? 'glommio' : 'compio') : undefined;
}
export function isUring(runtime: Runtime): boolean {
  return runtime !== 'tokio' && runtime !== 'thread';
}
