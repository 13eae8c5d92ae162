/** The cqes a function knows, and which of them an expression speaks of. */
import { CQE_SOURCES } from '../api/names';
import { pointees, rootOf, type Memory } from '../flow/memory';
import type { Flow } from '../flow/program';
import { callNumber, type Atom, type Value } from '../flow/value';
import { bare, type Call, type Expr, type Func, type Local } from '../model';
import type { Token } from './cqe-state';

export class CqeTokens {
  readonly byId = new Map<string, Token>();
  private readonly byObject = new Map<string, Token>();
  private readonly func: Func;

  constructor(private readonly flow: Flow) {
    this.func = flow.func;
  }

  /** From here on expressions may speak of it. */
  know(token: Token): void {
    this.byId.set(token.id, token);
    this.byObject.set(token.object, token);
  }

  private tokenOf(a: Atom): Token | undefined {
    if (a.kind === 'out' && a.arg === 1) return this.byId.get(pathOf(a));
    if (a.kind === 'call') return this.byId.get(CQE_SOURCES.get(a.call.name) === 'each' ? pathOf(a) : elsewhere(a));
    return a.kind === 'initial' ? this.byId.get(`=${a.key}`) : undefined;
  }
  /** Cqes the expression points to; `sure`: it can be no other. */
  pointed(e: Expr, memory: Memory): { all: Token[]; sure: boolean } {
    const value = this.flow.value(e, memory);
    const all = [...value.atoms.values()].map((a) => this.tokenOf(a)).filter((t) => t !== undefined);
    return { all, sure: !value.unknown && value.atoms.size === 1 };
  }
  /** Cqes of whose wait the expression is the result. */
  waited(e: Expr, memory: Memory): { all: Token[]; sure: boolean } {
    return { all: this.resultOf(this.flow.value(e, memory)), sure: this.flow.value(e, memory).atoms.size === 1 };
  }
  /** Cqes of whose wait the value is the result. */
  resultOf(value: Value): Token[] {
    return [...value.atoms.values()].map((a) => (a.kind === 'call' && CQE_SOURCES.has(a.call.name) && CQE_SOURCES.get(a.call.name) !== 'each' ? this.byId.get(pathOf(a)) : undefined))
      .filter((t) => t !== undefined);
  }
  /** Cqes whose `res` the expression is. */
  results(e: Expr, memory: Memory): Token[] {
    return [...this.flow.value(bare(e), memory).atoms.values()].map((a) => (a.kind === 'initial' && a.key.endsWith('.res') ? this.byObject.get(a.key.slice(0, -'.res'.length)) : undefined))
      .filter((t) => t !== undefined);
  }
  /** Memory of the ring that is passed. */
  rings(e: Expr | undefined, memory: Memory): string[] {
    return e ? pointees(this.flow.value(e, memory)) : [];
  }

  /** Memory of the function's own, which nobody else has to do with. */
  isOwn(key: string): boolean {
    const local = this.func.locals.get(rootOf(key));
    return local !== undefined && !local.static && !key.includes('*') && !this.func.params.some((p) => p.reference && p.id === local.id);
  }
  local(id: string): Local | undefined {
    return this.func.locals.get(id);
  }
}

/** The call hands out one cqe at a time. */
export function isSingle(source: Token['source']): boolean {
  return source === 'wait' || source === 'peek' || source === 'assumed';
}
/** Name of what a call out of sight returned. */
export function elsewhere(a: Extract<Atom, { kind: 'call' }>): string {
  return `from ${pathOf(a)}`;
}
/** Name of what a call hands out, by the calls that lead to it. */
export function pathOf(a: Extract<Atom, { call: Call }>): string {
  return [...a.via, a.call].map(callNumber).join('/');
}
