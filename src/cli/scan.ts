/** Looks at every source file below some paths: what uses no API is not even decoded, the rest is analysed together. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { AnalysisOptions, AnalysisResult, Language } from '../protocol/analysis';
import { Workspace } from '../analysis/workspace';
import { tidier } from '../server/workspace/tidy';
import { decoded, isHeader, passing, sourceOf } from '../server/workspace/walk';
import { diskAnalyser, reason, sources, type ReadError } from './files';

/** A file that uses an API. */
export interface Source { path: string; place: string; language: Language }
export interface Scanned { source: Source; result: AnalysisResult }
export interface Scan { files: number; scanned: Scanned[]; errors: ReadError[] }

/** A second thread costs a grammar and its own facts of all files: less source than this is done sooner alone. */
const WORTH_A_THREAD = 400_000;

/** Characters of source whose facts a thread keeps while it looks at other files. */
const KEPT = 150_000;

/** One thread's part of the work: it knows all sources and headers, and analyses those at `share`. */
export interface Part { sources: Source[]; headers: string[]; share: number[]; options: AnalysisOptions }
export interface PartResult { results: [at: number, result: AnalysisResult][]; errors: ReadError[] }

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
  const shares = split(sizes, sum(sizes) > WORTH_A_THREAD && availableParallelism() > 1 ? 2 : 1);
  const parts = shares.map((share): Part => ({ sources: found, headers, share, options }));
  const done = await Promise.all(parts.map((part, i) => (i === 0 ? analysePart(part) : inThread(part))));
  const results = new Map(done.flatMap((d) => d.results));
  errors.push(...done.flatMap((d) => d.errors));
  return { files, errors, scanned: found.flatMap((source, i) => (results.has(i) ? [{ source, result: results.get(i)! }] : [])) };
}

/** Analyses the files of a part; a file that breaks the parser is told about, the others are still looked at. */
export async function analysePart({ sources: all, headers, share, options }: Part): Promise<PartResult> {
  const workspace = new Workspace(diskAnalyser(), { kept: KEPT });
  const tidy = tidier();
  workspace.know(headers);
  const out: PartResult = { results: [], errors: [] };
  // its own files last: what was read of those is still in memory when they are analysed
  const own = new Set(share);
  for (const { path, place } of [...all.filter((_, i) => !own.has(i)), ...share.map((i) => all[i]!)]) {
    try {
      const { text, language } = decoded(path, readFileSync(path));
      workspace.set(path, language, text, place);
    } catch (error) {
      out.errors.push({ path, message: reason(error) });
    }
  }
  for (let failures = 0; failures <= all.length; failures++) {
    try {
      await workspace.settle(async (path) => textOf(path), async () => tidy());
      break;
    } catch {
      // its own analysis says so below; the next round goes on behind it
    }
  }
  for (const at of share) {
    const { path, language } = all[at]!;
    if (!workspace.has(path)) continue;
    try {
      out.results.push([at, workspace.analyse(path, options)]);
      tidy();
    } catch (error) {
      workspace.analyser.grammars.reset(language);
      await workspace.analyser.grammars.open(language);
      out.errors.push({ path, message: reason(error) });
    }
  }
  return out;
}
function textOf(path: string): string | undefined {
  try {
    return decoded(path, readFileSync(path)).text;
  } catch {
    return undefined;
  }
}

/** The command line itself, in a thread: `main` sees the part in the worker's data. */
async function inThread(part: Part): Promise<PartResult> {
  const worker = new Worker(__filename, { workerData: part });
  try {
    return await new Promise<PartResult>((resolve, reject) => {
      worker.on('message', resolve).on('error', reject).on('exit', (code) => reject(new Error(`the second thread ended with ${code}`)));
    });
  } finally {
    await worker.terminate();
  }
}

/** Files dealt out so that each share has about as much text. */
function split(sizes: number[], count: number): number[][] {
  const shares = Array.from({ length: count }, () => ({ size: 0, files: [] as number[] }));
  for (const at of sizes.keys()) {
    const least = shares.reduce((a, b) => (b.size < a.size ? b : a));
    least.files.push(at);
    least.size += sizes[at]!;
  }
  return shares.map((s) => s.files);
}
function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
