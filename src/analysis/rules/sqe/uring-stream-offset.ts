import { integers } from '../../flow/value';
import { flagState, O_APPEND, originsOf, type Origin } from '../../idioms/fd-origin';
import { changesIn, loopsAround } from '../../idioms/loops';
import { isLinked } from '../../idioms/sqe-chain';
import { sqeFlow } from '../../idioms/sqe';
import { share, type Prep } from '../../idioms/sqe-events';
import type { SqeFlow } from '../../idioms/sqe-flow';
import { bare, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, Rule, View } from '../rule';

const TRANSFERS = /^(?:read|write)(?:v2?)?(?:_fixed)?$/;
/** The first kernel that knows -1 as the current position. */
const KNOWS_POSITION = 5006;
const STREAMS = /\b(?:socket|accept4?|socketpair|pipe2?|connect|popen|io_uring_prep_(?:accept|connect|socket|recv|send)\w*)\s*\(/;

export const uringStreamOffset: Rule = {
  info: {
    id: 'uring-stream-offset', languages: ['c', 'cpp'], severity: 'error', confidence: 'likely',
    summary: 'An offset on a socket, the same offset again and again, or a file position that requests race for.',
  },
  why: 'Sockets have no offset: any but 0 and -1 fails with -ESPIPE. In a file each request says where it goes: 0 every time overwrites the beginning, and -1 makes requests in flight race for the file position.',
  families: ['liburing'],
  check(file, func, report) {
    if (!file.program.mentions(func, /io_uring_prep_(?:read|write)/)) return;
    const flow = sqeFlow(file.program, func);
    if (!flow) return;
    for (const prep of flow.of('prep')) {
      if (prep.inside || !prep.call || !TRANSFERS.test(prep.op ?? '')) continue;
      const [fd, offset] = [prep.call.args[1], prep.call.args[4]];
      if (!fd || !offset) continue;
      const draft = judge(file, flow, prep, fd, offset);
      if (draft) report(draft);
    }
  },
};

function judge(file: View, flow: SqeFlow, prep: Prep, fd: Expr, offset: Expr): Draft | undefined {
  const at = placeOf(flow.flow.func, offset);
  const origins = originsOf(file, flow.flow, fd, prep.memory);
  const numbers = integers(flow.flow.value(offset, prep.memory))?.map(signed);
  const related = origins?.[0]?.place && origins[0].via.length === 0 ? [{ at: origins[0].place, message: 'the descriptor comes from here' }] : [];
  const every = (kinds: string[]) => origins !== undefined && origins.every((o) => kinds.includes(o.kind));
  const plain = numbers?.every((n) => n === 0n || n === -1n) === true;
  if (every(['socket']) && !plain) {
    return {
      at, related, message: 'A socket has no offset: with any but 0 and -1 the request fails with -ESPIPE.',
      fixes: [{ title: 'Pass 0', edits: [{ place: at, text: '0' }], safe: true }],
    };
  }
  if (every(['pipe', 'terminal']) && numbers === undefined) {
    return { at, related, severity: 'hint', message: 'Pipes and terminals have no offset: this one is ignored.' };
  }
  if (numbers?.every((n) => n === -1n)) return position(file, flow, prep, fd, offset, every(['file']));
  if (!prep.op!.startsWith('write')) return undefined;
  if (origins && numbers === undefined && every(['file']) && origins.every((o) => flagState(o, O_APPEND) === 'on')) {
    return { at, related, severity: 'warning', message: 'The file is opened with O_APPEND: the offset is ignored, and the data goes to its end.' };
  }
  return numbers?.every((n) => n === 0n) ? again(file, flow, prep, fd, offset, origins) : undefined;
}
function signed(n: bigint): bigint {
  return n === (1n << 64n) - 1n || n === (1n << 32n) - 1n ? -1n : n;
}

/** -1: the file position, which requests in flight share. */
function position(file: View, flow: SqeFlow, prep: Prep, fd: Expr, offset: Expr, isFile: boolean): Draft | undefined {
  const { func } = flow.flow;
  const at = placeOf(func, offset);
  const { kernel } = file.target;
  if (kernel !== undefined && kernel < KNOWS_POSITION) return { at, severity: 'warning', message: 'Before Linux 5.6 an offset of -1 does not mean the current position. Pass the offset.' };
  if (!isFile || isLinked(flow, prep) !== 'no') return undefined;
  const same = (p: Prep) => p.call && TRANSFERS.test(p.op ?? '') && textOf(file, func, p.call.args[1]) === textOf(file, func, fd)
    && integers(flow.flow.value(p.call.args[4]!, p.memory))?.every((n) => signed(n) === -1n);
  const loop = loopsAround(func, prep.span).at(-1);
  const other = flow.of('prep').find((p) => !p.inside && same(p) && (p !== prep || (loop !== undefined && !changesIn(loop, fd)))
    && flow.reaches(prep, (e) => e === p, (e) => e.kind === 'reap' || e.kind === 'unseen'));
  return other && {
    at, severity: 'warning', message: 'Several requests on this file are in flight with the offset -1: they race for the file position, and their order is chance. Pass each its offset.',
    related: other === prep ? [] : [{ at: placeOf(func, other), message: 'the other request' }],
  };
}

/** Offset 0 for other data each time. */
function again(file: View, flow: SqeFlow, prep: Prep, fd: Expr, offset: Expr, origins: Origin[] | undefined): Draft | undefined {
  const { func } = flow.flow;
  if (origins ? !origins.every((o) => o.kind === 'file') : file.program.some('streams', (f) => file.program.mentions(f, STREAMS))) return undefined;
  if (!origins && ['sys/socket.h', 'netinet/in.h', 'arpa/inet.h'].some((h) => file.includes(h))) return undefined;
  const loop = loopsAround(func, prep.span).find((l) => origins === undefined || !origins.some((o) => o.call && o.place?.base === func.base && o.via.length === 0 && l.span.start <= o.call.span.start && o.call.span.end <= l.span.end));
  const repeated = loop !== undefined && !changesIn(loop, fd) && flow.reaches(prep, (e) => e === prep)
    && [prep.call!.args[2], prep.call!.args[3]].some((a) => a !== undefined && changesIn(loop, a));
  const message = 'Each of these writes goes to the beginning of the file and overwrites the one before. Pass the offset where the data belongs.';
  if (repeated) return { at: placeOf(func, offset), severity: 'warning', message };
  const next = flow.of('prep').find((p) => p !== prep && !p.inside && p.call && /^write/.test(p.op ?? '') && !share(p.sqes, prep.sqes)
    && textOf(file, func, p.call.args[1]) === textOf(file, func, fd) && textOf(file, func, p.call.args[2]) !== textOf(file, func, prep.call!.args[2])
    && integers(flow.flow.value(p.call.args[4]!, p.memory))?.every((n) => n === 0n)
    && flow.reaches(p, (e) => e === prep, (e) => e.kind === 'reap' || e.kind === 'unseen', { ahead: true }));
  return next && { at: placeOf(func, offset), severity: 'warning', message, related: [{ at: placeOf(func, next), message: 'the write before' }] };
}
function textOf(file: View, func: Func, e: Expr | undefined): string {
  return e ? file.source(placeOf(func, bare(e))).replace(/\s/g, '') : '';
}
