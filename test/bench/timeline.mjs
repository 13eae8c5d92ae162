// How a recording of several million operations opens and answers: npm run bench -- timeline [--spans N]. Prints one JSON object.
import { build } from 'esbuild';
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const at = process.argv.indexOf('--spans');
const spans = at < 0 ? 5_000_000 : Number(process.argv[at + 1]);

const out = mkdtempSync(join(tmpdir(), 'ringlight-bench-'));
await build({
  stdin: { contents: "export * from './src/trace'; export * from './test/support/synthetic'; export * from './test/support/encode';", resolveDir: root, loader: 'ts' },
  bundle: true, platform: 'node', format: 'cjs', target: 'node20', outfile: join(out, 'bench.cjs'),
});
const { StreamReader, Summaries, queryTiles, LANES, laneSpans, random, StreamWriter } = createRequire(import.meta.url)(join(out, 'bench.cjs'));

/** Lanes of equal duration, so that the recording is dense everywhere; fed in pieces, as completions would come. */
const next = random(11);
const perRound = 5000;
const lanes = LANES.map((lane) => ({ ...lane, latency: 150_000 * lane.depth / 8 }));
const reader = new StreamReader();
reader.push(new StreamWriter().hello().bytes());
const before = process.memoryUsage();
let bytes = 0;
let decodeMs = 0;
let begin = 0;
let sequence = 1;
while (reader.store.spans.length < spans) {
  const round = lanes.flatMap((lane) => laneSpans(lane, perRound, next, begin)).sort((a, b) => a.start + a.duration - b.start - b.duration);
  begin = Math.max(...round.map((s) => s.start));
  const writer = new StreamWriter();
  writer.sequence = sequence;
  for (let i = 0; i < round.length; i += 1000) writer.spans(round.slice(i, i + 1000));
  sequence = writer.sequence;
  const chunk = writer.bytes().subarray(8);
  bytes += chunk.length;
  const t = performance.now();
  reader.push(chunk);
  decodeMs += performance.now() - t;
}
const { store } = reader;
if (reader.failure || store.spans.length < spans) throw new Error(`the stream was not read: ${JSON.stringify(reader.failure)}`);

const timed = (run) => {
  const t = performance.now();
  run();
  return performance.now() - t;
};
const PIXELS = 1200;
const tracks = store.tracks.map((t) => t.id);
const indexMs = timed(() => queryTiles(store, { t0: 0, t1: store.end, width: 1200, tracks }));
globalThis.gc?.();
const after = process.memoryUsage();

/** Windows of every size and place, with half a screen on each side as the page asks. */
const queries = [];
for (let i = 0; i < 400; i++) {
  const span = store.end * 10 ** (-3 * next());
  const t0 = next() * (store.end - span);
  queries.push(timed(() => queryTiles(store, { t0: t0 - span / 2, t1: t0 + 1.5 * span, width: 2 * PIXELS, tracks })));
}
const whole = Array.from({ length: 20 }, () => timed(() => queryTiles(store, { t0: -store.end / 2, t1: 1.5 * store.end, width: 2 * PIXELS, tracks })));
/** A batch arrives, then the page asks: the live case. */
const live = [];
for (let i = 0; i < 50; i++) {
  const writer = new StreamWriter();
  writer.sequence = sequence;
  writer.spans(laneSpans(lanes[i % lanes.length], 2000, next, store.end - 1e6));
  sequence = writer.sequence;
  const chunk = writer.bytes().subarray(8);
  live.push(timed(() => {
    reader.push(chunk);
    queryTiles(store, { t0: store.end - 15e9, t1: store.end + 5e9, width: 2 * PIXELS, tracks });
  }));
}
const summaries = new Summaries(store);
const summaryMs = timed(() => summaries.summary(undefined));

const percentile = (values, p) => Number([...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(p * values.length))].toFixed(2));
const round = (n) => Math.round(n * 100) / 100;
console.log(JSON.stringify({
  spans: store.spans.length, streamBytesPerSpan: round(bytes / store.spans.length),
  decodeMs: round(decodeMs), decodedPerSecond: Math.round(store.spans.length / (decodeMs / 1000)), indexMs: round(indexMs),
  memoryBytesPerSpan: round((after.arrayBuffers - before.arrayBuffers) / store.spans.length),
  tilesMs: { p50: percentile(queries, 0.5), p95: percentile(queries, 0.95), max: percentile(queries, 1) },
  wholeTilesMs: { p50: percentile(whole, 0.5), p95: percentile(whole, 0.95) },
  liveMs: { p50: percentile(live, 0.5), p95: percentile(live, 0.95) },
  summaryMs: round(summaryMs),
}));
rmSync(out, { recursive: true, force: true });
