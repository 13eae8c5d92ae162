/** The source files below a folder, and which of them are worth analysing. */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { hasApiToken, languageOf } from '../../analysis/gate';
import type { Language } from '../../protocol/analysis';
import type { IgnoreRules } from './ignore-rules';

export interface Entry { name: string; kind: 'file' | 'folder' }
/** How folders and files are read: from the disk, or through a client. Paths are the accessor's own, parts joined by slashes. */
export interface FileAccess {
  entries(folder: string): Promise<Entry[]>;
  bytes(path: string): Promise<Buffer>;
}

/** Synchronous underneath: many small files are read several times faster than through a pool of threads. */
export const DISK: FileAccess = {
  entries: async (folder) => readdirSync(folder, { withFileTypes: true })
    .filter((e) => e.isDirectory() || e.isFile()).map((e): Entry => ({ name: e.name, kind: e.isDirectory() ? 'folder' : 'file' })),
  bytes: async (path) => readFileSync(path),
};

/** `place`: relative to the root. */
export interface Found { path: string; place: string }
export interface WalkOptions {
  rules: IgnoreRules;
  gitignore: boolean;
  problem(path: string, error: unknown): void;
  /** told of each folder's place, empty or with a slash at its end, and of the rules that hold in it */
  entered?(base: string, rules: IgnoreRules): void;
}

/** Files in our languages below `root`, by name, folder after folder. What cannot be read is told to `problem`. */
export async function* walk(access: FileAccess, root: string, options: WalkOptions, base = ''): AsyncGenerator<Found> {
  let entries: Entry[];
  try {
    entries = await access.entries(root);
  } catch (error) {
    options.problem(root, error);
    return;
  }
  let { rules } = options;
  if (options.gitignore && entries.some((e) => e.name === '.gitignore' && e.kind === 'file')) {
    const text = await access.bytes(joined(root, '.gitignore')).catch(() => undefined);
    if (text) rules = rules.with(base, text.toString('utf8'));
  }
  options.entered?.(base, rules);
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, kind } of entries) {
    const place = base + name;
    if (kind === 'file' ? languageOf(name) === undefined : false) continue;
    if (rules.leavesOut(place, kind === 'folder')) continue;
    const path = joined(root, name);
    if (kind === 'file') yield { path, place };
    else yield* walk(access, path, { ...options, rules }, `${place}/`);
  }
}
function joined(folder: string, name: string): string {
  return folder === '.' ? name : folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/** Bigger files are generated, and no one reads findings in them. */
export const MAX_BYTES = 8 * 1024 * 1024;

let room: Buffer | undefined;
/** The bytes of a file on the disk, good until the next call: most files are looked through once and forgotten. */
export function passing(path: string): Buffer {
  room ??= Buffer.allocUnsafeSlow(MAX_BYTES + 1);
  const file = openSync(path, 'r');
  try {
    let length = 0;
    for (let n = -1; n !== 0 && length < room.length; length += n) n = readSync(file, room, length, room.length - length, length);
    return room.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

/** The text of a file that uses one of the APIs, undefined when it does not. The bytes are looked through before they are decoded. */
export function sourceOf(path: string, bytes: Buffer): { text: string; language: Language } | undefined {
  if (bytes.length > MAX_BYTES) throw new Error(`larger than ${MAX_BYTES / 1024 / 1024} MB`);
  // the APIs' names are ASCII, and a byte a character is quickly made
  if (!hasApiToken(languageOf(path)!, bytes.toString('latin1'))) return undefined;
  return decoded(path, bytes);
}
export function decoded(path: string, bytes: Buffer): { text: string; language: Language } {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  return { text, language: languageOf(path, text)! };
}
/** A header of the project, which is read when another file includes it. */
export function isHeader(path: string): boolean {
  return /\.(?:h|hh|hpp|hxx|inl|ipp|tpp)$/i.test(path);
}
