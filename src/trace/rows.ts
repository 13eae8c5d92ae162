/** Decodes the binary batches: spans, calls and instants. */
import { API_NAMES } from '../protocol/wire';
import { clamp, MalformedRow, MAX_EXACT, VarintReader } from './varint';

/** One row of a spans batch, reused for every row. */
export interface WireSpan {
  api: number; op: number; flags: number; start: number; duration: number;
  /** ns, -1 unknown */ reap: number; submit: number;
  pid: number; tid: number; ring: number; slot: number; fd: number; length: number; result: number;
  offsetLo: number; offsetHi: number; userLo: number; userHi: number;
  /** ns, -1 neither punted nor polled */ parted: number;
  /** 0 none */ chain: number; stack: number;
}
/** One row of a calls batch, reused likewise. */
export interface WireCall {
  api: number; call: number; start: number; duration: number; asleep: number; blocked: number;
  pid: number; tid: number; ring: number; fd: number; offsetLo: number; offsetHi: number; length: number; result: number; stack: number;
}
export interface WireInstant { kind: number; time: number; pid: number; tid: number; ring: number; value: number }

const I32_MIN = -0x80000000;
const I32_MAX = 0x7fffffff;
const U32_MAX = 0xffffffff;
/** every field takes at least a byte */
const MIN_SPAN_BYTES = 19;
const MIN_CALL_BYTES = 14;
const MIN_INSTANT_BYTES = 6;

/** Calls `onSpan` for each row; the reason if the payload is malformed (rows before were delivered). */
export function decodeSpans(payload: Uint8Array, onSpan: (span: WireSpan) => void): string | undefined {
  return rows(payload, MIN_SPAN_BYTES, (r, count, base) => {
    const s: WireSpan = {
      api: 0, op: 0, flags: 0, start: 0, duration: 0, reap: -1, submit: -1, pid: 0, tid: 0, ring: 0, slot: 0, fd: 0, length: 0,
      result: 0, offsetLo: 0, offsetHi: 0, userLo: 0, userHi: 0, parted: -1, chain: 0, stack: 0,
    };
    let start = base;
    let pid = 0;
    let tid = 0;
    for (let i = 0; i < count; i++) {
      s.api = r.u8();
      if (s.api >= API_NAMES.length) throw new MalformedRow(`no API has the number ${s.api}`);
      s.op = r.u8();
      s.flags = clamp(r.varint(), 0, U32_MAX);
      start += r.zigzag();
      s.start = clamp(start, -MAX_EXACT, MAX_EXACT);
      s.duration = clamp(r.varint(), 0, MAX_EXACT - Math.max(0, s.start));
      s.reap = r.varint() - 1;
      s.submit = r.varint() - 1;
      s.pid = pid = clamp(pid + r.zigzag(), I32_MIN, I32_MAX);
      s.tid = tid = clamp(tid + r.zigzag(), I32_MIN, I32_MAX);
      s.ring = clamp(r.varint(), 0, U32_MAX);
      s.slot = clamp(r.varint(), 0, 0xffff);
      s.fd = clamp(r.zigzag(), I32_MIN, I32_MAX);
      r.zigzag();
      s.offsetLo = r.lo;
      s.offsetHi = r.hi;
      s.length = clamp(r.varint(), 0, MAX_EXACT);
      s.result = clamp(r.zigzag(), I32_MIN, I32_MAX);
      r.varint();
      s.userLo = r.lo;
      s.userHi = r.hi;
      s.parted = r.varint() - 1;
      s.chain = clamp(r.varint(), 0, U32_MAX);
      s.stack = clamp(r.varint(), 0, U32_MAX);
      onSpan(s);
    }
  });
}

/** As {@link decodeSpans}, for system calls. What a thread waited is held to how long it was in the call. */
export function decodeCalls(payload: Uint8Array, onCall: (call: WireCall) => void): string | undefined {
  return rows(payload, MIN_CALL_BYTES, (r, count, base) => {
    const c: WireCall = {
      api: 0, call: 0, start: 0, duration: 0, asleep: 0, blocked: 0, pid: 0, tid: 0, ring: 0, fd: 0, offsetLo: 0, offsetHi: 0, length: 0, result: 0, stack: 0,
    };
    let start = base;
    let pid = 0;
    let tid = 0;
    for (let i = 0; i < count; i++) {
      c.api = r.u8();
      if (c.api >= API_NAMES.length) throw new MalformedRow(`no API has the number ${c.api}`);
      c.call = r.u8();
      start += r.zigzag();
      c.start = clamp(start, -MAX_EXACT, MAX_EXACT);
      c.duration = clamp(r.varint(), 0, MAX_EXACT - Math.max(0, c.start));
      c.asleep = clamp(r.varint(), 0, c.duration);
      c.blocked = clamp(r.varint(), 0, c.asleep);
      c.pid = pid = clamp(pid + r.zigzag(), I32_MIN, I32_MAX);
      c.tid = tid = clamp(tid + r.zigzag(), I32_MIN, I32_MAX);
      c.ring = clamp(r.varint(), 0, U32_MAX);
      c.fd = clamp(r.zigzag(), I32_MIN, I32_MAX);
      r.zigzag();
      c.offsetLo = r.lo;
      c.offsetHi = r.hi;
      c.length = clamp(r.varint(), 0, MAX_EXACT);
      c.result = clamp(r.zigzag(), I32_MIN, I32_MAX);
      c.stack = clamp(r.varint(), 0, U32_MAX);
      onCall(c);
    }
  });
}

/** As {@link decodeSpans}, for instants. */
export function decodeInstants(payload: Uint8Array, onInstant: (instant: WireInstant) => void): string | undefined {
  return rows(payload, MIN_INSTANT_BYTES, (r, count, base) => {
    let time = base;
    let pid = 0;
    let tid = 0;
    for (let i = 0; i < count; i++) {
      const kind = r.u8();
      time = clamp(time + r.zigzag(), -MAX_EXACT, MAX_EXACT);
      pid = clamp(pid + r.zigzag(), I32_MIN, I32_MAX);
      tid = clamp(tid + r.zigzag(), I32_MIN, I32_MAX);
      const ring = clamp(r.varint(), 0, U32_MAX);
      onInstant({ kind, time, pid, tid, ring, value: clamp(r.zigzag(), -MAX_EXACT, MAX_EXACT) });
    }
  });
}

function rows(payload: Uint8Array, minBytes: number, read: (r: VarintReader, count: number, base: number) => void): string | undefined {
  const r = new VarintReader(payload);
  try {
    const count = r.varint();
    const base = Math.min(r.varint(), MAX_EXACT);
    if (count * minBytes > payload.length - r.at) return `a batch claims ${count} rows but is too short for them`;
    read(r, count, base);
    return r.at === payload.length ? undefined : 'a batch is longer than its rows';
  } catch (error) {
    if (error instanceof MalformedRow) return `a batch is malformed: ${error.message}`;
    throw error;
  }
}
