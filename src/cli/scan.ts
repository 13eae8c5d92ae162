/** Looks at every source file below some paths: what uses no API is not even decoded, the rest is analysed together. */
import { availableParallelism } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { AnalysisOptions, AnalysisResult } from '../protocol/analysis';
import { isHeader, passing, sourceOf } from '../server/workspace/walk';
import { reason, sources, type ReadError } from './files';
import { analysePart, type Part, type PartResult, type Source } from './scan-part';

export interface Scanned { source: Source; result: AnalysisResult }
export interface Scan { files: number; scanned: Scanned[]; errors: ReadError[] }

/** A second thread costs a grammar and a compiler of its own: less source than this is done sooner alone. */
const WORTH_A_THREAD = 100_000;

export async function scan(paths: string[], exclude: string[], options: AnalysisOptions): Promise<Scan> {
  const errors: ReadError[] = [];
  const found: Source[] = [];
  const headers: string[] = [];
  const sizes: number[] = [];
  let files = 0;
  for await (const { path, place } of sources(paths, exclude, (e) => errors.push(e))) {
    files++;
    if (isHeader(path)) headers.push(path);
    try {
      const source = sourceOf(path, passing(path));
      if (!source) continue;
      found.push({ path, place, language: source.language });
      sizes.push(source.text.length);
    } catch (error) {
      errors.push({ path, message: reason(error) });
    }
  }
  const inTwo = sizes.reduce((a, b) => a + b, 0) > WORTH_A_THREAD && availableParallelism() > 1;
  const done = await (inTwo ? inTwoThreads(found, sizes, { headers, options }) : Promise.all([analysePart({ sources: found, headers, options })]));
  const results = new Map(done.flatMap((d) => d.results.map(({ path, result }) => [path, result])));
  errors.push(...done.flatMap((d) => d.errors));
  return { files, errors, scanned: found.flatMap((source) => (results.has(source.path) ? [{ source, result: results.get(source.path)! }] : [])) };
}

/** The second thread runs the command line itself, where `main` sees the part in the worker's data. */
async function inTwoThreads(found: Source[], sizes: number[], shared: Omit<Part, 'sources' | 'other'>): Promise<PartResult[]> {
  const [here, there] = halves(found, sizes);
  const { port1, port2 } = new MessageChannel();
  const part: Part = { ...shared, sources: there, other: port2 };
  const worker = new Worker(__filename, { workerData: part, transferList: [port2] });
  const second = new Promise<PartResult>((resolve, reject) => {
    worker.on('message', resolve).on('error', reject).on('exit', (code) => reject(new Error(`the second thread ended with ${code}`)));
  });
  try {
    return await Promise.all([analysePart({ ...shared, sources: here, other: port1 }), second]);
  } finally {
    port1.close();
    await worker.terminate();
  }
}
/** Files dealt out so that each half has about as much text. */
function halves(found: Source[], sizes: number[]): [Source[], Source[]] {
  const out: [Source[], Source[]] = [[], []];
  const sum = [0, 0];
  for (const [at, source] of found.entries()) {
    const to = sum[1]! < sum[0]! ? 1 : 0;
    out[to].push(source);
    sum[to]! += sizes[at]!;
  }
  return out;
}
