/** iocbs of libaio become sqes: each preparation takes one, and what gave the batch to io_submit() submits the ring. */
import { constant } from '../flow/value';
import { bare, expressionsOf, statements, walk, walkFunction, type Call, type Expr, type Func, type List, type Stmt } from '../model';
import type { SourceFile } from '../source-file';
import { rewriteDeclarations } from './declarations';
import type { Change, Draft } from './draft';
import { branches, counting, leaves, sameCount, whole, type CallSite, type Counting, type Statements } from './statements';
import { isRequest, type Variable } from './variables';

/** What prepares a request, and how an sqe is prepared for the same; `$` stands for the arguments after the iocb. */
const PREPARATIONS: Record<string, { count: number; text(args: string[]): string }> = {
  io_prep_pread: { count: 4, text: (a) => `io_uring_prep_read(sqe, ${a.join(', ')})` },
  io_prep_pwrite: { count: 4, text: (a) => `io_uring_prep_write(sqe, ${a.join(', ')})` },
  io_prep_preadv: { count: 4, text: (a) => `io_uring_prep_readv(sqe, ${a.join(', ')})` },
  io_prep_pwritev: { count: 4, text: (a) => `io_uring_prep_writev(sqe, ${a.join(', ')})` },
  io_prep_fsync: { count: 1, text: ([fd]) => `io_uring_prep_fsync(sqe, ${fd!}, 0)` },
  io_prep_fdsync: { count: 1, text: ([fd]) => `io_uring_prep_fsync(sqe, ${fd!}, IORING_FSYNC_DATASYNC)` },
  io_prep_poll: { count: 2, text: (a) => `io_uring_prep_poll_add(sqe, ${a.join(', ')})` },
};

/** A preparation; `turns`: of a loop in front of the submission that prepares an element a turn. */
interface Preparation { call: Call; stmt: Stmt; request: string; turns: Counting | undefined; data: { stmt: Stmt; value: Expr } | undefined }
/** The requests a list points to: some by number, or those of an array, each by its own number. */
type Pointed = { kind: 'few'; requests: Map<bigint, string> } | { kind: 'all'; array: string; bound: Expr };

export class Requests {
  private readonly preparations = new Map<Stmt, Preparation>();
  private readonly lists = new Map<string, Pointed>();
  private readonly aliases = new Map<string, string>();

  constructor(
    private readonly file: SourceFile, private readonly func: Func, private readonly at: Statements,
    private readonly known: Map<string, Variable>, private readonly draft: Draft,
  ) {}

  /** Whether some preparation carries data of the caller's. */
  get setData(): boolean {
    return [...this.preparations.values()].some((p) => p.data);
  }

  /** Reads declarations, preparations and what fills lists; false where one is not understood. */
  read(): boolean {
    for (const s of statements(this.func.body)) {
      if (s.kind === 'declare' && !this.declared(s)) return false;
      if (s.kind === 'expr' && !this.assigned(s)) return false;
    }
    for (const e of walkFunction(this.func)) {
      if (e.kind === 'call' && e.callee.kind === 'name' && Object.hasOwn(PREPARATIONS, e.name) && !this.prepared(e)) return false;
    }
    return this.readData();
  }
  private role(e: Expr | undefined): Variable | undefined {
    const inner = e && bare(e);
    return inner?.kind === 'name' ? this.known.get(inner.id) : undefined;
  }

  private declared(s: Extract<Stmt, { kind: 'declare' }>): boolean {
    const variable = this.known.get(s.local.id);
    if (!variable || !s.init) return true;
    if (variable.role === 'alias') {
      const request = this.requestOf(s.init);
      if (!request) return false;
      this.aliases.set(s.local.id, request);
    }
    if (variable.role === 'list' && !this.filled(s.local.id, bare(s.init))) return false;
    // what is zero at first is prepared later
    return !isRequest(variable.role) || variable.role === 'alias' || variable.role === 'list' || bare(s.init).kind === 'list';
  }
  private filled(id: string, init: Expr): boolean {
    if (init.kind !== 'list') return false;
    const requests = elements(init).map((e) => this.requestOf(e));
    if (init.items.some((i) => i.field !== undefined)) return false;
    // `{ 0 }` and `{}` fill nothing
    if (requests.every((r) => r === undefined)) return init.items.length <= 1;
    if (requests.some((r) => r === undefined)) return false;
    this.lists.set(id, { kind: 'few', requests: new Map(requests.map((r, i) => [BigInt(i), r!])) });
    return true;
  }
  /** `list[i] = &cbs[i];` and `cb = &cbs[0];` are noted and go; memset() of an iocb goes. */
  private assigned(s: Extract<Stmt, { kind: 'expr' }>): boolean {
    const e = bare(s.expr);
    if (e.kind === 'call' && e.name === 'memset' && e.args[0]) {
      const what = bare(e.args[0]);
      const root = this.role(what.kind === 'unary' && what.op === '&' ? (bare(what.operand).kind === 'index' ? (bare(what.operand) as Extract<Expr, { kind: 'index' }>).object : what.operand) : what);
      if (!root || !isRequest(root.role)) return true;
      if (!e.args[1] || !isZero(e.args[1]) || !this.draft.isBraced(this.func, s.span)) return false;
      this.draft.remove(this.func, s.span);
      return true;
    }
    if (e.kind !== 'assign' || e.op !== '=') return true;
    const target = bare(e.target);
    if (target.kind === 'name' && this.known.get(target.id)?.role === 'alias') return false;
    if (target.kind !== 'index' || this.role(target.object)?.role !== 'list' || !target.index) return true;
    const list = this.role(target.object)!;
    const loop = this.at.standingOf(s)?.parent;
    const turns = loop && counting(loop);
    const alone = loop?.kind === 'loop' && loop.body.length === 1;
    if ((loop && loop.kind !== 'loop' && loop.kind !== 'block') || !this.draft.isBraced(this.func, alone ? loop.span : s.span)) return false;
    const index = bare(target.index);
    if (turns && index.kind === 'name' && index.id === turns.id) {
      const array = this.arrayAt(e.value, turns);
      if (!array || this.lists.has(list.id)) return false;
      this.lists.set(list.id, { kind: 'all', array, bound: turns.bound });
      this.draft.remove(this.func, alone ? loop.span : s.span);
      return true;
    }
    const number = constant(this.file.program.constantValue(index));
    const request = this.requestOf(e.value);
    const pointed = this.lists.get(list.id) ?? { kind: 'few', requests: new Map<bigint, string>() };
    if (number === undefined || !request || pointed.kind !== 'few' || (pointed.requests.has(number) && pointed.requests.get(number) !== request)) return false;
    pointed.requests.set(number, request);
    this.lists.set(list.id, pointed);
    this.draft.remove(this.func, s.span);
    return true;
  }
  /** The array of iocbs of which an expression is the address of the element of this turn. */
  private arrayAt(e: Expr, turns: Counting): string | undefined {
    const inner = bare(e);
    const isTurn = (i: Expr | undefined) => i !== undefined && bare(i).kind === 'name' && (bare(i) as Extract<Expr, { kind: 'name' }>).id === turns.id;
    const array = (a: Expr) => (this.role(a)?.role === 'requests' ? this.role(a)!.id : undefined);
    if (inner.kind === 'unary' && inner.op === '&') {
      const element = bare(inner.operand);
      return element.kind === 'index' && isTurn(element.index) ? array(element.object) : undefined;
    }
    return inner.kind === 'binary' && inner.op === '+' && isTurn(inner.right) ? array(inner.left) : undefined;
  }
  /** Which iocb an address is that of, as a key: `cb`, `cbs[0]`, `cbs[i]`. */
  private requestOf(e: Expr): string | undefined {
    const inner = bare(e);
    if (inner.kind === 'unary' && inner.op === '&') return this.objectKey(inner.operand);
    if (inner.kind === 'name') {
      const variable = this.known.get(inner.id);
      return variable?.role === 'requests' ? `${variable.id}[0]` : variable?.role === 'alias' ? this.aliases.get(variable.id) : undefined;
    }
    if (inner.kind === 'binary' && inner.op === '+' && this.role(inner.left)?.role === 'requests') return `${this.role(inner.left)!.id}[${this.indexKey(inner.right)}]`;
    if (inner.kind === 'index' && inner.index && this.role(inner.object)?.role === 'list') {
      const pointed = this.lists.get(this.role(inner.object)!.id);
      if (pointed?.kind === 'all') return `${pointed.array}[${this.indexKey(inner.index)}]`;
      const number = constant(this.file.program.constantValue(inner.index));
      return number === undefined ? undefined : pointed?.requests.get(number);
    }
    return undefined;
  }
  private objectKey(e: Expr): string | undefined {
    const inner = bare(e);
    if (inner.kind === 'name') return this.known.get(inner.id)?.role === 'request' ? inner.id : undefined;
    if (inner.kind === 'unary' && inner.op === '*') return this.requestOf(inner.operand);
    return inner.kind === 'index' && inner.index && this.role(inner.object)?.role === 'requests' ? `${this.role(inner.object)!.id}[${this.indexKey(inner.index)}]` : undefined;
  }
  private indexKey(e: Expr): string {
    const number = constant(this.file.program.constantValue(e));
    return number === undefined ? this.draft.source(this.func, e.span) : String(number);
  }

  private prepared(call: Call): boolean {
    const stmt = this.at.of(call);
    const standing = stmt && this.at.standingOf(stmt);
    if (!stmt || stmt.kind !== 'expr' || bare(stmt.expr) !== call || !standing || call.args.length !== PREPARATIONS[call.name]!.count + 1) return false;
    const request = this.requestOf(call.args[0]!);
    if (!request || call.args.slice(1).some((a) => [...walk([a])].some((e) => e.kind === 'lambda' || (e.kind === 'name' && this.known.has(e.id))))) return false;
    this.preparations.set(stmt, { call, stmt, request, turns: undefined, data: undefined });
    return true;
  }
  /** `cb.data = …` behind a preparation in the same list. */
  private readData(): boolean {
    for (const s of statements(this.func.body)) {
      const e = s.kind === 'expr' ? bare(s.expr) : undefined;
      const target = e?.kind === 'assign' ? bare(e.target) : undefined;
      if (e?.kind !== 'assign' || target?.kind !== 'member') continue;
      const request = target.deref ? this.requestOf(target.object) : this.objectKey(target.object);
      if (!request) continue;
      const standing = this.at.standingOf(s)!;
      const before = standing.list.slice(0, standing.index).reverse().find((x) => this.preparations.has(x));
      const preparation = before && this.preparations.get(before);
      if (e.op !== '=' || target.field !== 'data' || !preparation || preparation.request !== request || preparation.data) return false;
      if ([...walk([e.value])].some((x) => x.kind === 'name' && this.known.has(x.id))) return false;
      preparation.data = { stmt: s, value: e.value };
    }
    return true;
  }

  /**
   * Rewrites preparations and submissions. `ring`: the text for the ring's address; `carry`: completions are told apart by their
   * data, so that every sqe needs some. False where a batch is not what was prepared just before.
   */
  rewrite(submits: { site: CallSite; ring: string; owned: boolean }[], carry: boolean): boolean {
    const left = new Set(this.preparations.keys());
    const writes: (() => void)[] = [];
    const lastSubmit = Math.max(0, ...submits.map((s) => s.site.stmt.span.end));
    for (const { site, ring, owned } of submits) {
      const standing = this.at.standingOf(site.stmt)!;
      const before = standing.list.slice(0, standing.index);
      const since = before.slice(1 + Math.max(-1, ...submits.map((s) => before.indexOf(s.site.stmt))));
      const batch = since.flatMap((s) => this.preparedBy(s)).filter((p) => left.has(p.stmt));
      if (!batch.length || !this.isAllOf(batch, site.call)) return false;
      const first = since.findIndex((s) => batch.some((p) => s.span.start <= p.stmt.span.start && p.stmt.span.end <= s.span.end));
      if (!this.runsThrough(since.slice(first), owned, lastSubmit)) return false;
      const fails = branches(this.file, site.stmt.kind === 'if' ? site.stmt : this.at.next(site.stmt), site);
      if (!fails || !leaves(this.file, fails.failed)) return false;
      const several = batch.length > 1 || batch[0]!.turns !== undefined;
      if (several && fails.test.op === '<' && isZero(fails.test.right)) {
        if (!site.result || site.stmt.kind === 'if' || !this.draft.isBraced(this.func, whole(site.stmt))) return false;
        writes.push(() => this.writePartial(site, site.result!.name));
      } else if (several && fails.test.op !== '!=' && fails.test.op !== '<') return false;
      if (!this.canFail(site, fails.failed, batch)) return false;
      for (const p of batch) {
        left.delete(p.stmt);
        writes.push(() => this.writePreparation(p, ring, site, fails.failed, carry));
      }
      this.draft.replace(this.func, site.call.span, `io_uring_submit(${ring})`);
    }
    const first = Math.min(...[...this.preparations.keys()].map((s) => s.span.start));
    if (left.size || !rewriteDeclarations(this.file, this.func, this.draft, this.requestNames(), this.preparations.size ? 'struct io_uring_sqe *sqe;' : undefined, first)) return false;
    for (const write of writes) write();
    return true;
  }
  /** What a statement prepares itself, or a loop once a turn. */
  private preparedBy(s: Stmt): Preparation[] {
    const own = this.preparations.get(s);
    const turns = counting(s);
    if (own || !turns || s.kind !== 'loop') return own ? [own] : [];
    return s.body.flatMap((x) => this.preparations.get(x) ?? []).map((p) => Object.assign(p, { turns }));
  }
  private requestNames(): Set<string> {
    return new Set([...this.known.values()].filter((v) => v.func === this.func && isRequest(v.role)).map((v) => v.id));
  }

  /** Whether io_submit() was given exactly the prepared iocbs. */
  private isAllOf(batch: Preparation[], submit: Call): boolean {
    const [, count, what] = submit.args;
    if (!count || !what || submit.args.length !== 3) return false;
    const pointed = this.pointedBy(what);
    const loops = batch.filter((p) => p.turns);
    if (loops.length) {
      const [p] = batch;
      if (batch.length !== 1 || pointed?.kind !== 'all') return false;
      const { turns } = p!;
      return p!.request === `${pointed.array}[${turns!.name}]` && sameCount(this.file, this.func, turns!.bound, count) && sameCount(this.file, this.func, pointed.bound, count);
    }
    const number = constant(this.file.program.constantValue(count));
    if (number !== BigInt(batch.length)) return false;
    if (pointed?.kind === 'all') return batch.every((p, i) => p.request === `${pointed.array}[${i}]`) && constant(this.file.program.constantValue(pointed.bound)) === number;
    const wanted = new Set(batch.map((p) => p.request));
    const got = new Set(Array.from({ length: batch.length }, (_, i) => pointed?.requests.get(BigInt(i))));
    return wanted.size === batch.length && got.size === wanted.size && [...wanted].every((r) => got.has(r));
  }
  private pointedBy(e: Expr): Pointed | undefined {
    const inner = bare(e);
    const list = this.role(inner);
    if (list?.role === 'list') return this.lists.get(list.id);
    if (inner.kind !== 'unary' || inner.op !== '&') return undefined;
    const what = bare(inner.operand);
    if (what.kind === 'index' && what.index && this.role(what.object)?.role === 'list' && isZero(what.index)) return this.lists.get(this.role(what.object)!.id);
    const alias = this.role(what);
    const request = alias?.role === 'alias' ? this.aliases.get(alias.id) : undefined;
    return request ? { kind: 'few', requests: new Map([[0n, request]]) } : undefined;
  }
  /** Nothing leaves between the first preparation and the submission, except for good: what was prepared would stay in the ring. */
  private runsThrough(list: Stmt[], owned: boolean, lastSubmit: number): boolean {
    for (const s of statements(list)) {
      if (s.kind === 'break' || s.kind === 'continue') return false;
      if ((s.kind === 'return' || s.kind === 'throw') && !owned) return false;
      if (s.kind === 'goto') {
        const label = [...statements(this.func.body)].find((x) => x.kind === 'label' && x.label === s.label);
        if (!owned || !label || label.span.start < lastSubmit) return false;
      }
    }
    return true;
  }
  /** Whether the way out that a failed submission takes can be taken where the requests are prepared, too. */
  private canFail(site: CallSite, failed: Stmt[], batch: Preparation[]): boolean {
    const last = failed.at(-1)!;
    if (failed.length > 6 || last.kind === 'break' || last.kind === 'continue' || [...statements(failed)].some((s) => s.kind === 'declare' || s.kind === 'label')) return false;
    const start = Math.min(...batch.map((p) => p.stmt.span.start));
    const declared = [...statements(this.func.body)].filter((s) => s.kind === 'declare' && s.span.start > start).map((s) => (s as Extract<Stmt, { kind: 'declare' }>).local.id);
    const late = [...walk(failed.flatMap(expressionsOf))].some((e) => e.kind === 'name' && declared.includes(e.id) && e.id !== site.result?.id);
    return !late && !(site.result && this.isLate(site, batch) && last.kind === 'goto');
  }
  /** Whether the variable of the result is only declared behind the preparations. */
  private isLate(site: CallSite, batch: Preparation[]): boolean {
    const start = Math.min(...batch.map((p) => p.stmt.span.start));
    return site.result?.declared === true || [...statements(this.func.body)].some((s) => s.kind === 'declare' && s.local.id === site.result?.id && s.span.start > start);
  }

  private writePreparation(p: Preparation, ring: string, site: CallSite, failed: Stmt[], carry: boolean): void {
    const { file, func, draft } = this;
    const braced = draft.isBraced(func, p.stmt.span);
    const outer = draft.indentation(func, this.at.standingOf(p.stmt)!.parent?.span ?? p.stmt.span);
    const indent = braced ? draft.indentation(func, p.stmt.span) : outer + draft.step;
    const args = p.call.args.slice(1).map((a) => draft.source(func, a.span));
    const data = p.data ? draft.source(func, p.data.value.span) : carry ? (file.language === 'cpp' ? 'nullptr' : 'NULL') : undefined;
    const lines = [
      `sqe = io_uring_get_sqe(${ring});`, ...this.refusal(site, failed, p, draft.step), `${PREPARATIONS[p.call.name]!.text(args)};`,
      ...(data === undefined ? [] : [`io_uring_sqe_set_data(sqe, ${data});`]),
    ];
    const text = lines.join(`\n${indent}`);
    if (p.data) draft.remove(func, p.data.stmt.span);
    if (braced) draft.replace(func, p.stmt.span, text);
    else draft.embrace(func, p.stmt.span, `${indent}${text}`, outer);
  }
  /** A batch that is taken in part is a failure where nothing but the sign is looked at. */
  private writePartial(site: CallSite, result: string): void {
    const { func, draft } = this;
    const indent = draft.indentation(func, whole(site.stmt));
    const count = draft.source(func, site.call.args[1]!.span);
    draft.insert(func, whole(site.stmt).end, `\n${indent}if (${result} >= 0 && ${result} < ${count})\n${indent}${draft.step}${result} = -EAGAIN;`);
  }
  /** No room in the ring is the failure that io_submit() told as -EAGAIN. */
  private refusal(site: CallSite, failed: Stmt[], p: Preparation, step: string): string[] {
    const { func, draft } = this;
    // only where the way out leads to code that stays does the variable have to say it
    const kept = site.result && failed.at(-1)!.kind === 'goto' ? site.result.name : undefined;
    const more = kept === undefined && site.result ? saidBy(failed, site.result.id) : [];
    const lines = [...(kept === undefined ? [] : [`${kept} = -EAGAIN;`]), ...failed.map((s) => draft.changed(func, s.span, more))];
    const dedented = lines.map((l) => l.replace(/\n[ \t]*/g, `\n${step}${draft.indentation(func, p.stmt.span)}${step}`));
    return dedented.length === 1 ? ['if (!sqe)', `${step}${dedented[0]!}`] : ['if (!sqe) {', ...dedented.map((l) => step + l), '}'];
  }
}

/** The error itself in place of the variable that holds it. */
function saidBy(failed: Stmt[], id: string): Change[] {
  const all = [...walk(failed.flatMap(expressionsOf))];
  const isResult = (e: Expr) => e.kind === 'name' && e.id === id;
  const negated = all.filter((e) => e.kind === 'unary' && e.op === '-' && isResult(bare(e.operand)));
  const plain = all.filter((e) => isResult(e) && !negated.some((n) => n.span.start <= e.span.start && e.span.end <= n.span.end));
  return [...negated.map((e) => ({ ...e.span, text: 'EAGAIN' })), ...plain.map((e) => ({ ...e.span, text: '-EAGAIN' }))];
}
function elements(list: List): Expr[] {
  return list.items.map((i) => i.value);
}
function isZero(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'int' && inner.value === 0n;
}
