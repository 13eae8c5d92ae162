import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BinTile } from '../../../src/protocol/page';
import { queryRows, queryTiles, StreamReader, TraceStore } from '../../../src/trace';
import { span, StreamWriter, type SpanInput } from '../../support/encode';
import { random, syntheticRecording } from '../../support/synthetic';

interface Plain { start: number; duration: number; result: number }

function store(spans: Partial<SpanInput>[], batch = 7): TraceStore {
  const writer = new StreamWriter().hello();
  for (let i = 0; i < spans.length; i += batch) writer.spans(spans.slice(i, i + batch).map(span));
  const reader = new StreamReader();
  reader.push(writer.bytes());
  return reader.store;
}
const end = (s: Plain): number => s.start + Math.max(1, s.duration);
const runsIn = (s: Plain, t0: number, t1: number): boolean => s.start < t1 && end(s) > t0;

function naiveBin(spans: Plain[], left: number, right: number): { count: number; failed: number; longest: number; depth: number } {
  const inside = spans.filter((s) => runsIn(s, left, right));
  const moments = [left, ...inside.filter((s) => s.start >= left).map((s) => s.start)];
  return {
    count: inside.length,
    failed: inside.filter((s) => s.result < 0).length,
    longest: Math.max(0, ...inside.map((s) => s.duration)),
    depth: Math.max(...moments.map((t) => inside.filter((s) => s.start <= t && end(s) > t).length)),
  };
}

const plainSpans = fc.array(
  fc.record<Plain>({ start: fc.nat(5000), duration: fc.oneof(fc.nat(30), fc.nat(4000)), result: fc.constantFrom(4096, -5) }),
  { minLength: 1, maxLength: 300 },
);

describe('tiles', () => {
  it('bins say what counting one by one says, in any order of arrival, while growing', () => {
    fc.assert(fc.property(plainSpans, fc.integer({ min: -50, max: 3000 }), fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 40 }), fc.nat(300), (spans, t0, width, n, asked) => {
      const s = new TraceStore();
      const add = ({ start, duration, result }: Plain): void => s.addSpan({
        api: 0, op: 22, flags: 0, start, duration, result, reap: -1, submit: -1, pid: 1, tid: 1, ring: 1, slot: 0, fd: 3, length: 0, offsetLo: 0, offsetHi: 0, userLo: 0, userHi: 0, parted: -1, chain: 0, stack: 0,
      });
      spans.forEach((one, i) => {
        add(one);
        // an answer in between must not disturb later ones
        if (i === asked) s.tracks[0]!.index.binTile(t0, width, n);
      });
      const tile: BinTile = s.tracks[0]!.index.binTile(t0, width, n);
      for (let i = 0; i < n; i++) {
        const got = { count: tile.count[i], failed: tile.failed[i], longest: tile.longest[i], depth: tile.depth[i] };
        expect(got).toEqual(naiveBin(spans, t0 + i * width, t0 + (i + 1) * width));
      }
    }), { numRuns: 150 });
  });

  it('bins say so for many spans, long ones among them', () => {
    const next = random(3);
    const spans: Plain[] = Array.from({ length: 6000 }, () => ({
      start: Math.floor(next() * 100_000), duration: Math.floor(next() < 0.01 ? next() * 60_000 : next() * 200), result: next() < 0.02 ? -5 : 1,
    }));
    const s = store(spans, 500);
    for (const [t0, width, n] of [[-100, 5000, 25], [20_000, 1024, 40], [50_000, 64, 100], [0, 120_000, 1]] as const) {
      const tile = s.tracks[0]!.index.binTile(t0, width, n);
      for (let i = 0; i < n; i++) {
        const got = { count: tile.count[i], failed: tile.failed[i], longest: tile.longest[i] };
        const { depth, ...expected } = naiveBin(spans, t0 + i * width, t0 + (i + 1) * width);
        expect(got).toEqual(expected);
        expect(tile.depth[i]).toBe(depth);
      }
    }
  });

  it('lists exactly the spans that run in the window, by start', () => {
    fc.assert(fc.property(plainSpans, fc.integer({ min: -10, max: 6000 }), fc.integer({ min: 1, max: 3000 }), (spans, t0, length) => {
      const s = store(spans);
      const t1 = t0 + length;
      const indices = [...s.tracks[0]!.index.indicesIn(t0, t1)];
      const expected = spans.map((_, i) => i).filter((i) => runsIn(spans[i]!, t0, t1));
      expect([...indices].sort((a, b) => a - b)).toEqual(expected);
      expect(indices.map((i) => s.spans.start(i))).toEqual(expected.map((i) => spans[i]!.start).sort((a, b) => a - b));
      expect(s.tracks[0]!.index.countIn(t0, t1)).toBe(expected.length);
    }), { numRuns: 150 });
  });

  it('answers spans when they fit and bins when they do not, covering the window', () => {
    const { bytes, spans } = syntheticRecording({ perLane: 3000 });
    const reader = new StreamReader();
    reader.push(bytes);
    const { store: s } = reader;
    const all = queryTiles(s, { t0: 0, t1: s.end, width: 300, tracks: [0, 1, 2, 3, 99] });
    expect(all.tiles).toHaveLength(4);
    for (const tile of all.tiles) {
      expect(tile.kind).toBe('bins');
      if (tile.kind !== 'bins') continue;
      expect(tile.t0).toBeLessThanOrEqual(0);
      expect(tile.t0 + tile.width * tile.count.length).toBeGreaterThanOrEqual(s.end);
    }
    const near = queryTiles(s, { t0: 1e6, t1: 2e6, width: 300, tracks: [0] }).tiles[0]!;
    expect(near.kind).toBe('spans');
    const track = s.tracks[0]!;
    const expected = spans.filter((x) => x.pid === track.pid && x.ring === track.ring && runsIn(x, 1e6, 2e6));
    if (near.kind === 'spans') expect(near.index.length).toBe(expected.length);
  });

  it('pages and sorts rows', () => {
    const s = store(Array.from({ length: 50 }, (_, i) => ({ start: i * 10, duration: (i * 37) % 50, ring: i % 3 })));
    const longest = queryRows(s, { t0: 0, t1: 1000, sort: 'duration', offset: 0, limit: 5 });
    expect(longest.total).toBe(50);
    expect(longest.rows.map((r) => r.duration)).toEqual([49, 48, 47, 46, 45]);
    const second = queryRows(s, { t0: 0, t1: 1000, sort: 'start', offset: 10, limit: 10 });
    expect(second.rows.map((r) => r.start)).toEqual(Array.from({ length: 10 }, (_, i) => 100 + i * 10));
    expect(queryRows(s, { t0: 0, t1: 1000, track: 0, sort: 'start', offset: 0, limit: 100 }).total).toBe(17);
  });

  it('walks through the problems in both directions', () => {
    const s = store([{ start: 10 }, { start: 30, result: -5 }, { start: 20, result: -11 }, { start: 20, result: -1 }]);
    const seen: number[] = [];
    for (let at = s.nextProblem(-1, 1); at !== undefined; at = s.nextProblem(at, 1)) seen.push(s.spans.result(at));
    expect(seen).toEqual([-11, -1, -5]);
    const back: number[] = [];
    for (let at = s.nextProblem(-1, -1); at !== undefined; at = s.nextProblem(at, -1)) back.push(s.spans.result(at));
    expect(back).toEqual([-5, -1, -11]);
    expect(s.nextProblem(0, 1)).toBe(2);
  });
});
