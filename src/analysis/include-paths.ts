/** Which file of the project an `#include` names: by the end of the paths there are, as no build's search path is known. */

/** Headers of the APIs and of the system are not looked for in the project, not even where it has a copy. */
const FOREIGN = /^(?:liburing(?:\/.+)?|libaio|aio|linux\/.+|sys\/.+|asm\/.+|bits\/.+)\.h$/;

export class IncludePaths {
  private readonly byName = new Map<string, string[]>();
  private readonly all = new Set<string>();
  /** counts changes */
  version = 0;

  add(path: string): void {
    if (this.all.has(path)) return;
    this.all.add(path);
    const name = baseName(path);
    const list = this.byName.get(name);
    if (list) list.push(path);
    else this.byName.set(name, [path]);
    this.version++;
  }
  delete(path: string): void {
    if (!this.all.delete(path)) return;
    const name = baseName(path);
    this.byName.set(name, this.byName.get(name)!.filter((p) => p !== path));
    this.version++;
  }

  /** The file an include in `from` means; undefined when there is none, or no telling which. */
  resolve(include: { name: string; system: boolean }, from: string): string | undefined {
    if (FOREIGN.test(include.name)) return undefined;
    const parts = include.name.split('/').filter((p) => p !== '.');
    const folder = folderOf(from);
    if (!include.system) {
      const beside = joined(folder, parts);
      if (beside !== undefined && this.all.has(beside)) return beside;
    }
    const words = parts.filter((p) => p !== '..');
    const candidates = this.byName.get(words.at(-1) ?? '') ?? [];
    // in angle brackets a bare name is the system's, if the project has several or a file by chance
    if (include.system && words.length === 1 && candidates.length !== 1) return undefined;
    const ending = `/${words.join('/')}`;
    return nearest(candidates.filter((p) => `/${p}`.endsWith(ending)), from);
  }
}

/** The one path that shares the most folders with `from`; undefined when several do. */
export function nearest(paths: string[], from: string): string | undefined {
  if (paths.length < 2) return paths[0];
  let best: string | undefined;
  let most = -1;
  for (const path of paths) {
    const shared = sharedFolders(path, from);
    if (shared === most) best = undefined;
    else if (shared > most) {
      best = path;
      most = shared;
    }
  }
  return best;
}

function sharedFolders(a: string, b: string): number {
  const left = folderOf(a).split('/');
  const right = folderOf(b).split('/');
  let n = 0;
  while (n < left.length && n < right.length && left[n] === right[n]) n++;
  return n;
}
function folderOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}
function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
function joined(folder: string, parts: string[]): string | undefined {
  const out = folder === '' ? [] : folder.split('/');
  for (const part of parts) {
    if (part !== '..') out.push(part);
    else if (out.pop() === undefined) return undefined;
  }
  return out.join('/');
}
