/** A function's control-flow graph: blocks of events in evaluation order, edges with what is known when they are taken. */
import { neverReturns, endsInFatalLog } from './no-return';
import { bare, type Call, type Expr, type Func, type Local, type Span, type Stmt } from '../model';

export type Event =
  | { kind: 'call'; call: Call }
  /** `value` is absent for `++` and `--` */
  | { kind: 'store'; target: Expr; op: string; value: Expr | undefined; at: Expr }
  | { kind: 'declare'; local: Local; init: Expr | undefined }
  /** `pointer` is read through */
  | { kind: 'deref'; pointer: Expr; at: Expr }
  /** a comparison, negation or truth test whose outcome is kept as a value */
  | { kind: 'compare'; test: Expr }
  /** `out << a << b`, whole */
  | { kind: 'streamed'; value: Expr }
  | { kind: 'return'; value: Expr | undefined; span: Span };

export interface Edge {
  to: number;
  guard?: { test: Expr; truth: boolean };
  /** of an `&&` or `||` whose outcome is kept as a value: the same way is gone on whatever the test says */
  kept?: true;
  /** the `continue`, `break` or `goto` that takes it */
  jump?: { kind: 'continue' | 'break' | 'goto'; span: Span };
}
export interface Block {
  id: number; events: Event[]; next: Edge[];
  /** an exception leaves the function here */
  throws?: Span;
}
export interface Cfg {
  blocks: Block[];
  entry: number;
  /** where returns and the end of the body lead; a path that ends in a call that never returns leads nowhere */
  exit: number;
}

/** Calls of C, which throw nothing. */
const NO_THROW = /^(?:_*io_|str|mem|(?:p?read|p?write|open|openat|close|free|malloc|calloc|socket|fsync|fdatasync|errno)$)/;
const TRANSPARENT = new Set(['likely', 'unlikely', '__builtin_expect', 'LIKELY', 'UNLIKELY', 'PREDICT_TRUE', 'PREDICT_FALSE', 'bool']);
const COMPARISON = new Set(['==', '!=', '<', '>', '<=', '>=']);

/** `noReturn` says of a project function that no path through it comes back. */
export function buildCfg(func: Func, noReturn: (call: Call) => boolean = () => false): Cfg {
  return new Builder(noReturn).build(func);
}

interface Jump { label: string | undefined; onBreak: number; onContinue: number | undefined }

class Builder {
  private readonly blocks: Block[] = [];
  private current: Block | undefined;
  private readonly jumps: Jump[] = [];
  private readonly labels = new Map<string, Block>();
  private readonly handlers: number[] = [];
  /** blocks behind an `&&` or `||` that is a value */
  private readonly joins = new Set<number>();
  private exit!: Block;

  constructor(private readonly noReturn: (call: Call) => boolean) {}

  build(func: Func): Cfg {
    const entry = this.block();
    this.exit = this.block();
    this.current = entry;
    this.run(func.body);
    this.goto(this.exit);
    return { blocks: this.blocks, entry: entry.id, exit: this.exit.id };
  }

  private block(): Block {
    const block: Block = { id: this.blocks.length, events: [], next: [] };
    this.blocks.push(block);
    return block;
  }
  private goto(to: Block, guard?: Edge['guard']): void {
    this.current?.next.push({ to: to.id, ...(guard ? { guard } : {}), ...(guard && this.joins.has(to.id) ? { kept: true as const } : {}) });
  }
  /** Ends the current block with an edge to `to`, and goes on there. */
  private flow(to: Block): void {
    this.goto(to);
    this.current = to;
  }
  private emit(event: Event): void {
    this.current?.events.push(event);
  }
  private labelled(name: string): Block {
    let block = this.labels.get(name);
    if (!block) this.labels.set(name, (block = this.block()));
    return block;
  }

  private run(body: Stmt[]): void {
    for (const s of body) this.statement(s);
  }

  private statement(s: Stmt): void {
    // what follows a jump is dead until a label
    if (!this.current && s.kind !== 'label') {
      if (!holdsLabel(s)) return;
      this.current = this.block();
    }
    switch (s.kind) {
      case 'expr':
        this.evaluate(s.expr);
        if (s.expr.kind === 'binary' && s.expr.op === '<<') this.emit({ kind: 'streamed', value: s.expr });
        if (endsInFatalLog(s.expr)) this.current = undefined;
        return;
      case 'declare':
        if (s.init) this.evaluate(s.init);
        this.emit({ kind: 'declare', local: s.local, init: s.init });
        return;
      case 'if': this.branch(s); return;
      case 'loop': this.loop(s); return;
      case 'switch': this.choose(s); return;
      case 'block': {
        if (s.label === undefined) return this.run(s.body);
        const after = this.block();
        this.jumps.push({ label: s.label, onBreak: after.id, onContinue: undefined });
        this.run(s.body);
        this.jumps.pop();
        return this.flow(after);
      }
      case 'try': this.attempt(s); return;
      case 'return':
        if (s.value) this.evaluate(s.value);
        this.emit({ kind: 'return', value: s.value, span: s.span });
        this.goto(this.exit);
        this.current = undefined;
        return;
      case 'throw':
        if (s.value) this.evaluate(s.value);
        for (const handler of this.handlers) this.goto(this.blocks[handler]!);
        if (this.handlers.length === 0 && this.current) this.current.throws = s.span;
        this.current = undefined;
        return;
      case 'break': case 'continue': this.jump(s.kind, s.label, s.span); return;
      case 'goto':
        this.current?.next.push({ to: this.labelled(s.label).id, jump: { kind: 'goto', span: s.span } });
        this.current = undefined;
        return;
      case 'label': this.flow(this.labelled(s.label)); return;
    }
  }

  private branch(s: Extract<Stmt, { kind: 'if' }>): void {
    const then = this.block();
    const otherwise = this.block();
    const after = this.block();
    if (s.test) this.condition(s.test, then, otherwise);
    else {
      this.goto(then);
      this.goto(otherwise);
    }
    this.current = then;
    this.run(s.then);
    this.goto(after);
    this.current = otherwise;
    this.run(s.otherwise);
    this.goto(after);
    this.current = after;
  }

  private loop(s: Extract<Stmt, { kind: 'loop' }>): void {
    this.run(s.init);
    if (!this.current) return;
    const test = this.block();
    const body = this.block();
    const update = this.block();
    const after = this.block();
    this.flow(s.form === 'do' ? body : test);
    this.current = test;
    if (s.test && s.form === 'each') {
      this.evaluate(s.test);
      this.goto(body);
      this.goto(after);
    } else if (s.test) this.condition(s.test, body, after);
    else this.goto(body);
    this.jumps.push({ label: s.label, onBreak: after.id, onContinue: update.id });
    this.current = body;
    this.run(s.body);
    this.goto(update);
    this.jumps.pop();
    this.current = update;
    if (s.update) this.evaluate(s.update);
    this.goto(test);
    this.current = after;
  }

  private choose(s: Extract<Stmt, { kind: 'switch' }>): void {
    this.evaluate(s.subject);
    this.emit({ kind: 'compare', test: s.subject });
    const after = this.block();
    const heads = s.cases.map(() => this.block());
    for (const head of heads) this.goto(head);
    if (!s.fallthrough ? s.cases.length === 0 : !s.cases.some((c) => c.default)) this.goto(after);
    if (s.fallthrough) this.jumps.push({ label: undefined, onBreak: after.id, onContinue: undefined });
    this.current = undefined;
    s.cases.forEach((c, i) => {
      if (s.fallthrough) this.goto(heads[i]!);
      this.current = heads[i];
      this.run(c.body);
      if (!s.fallthrough) this.goto(after);
    });
    if (s.fallthrough) this.jumps.pop();
    this.goto(after);
    this.current = after;
  }

  /** The handlers follow from the start, from every `throw`, and from before every call that may throw. */
  private attempt(s: Extract<Stmt, { kind: 'try' }>): void {
    const after = this.block();
    const handlers = s.handlers.map(() => this.block());
    for (const h of handlers) this.goto(h);
    this.flow(this.block());
    this.handlers.push(...handlers.map((h) => h.id));
    this.run(s.body);
    this.handlers.length -= handlers.length;
    this.goto(after);
    handlers.forEach((h, i) => {
      this.current = h;
      this.run(s.handlers[i]!);
      this.goto(after);
    });
    this.current = after;
  }

  private jump(kind: 'break' | 'continue', label: string | undefined, span: Span): void {
    for (let i = this.jumps.length - 1; i >= 0; i--) {
      const jump = this.jumps[i]!;
      if (label !== undefined ? jump.label !== label : kind === 'continue' ? jump.onContinue === undefined : false) continue;
      // an unlabelled break leaves loops and switches, not labelled blocks
      if (kind === 'break' && label === undefined && jump.label !== undefined && jump.onContinue === undefined) continue;
      const to = kind === 'break' ? jump.onBreak : jump.onContinue;
      if (to !== undefined) this.current?.next.push({ to, jump: { kind, span } });
      break;
    }
    this.current = undefined;
  }

  /** Evaluates a condition; each atomic test becomes a pair of guarded edges. */
  private condition(e: Expr, onTrue: Block, onFalse: Block): void {
    const test = transparent(e);
    if (test.kind === 'unary' && test.op === '!') return this.condition(test.operand, onFalse, onTrue);
    if (test.kind === 'binary' && (test.op === '&&' || test.op === '||')) {
      const right = this.block();
      if (test.op === '&&') this.condition(test.left, right, onFalse);
      else this.condition(test.left, onTrue, right);
      this.current = right;
      return this.condition(test.right, onTrue, onFalse);
    }
    if (test.kind === 'control' && test.tail.length === 1) {
      this.run(test.body);
      return this.condition(test.tail[0]!, onTrue, onFalse);
    }
    this.evaluate(test, true);
    const constant = test.kind === 'int' ? test.value !== 0n : undefined;
    if (constant !== false) this.goto(onTrue, constant === undefined ? { test, truth: true } : undefined);
    if (constant !== true) this.goto(onFalse, constant === undefined ? { test, truth: false } : undefined);
    this.current = undefined;
  }

  /** Emits the events of an expression in the order they happen. */
  private evaluate(e: Expr, tested = false): void {
    if (!this.current) return;
    switch (e.kind) {
      case 'name': case 'int': case 'text': case 'lambda': case 'sizeof': return;
      case 'member':
        this.evaluate(e.object);
        if (e.deref) this.emit({ kind: 'deref', pointer: e.object, at: e });
        return;
      case 'index':
        this.evaluate(e.object);
        if (e.index) this.evaluate(e.index);
        this.emit({ kind: 'deref', pointer: e.object, at: e });
        return;
      case 'call': return this.call(e);
      case 'unary':
        if (e.op === '&') return this.address(e.operand);
        this.evaluate(e.operand);
        if (e.op === '*') this.emit({ kind: 'deref', pointer: e.operand, at: e });
        if (e.op === '!' && !tested) this.emit({ kind: 'compare', test: e });
        if (e.op === '++' || e.op === '--') this.emit({ kind: 'store', target: e.operand, op: e.op[0]!, value: undefined, at: e });
        return;
      case 'binary':
        if (e.op === '&&' || e.op === '||') {
          const join = this.block();
          this.joins.add(join.id);
          this.condition(e, join, join);
          this.current = join;
          return;
        }
        this.evaluate(e.left);
        this.evaluate(e.right);
        if (COMPARISON.has(e.op) && !tested) this.emit({ kind: 'compare', test: e });
        return;
      case 'assign':
        this.evaluate(e.value);
        this.address(e.target);
        this.emit({ kind: 'store', target: e.target, op: e.op, value: e.value, at: e });
        return;
      case 'conditional': {
        const then = this.block();
        const otherwise = this.block();
        const join = this.block();
        this.condition(e.test, then, otherwise);
        this.current = then;
        this.evaluate(e.then);
        this.goto(join);
        this.current = otherwise;
        this.evaluate(e.otherwise);
        this.goto(join);
        this.current = join;
        return;
      }
      case 'cast': case 'await': this.evaluate(e.operand); return;
      case 'try': {
        this.evaluate(e.operand);
        this.goto(this.exit);
        const on = this.block();
        return this.flow(on);
      }
      case 'list': for (const item of e.items) this.evaluate(item.value); return;
      case 'control':
        this.run(e.body);
        for (const t of e.tail) this.evaluate(t);
        return;
      case 'opaque': for (const p of e.parts) this.evaluate(p); return;
    }
  }

  /** The place an expression names, not its value: only what leads there is read. */
  private address(e: Expr): void {
    if (e.kind === 'member' || e.kind === 'index') return this.evaluate(e);
    if (e.kind === 'name') return;
    this.evaluate(e);
  }

  private call(e: Call): void {
    if (e.callee.kind === 'member') this.evaluate(e.callee);
    else if (e.callee.kind !== 'name') this.evaluate(e.callee);
    for (const a of e.args) this.evaluate(a);
    if (this.handlers.length && this.current && !NO_THROW.test(e.name)) {
      for (const handler of this.handlers) this.goto(this.blocks[handler]!);
      this.flow(this.block());
    }
    this.emit({ kind: 'call', call: e });
    if (neverReturns(e) || this.noReturn(e)) this.current = undefined;
  }
}

/** `unlikely(x)` is `x`; casts change no truth. */
function transparent(e: Expr): Expr {
  let test = bare(e);
  while (test.kind === 'call' && TRANSPARENT.has(test.name) && test.args[0]) test = bare(test.args[0]);
  return test;
}

function holdsLabel(s: Stmt): boolean {
  switch (s.kind) {
    case 'label': return true;
    case 'if': return s.then.some(holdsLabel) || s.otherwise.some(holdsLabel);
    case 'loop': return s.body.some(holdsLabel);
    case 'switch': return s.cases.some((c) => c.body.some(holdsLabel));
    case 'block': return s.body.some(holdsLabel);
    case 'try': return s.body.some(holdsLabel) || s.handlers.some((h) => h.some(holdsLabel));
    default: return false;
  }
}

/** Blocks that can be reached, in reverse post-order: predecessors first where there is no loop. */
export function order(cfg: Cfg): number[] {
  const seen = new Set<number>([cfg.entry]);
  const post: number[] = [];
  const stack: { block: number; next: number }[] = [{ block: cfg.entry, next: 0 }];
  while (stack.length) {
    const top = stack[stack.length - 1]!;
    const edge = cfg.blocks[top.block]!.next[top.next++];
    if (!edge) {
      post.push(top.block);
      stack.pop();
    } else if (!seen.has(edge.to)) {
      seen.add(edge.to);
      stack.push({ block: edge.to, next: 0 });
    }
  }
  return post.reverse();
}
