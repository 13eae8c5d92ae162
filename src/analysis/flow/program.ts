/**
 * The functions of a file with their graphs, value flow and summaries, each made only when asked for, and anew only when
 * something it depends on is different in a later version of the file.
 */
import { homeOf } from '../homes';
import { changes } from '../lists';
import { Memo, sameList, type Epoch } from '../memo';
import { bare, FILE, walk, walkFunction, type Call, type Expr, type Field, type FileFacts, type Func, type Local, type Structure } from '../model';
import { cyclesOf, sameCycles, type Cycles } from './call-cycles';
import { buildCfg, type Block, type Cfg, type Event } from './cfg';
import { solve } from './dataflow';
import { arithmetic, valueOf, type Surroundings } from './evaluate';
import { Layout } from './layout';
import { className, methodOf, objectOf } from './methods';
import { equalMemory, joinMemory, START, widenMemory, type Memory } from './memory';
import { NameIndex } from './name-index';
import { stretched } from './stretches';
import { storedName, Stepper, type ApiModels } from './stepper';
import { summarise } from './summarise';
import { dependsOnParameters, type Effect, type Summary } from './summary';
import { SYSTEM_CONSTANTS } from './system-constants';
import { equal, int, join, NOTHING, UNKNOWN, type Value } from './value';
import { flowOf } from './value-flow';

export interface Flow {
  func: Func;
  cfg: Cfg;
  effects: Effect[];
  /** Every event that can be reached, with the memory before it. */
  replay(visit: (event: Event, memory: Memory, block: Block) => void): void;
  /** memory at the end of a block; undefined where it cannot be reached */
  after(block: Block): Memory | undefined;
  value(e: Expr, memory: Memory): Value;
  keys(e: Expr, memory: Memory): string[];
}

/** Expressions to whether a function's source matches them: a function's text is part of what it is. */
const mentioned = new WeakMap<Func, Map<string, boolean>>();

/** What a file sees of the other files of its workspace. */
export interface Outside {
  readonly epoch: Epoch;
  /** facts of the project's headers this file includes that have the name in them in whatever role, nearest first */
  headers(name: string): FileFacts[];
  /** the function of a file not included that the name stands for, where that is beyond doubt; methods as `Class::name` */
  external(name: string): Func | undefined;
  /** whether a header of the project that this file includes, includes `header` */
  includes(header: string): boolean;
}

/** Functions bigger than this many blocks are left alone. */
const MAX_BLOCKS = 4000;

export class Program {
  readonly memo: Memo;
  readonly layout = new Layout(this);
  private facts!: FileFacts;
  private text = '';
  private readonly index = new NameIndex();
  private all: Func[] = [];
  private stretches: (readonly Func[])[] = [];

  constructor(private readonly models: ApiModels, private readonly outside?: Outside) {
    this.memo = new Memo(outside?.epoch);
    this.memo.keepsFor(this);
  }

  /** The file as it is now; its memo was told if that is another version. */
  load(facts: FileFacts, text: string): void {
    const before = { all: this.all, stretches: this.stretches };
    this.index.load(this.facts, facts);
    this.facts = facts;
    this.text = text;
    this.all = [];
    const add = (f: Func): void => {
      this.all.push(f);
      f.inner.forEach(add);
    };
    facts.functions.forEach(add);
    this.stretches = stretched(this.all, this.stretches);
    const functions = changes(before.all, this.all);
    const stretches = changes(before.stretches, this.stretches);
    this.index.replace(functions.gone, functions.come, this.all);
    this.memo.turn([...functions.gone, ...stretches.gone], [...functions.come, ...stretches.come]);
  }

  /** Functions and the lambdas in them whose source has `word` in it; all when absent. */
  functions(word?: RegExp): Func[] {
    // who asks for some of them need not know that others changed
    return word
      ? this.gather(`functions with ${word.source} ${word.flags}`, (f) => (this.mentions(f, word) ? [f] : []))
      : this.memo.input('functions', () => this.all, sameList);
  }
  /** What all functions say to a question, in their order; after an edit only those near it are asked. */
  gather<T>(question: string, of: (func: Func) => readonly T[]): T[] {
    return this.inStretches(question, (functions) => functions.flatMap(of), (parts) => ([] as T[]).concat(...parts), sameList);
  }
  /** Whether it is true of some function. */
  some(question: string, test: (func: Func) => boolean): boolean {
    return this.inStretches(question, (functions) => functions.some(test), (parts) => parts.some(Boolean));
  }
  /** An answer about all functions, put together from answers about stretches of them. */
  private inStretches<S, T>(question: string, of: (functions: readonly Func[]) => S, together: (parts: S[]) => T, same?: (a: S | T, b: S | T) => boolean): T {
    return this.memo.derived(this, question, () => {
      const stretches = this.memo.input('stretches', () => this.stretches, sameList);
      return together(stretches.map((s) => this.memo.derived(s, question, () => of(s), same)));
    }, same);
  }
  /** Functions of the file, lambdas too, that name this one of the file: to call it, or to pass it on. */
  users(func: Func): readonly Func[] {
    return this.memo.input(`users of ${func.name}`, () => this.index.usersOf(func.name), sameList);
  }
  /** Whether a function's source has `word` in it. */
  mentions(func: Func, word: RegExp): boolean {
    let known = mentioned.get(func);
    if (!known) mentioned.set(func, (known = new Map()));
    const key = word.flags ? `${word.source}/${word.flags}` : word.source;
    let found = known.get(key);
    if (found === undefined) {
      const { text } = this.homeOf(func);
      known.set(key, (found = word.test(text.slice(func.base + func.span.start, func.base + func.span.end))));
    }
    return found;
  }

  /** The program of the file that a function is in. */
  homeOf(func: Func): Program {
    return homeOf(func)?.program ?? this;
  }

  /** Whether the file's code, its macros, or a header of the project it includes has an identifier in it. */
  names(name: string): boolean {
    return this.memo.input(`names ${name}`, () => {
      const inMacro = new RegExp(`\\b${name}\\b`);
      return this.index.mentions(name) || (this.outside?.headers(name).length ?? 0) > 0
        || [...this.facts.macros.values()].some((body) => inMacro.test(body))
        || [...this.facts.constants.values()].some((all) => [...walk(all)].some((e) => e.kind === 'name' && e.name === name));
    });
  }

  /** The file's only function of that name. */
  functionNamed(name: string): Func | undefined {
    return this.memo.input(`function ${name}`, () => this.index.functionNamed(name));
  }
  defines(name: string): boolean {
    return this.memo.input(`defines ${name}`, () => {
      const inFile = (f: FileFacts) => f.macros.has(name) || f.functions.some((g) => g.name === name);
      return this.index.hasFunction(name) || this.facts.macros.has(name) || (this.outside?.headers(name).some(inFile) ?? false);
    });
  }
  /** What a function-like macro of the file, or of a header of the project, stands for: `(parameters) body`. */
  macro(name: string): string | undefined {
    return this.memo.input(`macro ${name}`, () => this.facts.macros.get(name) ?? this.seen(name, (f) => f.macros.get(name)));
  }
  /** The project function a call runs, where that is beyond doubt. */
  callee(call: Call): Func | undefined {
    const home = call.within ? this.homeOf(call.within) : this;
    const method = methodOf(home, call);
    if (method || !isDirect(call)) return method;
    const found = home.functionNamed(call.name) ?? home.functionOutside(call.name);
    return found && canReach(call, found) ? found : undefined;
  }
  /** Methods of that name of the class of that name, which stands without its namespace. */
  methods(owner: string, name: string): Func[] {
    const own = (f: FileFacts) => some(f.functions.filter((g) => g.name === name && className(g.owner) === owner));
    return this.memo.input(`methods ${owner}::${name}`, () => own(this.facts) ?? this.seen(name, own) ?? [this.outside?.external(`${owner}::${name}`)].filter((f) => f !== undefined), sameList);
  }
  /** Whether a call of the method may run that of a class derived from its own. */
  mayBeReplaced(method: Func): boolean {
    const home = this.homeOf(method);
    if (home.mentions(method, /^[^{]*\b(?:virtual|override)\b/)) return true;
    const derived = (f: FileFacts) => f.functions.some((g) => g.name === method.name && g.owner !== method.owner && f.structures.some((s) => s.derived && s.name === className(g.owner))) || undefined;
    return this.memo.input(`replaced ${method.owner}::${method.name}`, () => derived(this.facts) ?? this.seen(method.name, derived) ?? false);
  }
  /** The function of another file that a name stands for here. */
  private functionOutside(name: string): Func | undefined {
    if (!this.outside || this.functionNamed(name)) return undefined;
    return this.memo.input(`outside ${name}`, () => {
      if (this.index.hasFunction(name) || this.facts.macros.has(name)) return undefined;
      const defined = this.outside!.headers(name).flatMap((f) => f.functions.filter((g) => g.name === name && g.owner === ''));
      return defined.length > 1 ? undefined : defined[0] ?? this.outside!.external(name);
    });
  }
  /** What the nearest header says that has something to say. */
  seen<T>(name: string, of: (facts: FileFacts) => T | undefined): T | undefined {
    for (const facts of this.outside?.headers(name) ?? []) {
      const found = of(facts);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Values of a macro, enumerator or constant of the file; with several definitions all of them. */
  constant(name: string, depth = 0): Value | undefined {
    const definitions = this.memo.input(`constant ${name}`, () => this.facts.constants.get(name) ?? this.seen(name, (f) => f.constants.get(name)) ?? [], sameList);
    if (!definitions.length) return SYSTEM_CONSTANTS.has(name) ? int(SYSTEM_CONSTANTS.get(name)!) : undefined;
    if (depth > 8) return UNKNOWN;
    return definitions.map((e) => this.constantValue(e, depth)).reduce(join);
  }
  /** Value of an expression made of constants alone. */
  constantValue(e: Expr, depth = 0): Value {
    const inner = bare(e);
    if (inner.kind === 'binary') return arithmetic(inner.op, this.constantValue(inner.left, depth), this.constantValue(inner.right, depth));
    if (inner.kind === 'name') return inner.id.includes('~') ? UNKNOWN : this.constant(inner.name, depth + 1) ?? UNKNOWN;
    return valueOf(inner, START, { unit: FILE, local: () => undefined, constant: (n) => this.constant(n, depth + 1), size: (s) => this.layout.sizeof(s, () => undefined) });
  }

  /** Members of the struct, union or class of that name. */
  fieldsOf(owner: string): Field[] {
    const own = (f: FileFacts) => some(f.fields.filter((x) => x.owner === owner));
    return this.memo.input(`fields of ${owner}`, () => own(this.facts) ?? this.seen(owner, own) ?? [], sameList);
  }
  /** Structs, unions and classes of the file that have a member of that name. */
  ownersOf(member: string): string[] {
    return this.memo.input(`owners of ${member}`, () => [...new Set(this.facts.fields.filter((f) => f.name === member).map((f) => f.owner))], sameList);
  }
  /** Structs, unions and classes of that name; several under `#if`. */
  structures(name: string): Structure[] {
    const own = (f: FileFacts) => some(f.structures.filter((s) => s.name === name));
    return this.memo.input(`structures ${name}`, () => own(this.facts) ?? this.seen(name, own) ?? [], sameList);
  }
  /** A variable outside functions. */
  global(name: string): Local | undefined {
    const own = (f: FileFacts) => f.globals.find((g) => g.local.name === name)?.local;
    return this.memo.input(`variable ${name}`, () => own(this.facts) ?? this.seen(name, own));
  }

  /** Value flow of a function; undefined when it is damaged or too big. */
  flow(func: Func): Flow | undefined {
    const home = this.homeOf(func);
    if (home !== this) return home.flow(func);
    return this.memo.derived(func, 'flow', () => (func.damaged ? undefined : this.run(func)));
  }

  summary(func: Func): Summary | undefined {
    const home = this.homeOf(func);
    if (home !== this) return home.summary(func);
    return this.memo.derived(func, 'summary', () => {
      const flow = this.flow(func);
      return flow && summarise(flow);
    });
  }
  /** What a caller may know of a function it calls: nothing where the two call each other. */
  summaryFor(caller: Func, callee: Func): Summary | undefined {
    return this.callEachOther(caller, callee) ? undefined : this.summary(callee);
  }
  /** Whether each can lead to the other; a function alone counts when it is given twice. */
  callEachOther(a: Func, b: Func): boolean {
    if (a === b) return true;
    const cycles = this.memo.derived(this, 'cycles', () => this.cycles(), sameCycles);
    const cycle = cycles.get(idOf(a));
    return cycle !== undefined && cycle === cycles.get(idOf(b));
  }
  /** Looked for by names: a function that changed and calls what it called before is no news. */
  private cycles(): Cycles {
    const calls = this.inStretches('calls', (functions) => functions.map((f) => this.callsOf(f)), (parts) => parts.flat(), sameCalls);
    const own = new Map<string, string[]>();
    const foreign = new Map<string, Func>();
    for (const { from, to, outside } of calls) {
      own.set(from, [...(own.get(from) ?? []), ...to]);
      for (const f of outside) foreign.set(idOf(f), f);
    }
    return cyclesOf(own.keys(), (id) => {
      const known = own.get(id);
      if (known) return known;
      const callees = this.callees(foreign.get(id)!);
      for (const f of callees) if (!own.has(idOf(f))) foreign.set(idOf(f), f);
      return callees.map(idOf);
    });
  }
  private callsOf(func: Func): Calls {
    const callees = this.callees(func);
    return { from: idOf(func), to: callees.map(idOf), outside: callees.filter((f) => this.homeOf(f) !== this) };
  }
  /** Functions of the project that a function calls itself. */
  private callees(func: Func): Func[] {
    const home = this.homeOf(func);
    if (home !== this) return home.callees(func);
    return this.memo.derived(func, 'callees', () => [
      ...this.called(func).map((name) => this.functionNamed(name) ?? this.functionOutside(name)),
      ...[...walkFunction(func)].map((e) => (e.kind === 'call' ? methodOf(this, e) : undefined)),
    ].filter((f) => f !== undefined), sameList);
  }
  /** What a method was called on, where a key of the method's is a member of that. */
  objectOf(call: Call, callee: Func, key: string): { object: Expr; deref: boolean } | undefined {
    return objectOf(this, call, callee, key);
  }
  /** Names of the functions a function calls itself, whether the file defines them or not. */
  private called(func: Func): string[] {
    return this.memo.derived(func, 'called', () => {
      const names = new Set<string>();
      for (const e of walkFunction(func)) if (e.kind === 'call' && isDirect(e)) names.add(e.name);
      return [...names];
    }, sameList);
  }

  /**
   * What a field or global of that name may hold, from every store to it in this file; unknown where some store's value
   * comes from outside the file.
   */
  stored(name: string): Value {
    return this.memo.derived(this, `stored ${name}`, () => join(this.initial(name), this.inStretches(`stored by functions to ${name}`, (functions) => this.storedBy(functions, name), (parts) => parts.reduce(join, NOTHING), equal)), equal);
  }
  /** What the definition of a global says. */
  private initial(name: string): Value {
    let out = NOTHING;
    for (const g of this.memo.input('globals', () => this.facts.globals, sameList)) {
      if (g.local.name === name && g.init) out = join(out, valueOf(g.init, START, { unit: g.unit, local: () => undefined, constant: (n) => this.constant(n), size: (s) => this.layout.sizeof(s, () => undefined) }));
    }
    return out;
  }
  private storedBy(functions: readonly Func[], name: string): Value {
    let out = NOTHING;
    const whole = this.defines('main');
    for (const func of functions) {
      const flow = this.flow(func);
      if (!flow) {
        if (this.mentions(func, new RegExp(`\\b${name}\\b`))) out = UNKNOWN;
        continue;
      }
      for (const value of this.stores(func).get(name) ?? []) {
        // callers say what their arguments are, if all of them are in sight
        const callersKnown = func.static || whole;
        out = join(out, dependsOnParameters(value, func) ? (callersKnown && this.isCalled(func) ? NOTHING : UNKNOWN) : value);
      }
    }
    return out;
  }
  /** What a function and those it calls store, by field or global. */
  private stores(func: Func): Map<string, Value[]> {
    return this.memo.derived(func, 'stores', () => {
      const out = new Map<string, Value[]>();
      for (const e of this.flow(func)?.effects ?? []) {
        const name = storedName(e.name);
        if (name === undefined) continue;
        const list = out.get(name);
        const value = e.parts.reduce(join, NOTHING);
        if (list) list.push(value);
        else out.set(name, [value]);
      }
      return out;
    });
  }
  private isCalled(func: Func): boolean {
    const called = this.memo.derived(this, 'called', () => new Set(this.gather('called by functions', (f) => this.called(f))));
    return called.has(func.name) && this.functionNamed(func.name) === func;
  }

  private surroundings(func: Func): Surroundings {
    const local = (id: string): Local | undefined => {
      for (let f: Func | undefined = func; f; f = f.parent) {
        const found = f.locals.get(id);
        if (found) return found;
      }
      return undefined;
    };
    return { unit: func, local, constant: (name) => this.constant(name), size: (e) => this.layout.sizeof(e, local) };
  }

  private run(func: Func): Flow | undefined {
    const cfg = buildCfg(func, (call) => {
      const callee = this.callee(call);
      return callee !== undefined && this.summaryFor(func, callee)?.noReturn === true;
    });
    if (cfg.blocks.length > MAX_BLOCKS) return undefined;
    const around = this.surroundings(func);
    const stepper = new Stepper(this, func, around, this.models);
    const entries = solve<Memory>(cfg, { start: START, step: (event, memory) => stepper.step(event, memory), join: joinMemory, equal: equalMemory, widen: widenMemory });
    if (!entries) return undefined;
    const flow = flowOf(func, cfg, entries, stepper, around);
    stepper.effects = flow.effects;
    flow.replay(() => undefined);
    stepper.effects = undefined;
    return flow;
  }
}

/** Functions a function calls itself, by their ids. */
interface Calls { from: string; to: string[]; /** those of other files among them */ outside: Func[] }
function sameCalls(a: Calls[], b: Calls[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i] || (x.from === b[i]!.from && sameList(x.to, b[i]!.to) && sameList(x.outside, b[i]!.outside)));
}
/** The same in all versions, for functions that calls can be resolved to. */
function idOf(func: Func): string {
  return `${homeOf(func)?.path ?? ''} ${func.owner}::${func.name}`;
}
function some<T>(list: T[]): T[] | undefined {
  return list.length ? list : undefined;
}

/** In C++ a bare name stands for a method in the method's own class only, and never with `::` in front. */
function canReach(call: Call, found: Func): boolean {
  if (!call.within || found.owner === '' || call.callee.kind !== 'name') return true;
  return !call.callee.global && (call.callee.name.includes('::') || call.within.owner === found.owner);
}
/** A call of a function by its name, not through a variable, member or macro. */
function isDirect(call: Call): boolean {
  return !call.macro && call.callee.kind === 'name' && !call.callee.id.includes('~');
}
