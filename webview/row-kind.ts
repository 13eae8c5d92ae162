/** What a row of a track is called and how it is coloured: an operation or a system call. */
import { callName, opClass, opName, type OpClass } from '../src/protocol/ops';
import type { RecordingStatus, Track } from '../src/protocol/page';

export function rowName(track: Track, op: number): string {
  return track.kind === 'calls' ? callName(op) : opName(track.api, op);
}
export function rowClass(track: Track, op: number): OpClass {
  return opClass(track.kind === 'calls' ? 'sync' : track.api, op);
}
/** Whether there is anything to show: rows, or counts alone. */
export function hasContent(status: RecordingStatus): boolean {
  return status.spans + status.calls + status.pending + status.counted > 0;
}
