import { CQE_CONSUMERS, CQE_SOURCES } from '../../api/names';
import { cqeFlow } from '../../idioms/cqe';
import type { Trouble } from '../../idioms/cqe-trouble';
import { typeNameOf } from '../../idioms/declared-type';
import { assignmentsTo } from '../../idioms/assignments';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { eventOf, wayTo } from '../../idioms/paths';
import { lvalue } from '../../idioms/tested';
import type { Flow } from '../../flow/program';
import { bare, placeIn, statements, walkFunction, type Call, type Expr, type Func, type Member, type Place, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';

type Late = Extract<Trouble, { kind: 'late' }>;
const SCALARS: Record<string, string> = { res: '__s32', flags: '__u32', user_data: '__u64' };

export const uringCqeUseAfterSeen: Rule = {
  info: {
    id: 'uring-cqe-use-after-seen', languages: ['c', 'cpp'], severity: 'warning', confidence: 'certain',
    summary: 'A cqe is read after it was given back; the kernel may have put another completion there.',
  },
  why: 'io_uring_cqe_seen() gives the slot back to the kernel. Under load, and always with SQPOLL or several threads, the next completion is written over it while it is still read.',
  families: ['liburing'],
  check(file, func, report) {
    const byConsumer = new Map<Call, Late[]>();
    for (const t of cqeFlow(file.program, func)?.troubles ?? []) {
      // a batch given back before it is read is counted wrongly as a whole
      if (t.kind !== 'late' || (t.token.source === 'batch' && CQE_CONSUMERS.get(t.consumer.name) !== undefined)) continue;
      byConsumer.set(t.consumer, [...(byConsumer.get(t.consumer) ?? []), t]);
    }
    for (const late of readsOfPointer(file, func)) {
      if ([...byConsumer].some(([c, all]) => c === late.consumer || all.some((t) => t.at.span.start === late.at.span.start))) continue;
      report({
        at: placeOf(func, late.at),
        message: `The cqe was given back by ${late.consumer.name}() and may hold another completion by now. Copy what is needed before.`,
        related: [{ at: placeOf(func, late.consumer), message: 'given back here' }],
      });
    }
    for (const [consumer, all] of byConsumer) {
      all.sort((a, b) => a.at.span.start - b.at.span.start);
      if (consumer.name === 'io_uring_queue_exit') {
        report({
          at: all[0]!.at, severity: 'error',
          message: 'The ring was closed, and the memory of its cqes went with it: this crashes. Copy what is needed before.',
          related: [{ at: placeOf(func, consumer), message: 'closed here' }],
        });
        continue;
      }
      report({
        at: all[0]!.at,
        message: `The cqe was given back by ${consumer.name}() and may hold another completion by now. Copy what is needed before.`,
        related: [{ at: placeOf(func, consumer), message: 'given back here' }],
        fixes: fix(file, func, consumer, all),
      });
    }
  },
};

/** A cqe of a batch or list, known by the variable it is in: read behind the call that gave it back, with nothing stored to the variable between. */
function* readsOfPointer(file: View, func: Func): Generator<{ consumer: Call; at: Expr }> {
  const flow = func.damaged || !file.program.mentions(func, /io_uring_cqe_seen/) ? undefined : file.program.flow(func);
  if (!flow) return;
  for (const e of walkFunction(func)) {
    if (e.kind !== 'call' || e.name !== 'io_uring_cqe_seen' || file.program.defines(e.name)) continue;
    const pointer = e.args[1] && bare(e.args[1]);
    if (pointer?.kind === 'member') {
      const at = readOfField(file, func, flow, e, pointer);
      if (at) yield { consumer: e, at };
      continue;
    }
    const local = pointer?.kind === 'name' ? func.locals.get(pointer.id) : undefined;
    if (!local || local.type.replace(/^const /, '') !== 'io_uring_cqe' && local.type !== 'auto') continue;
    // only what comes out of an array or list; the others are followed by their calls
    const sources = assignmentsTo(func, local.id);
    if (!sources.length || !sources.every((a) => a.op === '=' && a.value && isElement(a.value))) continue;
    const from = eventOf(flow, e);
    const found = from && wayTo(flow, from, {
      goal: (x) => x?.kind === 'deref' && isName(x.pointer, local.id),
      stop: (x) => (x.kind === 'store' && isName(x.target, local.id)) || (x.kind === 'declare' && x.local.id === local.id),
    });
    if (found && found !== 'end' && found.kind === 'deref') yield { consumer: e, at: found.at };
  }
}
/** The same of a cqe that is kept in a field: code out of sight may have put another one there. */
function readOfField(file: View, func: Func, flow: Flow, consumer: Call, field: Member): Expr | undefined {
  const place = lvalue(field);
  const owner = typeNameOf(file, func, field.object);
  const isCqe = owner === undefined ? file.fieldType(field.field) === 'io_uring_cqe' : file.program.fieldsOf(owner).some((f) => f.name === field.field && f.type === 'io_uring_cqe' && f.pointer);
  const from = place !== undefined && isCqe && eventOf(flow, consumer);
  if (!from || place === undefined) return undefined;
  const isIt = (e: Expr | undefined): boolean => e !== undefined && lvalue(e) === place;
  const readsIt = (call: Call): number => {
    const callee = file.program.callee(call);
    const used = callee && !file.program.callEachOther(func, callee) ? cqeFlow(file.program, callee)?.usesUntested : undefined;
    return used ? call.args.findIndex((a, i) => isIt(a) && used.has(i)) : -1;
  };
  const found = wayTo(flow, from, {
    goal: (x) => x?.kind === 'deref' ? isIt(x.pointer) : x?.kind === 'call' && readsIt(x.call) >= 0,
    stop: (x) => x.kind === 'store' || (x.kind === 'call' && (CQE_SOURCES.has(x.call.name) || !isOutOfTheWay(x.call))),
  });
  if (!found || found === 'end') return undefined;
  return found.kind === 'deref' ? found.at : found.kind === 'call' ? found.call.args[readsIt(found.call)] : undefined;
}
function isElement(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'index' || (inner.kind === 'call' && inner.callee.kind === 'member' && /^(?:at|front|back|top)$/.test(inner.name));
}
function isName(e: Expr, id: string): boolean {
  const inner = bare(e);
  return inner.kind === 'name' && inner.id === id;
}

/** Copies the fields that are read later into locals in front of the call. */
function fix(file: View, func: Func, consumer: Call, all: Late[]): DraftFix[] {
  const { statement } = consumer;
  const list = statement && listOf(func.body, (s) => s.span.start === statement.start && s.span.end === statement.end);
  const end = list?.at(-1)?.span.end;
  if (!statement || end === undefined || !isInBlock(file, placeOf(func, { span: statement }))) return [];
  const taken = new Set([...func.locals.values()].map((l) => l.name));
  const names = new Map<string, string>();
  const copies: string[] = [];
  const edits: { place: Place; text: string }[] = [];
  for (const t of all) {
    const text = file.source(t.at);
    const field = /^(\w+)->(\w+)$/.exec(text);
    const pointer = bare(t.pointer);
    if (!field || pointer.kind !== 'name' || !(field[2]! in SCALARS) || t.at.span.start < statement.end || t.at.span.end > end) return [];
    let name = names.get(text);
    if (name === undefined) {
      name = [field[2]!, `${field[1]!}_${field[2]!}`].find((n) => !taken.has(n));
      if (name === undefined) return [];
      taken.add(name);
      names.set(text, name);
      copies.push(`${SCALARS[field[2]!]!} ${name} = ${text};`);
    }
    edits.push({ place: placeIn(func, t.at.span), text: name });
  }
  const indent = file.indentation(placeOf(func, { span: statement }));
  return [{ title: 'Copy the fields before the cqe is given back', edits: [insertion(func, statement.start, copies.map((c) => `${c}\n${indent}`).join('')), ...edits], safe: true }];
}
/** The statements among which one stands. */
function listOf(body: Stmt[], wanted: (s: Stmt) => boolean): Stmt[] | undefined {
  if (body.some(wanted)) return body;
  for (const s of statements(body)) {
    const lists = s.kind === 'if' ? [s.then, s.otherwise] : s.kind === 'loop' || s.kind === 'block' ? [s.body] : s.kind === 'switch' ? s.cases.map((c) => c.body) : s.kind === 'try' ? [s.body, ...s.handlers] : [];
    const found = lists.find((l) => l.some(wanted));
    if (found) return found;
  }
  return undefined;
}
