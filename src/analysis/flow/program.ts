/** The functions of a file with their graphs, value flow and summaries, each made once and only when asked for. */
import { bare, walkFunction, type Call, type Expr, type FileFacts, type Func, type Local } from '../model';
import { buildCfg, type Block, type Cfg, type Event } from './cfg';
import { solve } from './dataflow';
import { arithmetic, keysOf, valueOf, type Surroundings } from './evaluate';
import { equalMemory, joinMemory, START, widenMemory, type Memory } from './memory';
import { storeEffect, Stepper, type ApiModels } from './stepper';
import { dependsOnParameters, isShared, type Effect, type Summary } from './summary';
import { SYSTEM_CONSTANTS } from './system-constants';
import { int, join, NOTHING, UNKNOWN, type Value } from './value';

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

/** Functions bigger than this many blocks are left alone. */
const MAX_BLOCKS = 4000;

export class Program {
  private readonly flows = new Map<Func, Flow | null>();
  private readonly summaries = new Map<Func, Summary | null>();
  private readonly running = new Set<Func>();
  private readonly fieldValues = new Map<string, Value>();
  private readonly byName = new Map<string, Func | null>();

  constructor(readonly facts: FileFacts, private readonly text: string, private readonly models: ApiModels) {}

  /** Functions and the lambdas in them whose source has `word` in it; all when absent. */
  functions(word?: RegExp): Func[] {
    const out: Func[] = [];
    for (const source of this.facts.functions) {
      if (word && !word.test(this.text.slice(source.start, source.end))) continue;
      const add = (f: Func): void => {
        out.push(f);
        f.inner.forEach(add);
      };
      add(source.func());
    }
    return out;
  }

  /** The file's only function of that name. */
  functionNamed(name: string): Func | undefined {
    let found = this.byName.get(name);
    if (found === undefined) {
      const sources = this.facts.functions.filter((f) => f.name === name);
      found = sources.length === 1 ? sources[0]!.func() : null;
      this.byName.set(name, found);
    }
    return found ?? undefined;
  }
  defines(name: string): boolean {
    return this.facts.functions.some((f) => f.name === name) || this.facts.macros.has(name);
  }
  /** The project function a call runs, where that is beyond doubt. */
  callee(call: Call): Func | undefined {
    if (call.macro || call.callee.kind === 'member') return undefined;
    return call.callee.kind === 'name' && !call.callee.id.includes('~') ? this.functionNamed(call.name) : undefined;
  }

  /** Values of a macro, enumerator or constant of the file; with several definitions all of them. */
  constant(name: string, depth = 0): Value | undefined {
    const definitions = this.facts.constants.get(name);
    if (!definitions) return SYSTEM_CONSTANTS.has(name) ? int(SYSTEM_CONSTANTS.get(name)!) : undefined;
    if (depth > 8) return UNKNOWN;
    return definitions.map((e) => this.constantValue(e, depth)).reduce(join);
  }
  /** Value of an expression made of constants alone. */
  constantValue(e: Expr, depth = 0): Value {
    const inner = bare(e);
    if (inner.kind === 'binary') return arithmetic(inner.op, this.constantValue(inner.left, depth), this.constantValue(inner.right, depth));
    if (inner.kind === 'name') return inner.id.includes('~') ? UNKNOWN : this.constant(inner.name, depth + 1) ?? UNKNOWN;
    return valueOf(inner, START, { base: 0, local: () => undefined, constant: (n) => this.constant(n, depth + 1) });
  }

  /** Value flow of a function; undefined when it is damaged, too big, or calls itself while being looked at. */
  flow(func: Func): Flow | undefined {
    let flow = this.flows.get(func);
    if (flow === undefined) {
      if (this.running.has(func)) return undefined;
      this.running.add(func);
      flow = func.damaged ? null : this.run(func) ?? null;
      this.running.delete(func);
      this.flows.set(func, flow);
    }
    return flow ?? undefined;
  }

  summary(func: Func): Summary | undefined {
    let summary = this.summaries.get(func);
    if (summary === undefined) {
      const flow = this.flow(func);
      if (!flow && this.running.has(func)) return undefined;
      summary = flow ? this.summarise(flow) : null;
      this.summaries.set(func, summary);
    }
    return summary ?? undefined;
  }

  /**
   * What a field or global of that name may hold, from every store to it in this file; unknown where some store's value
   * comes from outside the file.
   */
  stored(name: string): Value {
    const known = this.fieldValues.get(name);
    if (known) return known;
    this.fieldValues.set(name, UNKNOWN);
    let out = NOTHING;
    for (const g of this.facts.globals) {
      if (g.local.name === name && g.init) out = join(out, valueOf(g.init, START, { base: g.base, local: () => undefined, constant: (n) => this.constant(n) }));
    }
    const wanted = storeEffect(name);
    const whole = this.facts.functions.some((f) => f.name === 'main');
    for (const func of this.functions()) {
      const flow = this.flow(func);
      if (!flow) {
        if (new RegExp(`\\b${name}\\b`).test(this.text.slice(func.base, func.base + func.span.end))) out = UNKNOWN;
        continue;
      }
      for (const e of flow.effects) {
        if (e.name !== wanted) continue;
        const value = e.parts.reduce(join, NOTHING);
        // callers say what their arguments are, if all of them are in sight
        const callersKnown = func.static || whole;
        out = join(out, dependsOnParameters(value, func) ? (callersKnown && this.isCalled(func) ? NOTHING : UNKNOWN) : value);
      }
    }
    this.fieldValues.set(name, out);
    return out;
  }
  private isCalled(func: Func): boolean {
    return this.functions(new RegExp(`\\b${func.name.replace(/\W/g, '')}\\b`)).some((f) => {
      for (const e of walkFunction(f)) if (e.kind === 'call' && this.callee(e) === func) return true;
      return false;
    });
  }

  private surroundings(func: Func): Surroundings {
    const local = (id: string): Local | undefined => {
      for (let f: Func | undefined = func; f; f = f.parent) {
        const found = f.locals.get(id);
        if (found) return found;
      }
      return undefined;
    };
    return { base: func.base, local, constant: (name) => this.constant(name) };
  }

  private run(func: Func): Flow | undefined {
    const cfg = buildCfg(func, (call) => {
      const callee = this.callee(call);
      return callee !== undefined && callee !== func && this.summary(callee)?.noReturn === true;
    });
    if (cfg.blocks.length > MAX_BLOCKS) return undefined;
    const around = this.surroundings(func);
    const stepper = new Stepper(this, func, around, this.models);
    const entries = solve<Memory>(cfg, { start: START, step: (event, memory) => stepper.step(event, memory), join: joinMemory, equal: equalMemory, widen: widenMemory });
    if (!entries) return undefined;
    const flow: Flow = {
      func, cfg, effects: [],
      replay: (visit) => {
        for (const [id, entry] of entries) {
          let memory = entry;
          for (const event of cfg.blocks[id]!.events) {
            visit(event, memory, cfg.blocks[id]!);
            memory = stepper.step(event, memory);
          }
        }
      },
      after: (block) => {
        const entry = entries.get(block.id);
        return entry && block.events.reduce<Memory>((memory, event) => stepper.step(event, memory), entry);
      },
      value: (e, memory) => valueOf(e, memory, around),
      keys: (e, memory) => keysOf(e, memory, around),
    };
    stepper.effects = flow.effects;
    flow.replay(() => undefined);
    stepper.effects = undefined;
    return flow;
  }

  private summarise(flow: Flow): Summary {
    const { func, cfg } = flow;
    const params = new Set(func.params.map((p) => p.id));
    let returns = NOTHING;
    const ends: Memory[] = [];
    let falls = false;
    flow.replay((event, memory) => {
      if (event.kind !== 'return') return;
      if (event.value) returns = join(returns, flow.value(event.value, memory));
      ends.push(memory);
    });
    // the end of the body, where it is not a return
    for (const block of cfg.blocks) {
      const memory = flow.after(block);
      if (!memory || block.events.at(-1)?.kind === 'return' || !block.next.some((e) => e.to === cfg.exit)) continue;
      falls = true;
      ends.push(memory);
    }
    const end = ends.length ? ends.reduce(joinMemory) : undefined;
    const stores = end ? [...end.values].filter(([key]) => isShared(key, params)) : [];
    return {
      params: func.params.map((p) => ({ id: p.id, reference: p.reference })),
      returns, stores, lost: end ? [...end.lost].filter((k) => isShared(k, params)) : [],
      effects: flow.effects, noReturn: ends.length === 0 && !falls,
    };
  }
}
