/** One thread's part of a scan: it reads and analyses its own files, and learns of the others from the thread that reads those. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import type { AnalysisOptions, AnalysisResult, Language } from '../protocol/analysis';
import { Workspace, type Seen } from '../analysis/workspace';
import { tidier } from '../server/workspace/tidy';
import { decoded } from '../server/workspace/walk';
import { diskAnalyser, reason, type ReadError } from './files';

/** A file that uses an API. */
export interface Source { path: string; place: string; language: Language }

/** Files to analyse, beside the headers they may include. Two parts tell each other through `other` what they saw. */
export interface Part { sources: Source[]; headers: string[]; options: AnalysisOptions; other?: MessagePort }
/** Results in the order of the part's sources; none of those that could not be read or parsed. */
export interface PartResult { results: { path: string; result: AnalysisResult }[]; errors: ReadError[] }

// A command ends soon and gives all back, so it takes more memory than a server may: characters of source whose facts stay while
// other files are looked at, and bytes of heap before garbage is looked for
const KEPT = 1_000_000;
const HEAP = 400 * 1024 * 1024;

/** A file that breaks the parser is told about, the others are still looked at. */
export async function analysePart({ sources, headers, options, other }: Part): Promise<PartResult> {
  const workspace = new Workspace(diskAnalyser(), { kept: KEPT });
  const tidy = tidier(HEAP);
  const out: PartResult = { results: [], errors: [] };
  workspace.know(headers);
  for (const { path, place } of sources) {
    try {
      const { text, language } = decoded(path, readFileSync(path));
      workspace.set(path, language, text, place);
    } catch (error) {
      out.errors.push({ path, message: reason(error) });
    }
  }
  await settle(workspace, sources.length, tidy);
  if (other) {
    for (const seen of await exchanged(other, workspace.seen())) {
      const text = workspace.has(seen.path) ? undefined : textOf(seen.path);
      if (text !== undefined) workspace.set(seen.path, seen.language, text, seen.place, seen.outline);
    }
    await settle(workspace, sources.length, tidy);
  }
  for (const { path, language } of sources) {
    if (!workspace.has(path)) continue;
    try {
      out.results.push({ path, result: workspace.analyse(path, options) });
      tidy();
    } catch (error) {
      workspace.analyser.grammars.reset(language);
      await workspace.analyser.grammars.open(language);
      out.errors.push({ path, message: reason(error) });
    }
  }
  return out;
}
/** @param most files that may fail: each round goes on behind one, and its own analysis says what was wrong */
async function settle(workspace: Workspace, most: number, tidy: () => void): Promise<void> {
  for (let failures = 0; failures <= most; failures++) {
    try {
      return await workspace.settle(async (path) => textOf(path), async () => tidy());
    } catch {
      // looked at no more
    }
  }
}
async function exchanged(other: MessagePort, mine: Seen[]): Promise<Seen[]> {
  other.postMessage(mine);
  const [theirs] = (await once(other, 'message')) as [Seen[]];
  other.close();
  return theirs;
}
function textOf(path: string): string | undefined {
  try {
    return decoded(path, readFileSync(path)).text;
  } catch {
    return undefined;
  }
}
