/** io_events become cqes: what is asked of each is read at once, and the cqe is given back. */
import { constant } from '../flow/value';
import { isNull } from '../idioms/tested';
import { bare, statements, walk, walkFunction, type Expr, type Func, type Stmt } from '../model';
import type { SourceFile } from '../source-file';
import { rewriteDeclarations } from './declarations';
import type { Draft } from './draft';
import { branches, comparison, counting, leaves, whole, type CallSite, type Statements } from './statements';
import type { Variable } from './variables';

export interface Fetch { site: CallSite; ring: string }
/** A member of an event that is read. */
interface Read { e: Expr; variable: string; index: string | undefined; field: 'res' | 'data'; argument: boolean }
/** What the unsigned result had to be cast to for its sign; a cqe has an int. */
const SIGNED = /^(?:int|long|long long|ssize_t|int32_t|int64_t)$/;

export class Events {
  private readonly reads: Read[] = [];
  private readonly cursors = new Map<string, { variable: string; index: string; stmt: Extract<Stmt, { kind: 'declare' }> }>();

  /** `fresh`: names that nothing in the function has. */
  constructor(
    private readonly file: SourceFile, private readonly func: Func, private readonly at: Statements,
    private readonly known: Map<string, Variable>, private readonly draft: Draft, private readonly fresh: (...wishes: string[]) => string | undefined,
  ) {}

  get readsData(): boolean {
    return this.reads.some((r) => r.field === 'data');
  }
  private role(e: Expr | undefined): Variable | undefined {
    const inner = e && bare(e);
    return inner?.kind === 'name' ? this.known.get(inner.id) : undefined;
  }

  /** Finds what is read of events; what is not understood stays uncovered. */
  read(): boolean {
    for (const s of statements(this.func.body)) {
      if (s.kind !== 'declare' || !this.known.has(s.local.id)) continue;
      const { role } = this.known.get(s.local.id)!;
      if (role === 'cursor') {
        const element = s.init && elementOf(s.init);
        const variable = element && this.role(element.object);
        if (!element || variable?.role !== 'events') return false;
        this.cursors.set(s.local.id, { variable: variable.id, index: this.draft.source(this.func, element.index.span), stmt: s });
      } else if ((role === 'event' || role === 'events') && s.init && bare(s.init).kind !== 'list') return false;
    }
    const args = new Set([...walkFunction(this.func)].flatMap((e) => (e.kind === 'call' ? e.args : [])));
    const seen = new Set<Expr>();
    for (const outer of walkFunction(this.func)) {
      const e = outer.kind === 'cast' && SIGNED.test(outer.type) && (outer.type === 'int' || !args.has(outer)) ? bare(outer.operand) : outer;
      if (e.kind !== 'member' || (e.field !== 'res' && e.field !== 'data') || seen.has(e)) continue;
      const found = this.eventAt(e.object);
      const at = e.field === 'res' ? outer : e;
      if (found) this.reads.push({ e: at, ...found, field: e.field, argument: at === e && args.has(e) });
      seen.add(e);
    }
    return true;
  }
  private eventAt(object: Expr): { variable: string; index: string | undefined } | undefined {
    const inner = bare(object);
    const variable = this.role(inner);
    if (variable?.role === 'event') return { variable: variable.id, index: undefined };
    if (variable?.role === 'cursor') return this.cursors.get(variable.id);
    if (inner.kind !== 'index' || !inner.index || this.role(inner.object)?.role !== 'events') return undefined;
    return { variable: this.role(inner.object)!.id, index: this.draft.source(this.func, inner.index.span) };
  }

  rewrite(fetches: Fetch[]): boolean {
    const kinds = new Map<string, boolean>();
    const names = { cqe: this.fresh('cqe'), cqes: this.fresh('cqes'), res: this.fresh('res', 'cqe_res'), data: this.fresh('data', 'cqe_data') };
    if (Object.values(names).includes(undefined)) return false;
    const given = names as Record<keyof typeof names, string>;
    for (const fetch of fetches) {
      const [, least, most, into, timeout] = fetch.site.call.args;
      const where = into && this.target(into);
      if (!least || !most || !where || !timeout || !isNull(timeout)) return false;
      const single = this.value(least) === 1n && this.value(most) === 1n;
      // one event after the other may go into one variable
      const again = kinds.get(where.id);
      if (again !== undefined && !(again && single)) return false;
      kinds.set(where.id, single);
      const reads = this.reads.filter((r) => r.variable === where.id);
      if (!(single ? this.rewriteOne(fetch, reads, given, again === true) : this.rewriteSeveral(fetch, least, most, where, reads, given))) return false;
    }
    return this.declare(kinds, given);
  }
  private value(e: Expr): bigint | undefined {
    return constant(this.file.program.constantValue(e));
  }
  /** `&ev`, `events`, `&events[0]`. */
  private target(e: Expr): Variable | undefined {
    const inner = bare(e);
    const variable = this.role(inner);
    if (variable) return variable.role === 'events' ? variable : undefined;
    if (inner.kind !== 'unary' || inner.op !== '&') return undefined;
    const what = bare(inner.operand);
    if (what.kind === 'index') return what.index && this.value(what.index) === 0n && this.role(what.object)?.role === 'events' ? this.role(what.object) : undefined;
    return this.role(what)?.role === 'event' ? this.role(what) : undefined;
  }

  /** `io_getevents(ctx, 1, 1, &ev, NULL)` returns 1, and io_uring_wait_cqe() zero. */
  private rewriteOne({ site, ring }: Fetch, reads: Read[], names: { cqe: string; res: string; data: string }, again: boolean): boolean {
    const { file, func, draft } = this;
    if (reads.some((r) => r.index !== undefined && r.index !== '0')) return false;
    const retried = this.retried(site);
    if (retried === false) return false;
    const after = site.stmt.kind === 'if' ? site.stmt : this.at.next(retried ?? site.stmt);
    const tested = branches(file, after, site);
    if (!tested || after?.kind !== 'if' || !leaves(file, tested.failed) || !this.resultIsOnlyTested(site, after, tested.failed)) return false;
    this.rewriteTest(tested.test, tested.failed === after.then ? '< 0' : '== 0');
    draft.replace(func, site.call.span, `io_uring_wait_cqe(${ring}, &${names.cqe})`);
    const copy = this.copy(reads, names.cqe, ring, names, false);
    const [first] = tested.done;
    if (tested.done.length) {
      const start = whole(first!);
      const indent = `\n${draft.indentation(func, start)}`;
      if (!draft.isBraced(func, start)) return false;
      draft.insert(func, start.start, copy.join(indent) + indent);
    } else {
      if (!draft.isBraced(func, after.span)) return false;
      const indent = draft.indentation(func, after.span);
      draft.insert(func, after.span.end, `\n${indent}${copy.join(`\n${indent}`)}`);
    }
    if (!again) for (const r of reads) draft.replace(func, r.e.span, this.readText(r, names));
    return true;
  }
  /** The `do` around a call that is made again when a signal came; false where a loop does something else. */
  private retried(site: CallSite): Stmt | undefined | false {
    const parent = this.at.standingOf(site.stmt)?.parent;
    if (parent?.kind !== 'loop' || parent.body.length !== 1 || !parent.test || site.stmt.kind !== 'expr' || parent.form !== 'do') return undefined;
    const test = comparison(parent.test);
    return test?.op === '==' && test.left.kind === 'name' && test.left.id === site.result?.id && isNegative(test.right) ? parent : false;
  }
  /** Nothing but the test behind each call, and code that runs where it failed, sees a variable that holds results. */
  private resultIsOnlyTested(site: CallSite, own: Stmt, failed: Stmt[]): boolean {
    const { result } = site;
    if (!result) return true;
    const spans = [...failed.map((s) => s.span)];
    for (const s of statements(this.func.body)) {
      if (s.kind !== 'if' || !s.test || s === own) continue;
      const standing = this.at.standingOf(s)!;
      const before = standing.list[standing.index - 1];
      if (before && assigns(before, result.id)) spans.push(...[s.test.span, ...s.then.map((x) => x.span)]);
    }
    if (own.kind === 'if' && own.test) spans.push(own.test.span);
    const inside = (e: Expr) => spans.some((s) => s.start <= e.span.start && e.span.end <= s.end);
    const written = new Set([...walkFunction(this.func)].flatMap((e) => (e.kind === 'assign' && e.op === '=' ? [bare(e.target)] : [])));
    const harmless = new Set([...walkFunction(this.func)].flatMap((e) => {
      const test = comparison(e);
      return test && test.op === '==' && isNegative(test.right) ? [test.left] : [];
    }));
    return [...walkFunction(this.func)].every((e) => e.kind !== 'name' || e.id !== result.id || written.has(e) || harmless.has(e) || inside(e));
  }
  private rewriteTest(test: { left: Expr; right: Expr }, text: string): void {
    const between = this.draft.source(this.func, { start: test.left.span.end, end: test.right.span.start });
    const blank = /^[\s)]*/.exec(between)![0].length;
    this.draft.replace(this.func, { start: test.left.span.end + blank, end: test.right.span.end }, text);
  }

  /** The count that io_getevents() returned stays what the variable holds. */
  private rewriteSeveral({ site, ring }: Fetch, least: Expr, most: Expr, where: Variable, reads: Read[], names: { cqes: string; res: string; data: string }): boolean {
    const { func, draft } = this;
    const { stmt, result } = site;
    if (!result || (stmt.kind !== 'expr' && stmt.kind !== 'declare') || !draft.isBraced(func, whole(stmt))) return false;
    if ([least, most].some((e) => [...walk([e])].some((x) => x.kind === 'name' && this.known.has(x.id)))) return false;
    const array = names.cqes;
    const indent = draft.indentation(func, whole(stmt));
    const [from, upTo] = [least, most].map((e) => draft.source(func, e.span));
    const peek = `(int)io_uring_peek_batch_cqe(${ring}, ${array}, ${upTo!})`;
    if (this.value(least) === 0n) draft.replace(func, site.call.span, peek);
    else {
      draft.replace(func, site.call.span, `io_uring_wait_cqe_nr(${ring}, ${array}, ${from!})`);
      draft.insert(func, whole(stmt).end, `\n${indent}if (${result.name} == 0)\n${indent}${draft.step}${result.name} = ${peek};`);
    }
    return this.rewriteTurns(stmt, result.id, where, reads, ring, names);
  }
  /** The loop behind the call that looks at what came. */
  private rewriteTurns(from: Stmt, count: string, where: Variable, reads: Read[], ring: string, names: { cqes: string; res: string; data: string }): boolean {
    const { func, draft } = this;
    const standing = this.at.standingOf(from)!;
    const behind = standing.list.slice(standing.index + 1);
    const loop = behind.find((s) => [...reads, ...this.cursorsOf(where)].some((r) => within(r.e, s)));
    const turns = loop && counting(loop);
    const bound = turns && bare(turns.bound);
    if (!loop || loop.kind !== 'loop' || !turns || bound?.kind !== 'name' || bound.id !== count || behind.slice(0, behind.indexOf(loop)).some((s) => assigns(s, count))) return false;
    if (reads.some((r) => r.index !== turns.name || !within(r.e, loop)) || this.cursorsOf(where).some((c) => c.index !== turns.name || !within(c.e, loop))) return false;
    const copy = this.copy(reads, `${names.cqes}[${turns.name}]`, ring, names, true);
    for (const r of reads) draft.replace(func, r.e.span, this.readText(r, names));
    const [first] = loop.body;
    if (!first) return false;
    const start = whole(first);
    const cursor = this.cursorsOf(where).find((c) => c.stmt === first);
    for (const c of this.cursorsOf(where)) if (c.stmt !== first && !this.removeAlone(c.stmt)) return false;
    if (!draft.isBraced(func, start)) {
      const outer = draft.indentation(func, loop.span);
      const indent = outer + draft.step;
      draft.embrace(func, first.span, `${indent}${[...copy, draft.changed(func, first.span)].join(`\n${indent}`)}`, outer);
      return true;
    }
    const lines = copy.join(`\n${draft.indentation(func, start)}`);
    if (!cursor) draft.insert(func, start.start, `${lines}\n${draft.indentation(func, start)}`);
    else if (cursor.stmt.alone) draft.replace(func, cursor.stmt.statement, lines);
    else return false;
    return true;
  }
  private removeAlone(stmt: Extract<Stmt, { kind: 'declare' }>): boolean {
    if (stmt.alone) this.draft.remove(this.func, stmt.statement);
    return stmt.alone;
  }
  private cursorsOf(where: Variable) {
    return [...this.cursors.values()].filter((c) => c.variable === where.id).map((c) => ({ ...c, e: c.stmt }));
  }

  /** Statements that read what is needed of a cqe and give it back. */
  private copy(reads: Read[], cqe: string, ring: string, names: { res: string; data: string }, declare: boolean): string[] {
    const has = (field: Read['field']) => reads.some((r) => r.field === field);
    return [
      ...(has('res') ? [`${declare ? 'int ' : ''}${names.res} = ${cqe}->res;`] : []),
      ...(has('data') ? [`${declare ? 'void *' : ''}${names.data} = io_uring_cqe_get_data(${cqe});`] : []),
      `io_uring_cqe_seen(${ring}, ${cqe});`,
    ];
  }
  /** An argument keeps the type it had, which a format may name. */
  private readText({ field, argument }: Read, names: { res: string; data: string }): string {
    return field === 'data' ? names.data : argument ? `(unsigned long)${names.res}` : names.res;
  }

  private declare(kinds: Map<string, boolean>, names: { cqe: string; cqes: string; res: string; data: string }): boolean {
    const own = [...this.known.values()].filter((v) => v.func === this.func && (v.role === 'event' || v.role === 'events'));
    if (!own.length) return true;
    if (own.some((v) => !kinds.has(v.id))) return false;
    const singles = own.filter((v) => kinds.get(v.id));
    const several = own.filter((v) => !kinds.get(v.id));
    if (several.length > 1 || several.some((v) => v.role !== 'events')) return false;
    const has = (field: Read['field']) => this.reads.some((r) => r.field === field && singles.some((v) => v.id === r.variable));
    const extent = several.map((v) => this.extent(v));
    if (extent.includes(undefined)) return false;
    const lines = [
      ...(singles.length ? [`struct io_uring_cqe *${names.cqe};`] : []),
      ...(has('res') ? [`int ${names.res};`] : []),
      ...(has('data') ? [`void *${names.data};`] : []),
      ...extent.map((e) => `struct io_uring_cqe *${names.cqes}${e!};`),
    ];
    const first = Math.min(...[...statements(this.func.body)].filter((s) => s.kind !== 'declare' || !own.some((v) => v.id === s.local.id)).filter((s) => this.touches(s)).map((s) => s.span.start));
    return rewriteDeclarations(this.file, this.func, this.draft, new Set(own.map((v) => v.id)), lines.join('\n'), first);
  }
  private touches(s: Stmt): boolean {
    return [...walkFunction(this.func)].some((e) => e.kind === 'name' && this.known.get(e.id)?.role.startsWith('event') === true && within(e, s));
  }
  /** `[N]` as it is written. */
  private extent(variable: Variable): string | undefined {
    const s = [...statements(this.func.body)].find((x) => x.kind === 'declare' && x.local.id === variable.id);
    return s && /^\w+\s*(\[[^\]]+\])\s*(?:=|$)/.exec(this.draft.source(this.func, s.span))?.[1];
  }
}

function elementOf(e: Expr): { object: Expr; index: Expr } | undefined {
  const inner = bare(e);
  if (inner.kind === 'unary' && inner.op === '&') {
    const element = bare(inner.operand);
    return element.kind === 'index' && element.index ? { object: element.object, index: element.index } : undefined;
  }
  return inner.kind === 'binary' && inner.op === '+' ? { object: inner.left, index: inner.right } : undefined;
}
function within(e: { span: { start: number; end: number } }, s: Stmt): boolean {
  return s.span.start <= e.span.start && e.span.end <= s.span.end;
}
function assigns(s: Stmt, id: string): boolean {
  if (s.kind === 'declare') return s.local.id === id;
  if (s.kind === 'loop') return s.body.some((x) => assigns(x, id));
  const e = s.kind === 'expr' ? bare(s.expr) : undefined;
  return e?.kind === 'assign' && bare(e.target).kind === 'name' && (bare(e.target) as Extract<Expr, { kind: 'name' }>).id === id;
}
function isNegative(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'unary' && inner.op === '-';
}
