/** A decoder of the stream written from docs/trace-format.md alone, to check the loader and src/trace against each other. */
import { crc32 } from 'node:zlib';
import {
  API_NAMES, CALL_FIELDS, FrameType, INSTANT_FIELDS, MAGIC, SPAN_FIELDS,
  type ApiName, type Census, type Goodbye, type Hello, type Histograms, type Info, type LogEntry, type Threads, type Totals,
} from '../../src/protocol/wire';

export interface DecodedSpan {
  api: ApiName; op: number; flags: number; start: number; duration: number; reap: number; submit: number;
  pid: number; tid: number; ring: number; slot: number; fd: number; offset: number; length: number; result: number;
  userData: bigint; parted: number; chain: number; stack: number;
}
export interface DecodedCall {
  api: ApiName; call: number; start: number; duration: number; asleep: number; blocked: number; pid: number; tid: number; ring: number;
  fd: number; offset: number; length: number; result: number; stack: number;
}
export interface DecodedInstant { kind: number; time: number; pid: number; tid: number; ring: number; value: number }

export interface Recording {
  hello: Hello;
  infos: Info[];
  spans: DecodedSpan[];
  calls: DecodedCall[];
  pending: DecodedSpan[];
  instants: DecodedInstant[];
  histograms: Histograms[];
  census: Census[];
  threads: Threads[];
  totals: Totals[];
  logs: LogEntry[];
  goodbye?: Goodbye;
  /** frames in order, by type */
  types: number[];
  /** bytes after the last whole frame */
  rest: number;
}

class Reader {
  at = 0;
  constructor(private readonly bytes: Buffer) {}
  get done(): boolean { return this.at === this.bytes.length; }
  u8(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new Error('the payload ends within a row');
    return value;
  }
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error('a varint has more than ten bytes');
  }
  zigzag(): bigint {
    const value = this.varint();
    return value & 1n ? -((value >> 1n) + 1n) : value >> 1n;
  }
}

function rows(payload: Buffer, fields: readonly (readonly [string, string])[], timeField: string): Record<string, bigint>[] {
  const reader = new Reader(payload);
  const count = Number(reader.varint());
  const base = reader.varint();
  const last: Record<string, bigint> = { [timeField]: base };
  const result: Record<string, bigint>[] = [];
  for (let i = 0; i < count; i++) {
    const row: Record<string, bigint> = {};
    for (const [name, kind] of fields) {
      if (kind === 'u8') row[name] = BigInt(reader.u8());
      else if (kind === 'varint') row[name] = reader.varint();
      else if (kind === 'zigzag') row[name] = reader.zigzag();
      else last[name] = row[name] = (last[name] ?? 0n) + reader.zigzag();
    }
    result.push(row);
  }
  if (!reader.done) throw new Error('bytes follow the last row');
  return result;
}

function numbers(row: Record<string, bigint>): Record<string, number> {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]));
}

function apiOf(row: Record<string, bigint>): ApiName {
  const api = API_NAMES[Number(row.api)];
  if (api === undefined) throw new Error(`a row has the unknown API ${row.api}`);
  return api;
}

/** Decodes up to the first incomplete frame. @throws on anything that is not as documented */
export function decodeRecording(bytes: Buffer): Recording {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error(`no magic, but ${bytes.subarray(0, 200).toString('latin1')}`);
  const recording: Omit<Recording, 'hello'> & { hello?: Hello } = { infos: [], spans: [], calls: [], pending: [], instants: [], histograms: [], census: [], threads: [], totals: [], logs: [], types: [], rest: 0 };
  let at = MAGIC.length;
  for (let sequence = 0; bytes.length - at >= 12; sequence++) {
    const size = bytes.readUInt32LE(at);
    if (bytes.length - at < 12 + size) break;
    const payload = bytes.subarray(at + 12, at + 12 + size);
    if (bytes[at + 5] !== 0) throw new Error('frame flags are not 0');
    if (bytes.readUInt16LE(at + 6) !== (sequence & 0xffff)) throw new Error(`frame ${sequence} has number ${bytes.readUInt16LE(at + 6)}`);
    if (crc32(payload, crc32(bytes.subarray(at, at + 8))) !== bytes.readUInt32LE(at + 8)) throw new Error(`the checksum of frame ${sequence} is wrong`);
    takeFrame(recording, bytes[at + 4]!, payload);
    at += 12 + size;
  }
  recording.rest = bytes.length - at;
  if (!recording.hello) throw new Error('there is no Hello');
  return { ...recording, hello: recording.hello };
}

function takeFrame(recording: Omit<Recording, 'hello'> & { hello?: Hello }, type: number, payload: Buffer): void {
  recording.types.push(type);
  if ((recording.types.length === 1) !== (type === FrameType.Hello)) throw new Error('Hello is not the first frame, or not the only one');
  if (recording.goodbye) throw new Error('a frame follows Goodbye');
  switch (type) {
    case FrameType.Hello: recording.hello = JSON.parse(payload.toString()) as Hello; break;
    case FrameType.Info: recording.infos.push(JSON.parse(payload.toString()) as Info); break;
    case FrameType.Totals: recording.totals.push(JSON.parse(payload.toString()) as Totals); break;
    case FrameType.Log: recording.logs.push(JSON.parse(payload.toString()) as LogEntry); break;
    case FrameType.Goodbye: recording.goodbye = JSON.parse(payload.toString()) as Goodbye; break;
    case FrameType.Histograms: recording.histograms.push(JSON.parse(payload.toString()) as Histograms); break;
    case FrameType.Census: recording.census.push(JSON.parse(payload.toString()) as Census); break;
    case FrameType.Threads: recording.threads.push(JSON.parse(payload.toString()) as Threads); break;
    case FrameType.Spans:
      for (const row of rows(payload, SPAN_FIELDS, 'start')) recording.spans.push({ ...numbers(row), api: apiOf(row), userData: row.userData! } as unknown as DecodedSpan);
      break;
    case FrameType.Pending:
      for (const row of rows(payload, SPAN_FIELDS, 'start')) recording.pending.push({ ...numbers(row), api: apiOf(row), userData: row.userData! } as unknown as DecodedSpan);
      break;
    case FrameType.Calls:
      for (const row of rows(payload, CALL_FIELDS, 'start')) recording.calls.push({ ...numbers(row), api: apiOf(row) } as unknown as DecodedCall);
      break;
    case FrameType.Instants:
      for (const row of rows(payload, INSTANT_FIELDS, 'time')) recording.instants.push(numbers(row) as unknown as DecodedInstant);
      break;
    default: throw new Error(`a frame has the unknown type ${type}`);
  }
}
