import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { API_NAMES, FrameType, InstantKind, MAGIC, MAX_FRAME_PAYLOAD } from '../../../src/protocol/wire';
import { describe as detailOf, StreamReader } from '../../../src/trace';
import { crc32 } from '../../../src/trace/crc32';
import { encodeSpans, span, StreamWriter, type SpanInput } from '../../support/encode';
import { syntheticRecording } from '../../support/synthetic';

function read(bytes: Uint8Array, chunk = bytes.length): StreamReader {
  const reader = new StreamReader();
  for (let at = 0; at < bytes.length; at += Math.max(1, chunk)) reader.push(bytes.subarray(at, at + Math.max(1, chunk)));
  return reader;
}

/** What the store kept of a span, as the encoder's input. */
function stored(reader: StreamReader, index: number): SpanInput {
  const { spans, tracks } = reader.store;
  const track = tracks[spans.track(index)]!;
  const detail = detailOf(reader.store, index)!;
  return {
    api: track.api, op: spans.op(index), flags: spans.flags(index), start: spans.start(index), duration: spans.duration(index),
    reap: spans.reap(index), submit: spans.submit(index), pid: track.pid, tid: spans.tid(index), ring: track.ring, slot: spans.slot(index),
    fd: spans.fd(index), offset: BigInt(detail.offset), length: spans.bytesAsked(index), result: spans.result(index), userData: BigInt(detail.userData),
    parted: spans.parted(index), chain: spans.chain(index), stack: spans.stack(index),
  };
}

const anySpan = fc.record<SpanInput>({
  api: fc.constantFrom(...API_NAMES), op: fc.nat(255), flags: fc.nat(0x7ffff), start: fc.integer({ min: -1e6, max: 2 ** 52 }), duration: fc.nat(2 ** 50),
  // kept in single precision
  reap: fc.integer({ min: -1, max: 2 ** 24 }), submit: fc.integer({ min: -1, max: 2 ** 24 }),
  pid: fc.integer({ min: 0, max: 2 ** 31 - 1 }), tid: fc.integer({ min: 0, max: 2 ** 31 - 1 }), ring: fc.nat(2 ** 32 - 1), slot: fc.nat(65535),
  fd: fc.integer({ min: -1, max: 2 ** 31 - 1 }), offset: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), length: fc.nat(2 ** 52),
  result: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), userData: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  parted: fc.integer({ min: -1, max: 2 ** 24 }), chain: fc.nat(2 ** 32 - 1), stack: fc.nat(2 ** 32 - 1),
});

describe('stream', () => {
  it('reads back every field under any chunking', () => {
    fc.assert(fc.property(fc.array(fc.array(anySpan, { maxLength: 12 }), { maxLength: 4 }), fc.integer({ min: 1, max: 400 }), (batches, chunk) => {
      const writer = new StreamWriter().hello();
      for (const batch of batches) writer.spans(batch);
      const reader = read(writer.goodbye().bytes(), chunk);
      expect(reader.finish()).toEqual({ kind: 'complete' });
      const expected = batches.flat();
      expect(reader.store.spans.length).toBe(expected.length);
      expected.forEach((s, i) => expect(stored(reader, i)).toEqual(s));
    }), { numRuns: 150 });
  });

  it('knows the checksum of zlib', () => {
    expect(crc32(new TextEncoder().encode('123456789'), 0, 9)).toBe(0xcbf43926);
  });

  it('opens up to the cut, wherever it is', () => {
    const { bytes } = syntheticRecording({ perLane: 30 });
    const whole = read(bytes).store.spans.length;
    let before = 0;
    for (let cut = 0; cut < bytes.length; cut++) {
      const reader = read(bytes.subarray(0, cut), 997);
      const end = reader.finish();
      expect(end.kind).toBe(cut < MAGIC.length ? 'not-a-recording' : 'truncated');
      expect(reader.store.spans.length).toBeGreaterThanOrEqual(before);
      if (end.kind === 'truncated') expect(end.at).toBeLessThanOrEqual(cut);
      before = reader.store.spans.length;
    }
    expect(before).toBe(whole);
  });

  it('survives any flipped bit and says where it stopped', () => {
    const { bytes } = syntheticRecording({ perLane: 8 });
    for (let at = MAGIC.length; at < bytes.length; at++) {
      const bad = bytes.slice();
      bad[at]! ^= 1 << at % 8;
      const end = read(bad, 4096).finish();
      // a longer length reads as a cut, everything else fails its checksum
      expect(['damaged', 'truncated']).toContain(end.kind);
      if (end.kind === 'damaged' || end.kind === 'truncated') expect(end.at).toBeLessThanOrEqual(at);
    }
  });

  it('never throws on random bytes behind a good frame', () => {
    const head = new StreamWriter().hello().bytes();
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 64 }), (junk, chunk) => {
      const reader = read(Uint8Array.from([...head, ...junk]), chunk);
      expect(reader.store.hello?.machine).toBe('x86_64');
      expect(reader.finish().kind).not.toBe('complete');
    }));
  });

  it('never throws on random payloads with a right checksum', () => {
    fc.assert(fc.property(fc.constantFrom(...Object.values(FrameType)), fc.uint8Array({ maxLength: 200 }), (type, payload) => {
      const reader = read(new StreamWriter().hello().frame(type, payload).bytes());
      reader.finish();
      expect(reader.store.hello).toBeDefined();
    }), { numRuns: 500 });
  });

  it('finds the beginning behind a greeting and keeps the greeting for the log', () => {
    const bytes = new StreamWriter().hello().goodbye().bytes();
    const greeting = new TextEncoder().encode('Welcome to \u001b[1mhost\u001b[0m!\nRINGLI is not it\n');
    for (const chunk of [1, 7, 4096]) {
      const reader = read(Uint8Array.from([...greeting, ...bytes]), chunk);
      expect(reader.finish()).toEqual({ kind: 'complete' });
      expect(reader.noise).toBe('Welcome to [1mhost[0m!\nRINGLI is not it\n');
    }
  });

  it('hands on exactly the bytes of the recording', () => {
    const bytes = new StreamWriter().hello().goodbye().bytes();
    const noisy = Uint8Array.from([...new TextEncoder().encode('motd\n'), ...bytes]);
    const reader = new StreamReader();
    const kept: number[] = [];
    for (const byte of noisy) kept.push(...(reader.push(Uint8Array.of(byte)) ?? []));
    expect(Uint8Array.from(kept)).toEqual(bytes);
  });

  it('gives up on what is no recording', () => {
    const reader = read(new Uint8Array(70_000), 1000);
    expect(reader.finish()).toEqual({ kind: 'not-a-recording', message: 'This is not a Ringlight recording.' });
    const other = new StreamWriter().hello().bytes();
    other[7] = 9;
    expect(read(other).finish()).toMatchObject({ kind: 'not-a-recording', message: expect.stringContaining('version 1') as string });
  });

  it('refuses a length beyond the limit without waiting for it', () => {
    const bytes = new StreamWriter().hello().bytes();
    const header = new Uint8Array(12);
    new DataView(header.buffer).setUint32(0, MAX_FRAME_PAYLOAD + 1, true);
    const end = read(Uint8Array.from([...bytes, ...header])).finish();
    expect(end).toMatchObject({ kind: 'damaged', at: bytes.length });
  });

  it('refuses a batch that claims more rows than it has bytes', () => {
    const payload = encodeSpans([span()]);
    payload[0] = 0x7f;
    const reader = read(new StreamWriter().hello().spans([span()]).frame(FrameType.Spans, payload).bytes());
    expect(reader.finish()).toMatchObject({ kind: 'damaged', message: expect.stringContaining('127 rows') as string });
    expect(reader.store.spans.length).toBe(1);
  });

  it('notices frames that are missing in the middle and keeps what follows', () => {
    const one = new StreamWriter().hello();
    const head = one.bytes().length;
    const middle = one.spans([span()]).bytes().length;
    const bytes = one.spans([span({ start: 5000 })]).goodbye().bytes();
    const reader = read(Uint8Array.from([...bytes.subarray(0, head), ...bytes.subarray(middle)]));
    expect(reader.finish()).toMatchObject({ kind: 'damaged', message: expect.stringContaining('missing in the middle') as string });
    expect(reader.store.spans.start(0)).toBe(5000);
  });

  it('names files by the time of the span, and keeps instants', () => {
    const reader = read(new StreamWriter().hello()
      .info({ kind: 'file', t: 0, pid: 100, fd: 3, path: '/old', direct: false })
      .info({ kind: 'file', t: 500, pid: 100, fd: 3, path: '/new', direct: true })
      .spans([span({ start: 10 }), span({ start: 600 })])
      .instants([{ kind: InstantKind.CqOverflow, time: 700, pid: 100, tid: 100, ring: 1, value: 1 }])
      .goodbye().bytes());
    expect(detailOf(reader.store, 0)).toMatchObject({ path: '/old', direct: false, op: 'READ', error: '' });
    expect(detailOf(reader.store, 1)).toMatchObject({ path: '/new', direct: true });
    expect(detailOf(reader.store, 2)).toBeNull();
    expect([...reader.store.instantsIn(0, 1000).time]).toEqual([700]);
  });
});
