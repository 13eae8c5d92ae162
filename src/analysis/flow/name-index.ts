/** Which functions have which names in them, kept from version to version. */
import { walkFunction, type Func } from '../model';

export class NameIndex {
  private readonly users = new Map<string, readonly Func[]>();

  /** Functions in whose own body a name stands, in the order of the file. */
  usersOf(name: string): readonly Func[] {
    return this.users.get(name) ?? NOBODY;
  }

  /** One stretch of the file's functions gives way to another; `all` are those there are now. */
  change(gone: readonly Func[], come: readonly Func[], all: readonly Func[]): void {
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
