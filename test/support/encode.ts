/** Writes the stream as the loader does, for tests. */
import {
  Api, Call, FrameType, MAGIC, type ApiName, type CallName, type Census, type Goodbye, type Hello, type Histograms, type Info, type LogEntry, type Threads, type Totals,
} from '../../src/protocol/wire';
import { crc32 } from '../../src/trace/crc32';

export interface SpanInput {
  api: ApiName; op: number; flags: number; start: number; duration: number; reap: number; submit: number;
  pid: number; tid: number; ring: number; slot: number; fd: number; offset: bigint; length: number; result: number; userData: bigint;
  parted: number; chain: number; stack: number;
}
export interface CallInput {
  api: ApiName; call: CallName; start: number; duration: number; asleep: number; blocked: number; pid: number; tid: number; ring: number;
  fd: number; offset: bigint; length: number; result: number; stack: number;
}
export interface InstantInput { kind: number; time: number; pid: number; tid: number; ring: number; value: number }

export const READ = 22;
export const WRITE = 23;

/** A span with dull defaults. */
export function span(fields: Partial<SpanInput> = {}): SpanInput {
  return {
    api: 'io_uring', op: READ, flags: 0, start: 0, duration: 1000, reap: -1, submit: -1, pid: 100, tid: 100, ring: 1, slot: 0, fd: 3,
    offset: 0n, length: 4096, result: 4096, userData: 0n, parted: -1, chain: 0, stack: 0, ...fields,
  };
}

/** A call with dull defaults. */
export function call(fields: Partial<CallInput> = {}): CallInput {
  return {
    api: 'sync', call: 'pread64', start: 0, duration: 1000, asleep: 0, blocked: 0, pid: 100, tid: 100, ring: 0, fd: 3, offset: 0n, length: 4096, result: 4096, stack: 0,
    ...fields,
  };
}

class Bytes {
  private buffer = new Uint8Array(1024);
  private used = 0;
  u8(value: number): void {
    if (this.used === this.buffer.length) {
      const grown = new Uint8Array(this.used * 2);
      grown.set(this.buffer);
      this.buffer = grown;
    }
    this.buffer[this.used++] = value;
  }
  varint(value: bigint | number): void {
    if (typeof value === 'number' && value < 0x80000000) {
      let n = value;
      for (; n >= 0x80; n >>>= 7) this.u8((n & 0x7f) | 0x80);
      this.u8(n);
      return;
    }
    let n = BigInt.asUintN(64, BigInt(value));
    for (; n >= 0x80n; n >>= 7n) this.u8(Number(n & 0x7fn) | 0x80);
    this.u8(Number(n));
  }
  zigzag(value: bigint | number): void {
    const n = BigInt(value);
    this.varint(BigInt.asUintN(64, (n << 1n) ^ (n >> 63n)));
  }
  done(): Uint8Array {
    return this.buffer.slice(0, this.used);
  }
}

export function encodeSpans(spans: SpanInput[], base = Math.max(0, spans[0]?.start ?? 0)): Uint8Array {
  const out = new Bytes();
  out.varint(spans.length);
  out.varint(base);
  let start = base;
  let pid = 0;
  let tid = 0;
  for (const s of spans) {
    out.u8(Api[s.api]);
    out.u8(s.op);
    out.varint(s.flags);
    out.zigzag(BigInt(s.start) - BigInt(start));
    out.varint(s.duration);
    out.varint(s.reap + 1);
    out.varint(s.submit + 1);
    out.zigzag(s.pid - pid);
    out.zigzag(s.tid - tid);
    out.varint(s.ring);
    out.varint(s.slot);
    out.zigzag(s.fd);
    out.zigzag(s.offset);
    out.varint(s.length);
    out.zigzag(s.result);
    out.varint(s.userData);
    out.varint(s.parted + 1);
    out.varint(s.chain);
    out.varint(s.stack);
    start = s.start;
    pid = s.pid;
    tid = s.tid;
  }
  return out.done();
}

export function encodeCalls(calls: CallInput[], base = Math.max(0, calls[0]?.start ?? 0)): Uint8Array {
  const out = new Bytes();
  out.varint(calls.length);
  out.varint(base);
  let start = base;
  let pid = 0;
  let tid = 0;
  for (const c of calls) {
    out.u8(Api[c.api]);
    out.u8(Call[c.call]);
    out.zigzag(BigInt(c.start) - BigInt(start));
    out.varint(c.duration);
    out.varint(c.asleep);
    out.varint(c.blocked);
    out.zigzag(c.pid - pid);
    out.zigzag(c.tid - tid);
    out.varint(c.ring);
    out.zigzag(c.fd);
    out.zigzag(c.offset);
    out.varint(c.length);
    out.zigzag(c.result);
    out.varint(c.stack);
    ({ start, pid, tid } = c);
  }
  return out.done();
}

export function encodeInstants(instants: InstantInput[], base = 0): Uint8Array {
  const out = new Bytes();
  out.varint(instants.length);
  out.varint(base);
  let time = base;
  let pid = 0;
  let tid = 0;
  for (const i of instants) {
    out.u8(i.kind);
    out.zigzag(i.time - time);
    out.zigzag(i.pid - pid);
    out.zigzag(i.tid - tid);
    out.varint(i.ring);
    out.zigzag(i.value);
    ({ time, pid, tid } = i);
  }
  return out.done();
}

/** Numbers the frames as they are added. */
export class StreamWriter {
  private readonly parts: Uint8Array[] = [MAGIC.slice()];
  private sequence = 0;

  frame(type: number, payload: Uint8Array): this {
    const header = new Uint8Array(12);
    const view = new DataView(header.buffer);
    view.setUint32(0, payload.length, true);
    header[4] = type;
    view.setUint16(6, this.sequence++ & 0xffff, true);
    view.setUint32(8, crc32(payload, 0, payload.length, crc32(header, 0, 8)), true);
    this.parts.push(header, payload);
    return this;
  }
  private json(type: number, value: unknown): this {
    return this.frame(type, new TextEncoder().encode(JSON.stringify(value)));
  }
  hello(fields: Partial<Hello> = {}): this {
    return this.json(FrameType.Hello, {
      protocol: 1, loader: '0.1.0', machine: 'x86_64', kernel: '6.18.0', clock: { mono_ns: '123456789012345', wall_ms: 1_760_000_000_000 },
      cpus: 2, mode: 'spans', target: { kind: 'command', pid: 100, argv: ['./copy-file', 'a', 'b'] },
      hooks: [{ name: 'io_uring_submit_req', state: 'attached' }, { name: 'io_uring_short_write', state: 'unavailable', why: 'not in this kernel' }],
      ...fields,
    } satisfies Hello);
  }
  info(info: Info): this {
    return this.json(FrameType.Info, info);
  }
  totals(fields: Partial<Totals> = {}): this {
    return this.json(FrameType.Totals, totals(fields));
  }
  log(entry: LogEntry): this {
    return this.json(FrameType.Log, entry);
  }
  goodbye(fields: Partial<Goodbye> = {}): this {
    return this.json(FrameType.Goodbye, { t: 1000, reason: 'target-exited', exit: { code: 0 }, totals: totals({ t: fields.t ?? 1000 }), ...fields } satisfies Goodbye);
  }
  spans(spans: SpanInput[]): this {
    return this.frame(FrameType.Spans, encodeSpans(spans));
  }
  calls(calls: CallInput[]): this {
    return this.frame(FrameType.Calls, encodeCalls(calls));
  }
  pending(spans: SpanInput[]): this {
    return this.frame(FrameType.Pending, encodeSpans(spans));
  }
  histograms(histograms: Histograms): this {
    return this.json(FrameType.Histograms, histograms);
  }
  census(census: Census): this {
    return this.json(FrameType.Census, census);
  }
  threads(threads: Threads): this {
    return this.json(FrameType.Threads, threads);
  }
  instants(instants: InstantInput[]): this {
    return this.frame(FrameType.Instants, encodeInstants(instants));
  }
  /** Everything so far; ends of frames as offsets. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.parts.reduce((n, part) => n + part.length, 0));
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

export function totals(fields: Partial<Totals> = {}): Totals {
  return { t: 1000, apis: [], spans: 0, calls: 0, lost: { kernel: 0, stream: 0, unpaired: 0 }, mode: 'spans', ...fields };
}
