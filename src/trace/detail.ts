/** One operation or system call in full, in words. */
import { callName, isFailure, opName } from '../protocol/ops';
import type { SpanDetail } from '../protocol/page';
import { API_NAMES, SpanFlag } from '../protocol/wire';
import { commandWords, isCommand } from './commands';
import { errnoName } from './errno';
import { splitHandle } from './handles';
import type { TraceStore } from './store';
import { signed64, unsigned64 } from './varint';

/** Null when there is no such row. */
export function describe(store: TraceStore, handle: number): SpanDetail | null {
  if (!store.has(handle)) return null;
  const { kind, row } = splitHandle(handle);
  return kind === 'span' ? describeSpan(store, row) : kind === 'call' ? describeCall(store, row) : describePending(store, row);
}

/** What all three have: names of the process, the thread, the file. */
function place(store: TraceStore, at: { pid: number; tid: number; fd: number; start: number; fixed: boolean; stack: number }): Pick<
  SpanDetail, 'pid' | 'tid' | 'comm' | 'thread' | 'fd' | 'path' | 'fs' | 'block' | 'stack'> & { openDirect: boolean } {
  const { names } = store;
  const file = at.fixed || at.fd < 0 ? undefined : names.file(at.pid, at.fd, at.start);
  return {
    pid: at.pid, tid: at.tid, comm: names.comm(at.pid), thread: names.thread(at.tid), fd: at.fd, path: file?.path ?? '', openDirect: file?.direct ?? false,
    fs: file?.fs ?? '', block: file?.block ?? 0, stack: at.stack > 0 ? names.stacks.describe(at.stack) : [],
  };
}

/** A command stands where others have their offset. */
function position(api: string, op: string, offset: bigint, path: string): Pick<SpanDetail, 'offset' | 'command'> {
  return { offset: offset.toString(), command: isCommand(api, op) ? commandWords(offset, path) : '' };
}

function describeSpan(store: TraceStore, index: number): SpanDetail {
  const { spans } = store;
  const track = store.tracks[spans.track(index)]!;
  const flags = spans.flags(index);
  const result = spans.result(index);
  const start = spans.start(index);
  const { openDirect, ...where } = place(store, {
    pid: track.pid, tid: spans.tid(index), fd: spans.fd(index), start, fixed: (flags & SpanFlag.FixedFile) !== 0, stack: spans.stack(index),
  });
  const op = opName(track.api, spans.op(index));
  const offset = signed64(...spans.offset(index));
  return {
    kind: 'span', index, track: track.id, api: track.api, op, ...position(track.api, op, offset, where.path),
    start, duration: spans.duration(index), reap: spans.reap(index), submit: spans.submit(index), ...where,
    direct: (flags & SpanFlag.Direct) !== 0 || openDirect,
    length: spans.bytesAsked(index), result, failed: isFailure(spans.op(index), result), error: errnoName(result),
    userData: `0x${unsigned64(...spans.userData(index)).toString(16)}`,
    parted: spans.parted(index), chain: spans.chain(index), asleep: -1, blocked: -1,
    notes: notesOf(flags),
  };
}

function describeCall(store: TraceStore, row: number): SpanDetail {
  const { calls } = store;
  const track = store.tracks[calls.track(row)]!;
  const result = calls.result(row);
  const start = calls.start(row);
  const { openDirect, ...where } = place(store, { pid: track.pid, tid: track.tid, fd: calls.fd(row), start, fixed: false, stack: calls.stack(row) });
  const blocked = calls.blocked(row);
  return {
    kind: 'call', index: row + calls.firstHandle, track: track.id, api: API_NAMES[calls.api(row)]!, op: callName(calls.op(row)),
    start, duration: calls.duration(row), reap: -1, submit: -1, ...where, direct: openDirect,
    offset: signed64(...calls.offset(row)).toString(), command: '', length: calls.askedFor(row), result, failed: calls.failed(row), error: errnoName(result),
    userData: '', parted: -1, chain: 0, asleep: calls.asleep(row), blocked,
    notes: blocked > 0 ? ['was in uninterruptible sleep: for a device, or for a lock of the kernel'] : [],
  };
}

function describePending(store: TraceStore, row: number): SpanDetail {
  const op = store.pending.all[row]!;
  const api = API_NAMES[op.api]!;
  const { openDirect, ...where } = place(store, { ...op, fixed: (op.flags & SpanFlag.FixedFile) !== 0 });
  const handle = row + store.pending.firstHandle;
  const name = opName(api, op.op);
  return {
    kind: 'pending', index: handle, track: op.track, api, op: name, ...position(api, name, signed64(op.offsetLo, op.offsetHi), where.path), start: op.start, duration: store.durationOf(handle), reap: -1, submit: op.submit, ...where,
    direct: (op.flags & SpanFlag.Direct) !== 0 || openDirect,
    length: op.length, result: 0, failed: false, error: '',
    userData: `0x${unsigned64(op.userLo, op.userHi).toString(16)}`, parted: op.parted, chain: op.chain, asleep: -1, blocked: -1,
    notes: ['in flight for long, and still was when last seen', ...notesOf(op.flags & ~SpanFlag.Unfinished)],
  };
}

const NOTES: [bit: number, note: string][] = [
  [SpanFlag.Rejected, 'rejected before it was issued'],
  [SpanFlag.Unfinished, 'still in flight when the recording ended'],
  [SpanFlag.Overflow, 'its completion went to the overflow list: the completion queue was full'],
  [SpanFlag.EndInferred, 'no completion was seen; the end is inferred'],
  [SpanFlag.EndIsReap, 'the end is when the program reaped it; the completion itself could not be seen'],
  [SpanFlag.Approximate, 'paired without a request pointer; the latency is approximate'],
  [SpanFlag.Polled, 'had to wait until the file was ready'],
  [SpanFlag.Linked, 'part of a linked chain'],
  [SpanFlag.MultishotMore, 'one completion of a multishot request that goes on'],
  [SpanFlag.Notification, 'until the kernel gave the buffer of a zero-copy send back'],
  [SpanFlag.SqPoll, 'submitted by the SQPOLL thread'],
  [SpanFlag.FixedFile, 'registered file; the descriptor is its slot'],
  [SpanFlag.FixedBuffer, 'registered buffer'],
  [SpanFlag.Signals, 'its completion signalled an eventfd'],
  [SpanFlag.Foreign, 'completion without a submission on this ring (a message from another ring)'],
  [SpanFlag.Sampled, 'one of a sample: others like it have no span'],
];

function notesOf(flags: number): string[] {
  const notes = NOTES.filter(([bit]) => flags & bit).map(([, note]) => note);
  if (flags & SpanFlag.Punted) {
    notes.unshift(flags & SpanFlag.PuntExpected ? 'run by a worker thread, as asked for or always for this operation' : 'punted to a worker thread: it would have blocked');
  }
  return notes;
}
