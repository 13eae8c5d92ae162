import type { Severity } from '../../../protocol/analysis';
import { sqeFlow } from '../../idioms/sqe';
import { share, takesAnew, type FieldStore, type Flags, type Prep, type SqeEvent, type Submit, type UserData } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { isNull } from '../../idioms/tested';
import { placeIn, type Func } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, isInBlock, type Draft, type DraftFix, type Rule, type View } from '../rule';

/** The first liburing whose preparations leave user data, and flags and the like, as they are. */
const KEEPS_USER_DATA = 2002;
const KEEPS_FLAGS = 2006;
/** What preparations used to clear beside flags and user data. */
const CLEARED = new Set(['ioprio', 'buf_group', 'buf_index', 'personality', 'rw_flags']);
/** Preparations that assign it themselves, whichever the version. */
const ASSIGNS: Record<string, RegExp> = { flags: /^(?:read_multishot|fixed_fd_install)$/, ioprio: /_zc/ };
const BUFFER_SELECT = 32n;

type Store = Flags | UserData | FieldStore;

export const uringSqeSetupOrder: Rule = {
  info: {
    id: 'uring-sqe-setup-order', languages: ['c', 'cpp'], severity: 'error', confidence: 'certain',
    summary: 'A store to an sqe is lost: made before the preparation, replaced by another, or after the submission.',
  },
  why: 'A preparation fills the sqe, and up to liburing 2.5 it also clears the flags (up to 2.1 the user data). io_uring_sqe_set_flags() assigns and does not add. After the submission the entry belongs to the kernel.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /sqe|io_uring_/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const e of flow.events) {
      const draft = e.kind === 'flags' || e.kind === 'data' || e.kind === 'field' ? lostStore(file, flow, e)
        : e.kind === 'prep' ? tooLate(flow, e) ?? overMultishot(file, flow, e) : undefined;
      if (draft) report(draft);
    }
  },
};

function lostStore(file: View, flow: SqeFlow, e: Store): Draft | undefined {
  // a function that was called for nothing else may have stored it
  if (e.inside && e.kind === 'data' && !flow.of('prep').some((p) => p.span.start === e.span.start)) return beforePrep(file, flow, e);
  if (e.inside || (e.kind === 'flags' && e.how === 'remove')) return undefined;
  return tooLate(flow, e) ?? beforePrep(file, flow, e) ?? (e.kind === 'flags' ? replaced(file, flow, e) : undefined);
}

/** The ring was submitted since the sqe was taken. */
function tooLate(flow: SqeFlow, e: Store | Prep): Draft | undefined {
  let submitted: Submit | undefined;
  for (const id of e.sqes) {
    const found = flow.of('get').filter((g) => g.sqes.includes(id)).map((g) => submissionBetween(flow, g.rings, g, e, id)).find((s) => s);
    if (!found) return undefined;
    submitted = found;
  }
  if (!submitted) return undefined;
  return {
    at: placeOf(flow.flow.func, e), severity: 'error',
    message: 'The ring was submitted since this sqe was taken: the entry belongs to the kernel, and what is stored now is lost or lands in another request. Take a new sqe.',
    related: [{ at: placeOf(flow.flow.func, submitted), message: 'submitted here' }],
  };
}
function submissionBetween(flow: SqeFlow, rings: readonly string[], get: SqeEvent, e: SqeEvent, id: string): Submit | undefined {
  const way = { ahead: true, sqes: [id] };
  const submits: Submit[] = [];
  flow.walk(get, (x) => {
    if (x.kind === 'submit' && !x.inside && share(x.rings, rings)) submits.push(x);
    return takesAnew(x, [id]) ? 'end' : undefined;
  }, way);
  return submits.find((s) => flow.reaches(s, (x) => x === e, (x) => takesAnew(x, [id]), way));
}

/** Stored first, prepared later, and not stored again. */
function beforePrep(file: View, flow: SqeFlow, e: Store): Draft | undefined {
  const field = e.kind === 'flags' ? 'flags' : e.kind === 'data' ? 'user_data' : e.field;
  if (e.kind === 'field' && !CLEARED.has(field)) return undefined;
  if ((e.value && isNull(e.value)) || !e.sqes.length) return undefined;
  const ends = (x: SqeEvent) => takesAnew(x, e.sqes) || ((x.kind === 'overwrite' || x.kind === 'escape') && share(x.sqes, e.sqes));
  const isPrep = (x: SqeEvent): x is Prep => x.kind === 'prep' && !x.byHand && share(x.sqes, e.sqes);
  if (flow.of('prep').some((p) => isPrep(p) && flow.reaches(p, (x) => x === e, ends, { ahead: true }))) return undefined;
  const preps: Prep[] = [];
  flow.walk(e, (x) => {
    if (isPrep(x)) preps.push(x);
    return isPrep(x) || ends(x) ? 'end' : undefined;
  }, { ahead: true });
  const prep = preps[0];
  if (!prep || preps.some((p) => flow.reaches(p, (x) => isSameField(x, e), (x) => takesAnew(x, e.sqes), { ahead: true }) || isSameFieldInside(flow, p, e))) return undefined;
  const always = prep.op !== undefined && ASSIGNS[field]?.test(prep.op) === true;
  const since = field === 'user_data' ? KEEPS_USER_DATA : KEEPS_FLAGS;
  return {
    at: placeOf(flow.flow.func, e), severity: severityOf(file, always, since),
    message: always ? `The preparation behind it assigns ${field} anew: this store is lost. Store it after the preparation.`
      : `With liburing before ${since === KEEPS_USER_DATA ? '2.2' : '2.6'} the preparation behind it clears ${field}: this store is lost there. Store it after the preparation.`,
    related: [{ at: placeOf(flow.flow.func, prep), message: 'prepared here' }],
    fixes: preps.length === 1 ? moveBehind(file, flow.flow.func, e, prep) : [],
  };
}
function isSameField(x: SqeEvent, e: Store): boolean {
  return x.kind === e.kind && share(x.sqes, e.sqes) && (x.kind !== 'field' || e.kind !== 'field' || x.field === e.field);
}
/** A function of the file that prepares may store the field itself: its events lie in the same call. */
function isSameFieldInside(flow: SqeFlow, p: Prep, e: Store): boolean {
  return p.inside && flow.events.some((x) => isSameField(x, e) && x.span.start === p.span.start && x.span.end === p.span.end);
}
function severityOf(file: View, always: boolean, since: number): Severity {
  if (always) return 'error';
  const { liburing } = file.target;
  if (liburing !== undefined) return liburing < since ? 'error' : 'hint';
  return since === KEEPS_FLAGS ? 'warning' : 'information';
}
/** Assigned a second time with other bits, neither set holding the other. */
function replaced(file: View, flow: SqeFlow, e: Flags): Draft | undefined {
  if (!e.bits?.length) return undefined;
  let later: Flags | undefined;
  flow.walk(e, (x) => {
    if (x.kind === 'flags' && x.how === 'set' && share(x.sqes, e.sqes) && !x.inside) {
      if (x.bits?.length && e.bits!.every((a) => x.bits!.every((b) => (a & ~b) !== 0n && (b & ~a) !== 0n))) later ??= x;
      return 'end';
    }
    return takesAnew(x, e.sqes) || ((x.kind === 'prep' || x.kind === 'overwrite' || x.kind === 'escape') && share(x.sqes, e.sqes)) ? 'end' : undefined;
  }, { ahead: true });
  if (!later) return undefined;
  return {
    at: placeOf(flow.flow.func, e), severity: 'warning',
    message: 'These flags are lost: further down the flags of the same sqe are assigned anew, not added to.',
    related: [{ at: placeOf(flow.flow.func, later), message: 'assigned anew here' }],
    fixes: addInstead(file, flow.flow.func, later),
  };
}

/** io_uring_prep_read_multishot() sets IOSQE_BUFFER_SELECT; assigning flags takes it away. */
function overMultishot(file: View, flow: SqeFlow, e: Prep): Draft | undefined {
  if (e.op !== 'read_multishot' || e.byHand) return undefined;
  let later: Flags | undefined;
  flow.walk(e, (x) => {
    if (x.kind === 'flags' && x.how === 'set' && share(x.sqes, e.sqes) && !x.inside && x.bits?.length && x.bits.every((b) => (b & BUFFER_SELECT) === 0n)) later ??= x;
    return later || takesAnew(x, e.sqes) ? 'end' : undefined;
  }, { ahead: true });
  return later && {
    at: placeOf(flow.flow.func, later), severity: 'warning',
    message: 'io_uring_prep_read_multishot() sets IOSQE_BUFFER_SELECT, and this assignment takes it away: add the flags with |=.',
    related: [{ at: placeOf(flow.flow.func, e), message: 'prepared here' }],
    fixes: addInstead(file, flow.flow.func, later),
  };
}

/** `sqe->flags |= …` in place of an assignment. */
function addInstead(file: View, func: Func, e: Flags): DraftFix[] {
  const text = file.source(placeOf(func, e));
  const call = /^io_uring_sqe_set_flags\s*\(/.test(text);
  const calls = [...file.program.flow(func)?.cfg.blocks.flatMap((b) => b.events) ?? []].flatMap((x) => (x.kind === 'call' && x.call.span.start === e.span.start ? [x.call] : []));
  const sqe = calls[0]?.args[0];
  if (!e.value || (call && !sqe)) return [];
  const added = call ? `${file.source(placeOf(func, sqe!))}->flags |= ${file.source(placeOf(func, e.value))}` : text.replace(/=/, '|=');
  return [{ title: 'Add the flags with |=', edits: [{ place: placeOf(func, e), text: added }], safe: true }];
}

/** The store's statement goes behind the preparation, where nothing but straight code lies between. */
function moveBehind(file: View, func: Func, e: Store, prep: Prep): DraftFix[] {
  const to = prep.call?.statement;
  if (!e.statement || !to || prep.block !== e.block) return [];
  if (!isInBlock(file, placeOf(func, { span: e.statement })) || !isInBlock(file, placeOf(func, { span: to }))) return [];
  const before = file.source(placeIn(func, { start: 0, end: e.statement.start }));
  const start = e.statement.start - (/\n[ \t]*$/.exec(before)?.[0].length ?? 0);
  return [{
    title: 'Move behind the preparation',
    edits: [
      { place: placeIn(func, { start, end: e.statement.end }), text: '' },
      insertion(func, to.end, `\n${file.indentation(placeOf(func, { span: to }))}${file.source(placeOf(func, { span: e.statement }))}`),
    ],
    safe: true,
  }];
}
