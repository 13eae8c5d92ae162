/** A recording that grows or was opened: bytes to spool and store, answers to the page. */
import { appendFile, copyFile, open, realpath, truncate } from 'node:fs/promises';
import { basename } from 'node:path';
import type { FromPage, RecordingStatus, ToPage } from '../protocol/page';
import type { TraceSummary } from '../protocol/summary';
import type { LogEntry } from '../protocol/wire';
import { describeEnd, StreamReader, Summaries, type StreamEnd } from '../trace';
import { answer } from './answer';
import { Spool } from './spool';

export interface Problem { message: string; hint: string }
/** How the recording is called on the page. */
export interface Labels { where: string; what: string }

const READ_BYTES = 1 << 20;

export class Recording {
  private readonly reader = new StreamReader();
  private readonly summaries = new Summaries(this.reader.store);
  private state: RecordingStatus['state'] = 'connecting';
  private phase: string | undefined;
  private problem: Problem | undefined;
  private streamEnd: StreamEnd | undefined;
  private saved: boolean;
  private logsTaken = 0;
  private rate = { at: Date.now(), spans: 0, perSecond: 0 };

  private constructor(private readonly file: string, private readonly spool: Spool | undefined, private readonly labels: Labels) {
    this.saved = spool === undefined;
  }

  /** A new recording whose bytes go to `spoolFile`. Rejects when that cannot be created. */
  static async create(spoolFile: string, labels: Labels = { where: 'this machine', what: '' }): Promise<Recording> {
    return new Recording(spoolFile, await Spool.create(spoolFile), labels);
  }

  /** Reads a `.ringtrace` file. Rejects when the file cannot be read; what is wrong inside it is in `status().problem`. */
  static async open(file: string): Promise<Recording> {
    const recording = new Recording(file, undefined, { where: basename(file), what: '' });
    const handle = await open(file, 'r');
    try {
      const buffer = Buffer.allocUnsafe(READ_BYTES);
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, READ_BYTES);
        if (bytesRead === 0) break;
        recording.append(buffer.subarray(0, bytesRead));
      }
    } finally {
      await handle.close();
    }
    await recording.end();
    return recording;
  }

  /** The next bytes of the stream. The spool keeps `chunk` until it is written. */
  append(chunk: Uint8Array): void {
    const bytes = this.reader.push(chunk);
    if (bytes) this.spool?.append(bytes);
    if (this.state === 'connecting' && this.reader.store.hello) this.state = 'recording';
  }

  /** The stream cannot be read any further. */
  get broken(): boolean {
    return this.reader.failure !== undefined;
  }

  /** What is being done before the stream begins, shown in place of what is traced. */
  connecting(phase: string): void {
    if (this.state === 'connecting') this.phase = phase;
  }
  stopping(): void {
    if (this.state === 'connecting' || this.state === 'recording') this.state = 'stopping';
  }

  /** No more bytes will come; `problem` says why if that was not in order. Resolves once the spool is on disk. */
  async end(problem?: Problem): Promise<void> {
    if (this.streamEnd) return;
    this.streamEnd = this.reader.finish();
    this.state = this.reader.store.hello ? 'ended' : 'failed';
    this.problem = problem ?? this.ownProblem(this.streamEnd);
    await this.spool?.flush();
  }

  private ownProblem(end: StreamEnd): Problem | undefined {
    const { goodbye, logs } = this.reader.store;
    if (end.kind === 'not-a-recording') return { message: describeEnd(end), hint: 'Open a file that Ringlight saved.' };
    if (end.kind !== 'complete') return { message: describeEnd(end), hint: 'Record again if the rest matters.' };
    if (goodbye && (goodbye.reason === 'error' || goodbye.reason === 'cannot-trace')) {
      const entry = logs.findLast((log) => log.level === 'error');
      return { message: entry?.message ?? 'The loader could not trace.', hint: entry?.hint ?? 'Run “ringlight doctor” to see what is missing.' };
    }
    return undefined;
  }

  status(): RecordingStatus {
    const { store } = this.reader;
    const problem = this.problem ?? this.spoolProblem();
    return {
      state: this.state,
      where: this.labels.where,
      what: (this.state === 'connecting' ? this.phase : undefined) ?? (this.labels.what || this.target()),
      end: store.end,
      spans: store.spans.length,
      spansPerSecond: this.spansPerSecond(),
      calls: store.calls.length,
      counted: store.counted,
      lost: store.lost,
      mode: store.mode,
      every: store.every,
      steppedDown: store.mode !== 'spans' && store.hello?.mode !== store.mode,
      pending: store.pending.openCount,
      refused: store.refused.length,
      tracks: store.describeTracks(),
      hooks: store.hooks,
      wallMs: store.hello?.clock.wall_ms ?? 0,
      ...(problem ? { problem } : {}),
      saved: this.saved,
    };
  }

  private spoolProblem(): Problem | undefined {
    if (!this.spool?.problem) return undefined;
    return { message: `The recording cannot be written to ${this.spool.file}: ${this.spool.problem}.`, hint: 'Make room on the disk; what is shown here is kept in memory until then.' };
  }

  private target(): string {
    const target = this.reader.store.hello?.target;
    switch (target?.kind) {
      case 'command': return (target.argv ?? []).join(' ');
      case 'pid': return `process ${target.pid}`;
      case 'all': return 'the whole machine';
      case undefined: return '';
    }
  }

  private spansPerSecond(): number {
    const { store } = this.reader;
    if (this.state === 'ended' || this.state === 'failed') return store.end > 0 ? store.spans.length / (store.end / 1e9) : 0;
    const now = Date.now();
    const elapsed = (now - this.rate.at) / 1000;
    if (elapsed >= 1) this.rate = { at: now, spans: store.spans.length, perSecond: (store.spans.length - this.rate.spans) / elapsed };
    return this.rate.perSecond;
  }

  /** The answer to a message of the page, if it wants one. */
  handle(message: FromPage): ToPage | undefined {
    switch (message.kind) {
      case 'ready': return { kind: 'status', status: this.status() };
      case 'request': return answer(this.reader.store, this.summaries, this.streamEnd, message);
      case 'command': case 'drawn': case 'error': return undefined;
    }
  }

  summary(): TraceSummary {
    return this.summaries.summary(this.streamEnd);
  }

  /** The loader's log entries since the last call. */
  takeLogs(): LogEntry[] {
    const { logs } = this.reader.store;
    const fresh = logs.slice(this.logsTaken);
    this.logsTaken = logs.length;
    return fresh;
  }
  /** What came before the stream, for a log. */
  get noise(): string {
    return this.reader.noise;
  }

  /** Writes what is recorded so far to `to`. Rejects with the system's error; the recording is untouched. */
  async saveAs(to: string): Promise<void> {
    const flushed = await this.spool?.flush();
    if (!(await sameFile(this.file, to))) {
      await copyFile(this.file, to);
      if (flushed) {
        // the spool may have grown meanwhile, also by what could not be written a moment ago
        await truncate(to, flushed.written);
        for (const bytes of flushed.rest) await appendFile(to, bytes);
      }
    }
    if (this.streamEnd) this.saved = true;
  }

  async dispose(): Promise<void> {
    await this.spool?.close();
  }
}

async function sameFile(a: string, b: string): Promise<boolean> {
  const [one, two] = await Promise.all([a, b].map((file) => realpath(file).catch(() => undefined)));
  return one !== undefined && one === two;
}
