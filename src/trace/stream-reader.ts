/** From bytes to a store: preamble, frames, rows. Everything read before a damage or a cut stays. */
import { FORMAT_VERSION, FrameType } from '../protocol/wire';
import { parseCensus, parseGoodbye, parseHello, parseHistograms, parseInfo, parseLog, parseThreads, parseTotals, type Parsed } from './control';
import { FrameDecoder, Preamble } from './frames';
import { decodeCalls, decodeInstants, decodeSpans } from './rows';
import { TraceStore } from './store';
import { decodeUtf8 } from './utf8';

/** How a stream ended, once it has. `at` counts bytes from the beginning of the recording (MAGIC). */
export type StreamEnd =
  | { kind: 'complete' }
  | { kind: 'truncated' | 'damaged'; at: number; message: string }
  | { kind: 'not-a-recording'; message: string };

export class StreamReader {
  private readonly preamble = new Preamble();
  private readonly frames = new FrameDecoder((type, payload) => this.frame(type, payload));

  constructor(readonly store: TraceStore = new TraceStore()) {}

  /** The part of `chunk` (and of held-back bytes before it) that belongs to the recording; undefined before MAGIC was seen. */
  push(chunk: Uint8Array): Uint8Array | undefined {
    const bytes = this.preamble.push(chunk);
    if (bytes) this.frames.push(bytes);
    return bytes;
  }

  /** What stood before the recording, printable: a greeting of a remote shell, an error of sudo. At most 4 KiB. */
  get noise(): string {
    return decodeUtf8(this.preamble.noise.subarray(0, 4096)).replace(/[\x00-\x08\x0b-\x1f\x7f]/g, '');
  }
  get started(): boolean {
    return this.preamble.state === 'found';
  }
  /** Set as soon as the stream cannot be read on; later bytes are not looked at. */
  get failure(): StreamEnd | undefined {
    if (this.preamble.state === 'wrong-version') {
      return { kind: 'not-a-recording', message: `This recording's format is not version ${FORMAT_VERSION}; another Ringlight wrote it.` };
    }
    if (this.preamble.state === 'not-found') return { kind: 'not-a-recording', message: 'This is not a Ringlight recording.' };
    const damage = this.frames.damage;
    return damage && { kind: 'damaged', ...damage };
  }

  /** To be called when no more bytes will come. */
  finish(): StreamEnd {
    if (this.failure) return this.failure;
    if (!this.started) {
      const empty = this.preamble.noise.length === 0;
      return { kind: 'not-a-recording', message: empty ? 'There is nothing in it: no byte was recorded.' : 'This is not a Ringlight recording.' };
    }
    const { offset, pending, gaps } = this.frames;
    if (pending > 0) return { kind: 'truncated', at: offset, message: 'it ends in the middle of a frame' };
    if (!this.store.goodbye) return { kind: 'truncated', at: offset, message: 'its end is missing' };
    if (gaps > 0) return { kind: 'damaged', at: offset, message: `${gaps} time${gaps > 1 ? 's' : ''} frames are missing in the middle` };
    return { kind: 'complete' };
  }

  private frame(type: number, payload: Uint8Array): string | undefined {
    const store = this.store;
    if (store.goodbye) return 'there are frames after the last one';
    if (!store.hello) {
      if (type !== FrameType.Hello) return 'the first frame is not a hello';
      return take(parseHello(payload), (hello) => { store.hello = hello; });
    }
    switch (type) {
      case FrameType.Hello: return 'there is a second hello';
      case FrameType.Info: return take(parseInfo(payload), (info) => store.addInfo(info));
      case FrameType.Totals: return take(parseTotals(payload), (totals) => store.addTotals(totals));
      case FrameType.Log: return take(parseLog(payload), (entry) => store.addLog(entry));
      case FrameType.Goodbye: return take(parseGoodbye(payload), (goodbye) => store.addGoodbye(goodbye));
      case FrameType.Histograms: return take(parseHistograms(payload), (histograms) => store.addHistograms(histograms));
      case FrameType.Census: return take(parseCensus(payload), (census) => { store.census = census; });
      case FrameType.Threads: return take(parseThreads(payload), (threads) => store.addThreads(threads));
      case FrameType.Spans: return decodeSpans(payload, (span) => store.addSpan(span));
      case FrameType.Calls: return decodeCalls(payload, (call) => store.addCall(call));
      case FrameType.Pending: return decodeSpans(payload, (span) => store.addPending(span));
      case FrameType.Instants: return decodeInstants(payload, (instant) => store.addInstant(instant));
      // a later minor version may add frame types; their checksum was right
      default: return undefined;
    }
  }
}

function take<T>(parsed: Parsed<T>, use: (value: T) => void): string | undefined {
  if ('problem' in parsed) return parsed.problem;
  use(parsed.value);
  return undefined;
}
