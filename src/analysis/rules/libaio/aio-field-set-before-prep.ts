import { wayTo } from '../../idioms/paths';
import { AIO_OTHER_PREPS, AIO_TRANSFERS } from '../../api/names';
import type { Event } from '../../flow/cfg';
import type { Flow } from '../../flow/program';
import { bare, walkFunction, type Expr, type Func, type Span } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type DraftFix, type Rule, type View } from '../rule';

const FIELDS = /^(?:data|aio_rw_flags|aio_reqprio)$/;
const SETTERS = /^io_set_(?:eventfd|callback)$/;

interface Setting { event: Event; at: Expr; what: string; iocb: string }

export const aioFieldSetBeforePrep: Rule = {
  info: {
    id: 'aio-field-set-before-prep', languages: ['c', 'cpp'], severity: 'error', confidence: 'certain',
    summary: 'An eventfd, callback or data of an iocb is set before io_prep_*, which clears the whole iocb.',
  },
  why: 'Every io_prep_* of libaio clears the iocb first. An eventfd, a callback or user data set before that is gone: the eventfd never fires, and the event carries nothing.',
  families: ['libaio'],
  tokens: /io_prep_/,
  check(file, func, report) {
    const flow = func.damaged || file.program.mentions(func, /->data\b|\.data\b|aio_rw_flags|aio_reqprio|io_set_/) === false ? undefined : file.program.flow(func);
    if (!flow) return;
    const settings: Setting[] = [];
    const text = (e: Expr) => file.source(placeOf(func, e)).replace(/\s/g, '');
    for (const event of flow.cfg.blocks.flatMap((b) => b.events)) {
      const found = setting(file, func, event, text);
      if (found) settings.push(found);
    }
    for (const s of settings) {
      let prep: Expr | undefined;
      const lost = wayTo(flow, s.event, {
        goal: (e) => {
          if (e?.kind !== 'call' || !isPrep(file, e) || iocbText(e.call.args[0], text) !== s.iocb) return false;
          prep = e.call;
          return true;
        },
        stop: (e) => e.kind === 'call' ? !isPrep(file, e) && !SETTERS.test(e.call.name) && (/^io_/.test(e.call.name) || e.call.args.some((a) => iocbText(a, text) === s.iocb))
          : (e.kind === 'store' && s.iocb.startsWith(text(bare(e.target)))) || (e.kind === 'declare' && s.iocb === e.local.name),
      });
      // set again behind the preparation, nothing is lost; a name that is set to another iocb meanwhile is another matter
      if (!lost || lost === 'end' || !prep || prep.span.start < s.at.span.start || changes(func, s, prep, text)) continue;
      if (settings.some((x) => x !== s && x.what === s.what && x.iocb === s.iocb && x.at.span.start > prep!.span.start)) continue;
      report({
        at: placeOf(func, s.at),
        message: `This is lost: the io_prep call behind it clears the whole iocb, ${s.what} with it. Set it after the preparation.`,
        related: [{ at: placeOf(func, prep), message: 'cleared here' }],
        fixes: moveBehind(file, func, s.at, prep),
      });
    }
    for (const s of settings) {
      const other = settings.find((x) => x.iocb === s.iocb && replaces(s, x) && overwrites(file, flow, s, x, text));
      if (other) report({
        at: placeOf(func, s.at),
        message: `libaio keeps the callback of an iocb in its data: ${other.what === 'data' ? 'the data that is stored behind takes the place of this callback' : 'the callback that is set behind takes the place of this data'}.`,
        related: [{ at: placeOf(func, other.at), message: 'replaced here' }],
      });
    }
  },
};

/** A callback, and data: whichever comes later stays. */
function replaces(first: Setting, second: Setting): boolean {
  return (first.what === 'data' && second.what === 'the callback') || (first.what === 'the callback' && second.what === 'data');
}
function overwrites(file: View, flow: Flow, first: Setting, second: Setting, text: (e: Expr) => string): boolean {
  if (second.at.span.start < first.at.span.start || changes(flow.func, first, second.at, text)) return false;
  return wayTo(flow, first.event, {
    goal: (e) => e === second.event,
    stop: (e) => (e.kind === 'call' && (isPrep(file, e) || e.call.args.some((a) => iocbText(a, text) === first.iocb))) || (e.kind === 'declare' && first.iocb.includes(e.local.name)),
  }) !== undefined;
}

/** Both are statements of one block, with nothing between that leaves it. */
function moveBehind(file: View, func: Func, at: Expr, prep: Expr): DraftFix[] {
  const [own, last] = [statementOf(at), statementOf(prep)];
  if (!own || !last || ![own, last].every((span) => isInBlock(file, placeOf(func, { span })))) return [];
  const between = file.source(placeOf(func, { span: { start: own.end, end: last.start } }));
  const indent = file.indentation(placeOf(func, { span: own }));
  if (/[{}]|\b(?:return|goto|break|continue|case)\b|^\s*#/m.test(between) || indent !== file.indentation(placeOf(func, { span: last }))) return [];
  const before = file.source(placeOf(func, { span: { start: 0, end: own.start } }));
  return [{
    title: 'Move it behind the preparation', safe: true,
    edits: [
      { place: placeOf(func, { span: { start: before.trimEnd().length, end: own.end } }), text: '' },
      insertion(func, last.end, `\n${indent}${file.source(placeOf(func, { span: own }))}`),
    ],
  }];
}
function statementOf(e: Expr): Span | undefined {
  return e.kind === 'call' || e.kind === 'assign' ? e.statement : undefined;
}

function isPrep(file: View, e: Extract<Event, { kind: 'call' }>): boolean {
  return (AIO_TRANSFERS.has(e.call.name) || AIO_OTHER_PREPS.has(e.call.name)) && e.call.callee.kind === 'name' && !file.program.defines(e.call.name);
}

/** The written form of an iocb's address: `cb` for `&cb` goes as `&cb`, `cb->data` and `(*cb).data` as `cb`. */
function iocbText(e: Expr | undefined, text: (e: Expr) => string): string | undefined {
  return e && text(bare(e));
}
function setting(file: View, func: Func, event: Event, text: (e: Expr) => string): Setting | undefined {
  if (event.kind === 'call' && SETTERS.test(event.call.name) && event.call.args[0] && !file.program.defines(event.call.name)) {
    return { event, at: event.call, what: event.call.name === 'io_set_eventfd' ? 'the eventfd' : 'the callback', iocb: iocbText(event.call.args[0], text)! };
  }
  if (event.kind !== 'store' || event.op !== '=') return undefined;
  const target = bare(event.target);
  if (target.kind !== 'member' || !FIELDS.test(target.field)) return undefined;
  const object = bare(target.object);
  return { event, at: event.at, what: target.field, iocb: target.deref ? text(object) : `&${text(object)}` };
}
/** The pointer, or the index in it, is assigned between the two. */
function changes(func: Func, s: Setting, prep: Expr, text: (e: Expr) => string): boolean {
  for (const e of walkFunction(func)) {
    const target = e.kind === 'assign' ? bare(e.target) : e.kind === 'unary' && (e.op === '++' || e.op === '--') ? bare(e.operand) : undefined;
    if (target?.kind !== 'name' || e.span.start <= s.at.span.end || e.span.start >= prep.span.start) continue;
    if (new RegExp(`\\b${text(target).replace(/\W/g, '')}\\b`).test(s.iocb)) return true;
  }
  return false;
}
