import type * as vscode from 'vscode';
import type { LaunchFailure, TraceRequest } from '../protocol/launch';
import type { DrawnReport, RecordingStatus } from '../protocol/page';

/** What other extensions and tests may use. */
export interface RinglightApi {
  /** starts tracing and opens the timeline; rejects in an untrusted workspace */
  trace(request: TraceRequest): Promise<RinglightTrace>;
}
export interface RinglightTrace {
  status(): RecordingStatus | undefined;
  /** what the timeline page drew last */
  drawn(): DrawnReport | undefined;
  stop(): Promise<void>;
  /** resolves at the end, with what went wrong if something did */
  ended(): Promise<LaunchFailure | undefined>;
  saveAs(file: vscode.Uri): Promise<void>;
  /** the growing file behind the recording */
  readonly spool: string;
}
