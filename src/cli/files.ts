/** Source files below the paths a user names, and the analyser over files on disk. */
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Analyser, type Input } from '../analysis/analyse';
import { languageOf } from '../analysis/gate';
import type { Language } from '../protocol/analysis';

export interface ReadError { path: string; message: string }

const SKIPPED = new Set(['.git', '.hg', '.svn', 'node_modules', 'target', 'dist', 'build', 'out', '.build', '.cache', '.venv', 'CMakeFiles']);
/** Bigger files are generated, and no one reads findings in them. */
const MAX_BYTES = 8 * 1024 * 1024;

/** The grammars lie beside the bundle. */
export function diskAnalyser(): Analyser {
  return new Analyser(async (name) => readFile(join(__dirname, 'wasm', name)));
}

/**
 * Files in our languages: the named ones, and those below the named folders, in a stable order. What cannot be read is
 * told to `problem`. A named file of another language is a problem; one met in a folder is passed over.
 */
export async function* sources(paths: string[], problem: (error: ReadError) => void): AsyncGenerator<Input> {
  for (const path of paths) {
    try {
      if ((await stat(path)).isDirectory()) yield* folder(path, problem);
      else if (languageOf(path) === undefined) problem({ path, message: 'not a C, C++ or Rust file' });
      else yield* one(path, problem);
    } catch (error) {
      problem({ path, message: reason(error) });
    }
  }
}

async function* folder(path: string, problem: (error: ReadError) => void): AsyncGenerator<Input> {
  let entries;
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    problem({ path, message: reason(error) });
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name)) yield* folder(inner, problem);
    } else if (entry.isFile() && languageOf(entry.name) !== undefined) yield* one(inner, problem);
  }
}

async function* one(path: string, problem: (error: ReadError) => void): AsyncGenerator<Input> {
  try {
    if ((await stat(path)).size > MAX_BYTES) {
      problem({ path, message: `larger than ${MAX_BYTES / 1024 / 1024} MB` });
      return;
    }
    const text = (await readFile(path)).toString('utf8').replace(/^\uFEFF/, '');
    yield { path, text, language: languageOf(path, text) as Language };
  } catch (error) {
    problem({ path, message: reason(error) });
  }
}

function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'no such file or directory';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return error instanceof Error ? error.message : String(error);
}
