/** Functions that call each other, directly or round some corners; by their ids. */

/** Id of each function that lies on a cycle → the name of its cycle. Only functions that calls can be resolved to do. */
export type Cycles = ReadonlyMap<string, string>;

/** Tarjan's strongly connected components, without recursion: call chains may be as long as the file has functions. */
export function cyclesOf(functions: Iterable<string>, callees: (id: string) => string[]): Cycles {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const path: string[] = [];
  const onPath = new Set<string>();
  const cycles = new Map<string, string>();
  for (const root of functions) {
    if (index.has(root)) continue;
    const work: { id: string; callees: string[]; next: number }[] = [];
    const enter = (id: string): void => {
      index.set(id, index.size);
      low.set(id, index.get(id)!);
      path.push(id);
      onPath.add(id);
      work.push({ id, callees: callees(id), next: 0 });
    };
    enter(root);
    for (let top = work.at(-1); top; top = work.at(-1)) {
      const callee = top.callees[top.next++];
      if (callee !== undefined) {
        if (!index.has(callee)) enter(callee);
        else if (onPath.has(callee)) low.set(top.id, Math.min(low.get(top.id)!, index.get(callee)!));
        continue;
      }
      work.pop();
      const above = work.at(-1);
      if (above) low.set(above.id, Math.min(low.get(above.id)!, low.get(top.id)!));
      if (low.get(top.id) !== index.get(top.id)) continue;
      const members = path.splice(path.lastIndexOf(top.id));
      members.forEach((m) => onPath.delete(m));
      // named after a member, so that cycles elsewhere in the file do not change it
      const name = members.reduce((a, b) => (b < a ? b : a));
      if (members.length > 1) for (const m of members) cycles.set(m, name);
    }
  }
  return cycles;
}

export function sameCycles(a: Cycles, b: Cycles): boolean {
  return a.size === b.size && [...a].every(([name, cycle]) => b.get(name) === cycle);
}
