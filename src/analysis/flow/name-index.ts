/** The names of a file: who has them, who uses them. Kept from version to version, with a look at what changed alone. */
import { changes } from '../lists';
import { walkFunction, type FileFacts, type Func } from '../model';

export class NameIndex {
  /** undefined: several have it */
  private readonly functions = new Map<string, Func | undefined>();
  private readonly users = new Map<string, readonly Func[]>();
  /** how often a word is mentioned */
  private readonly words = new Map<string, number>();

  /** The file's only function of that name. */
  functionNamed(name: string): Func | undefined {
    return this.functions.get(name);
  }
  hasFunction(name: string): boolean {
    return this.functions.has(name);
  }
  mentions(word: string): boolean {
    return this.words.has(word);
  }
  /** Functions in whose own body a name stands, in the order of the file. */
  usersOf(name: string): readonly Func[] {
    return this.users.get(name) ?? NOBODY;
  }

  /** What the file says gives way to what it says now. */
  load(before: FileFacts | undefined, facts: FileFacts): void {
    const units = changes(before?.mentions ?? [], facts.mentions);
    for (const { mentions } of units.gone) for (const m of mentions) this.count(m.text, -1);
    for (const { mentions } of units.come) for (const m of mentions) this.count(m.text, 1);
    const { gone, come } = changes(before?.functions ?? [], facts.functions);
    if (gone.length === come.length && gone.every((f, i) => f.name === come[i]!.name && this.functions.get(f.name) === f)) for (const f of come) this.functions.set(f.name, f);
    else {
      this.functions.clear();
      for (const f of facts.functions) this.functions.set(f.name, this.functions.has(f.name) ? undefined : f);
    }
  }
  private count(word: string, by: 1 | -1): void {
    const now = (this.words.get(word) ?? 0) + by;
    if (now) this.words.set(word, now);
    else this.words.delete(word);
  }

  /** One stretch of the file's functions gives way to another, lambdas included; `all` are those there are now. */
  replace(gone: readonly Func[], come: readonly Func[], all: readonly Func[]): void {
    const leaving = new Set(gone);
    const coming = byName(come);
    let order: Map<Func, number> | undefined;
    for (const name of new Set([...byName(gone).keys(), ...coming.keys()])) {
      const before = this.usersOf(name);
      const left = leaving.size ? before.filter((f) => !leaving.has(f)) : before;
      const added = coming.get(name) ?? NOBODY;
      let at = before.findIndex((f) => leaving.has(f));
      if (at < 0 && added.length) {
        const numbers = (order ??= new Map(all.map((f, i) => [f, i])));
        at = left.findIndex((f) => numbers.get(f)! > numbers.get(added[0]!)!);
      }
      const now = at < 0 ? [...left, ...added] : [...left.slice(0, at), ...added, ...left.slice(at)];
      if (now.length) this.users.set(name, now);
      else this.users.delete(name);
    }
  }
}
const NOBODY: readonly Func[] = [];

function byName(functions: readonly Func[]): Map<string, Func[]> {
  const out = new Map<string, Func[]>();
  for (const f of functions) {
    for (const name of namesIn(f)) {
      const list = out.get(name);
      if (list) list.push(f);
      else out.set(name, [f]);
    }
  }
  return out;
}
/** Each once. */
function namesIn(func: Func): Set<string> {
  const names = new Set<string>();
  for (const e of walkFunction(func)) {
    if (e.kind === 'name') names.add(e.name.replace(/^.*::/, ''));
    else if (e.kind === 'member') names.add(e.field);
  }
  return names;
}
