/** A recording in a thread of its own: starts the loader or opens a file, answers the page, reports to the host. */
import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { LaunchFailure, TraceRequest } from '../protocol/launch';
import type { FromPage, RecordingStatus } from '../protocol/page';
import type { FromRecording, ToRecording } from '../protocol/recording';
import { startLoader, type LoaderEnd, type LoaderSession } from '../launch';
import { Recording } from './recording';
import { transferables } from './transfer';

/** At most eight pushes a second while recording. */
const STATUS_MS = 125;

class RecordingWorker {
  private recording: Recording | undefined;
  private session: LoaderSession | undefined;
  /** there is no recording and never will be */
  private failedStatus: RecordingStatus | undefined;
  private stopAsked = false;
  private ticking: NodeJS.Timeout | undefined;
  private readonly questions = new Map<number, (secret: string | undefined) => void>();
  private nextQuestion = 1;
  /** messages of the page that came before there was anything to ask */
  private early: FromPage[] = [];

  constructor(private readonly post: (message: FromRecording, transfer?: ArrayBuffer[]) => void) {}

  async receive(message: ToRecording): Promise<void> {
    switch (message.kind) {
      case 'start': return this.start(message);
      case 'open': return this.open(message.file);
      case 'page': return this.page(message.message);
      case 'stop': return this.stop();
      case 'save': return this.save(message.id, message.to);
      case 'answer':
        this.questions.get(message.id)?.(message.secret);
        this.questions.delete(message.id);
        return;
      case 'dispose': return this.dispose();
    }
  }

  private async start({ request, spool, loaders, askpass, sshConfig }: Extract<ToRecording, { kind: 'start' }>): Promise<void> {
    let recording: Recording;
    try {
      recording = await Recording.create(spool, { where: request.host ?? 'this machine', what: describeTarget(request) });
    } catch (error) {
      return this.fail({ code: 'cannot-trace', message: `The recording's file cannot be created: ${words(error)}.`, hint: 'Make room on the disk, or check the rights of the folder.' });
    }
    this.adopt(recording);
    if (this.stopAsked) return this.ended({ code: null, signal: null, failure: { code: 'cancelled', message: 'The trace was cancelled before it started.', hint: 'Start it again when you are ready.' } });
    this.ticking = setInterval(() => this.tick(), STATUS_MS);
    this.session = startLoader(request, {
      loaders, askpass, sshConfig,
      ask: (prompt, secret) => this.ask(prompt, secret),
      onStdout: (chunk) => {
        recording.append(chunk);
        // nothing after a damage can be read: end in order rather than trace on in vain
        if (recording.broken) void this.stop();
      },
      onOutput: (text) => this.post({ kind: 'output', text }),
      onLog: (level, text) => this.post({ kind: 'log', level, text }),
      onPhase: (text) => recording.connecting(text),
    });
    await this.ended(await this.session.done);
  }

  private async ended(end: LoaderEnd): Promise<void> {
    const recording = this.recording!;
    clearInterval(this.ticking);
    const { failure } = end;
    await recording.end(failure && { message: failure.message, hint: failure.hint });
    if (failure) this.post({ kind: 'failed', failure });
    this.tick();
  }

  private async open(file: string): Promise<void> {
    try {
      this.adopt(await Recording.open(file));
    } catch (error) {
      this.fail({ code: 'bad-stream', message: `${basename(file)} cannot be read: ${words(error)}.`, hint: 'Check that the file exists and that you may read it.' });
    }
  }

  private adopt(recording: Recording): void {
    this.recording = recording;
    for (const message of this.early) this.page(message);
    this.early = [];
    this.tick();
  }

  private tick(): void {
    const recording = this.recording;
    if (!recording) return;
    for (const { level, code, message, hint } of recording.takeLogs()) {
      this.post({ kind: 'log', level, text: `loader: ${message} (${code})${hint ? ` ${hint}` : ''}` });
    }
    const status = recording.status();
    this.post({ kind: 'status', status });
    this.post({ kind: 'page', message: { kind: 'status', status } });
  }

  private page(message: FromPage): void {
    if (message.kind === 'command' && message.command === 'stop') return void this.stop();
    if (!this.recording) {
      if (this.failedStatus && message.kind === 'ready') this.post({ kind: 'page', message: { kind: 'status', status: this.failedStatus } });
      else this.early.push(message);
      return;
    }
    const reply = this.recording.handle(message);
    if (reply) this.post({ kind: 'page', message: reply }, transferables(reply));
  }

  private async stop(): Promise<void> {
    this.stopAsked = true;
    this.cancelQuestions();
    if (!this.session) return;
    this.recording?.stopping();
    this.tick();
    await this.session.stop();
  }

  private async save(id: number, to: string): Promise<void> {
    try {
      if (!this.recording) throw new Error('there is no recording yet');
      await this.recording.saveAs(to);
      this.post({ kind: 'saved', id });
      this.tick();
    } catch (error) {
      this.post({ kind: 'saved', id, problem: words(error) });
    }
  }

  private ask(prompt: string, secret: boolean): Promise<string | undefined> {
    const id = this.nextQuestion++;
    return new Promise((resolve) => {
      this.questions.set(id, resolve);
      this.post({ kind: 'ask', id, prompt, secret });
    });
  }
  private cancelQuestions(): void {
    for (const resolve of this.questions.values()) resolve(undefined);
    this.questions.clear();
  }

  private fail(failure: LaunchFailure): void {
    this.failedStatus = {
      state: 'failed', where: '', what: '', end: 0, spans: 0, spansPerSecond: 0, calls: 0, counted: 0, lost: { kernel: 0, stream: 0, unpaired: 0 },
      mode: 'spans', every: 1, steppedDown: false, pending: 0, refused: 0, tracks: [], hooks: [], wallMs: 0, problem: { message: failure.message, hint: failure.hint }, saved: true,
    };
    this.post({ kind: 'failed', failure });
    this.post({ kind: 'status', status: this.failedStatus });
    this.post({ kind: 'page', message: { kind: 'status', status: this.failedStatus } });
  }

  private async dispose(): Promise<void> {
    clearInterval(this.ticking);
    await this.stop();
    await this.session?.done;
    await this.recording?.dispose();
    parentPort?.close();
  }
}

function describeTarget(request: TraceRequest): string {
  switch (request.target.kind) {
    case 'command': return request.target.argv.join(' ');
    case 'pid': return `process ${request.target.pid}`;
    case 'all': return 'the whole machine';
  }
}
function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const port = parentPort;
if (port) {
  const worker = new RecordingWorker((message, transfer) => port.postMessage(message, transfer));
  port.on('message', (message: ToRecording) => {
    worker.receive(message).catch((error: unknown) => port.postMessage({ kind: 'log', level: 'error', text: words(error) } satisfies FromRecording));
  });
}
