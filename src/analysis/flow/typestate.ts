/**
 * Typestates declared as data: values that calls create go from state to state as inputs reach them, and some inputs are
 * errors in some states. Values are followed through variables, fields, aliases and project functions that return them.
 */
import { bare, placeIn, type Call, type Expr, type Func, type Place } from '../model';
import type { Edge, Event } from './cfg';
import { solve } from './dataflow';
import type { Memory } from './memory';
import type { Flow, Program } from './program';
import { atomId, constant, type Atom } from './value';

/** What can happen to a value besides being passed to a call: read through, tested, returned. */
export type Input = 'use' | 'null' | 'not null' | 'test' | 'escape';

export interface Machine<State extends string> {
  /** of its own among the machines */
  name: string;
  /** calls that create values of interest, and the state those begin in */
  source(call: Call): State | undefined;
  /** what passing a value to a function out of sight does */
  passed(call: Call, argument: number): Input | undefined;
  /** absent: the state stays */
  next: Record<State, Partial<Record<Input, State>>>;
  errors: { state: State; input: Input }[];
  /** the state of a null pointer: a project function that may return one is a source again */
  nothing: State;
  /** states a caller need not worry about */
  settled: State[];
}
export interface Violation { source: Extract<Atom, { kind: 'call' }>; func: Func; at: Place; event: Event; input: Input }

interface Result<S> {
  violations: Violation[];
  /** states of what is returned, by atom */
  returns: Map<string, Set<S>>;
  /** positions of the parameters that are used untested */
  usesParameter: Set<number>;
}

type States<S> = ReadonlyMap<string, ReadonlySet<S>>;

export class Typestates<S extends string> {
  constructor(private readonly program: Program, private readonly machine: Machine<S>) {}

  violations(func: Func): Violation[] {
    return this.result(func)?.violations ?? [];
  }

  private result(func: Func): Result<S> | undefined {
    const home = this.program.homeOf(func);
    if (home !== this.program) return new Typestates(home, this.machine).result(func);
    return this.program.memo.derived(func, `states of ${this.machine.name}`, () => {
      const flow = this.program.flow(func);
      return flow && this.run(flow);
    });
  }

  private run(flow: Flow): Result<S> {
    const { func } = flow;
    const memories = new Map<Event, Memory>();
    const blockOf = new Map<Edge, Memory>();
    flow.replay((event, memory, block) => {
      memories.set(event, memory);
      for (const edge of block.next) if (edge.guard && !blockOf.has(edge)) blockOf.set(edge, flow.after(block)!);
    });
    for (const block of flow.cfg.blocks) {
      const memory = block.next.some((e) => e.guard && !blockOf.has(e)) ? flow.after(block) : undefined;
      if (memory) for (const edge of block.next) blockOf.set(edge, memory);
    }
    // parameters begin as if a call had just made them: that tells whether the function uses them untested
    const first = this.firstState();
    const start: States<S> = new Map(func.params.map((p) => [`=${p.id}`, new Set([first])]));
    const violations: Violation[] = [];
    const returns = new Map<string, Set<S>>();
    const usesParameter = new Set<number>();

    const tracked = (e: Expr, memory: Memory, states: States<S>): Atom[] =>
      [...flow.value(e, memory).atoms.values()].filter((a) => states.has(atomId(a)));
    const feed = (e: Expr, input: Input, event: Event, memory: Memory, states: States<S>, report: boolean): States<S> => {
      let out = states;
      for (const a of tracked(e, memory, states)) {
        const id = atomId(a);
        const before = states.get(id)!;
        if (report && this.machine.errors.some((x) => x.input === input && before.has(x.state))) {
          if (a.kind === 'call') violations.push({ source: a, func, at: placeIn(func, e.span), event, input });
          else if (a.kind === 'initial') usesParameter.add(func.params.findIndex((p) => p.id === a.key));
        }
        const after = new Set([...before].map((s) => this.machine.next[s][input] ?? s));
        out = new Map(out).set(id, after);
      }
      return out;
    };
    const step = (event: Event, states: States<S>, report: boolean): States<S> => {
      const memory = memories.get(event);
      if (!memory) return states;
      switch (event.kind) {
        case 'deref': return feed(event.pointer, 'use', event, memory, states, report);
        case 'compare': return operands(event.test).reduce((s, e) => feed(e, 'test', event, memory, s, report), states);
        case 'call': {
          let out = states;
          event.call.args.forEach((arg, i) => {
            const input = this.inputOf(func, event.call, i);
            if (input) out = feed(arg, input, event, memory, out, report);
          });
          return this.created(event.call, flow, out);
        }
        case 'store': return event.op === '=' ? this.forgotten(tracked(event.target, memory, states), states) : states;
        case 'declare': case 'streamed': return states;
        case 'return': {
          if (report && event.value) {
            const value = flow.value(event.value, memory);
            for (const [id, a] of value.atoms) {
              const all = states.get(id) ?? (a.kind === 'int' && a.value === 0n ? new Set([this.machine.nothing]) : undefined);
              if (all) returns.set(id, new Set([...(returns.get(id) ?? []), ...all]));
            }
          }
          return states;
        }
      }
    };
    const along = (edge: Edge, states: States<S>): States<S> => {
      const memory = blockOf.get(edge);
      const tested = edge.guard && memory ? nullTest(edge.guard.test, edge.guard.truth, (e) => constant(flow.value(e, memory)) === 0n) : undefined;
      return tested && memory ? feed(tested.pointer, tested.isNull ? 'null' : 'not null', { kind: 'compare', test: tested.pointer }, memory, states, false) : states;
    };
    const entries = solve<States<S>>(flow.cfg, { start, step: (e, s) => step(e, s, false), along, join: joinStates, equal: equalStates });
    for (const [id, entry] of entries ?? []) {
      flow.cfg.blocks[id]!.events.reduce<States<S>>((states, event) => step(event, states, true), entry);
    }
    return { violations, returns, usesParameter };
  }

  /** What is overwritten was a null pointer, on this way: it cannot come up again. */
  private forgotten(atoms: Atom[], states: States<S>): States<S> {
    if (!atoms.length) return states;
    const out = new Map(states);
    for (const id of atoms.map(atomId)) {
      const left = new Set([...states.get(id)!].filter((s) => s !== this.machine.nothing));
      if (left.size) out.set(id, left);
      else out.delete(id);
    }
    return out;
  }

  private firstState(): S {
    return this.machine.errors[0]!.state;
  }

  private inputOf(caller: Func, call: Call, argument: number): Input | undefined {
    const callee = this.program.callee(call);
    if (!callee) return this.machine.passed(call, argument);
    const result = this.program.callEachOther(caller, callee) ? undefined : this.result(callee);
    if (!result) return 'escape';
    return result.usesParameter.has(argument) ? 'use' : undefined;
  }

  /** States of what the call returns. */
  private created(call: Call, flow: Flow, states: States<S>): States<S> {
    const callee = this.program.callee(call);
    if (!callee) {
      const first = this.program.defines(call.name) ? undefined : this.machine.source(call);
      if (first === undefined) return states;
      return new Map(states).set(atomId({ kind: 'call', call, place: placeIn(flow.func, call.span), via: [] }), new Set([first]));
    }
    const summary = this.program.summaryFor(flow.func, callee);
    const inner = summary && this.result(callee);
    if (!inner) return states;
    let out = states;
    let mayBeNull = false;
    for (const set of inner.returns.values()) for (const s of set) if (!this.machine.settled.includes(s)) mayBeNull = true;
    for (const a of summary.returns.atoms.values()) {
      if (a.kind !== 'call' || this.machine.source(a.call) === undefined) continue;
      const atom: Atom = { ...a, via: [call, ...a.via] };
      out = new Map(out).set(atomId(atom), new Set([mayBeNull ? this.firstState() : this.machine.settled[0]!]));
    }
    return out;
  }
}

function joinStates<S>(a: States<S>, b: States<S>): States<S> {
  if (a === b) return a;
  const out = new Map(a);
  for (const [id, set] of b) {
    const other = out.get(id);
    out.set(id, other ? new Set([...other, ...set]) : set);
  }
  return out;
}
function equalStates<S>(a: States<S>, b: States<S>): boolean {
  if (a.size !== b.size) return false;
  for (const [id, set] of a) {
    const other = b.get(id);
    if (other?.size !== set.size) return false;
    for (const s of set) if (!other.has(s)) return false;
  }
  return true;
}

/** `p`, `p == NULL`, `p != NULL` with the branch taken. */
export function nullTest(test: Expr, truth: boolean, isZero: (e: Expr) => boolean): { pointer: Expr; isNull: boolean } | undefined {
  const e = bare(test);
  if (e.kind === 'binary') {
    if (e.op !== '==' && e.op !== '!=') return undefined;
    const pointer = isZero(e.right) ? e.left : isZero(e.left) ? e.right : undefined;
    return pointer && { pointer: bare(pointer), isNull: (e.op === '==') === truth };
  }
  return { pointer: e, isNull: !truth };
}
function operands(test: Expr): Expr[] {
  const e = bare(test);
  return e.kind === 'binary' ? [bare(e.left), bare(e.right)] : e.kind === 'unary' ? [bare(e.operand)] : [e];
}
