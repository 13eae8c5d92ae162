/** Messages between the extension host and a recording's worker thread. */
import type { LaunchFailure, TraceRequest } from './launch';
import type { FromPage, RecordingStatus, ToPage } from './page';

export type ToRecording =
  /** start the loader and record its stream into `spool` */
  | { kind: 'start'; request: TraceRequest; spool: string; /** folder of the loader binaries, `<arch>/ringlight-loader` in it */ loaders: string; askpass: string; sshConfig?: string }
  | { kind: 'open'; file: string }
  | { kind: 'page'; message: FromPage }
  | { kind: 'stop' }
  | { kind: 'save'; id: number; to: string }
  | { kind: 'answer'; id: number; /** undefined: cancelled */ secret?: string }
  | { kind: 'dispose' };

export type FromRecording =
  | { kind: 'page'; message: ToPage }
  | { kind: 'status'; status: RecordingStatus }
  /** what the traced command printed */
  | { kind: 'output'; text: string }
  | { kind: 'log'; level: 'info' | 'warning' | 'error'; text: string }
  /** ssh or sudo asks the user */
  | { kind: 'ask'; id: number; prompt: string; secret: boolean }
  | { kind: 'saved'; id: number; problem?: string }
  | { kind: 'failed'; failure: LaunchFailure };
