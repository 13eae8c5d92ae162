import { linkFlag, makesRoom, queues, ringsOf, setsLink } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { mayBeSameRing, share, takesAnew, type Flags, type Get, type SqeEvent, type Submit } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { bare, placeIn, statements, walk, walkFunction, type Func, type Span, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { isInBlock, type Draft, type DraftFix, type Rule, type View } from '../rule';
import { linkUnterminatedInRust } from './uring-link-unterminated.rust';

type Loop = Extract<Stmt, { kind: 'loop' }>;

export const uringLinkUnterminated: Rule = {
  info: {
    id: 'uring-link-unterminated', languages: ['c', 'cpp', 'rust'], severity: 'warning', confidence: 'certain',
    summary: 'The last sqe before a submission carries a link, or a submission splits a chain.',
  },
  why: 'A chain of links ends with the submission. A link on the last sqe has nothing to hold on to and sends the request to a worker thread; requests that a submission separates are not ordered.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') linkUnterminatedInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    if (!file.program.mentions(func, /LINK|flags/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    const reserved = makesSureOfRoom(file, func);
    const said = new Set<number>();
    for (const e of flow.of('flags')) {
      if (!setsLink(e)) continue;
      const loop = loopAround(func, flow, e);
      // a submission in the same turn ends the chain, whatever the next turn does
      const draft = dangling(file, flow, e, undefined) ?? (loop && dangling(file, flow, e, loop)) ?? (reserved ? undefined : split(flow, e) ?? halved(flow, e));
      if (draft && !said.has(draft.at.span.start)) {
        said.add(draft.at.span.start);
        report(draft);
      }
    }
  },
};

/** The function, or one of the project that it calls, asks how much room there is. */
function makesSureOfRoom(file: View, func: Func): boolean {
  const asks = (f: Func): boolean => file.program.mentions(f, /io_uring_sq_space_left|io_uring_sq_ready/);
  return asks(func) || [...walkFunction(func)].some((e) => {
    const callee = e.kind === 'call' ? file.program.callee(e) : undefined;
    return callee !== undefined && asks(callee);
  });
}

/** The loop in which the sqe is taken anew in each turn. */
function loopAround(func: Func, flow: SqeFlow, e: Flags): Loop | undefined {
  const gets = flow.of('get').filter((g) => share(g.sqes, e.sqes));
  const loops = [...statements(func.body)].filter((s): s is Loop => s.kind === 'loop' && within(e.span, s.span) && gets.some((g) => within(g.span, s.span)));
  return loops.at(-1);
}
function within(inner: Span, outer: Span): boolean {
  return outer.start <= inner.start && inner.end <= outer.end;
}

/** The submission follows with nothing queued in between. */
function dangling(file: View, flow: SqeFlow, e: Flags, loop: Loop | undefined): Draft | undefined {
  const { func } = flow.flow;
  const rings = ringsOf(flow, e.sqes);
  // elements of an array of sqes are told apart by that only
  const prepared = flow.of('prep').some((p) => share(p.sqes, e.sqes) && flow.reaches(p, (x) => x === e, (x) => takesAnew(x, e.sqes), { ahead: true }));
  let submitted: Submit | undefined;
  let continued = false;
  const exits = flow.walk(e, (x) => {
    if (x.kind === 'submit' && mayBeSameRing(x.rings, rings) && !makesRoom(flow, x)) {
      submitted ??= x;
      return 'end';
    }
    // the next turn is the next of the chain; the last turn is what counts
    if (loop && within(x.span, loop.span)) return undefined;
    if (unlinks(x, e, loop !== undefined) || (x.kind === 'get' && mayBeSameRing(x.rings, rings)) || queues(x, rings, e.sqes) || (x.kind === 'prep' && prepared) || (x.kind === 'escape' && share(x.sqes, e.sqes))) continued = true;
    return continued ? 'end' : undefined;
  }, { sqes: [] });
  if (!submitted || continued || !rings.length || (loop ? !everyTurn(loop, e) : exits && leavesUnsubmitted(flow, e, rings))) return undefined;
  return {
    at: placeOf(func, { span: linkFlag(e) }),
    message: loop ? 'The last turn of this loop sets the link too, and nothing follows it before the submission: set it only where another sqe follows.'
      : 'Nothing is queued behind this sqe before the submission, so there is nothing to link to; the request is only sent to a worker thread. Drop the flag.',
    related: [{ at: placeOf(func, submitted), message: 'the chain ends here' }],
    fixes: loop ? [] : drop(file, func, e),
  };
}
/** The flag is taken back: on this sqe, or on any where the last one is kept under another name. */
function unlinks(x: SqeEvent, e: Flags, any: boolean): boolean {
  return (x.kind === 'flags' && (any || share(x.sqes, e.sqes)) && (x.how !== 'add') && !setsLink(x)) || (x.kind === 'overwrite' && share(x.sqes, e.sqes));
}
/** Some way ends without submitting: whoever comes next may go on with the chain. */
function leavesUnsubmitted(flow: SqeFlow, e: Flags, rings: string[]): boolean {
  return flow.walk(e, (x) => (x.kind === 'submit' && mayBeSameRing(x.rings, rings) ? 'end' : undefined));
}
/** The flags are set in each turn, and the loop ends at its head only. */
function everyTurn(loop: Loop, e: Flags): boolean {
  const inBranch = [...statements(loop.body)].some((s) => (s.kind === 'if' || s.kind === 'switch') && within(e.span, s.span));
  if (inBranch || (!loop.test && loop.form !== 'for')) return false;
  return ![...statements(loop.body)].some((s) => s.kind === 'if' && s.test !== undefined && leaves(s.then) && !asksForNull(s));
}
function leaves(body: Stmt[]): boolean {
  return [...statements(body)].some((s) => s.kind === 'break' || s.kind === 'goto' || s.kind === 'continue');
}
function asksForNull(s: Extract<Stmt, { kind: 'if' }>): boolean {
  const test = bare(s.test!);
  return (test.kind === 'unary' && test.op === '!') || (test.kind === 'binary' && test.op === '==' && [...walk([test])].some((n) => n.kind === 'name' && /^(?:NULL|nullptr)$/.test(n.name)));
}

/** The next sqe of the chain is missing. */
function nextOf(flow: SqeFlow, e: Flags): Get[] {
  const rings = ringsOf(flow, e.sqes);
  return flow.of('get').filter((g) => share(g.rings, rings) && flow.reaches(e, (x) => x === g, (x) => (x.kind === 'submit' && !makesRoom(flow, x)) || queues(x, rings, e.sqes) || unlinks(x, e, false) || takesAnew(x, e.sqes)));
}
/** A submission makes room for the next of the chain, and so cuts it off. */
function split(flow: SqeFlow, e: Flags): Draft | undefined {
  for (const get of nextOf(flow, e)) {
    let cut: Submit | undefined;
    if (get.inside) cut = flow.of('submit').find((s) => s.inside && s.span.start === get.span.start && s.span.end === get.span.end);
    else {
      flow.walk(get, (x) => {
        if (x.kind === 'submit' && share(x.rings, get.rings)) cut ??= x;
        return cut || x.kind === 'get' || x.kind === 'prep' || (x.kind === 'flags' && x.how !== 'add') ? 'end' : undefined;
      }, { missing: get.sqes, ahead: true });
      // a new try behind it is what makes it part of the chain
      if (cut && !flow.reaches(cut, (x) => x.kind === 'get' && share(x.rings, get.rings))) cut = undefined;
    }
    if (!cut) continue;
    return {
      at: placeOf(flow.flow.func, cut),
      message: 'When the queue is full, this submission splits the chain: what comes behind it is no longer ordered after the sqe that was linked. Make sure of room for the whole chain first, with io_uring_sq_space_left().',
      related: [{ at: placeOf(flow.flow.func, { span: linkFlag(e) }), message: 'the link that is cut' }],
    };
  }
  return undefined;
}
/** The function gives up in the middle of a chain, and submits the half of it. */
function halved(flow: SqeFlow, e: Flags): Draft | undefined {
  for (const get of nextOf(flow, e)) {
    if (get.inside || !flow.isTested(get.sqes)) continue;
    let submitted: Submit | undefined;
    flow.walk(get, (x) => {
      if (x.kind === 'submit' && share(x.rings, get.rings)) submitted ??= x;
      return submitted || x.kind === 'get' || x.kind === 'prep' || (x.kind === 'flags' && x.how !== 'add') ? 'end' : undefined;
    }, { missing: get.sqes, ahead: true });
    if (!submitted) continue;
    return {
      at: placeOf(flow.flow.func, get),
      message: 'When no sqe is left here, the first part of the chain is submitted without the rest. Make sure of room for the whole chain first, with io_uring_sq_space_left().',
      related: [{ at: placeOf(flow.flow.func, { span: linkFlag(e) }), message: 'the link that is left open' }, { at: placeOf(flow.flow.func, submitted), message: 'submitted here' }],
    };
  }
  return undefined;
}

/** Takes the flag away where the statement does nothing else, or adds it to others. */
function drop(file: View, func: Func, e: Flags): DraftFix[] {
  if (!e.statement || !e.value) return [];
  const value = bare(e.value);
  const title = 'Drop the link';
  if (value.kind === 'name') {
    const before = file.source(placeIn(func, { start: 0, end: e.statement.start }));
    const start = e.statement.start - (/\n[ \t]*$/.exec(before)?.[0].length ?? 0);
    return isInBlock(file, placeOf(func, { span: e.statement })) ? [{ title, edits: [{ place: placeIn(func, { start, end: e.statement.end }), text: '' }], safe: true }] : [];
  }
  if (value.kind !== 'binary' || value.op !== '|') return [];
  const flag = linkFlag(e);
  const [left, right] = [bare(value.left), bare(value.right)];
  const rest = right.span.start === flag.start ? left : left.span.start === flag.start ? right : undefined;
  return rest ? [{ title, edits: [{ place: placeOf(func, value), text: file.source(placeOf(func, rest)) }], safe: true }] : [];
}
