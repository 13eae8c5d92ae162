/** Which files of a tree are left out: patterns of the user's, `.gitignore` files, and folders nobody looks into. */
import ignore, { type Ignore } from 'ignore';

const SKIPPED = new Set(['.git', '.hg', '.svn', 'node_modules', 'target', 'dist', 'build', 'out', '.build', '.cache', '.venv', 'CMakeFiles']);
const MAX_ALTERNATIVES = 64;

/** The rules of one folder's `.gitignore`; `base` is the folder's place in the tree, empty or with a slash at its end. */
interface Layer { base: string; rules: Ignore }

export class IgnoreRules {
  private constructor(private readonly user: Ignore, private readonly layers: readonly Layer[]) {}

  /** `patterns` have the syntax of `.gitignore`, with `{a,b}`. */
  static of(patterns: readonly string[]): IgnoreRules {
    return new IgnoreRules(ignore().add(patterns.flatMap(alternatives)), []);
  }
  /** With the `.gitignore` that lies in the folder `base`. */
  with(base: string, text: string): IgnoreRules {
    return new IgnoreRules(this.user, [...this.layers, { base, rules: ignore().add(text) }]);
  }

  /** `place` is relative to the root, without a slash at its ends. */
  leavesOut(place: string, folder: boolean): boolean {
    const path = folder ? `${place}/` : place;
    if (folder && SKIPPED.has(place.slice(place.lastIndexOf('/') + 1))) return true;
    if (this.user.ignores(path)) return true;
    // the nearest file that has something to say decides
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const { base, rules } = this.layers[i]!;
      const { ignored, unignored } = rules.test(path.slice(base.length));
      if (ignored || unignored) return ignored;
    }
    return false;
  }
}

/** Globs as VS Code's `files.exclude` has them, which count from the root. */
export function fromGlobs(globs: readonly string[]): string[] {
  return globs.map((glob) => (glob.startsWith('**/') || glob.startsWith('/') ? glob : `/${glob}`));
}

/** `*.{c,h}` → `*.c`, `*.h` */
function alternatives(pattern: string): string[] {
  let out = [pattern];
  for (;;) {
    const next = out.flatMap((p) => {
      const m = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(p);
      return m ? m[2]!.split(',').map((part) => `${m[1]}${part}${m[3]}`) : [p];
    });
    if (next.length === out.length || next.length > MAX_ALTERNATIVES) return next.length > MAX_ALTERNATIVES ? out : next;
    out = next;
  }
}
