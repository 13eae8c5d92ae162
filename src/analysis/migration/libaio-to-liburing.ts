/**
 * The plain libaio sequence (io_setup, io_prep_*, io_submit, io_getevents, io_destroy) rewritten for liburing. Only where each
 * use of libaio in the file, or in one function that shares none of its variables, is understood.
 */
import { bare, statements, walkFunction, type Call, type Expr, type Func } from '../model';
import { eventOf, wayTo } from '../idioms/paths';
import type { SourceFile } from '../source-file';
import { cUsages } from '../usage/c';
import { Draft } from './draft';
import { Events, type Fetch } from './events';
import { obstacle } from './obstacle';
import { Requests } from './requests';
import { Statements, type CallSite } from './statements';
import { isEmpty, variables, type Variable } from './variables';

/** The whole text as it becomes, or a sentence that says why it cannot. */
export type Migration = { text: string } | { refused: string };

const SETUP = /^io_(?:setup|queue_init)$/;
const DESTROY = /^io_(?:destroy|queue_release)$/;

/** The migration of the file, or of the function at an offset alone; undefined where that does not use libaio. */
export function migrateLibaio(file: SourceFile, offset: number): Migration | undefined {
  if (file.language === 'rust' || !file.facts.includes.some((i) => i.name === 'libaio.h') || file.includes('linux/aio_abi.h')) return undefined;
  const usages = cUsages(file).list().filter((u) => u.family === 'libaio').map((u) => u.start);
  const using = file.facts.functions.filter((f) => usages.some((u) => holds(f, u)));
  const here = using.find((f) => holds(f, offset));
  if (!here) return undefined;
  const text = file.facts.damaged ? undefined : rewritten(file, using, usages) ?? (using.length > 1 ? rewritten(file, [here], usages.filter((u) => holds(here, u))) : undefined);
  return text === undefined ? { refused: obstacle(file, [here, ...using.filter((f) => f !== here)]) } : { text };
}
function holds(f: Func, offset: number): boolean {
  return f.base + f.span.start <= offset && offset <= f.base + f.span.end;
}

function rewritten(file: SourceFile, functions: Func[], usages: number[]): string | undefined {
  if (functions.some((f) => f.damaged || isConditional(file, f.base + f.span.start, f.base + f.span.end))) return undefined;
  const known = variables(file, functions);
  if (!known) return undefined;
  const whole = file.facts.functions.every((f) => functions.includes(f) || !usages.some((u) => holds(f, u)));
  const alone = functions.length === 1 && [...known.values()].every((v) => v.func && v.role !== 'handle' && v.role !== 'pointer');
  if (!whole && !alone) return undefined;
  const draft = new Draft(file.text);
  return new Rewriting(file, functions, known, draft).run() && understood(file, functions, known, draft, usages) ? finished(file, draft) : undefined;
}

/** Whether the preprocessor decides about something between two offsets, or about all of it. */
function isConditional(file: SourceFile, start: number, end: number): boolean {
  if (/^[ \t]*#[ \t]*(?:if|el|endif)/m.test(file.text.slice(start, end))) return true;
  const before = file.text.slice(0, start);
  return (before.match(/^[ \t]*#[ \t]*if/gm)?.length ?? 0) !== (before.match(/^[ \t]*#[ \t]*endif/gm)?.length ?? 0);
}

/** Every use of the library and every mention of a variable was seen. */
function understood(file: SourceFile, functions: Func[], known: Map<string, Variable>, draft: Draft, usages: number[]): boolean {
  if (!usages.every((u) => draft.covers(u))) return false;
  const shared = new Set([...known.values()].filter((v) => !v.func).map((v) => v.name));
  for (const { unit, mentions } of file.facts.mentions) {
    const func = functions.find((f) => f.base === unit.base && unit.base !== 0) ?? functions.find((f) => mentions.some((m) => holds(f, unit.base + m.start)));
    const own = func && new Set([...known.values()].filter((v) => v.func === func).map((v) => v.name));
    for (const m of mentions) if ((shared.has(m.text) || own?.has(m.text)) && !draft.covers(unit.base + m.start)) return false;
  }
  return true;
}

/** With the header of the new library in place of the old one's, or beside it where that is still used. */
function finished(file: SourceFile, draft: Draft): string | undefined {
  const include = file.facts.includes.find((i) => i.name === 'libaio.h')!;
  const place = { start: include.place.base + include.place.span.start, end: include.place.base + include.place.span.end };
  if (isConditional(file, place.start, place.end)) return undefined;
  const before = draft.result();
  if (before === undefined) return undefined;
  const missing = (name: string) => !file.includes(name);
  const left = cUsages(file).list().some((u) => u.family === 'libaio' && !draft.covers(u.start));
  const lines = [
    ...(/\bEAGAIN\b/.test(before) && missing('errno.h') ? ['#include <errno.h>'] : []),
    ...(left ? ['#include <libaio.h>'] : []),
    ...(missing('liburing.h') ? ['#include <liburing.h>'] : []),
  ];
  draft.replaceAt(place.start, place.end, lines.join('\n'));
  return draft.result();
}

class Rewriting {
  private readonly at = new Map<Func, Statements>();

  constructor(private readonly file: SourceFile, private readonly functions: Func[], private readonly known: Map<string, Variable>, private readonly draft: Draft) {
    for (const f of functions) this.at.set(f, new Statements(f));
  }

  run(): boolean {
    const parts = this.functions.map((func) => ({ func, at: this.at.get(func)!, ...this.parts(func) }));
    if (!parts.every((p) => p.clear && p.requests.read() && p.events.read())) return false;
    const carry = parts.some((p) => p.events.readsData);
    if (!this.functions.every((f) => this.contexts(f)) || !this.globals()) return false;
    return parts.every((p) => {
      const sites = this.sites(p.func);
      return sites !== undefined && p.events.rewrite(sites.fetches) && p.requests.rewrite(sites.submits, carry);
    });
  }
  private parts(func: Func) {
    const at = this.at.get(func)!;
    const names = new Set(this.file.facts.mentions.filter((m) => m.mentions.some((x) => holds(func, m.unit.base + x.start))).flatMap((m) => m.mentions.map((x) => x.text)));
    const fresh = (...wishes: string[]) => wishes.find((w) => !names.has(w));
    return { requests: new Requests(this.file, func, at, this.known, this.draft), events: new Events(this.file, func, at, this.known, this.draft, fresh), clear: !names.has('sqe') };
  }

  /** Text for a ring's address where a context was, `pointer`: where a pointer to one was. */
  private ring(e: Expr | undefined, pointer: boolean): string | undefined {
    const inner = e && bare(e);
    if (inner?.kind === 'name') {
      const role = this.known.get(inner.id)?.role;
      if (pointer) return role === 'pointer' ? inner.name : undefined;
      return role === 'context' ? `&${inner.name}` : role === 'handle' ? inner.name : undefined;
    }
    if (inner?.kind !== 'unary') return undefined;
    const operand = bare(inner.operand);
    const role = operand.kind === 'name' ? this.known.get(operand.id)?.role : undefined;
    if (operand.kind !== 'name') return undefined;
    return pointer ? (inner.op === '&' && role === 'context' ? `&${operand.name}` : undefined) : inner.op === '*' && role === 'pointer' ? operand.name : undefined;
  }

  /** Declarations and uses of contexts in a function, but for those in io_submit() and io_getevents(). */
  private contexts(func: Func): boolean {
    const { draft } = this;
    for (const s of statements(func.body)) {
      if (s.kind !== 'declare' || this.known.get(s.local.id)?.role !== 'context') continue;
      if ((s.init && !isEmpty(s.init)) || s.local.static || !this.retype(s.statement, func, /^io_context_t\s+$/, s.span.start, 'struct io_uring ')) return false;
      draft.replace(func, s.span, s.local.name);
    }
    for (const p of func.params) {
      const role = this.known.get(p.id)?.role;
      if (role !== 'handle' && role !== 'pointer') continue;
      if (!func.static || !this.onlyCalled(func) || !this.retype({ start: func.span.start, end: p.span.start }, func, role === 'handle' ? /^io_context_t\s+$/ : /^io_context_t\s*\*\s*$/, p.span.start, 'struct io_uring *')) return false;
      draft.keep(func, p.span);
    }
    return [...walkFunction(func)].every((e) => e.kind !== 'call' || this.contextCall(func, e));
  }
  /** The type in front of a name; false where it is not there as it should be. */
  private retype(within: { start: number; end: number }, func: Func, written: RegExp, name: number, text: string): boolean {
    const mentions = this.file.facts.mentions.flatMap(({ unit, mentions: m }) => m.map((x) => ({ text: x.text, start: unit.base + x.start - func.base })));
    const type = mentions.filter((m) => m.text === 'io_context_t' && m.start >= within.start && m.start < name).at(-1);
    if (!type || !written.test(this.draft.source(func, { start: type.start, end: name }))) return false;
    this.draft.replace(func, { start: type.start, end: name }, text);
    return true;
  }
  /** Every mention of a function of the file is a call in functions that are rewritten. */
  private onlyCalled(func: Func): boolean {
    const calls = new Set(this.functions.flatMap((f) => [...walkFunction(f)].flatMap((e) => (e.kind === 'call' && e.name === func.name ? [f.base + e.nameSpan.start] : []))));
    return this.file.facts.mentions.every(({ unit, mentions }) => mentions.every((m) => m.text !== func.name || unit.base + m.start === func.base + func.nameSpan.start || calls.has(unit.base + m.start)));
  }
  private contextCall(func: Func, call: Call): boolean {
    const { draft } = this;
    if (call.callee.kind !== 'name') return true;
    if (SETUP.test(call.name)) {
      const ring = this.ring(call.args[1], true);
      if (!ring || call.args.length !== 2 || call.discarded) return false;
      draft.replace(func, call.span, `io_uring_queue_init(${draft.source(func, call.args[0]!.span)}, ${ring}, 0)`);
      return true;
    }
    if (DESTROY.test(call.name)) {
      const ring = this.ring(call.args[0], false);
      if (!ring || !call.discarded || !this.isSetUp(func, call)) return false;
      draft.replace(func, call.span, `io_uring_queue_exit(${ring})`);
      return true;
    }
    if (call.name === 'memset' && this.ring(call.args[0], true) && call.args[1] && isEmpty(call.args[1])) {
      draft.keep(func, call.span);
      return true;
    }
    const callee = this.file.program.callee(call);
    return !callee || !this.functions.includes(callee) || callee.params.every((p, i) => {
      const role = this.known.get(p.id)?.role;
      if (role !== 'handle' && role !== 'pointer') return true;
      const ring = this.ring(call.args[i], role === 'pointer');
      if (ring) draft.replace(func, call.args[i]!.span, ring);
      return ring !== undefined;
    });
  }
  /** io_destroy() of nothing only fails; a ring has to be there. */
  private isSetUp(func: Func, destroy: Call): boolean {
    const setups = [...walkFunction(func)].filter((e): e is Call => e.kind === 'call' && SETUP.test(e.name));
    const target = destroy.args[0] && bare(destroy.args[0]);
    if (target?.kind !== 'name' || this.known.get(target.id)?.role !== 'context' || !this.known.get(target.id)?.func) return true;
    const flow = this.file.program.flow(func);
    const end = flow && eventOf(flow, destroy);
    if (!flow || !end) return false;
    const events = setups.map((s) => eventOf(flow, s));
    return wayTo(flow, flow.cfg.blocks[flow.cfg.entry]!, { goal: (e) => e === end, stop: (e) => events.includes(e) }) === undefined;
  }
  private globals(): boolean {
    const { file, draft } = this;
    if ([...this.known.values()].some((v) => !v.func) && /\b(?:pthread_create|thrd_create|std::j?thread|std::async)\b/.test(file.text)) return false;
    return file.facts.globals.every(({ local, init, unit }) => {
      if (!this.known.has(local.id)) return true;
      const name = unit.base + local.span.start;
      const type = file.facts.mentions.flatMap((m) => m.mentions.map((x) => ({ text: x.text, start: m.unit.base + x.start }))).filter((m) => m.text === 'io_context_t' && m.start >= unit.base && m.start < name).at(-1);
      if (!local.static || !type || !/^io_context_t\s+$/.test(file.text.slice(type.start, name))) return false;
      draft.replaceAt(type.start, name, 'struct io_uring ');
      draft.replaceAt(name, unit.base + (init ?? local).span.end, local.name);
      return true;
    });
  }

  /** Where a function submits and fetches; undefined when one stands where it cannot be rewritten. */
  private sites(func: Func): { submits: { site: CallSite; ring: string; owned: boolean }[]; fetches: Fetch[] } | undefined {
    const submits = [];
    const fetches: Fetch[] = [];
    for (const call of walkFunction(func)) {
      if (call.kind !== 'call' || call.callee.kind !== 'name' || !/^io_(?:submit|getevents)$/.test(call.name)) continue;
      const site = this.at.get(func)!.site(call);
      const ring = this.ring(call.args[0], false);
      if (!site || !ring) return undefined;
      const context = bare(call.args[0]!);
      const owner = context.kind === 'name' ? this.known.get(context.id) : undefined;
      if (call.name === 'io_getevents') {
        if (call.args.length !== 5) return undefined;
        fetches.push({ site, ring });
      } else submits.push({ site, ring, owned: owner?.role === 'context' && owner.func === func });
    }
    return { submits, fetches };
  }
}
