/** Tells the host what was drawn: at once for a new answer, soon for a mere change of view. */
import type { DrawnReport } from '../src/protocol/page';
import { send } from './vscode-api';

const SOON_MS = 100;

export class DrawnReports {
  private last = '';
  private pending: DrawnReport | undefined;
  private timer: number | undefined;

  drew(report: DrawnReport, now: boolean): void {
    const key = JSON.stringify({ ...report, frame: 0 });
    if (!now && key === this.last) return;
    this.last = key;
    this.pending = report;
    if (now) this.flush();
    else this.timer ??= window.setTimeout(() => this.flush(), SOON_MS);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.pending) send({ kind: 'drawn', report: this.pending });
    this.pending = undefined;
  }
}
