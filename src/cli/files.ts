/** Source files below the paths a user names, and the analyser over files on disk. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Analyser } from '../analysis/analyse';
import { languageOf } from '../analysis/gate';
import { IgnoreRules } from '../server/workspace/ignore-rules';
import { DISK, walk, type Found } from '../server/workspace/walk';

export interface ReadError { path: string; message: string }

/** The grammars lie beside the bundle. */
export function diskAnalyser(): Analyser {
  return new Analyser(async (name) => readFile(join(__dirname, 'wasm', name)));
}

/**
 * Files in our languages: the named ones, and those below the named folders, in a stable order. What cannot be read is
 * told to `problem`. A named file of another language is a problem; one met in a folder is passed over.
 */
export async function* sources(paths: string[], exclude: string[], problem: (error: ReadError) => void): AsyncGenerator<Found> {
  const rules = IgnoreRules.of(exclude);
  for (const path of paths) {
    try {
      const named = path.replace(/(?<=.)\/+$/, '');
      if ((await stat(path)).isDirectory()) yield* walk(DISK, named.replace(/^\.\/(?=.)/, ''), { rules, gitignore: false, problem: (p, error) => problem({ path: p, message: reason(error) }) });
      else if (languageOf(path) === undefined) problem({ path, message: 'not a C, C++ or Rust file' });
      else yield { path, place: basename(path) };
    } catch (error) {
      problem({ path, message: reason(error) });
    }
  }
}

export function reason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'no such file or directory';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return error instanceof Error ? error.message : String(error);
}
