/** How one event changes abstract memory. */
import { bare, placeIn, type Call, type Expr, type Func, type Local, type Place } from '../model';
import type { Event } from './cfg';
import { arithmetic, keysOf, resultKey, valueOf, type Surroundings } from './evaluate';
import { clear, freshen, load, loadAll, lose, loseAll, pointees, store, type Memory } from './memory';
import { Site, type Effect, type Summary } from './summary';
import { int, join, NOTHING, UNKNOWN, valueOfAtoms, type Atom, type Value } from './value';

/** What a model of an API function may see and do. */
export interface ApiCall {
  call: Call;
  place: Place;
  arg(index: number): Value;
  /** memory that argument `index` points to */
  target(index: number): string[];
  load(keys: string[]): Value;
  store(keys: string[], value: Value, weak?: boolean): void;
  effect(name: string, parts: Value[]): void;
  result(value: Value): void;
  /** what the keys name is all zero now */
  clear(keys: string[]): void;
  /** the call returns new memory, or memory with nothing of interest in it yet */
  allocates(): void;
}
/** A model of API functions by name; functions the file defines itself are never modelled. */
export type ApiModels = ReadonlyMap<string, (at: ApiCall) => void>;

const STORE = 'store ';
/** Effect that records a store to the field or global `name`. */
export function storeEffect(name: string): string {
  return STORE + name;
}

/** What the elements of the array in a field or global go by. */
export function elementsOf(name: string): string {
  return `${name}[]`;
}
/** The field or global a store effect speaks of; undefined for other effects. */
export function storedName(effect: string): string | undefined {
  return effect.startsWith(STORE) ? effect.slice(STORE.length) : undefined;
}

/** Functions that leave what they are given alone, as far as any rule cares. */
const HARMLESS = /^(?:v?f?printf|v?d?printf|v?sn?printf|puts|fputs|perror|strerror\w*|syslog|memset|bzero|explicit_bzero|free|delete|close|sizeof|assert|static_assert|f?stat(?:at|x)?\w*|lseek|posix_fadvise|fallocate|posix_fallocate|ftruncate|fsync|fdatasync|strcmp|strncmp|strlen|memcmp|clock_gettime|io_uring_register_(?:files|buffers|eventfd)(?:_tags|_async)?|gettimeofday|nanosleep|aio_(?:read|write|error|return|suspend|fsync|cancel)(?:64)?)$/;
const LIBURING = /^(?:__)?io_uring_/;
/** System calls are modelled by their number's name. */
function modelName(call: Call): string {
  const first = call.args[0];
  return call.name === 'syscall' && first?.kind === 'name' ? first.name : call.name;
}
/** What a step asks of the functions around it. */
interface Callees {
  callee(call: Call): Func | undefined;
  /** undefined where caller and callee call each other */
  summaryFor(caller: Func, callee: Func): Summary | undefined;
  defines(name: string): boolean;
  /** what a method was called on, where the key is a member of that */
  objectOf(call: Call, callee: Func, key: string): { object: Expr; deref: boolean } | undefined;
}

/** One event's effect on memory. */
export class Stepper {
  /** set while effects are gathered */
  effects: Effect[] | undefined;

  constructor(
    private readonly program: Callees, private readonly func: Func, private readonly around: Surroundings, private readonly models: ApiModels,
  ) {}

  step(event: Event, memory: Memory): Memory {
    switch (event.kind) {
      case 'declare': return this.declare(event.local, event.init, memory);
      case 'store': return this.store(event, memory);
      case 'call': return this.call(event.call, memory);
      case 'deref': case 'compare': case 'streamed': case 'return': return memory;
    }
  }

  private declare(local: Local, init: Expr | undefined, before: Memory): Memory {
    if (local.static && !local.array) return init ? store(before, [local.id], join(load(before, local.id), valueOf(init, before, this.around))) : before;
    if (local.reference && init) {
      const keys = keysOf(bare(init), before, this.around);
      return store(before, [local.id], keys.length ? valueOfAtoms(...keys.map((key): Atom => ({ kind: 'address', key }))) : UNKNOWN);
    }
    const value = init ? valueOf(init, before, this.around) : NOTHING;
    let memory = local.static ? before : freshen(before, local.id);
    const elements = init?.kind === 'list' ? init : undefined;
    if (local.array) {
      memory = store(memory, [local.id], valueOfAtoms({ kind: 'address', key: `${local.id}*` }));
      for (const item of elements?.items ?? []) {
        if (item.field === undefined) memory = store(memory, [`${local.id}*`], valueOf(item.value, before, this.around), true);
      }
      return memory;
    }
    if (!elements) return init ? store(memory, [local.id], value) : memory;
    const cleared = clearsTheRest(elements.items);
    if (cleared) memory = clear(memory, [local.id]);
    for (const item of elements.items) {
      if (item.field !== undefined) {
        const v = valueOf(item.value, before, this.around);
        memory = store(memory, [`${local.id}.${item.field}`], v);
        this.record(storeEffect(item.field), undefined, [v], item.value);
      } else if (elements.items.length === 1 && !cleared) memory = store(memory, [local.id], valueOf(item.value, before, this.around));
    }
    return memory;
  }

  private store(event: Extract<Event, { kind: 'store' }>, memory: Memory): Memory {
    const keys = keysOf(event.target, memory, this.around);
    const before = valueOf(event.target, memory, this.around);
    const operand = event.value ? valueOf(event.value, memory, this.around) : int(1n);
    const value = event.op === '=' ? operand : arithmetic(event.op, before, operand);
    const target = bare(event.target);
    const name = target.kind === 'member' ? target.field : target.kind === 'name' && !target.id.includes('~') ? target.name : undefined;
    if (name !== undefined) this.record(storeEffect(name), undefined, [value], event.target);
    const array = target.kind === 'index' ? bare(target.object) : undefined;
    const elements = array?.kind === 'member' ? array.field : array?.kind === 'name' && !array.id.includes('~') ? array.name : undefined;
    if (elements !== undefined) this.record(storeEffect(elementsOf(elements)), undefined, [value], event.target);
    if (event.op === '=' && event.value?.kind === 'list') return this.storeList(keys, event.value.items, memory);
    return store(memory, keys, value, target.kind === 'index');
  }

  private storeList(keys: string[], items: { field?: string; value: Expr }[], before: Memory): Memory {
    let memory = clearsTheRest(items) ? clear(before, keys) : before;
    for (const item of items) {
      if (item.field === undefined) continue;
      const value = valueOf(item.value, before, this.around);
      memory = store(memory, keys.map((k) => `${k}.${item.field}`), value);
      this.record(storeEffect(item.field), undefined, [value], item.value);
    }
    return memory;
  }

  private record(name: string, call: Call | undefined, parts: Value[], at: Expr): void {
    if (!this.effects) return;
    const holder = call ?? NO_CALL;
    this.effects.push({ name, call: holder, place: placeIn(this.func, at.span), parts, via: [] });
  }

  private call(call: Call, before: Memory): Memory {
    const callee = this.program.callee(call);
    if (callee) {
      const summary = this.program.summaryFor(this.func, callee);
      return summary ? this.projectCall(call, callee, summary, before) : this.unknownCall(call, before);
    }
    const model = call.callee.kind === 'name' && !call.macro && (call.callee.global || !this.program.defines(call.name)) ? this.models.get(modelName(call)) : undefined;
    return model ? this.apiCall(call, model, before) : this.unknownCall(call, before);
  }

  private projectCall(call: Call, callee: Func, summary: Summary, before: Memory): Memory {
    const site = new Site(call, summary, before, this.around, (key) => {
      const of = this.program.objectOf(call, callee, key);
      return of && (of.deref ? pointees(valueOf(of.object, before, this.around)) : keysOf(of.object, before, this.around));
    });
    this.effects?.push(...site.effects());
    const memory = loseAll(site.apply(), site.lost());
    return store(memory, [resultKey(call)], site.value(summary.returns));
  }

  private apiCall(call: Call, model: (at: ApiCall) => void, before: Memory): Memory {
    let memory = before;
    const place = placeIn(this.func, call.span);
    const arg = (i: number): Value => {
      const e = call.args[i];
      return e ? valueOf(e, memory, this.around) : UNKNOWN;
    };
    model({
      call, place, arg,
      target: (i) => pointees(arg(i)),
      load: (keys) => loadAll(memory, keys),
      store: (keys, value, weak) => { memory = store(memory, keys, value, weak); },
      clear: (keys) => { memory = clear(memory, keys); },
      effect: (name, parts) => this.record(name, call, parts, call),
      result: (value) => { memory = store(memory, [resultKey(call)], value); },
      allocates: () => {
        const own = valueOfAtoms({ kind: 'call', call, place, via: [] });
        for (const key of pointees(own)) memory = freshen(memory, key.slice(0, -1));
      },
    });
    return memory;
  }

  /** Code out of sight may write to what it is given the address of. */
  private unknownCall(call: Call, before: Memory): Memory {
    let memory = before;
    if (HARMLESS.test(call.name)) return memory;
    // liburing does nothing to a ring or an sqe that matters here
    const args = LIBURING.test(call.name) ? call.args.slice(1) : call.args;
    for (const arg of args) {
      const e = bare(arg);
      if (e.kind === 'unary' && e.op === '&') {
        const target = bare(e.operand);
        const name = target.kind === 'member' ? target.field : target.kind === 'name' && !target.id.includes('~') ? target.name : undefined;
        if (name !== undefined) this.record(storeEffect(name), undefined, [UNKNOWN], target);
      }
      for (const a of valueOf(e, memory, this.around).atoms.values()) if (a.kind === 'address') memory = lose(memory, a.key);
    }
    return memory;
  }
}

/** `{}`, `{0}`, `{ .flags = f }`: what is not named is zero. Of `{ a, b }` the fields are not known. */
function clearsTheRest(items: { field?: string; value: Expr }[]): boolean {
  const [first] = items.map((i) => bare(i.value));
  return items.every((i) => i.field !== undefined) || (items.length === 1 && first?.kind === 'int' && first.value === 0n);
}

const NO_CALL: Call = {
  kind: 'call', callee: { kind: 'name', name: '', id: '', span: { start: 0, end: 0 } }, name: '', nameSpan: { start: 0, end: 0 }, args: [],
  argsSpan: { start: 0, end: 0 }, span: { start: 0, end: 0 },
};
