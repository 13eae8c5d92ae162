import type * as vscode from 'vscode';
import type { TraceRequest } from '../protocol/launch';
import type { DrawnReport, RecordingStatus } from '../protocol/page';

/** What other extensions and tests may use. */
export interface RinglightApi {
  /** starts tracing and opens the timeline; rejects with the reason when it can't start */
  trace(request: TraceRequest): Promise<RinglightTrace>;
}
export interface RinglightTrace {
  status(): RecordingStatus | undefined;
  /** what the timeline page drew last */
  drawn(): DrawnReport | undefined;
  stop(): Promise<void>;
  saveAs(file: vscode.Uri): Promise<void>;
  /** the growing file behind the recording */
  readonly spool: string;
}
