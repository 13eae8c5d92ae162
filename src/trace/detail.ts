/** One span in full, in words. */
import { isFailure, opName } from '../protocol/ops';
import type { SpanDetail } from '../protocol/page';
import { SpanFlag } from '../protocol/wire';
import { errnoName } from './errno';
import type { TraceStore } from './store';
import { signed64, unsigned64 } from './varint';

/** Null when there is no such span. */
export function describeSpan(store: TraceStore, index: number): SpanDetail | null {
  const { spans, names } = store;
  if (!Number.isInteger(index) || index < 0 || index >= spans.length) return null;
  const track = store.tracks[spans.track(index)]!;
  const flags = spans.flags(index);
  const fd = spans.fd(index);
  const start = spans.start(index);
  const result = spans.result(index);
  const fixed = (flags & SpanFlag.FixedFile) !== 0;
  const file = fixed || fd < 0 ? undefined : names.file(track.pid, fd, start);
  const tid = spans.tid(index);
  return {
    index, track: track.id, api: track.api, op: opName(track.api, spans.op(index)),
    start, duration: spans.duration(index), reap: spans.reap(index), submit: spans.submit(index),
    pid: track.pid, tid, comm: names.comm(track.pid), thread: names.thread(tid),
    fd, path: file?.path ?? '', direct: (flags & SpanFlag.Direct) !== 0 || (file?.direct ?? false),
    offset: signed64(...spans.offset(index)).toString(), length: spans.bytesAsked(index), result, failed: isFailure(spans.op(index), result), error: errnoName(result),
    userData: `0x${unsigned64(...spans.userData(index)).toString(16)}`,
    notes: notesOf(flags),
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
  [SpanFlag.SqPoll, 'submitted by the SQPOLL thread'],
  [SpanFlag.FixedFile, 'registered file; the descriptor is its slot'],
  [SpanFlag.Foreign, 'completion without a submission on this ring (a message from another ring)'],
];

function notesOf(flags: number): string[] {
  const notes = NOTES.filter(([bit]) => flags & bit).map(([, note]) => note);
  if (flags & SpanFlag.Punted) {
    notes.unshift(flags & SpanFlag.PuntExpected ? 'run by a worker thread, as asked for or always for this operation' : 'punted to a worker thread: it would have blocked');
  }
  return notes;
}
