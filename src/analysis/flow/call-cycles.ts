/** Functions that call each other, directly or round some corners. */
import type { Func } from '../model';

/** Id of each function that lies on a cycle → the name of its cycle. Only functions that calls can be resolved to do. */
export type Cycles = ReadonlyMap<string, string>;

/** Tarjan's strongly connected components, without recursion: call chains may be as long as the file has functions. */
export function cyclesOf(functions: Func[], callees: (func: Func) => Func[], idOf: (func: Func) => string): Cycles {
  const index = new Map<Func, number>();
  const low = new Map<Func, number>();
  const path: Func[] = [];
  const onPath = new Set<Func>();
  const cycles = new Map<string, string>();
  for (const root of functions) {
    if (index.has(root)) continue;
    const work: { func: Func; callees: Func[]; next: number }[] = [];
    const enter = (func: Func): void => {
      index.set(func, index.size);
      low.set(func, index.get(func)!);
      path.push(func);
      onPath.add(func);
      work.push({ func, callees: callees(func), next: 0 });
    };
    enter(root);
    for (let top = work.at(-1); top; top = work.at(-1)) {
      const callee = top.callees[top.next++];
      if (callee) {
        if (!index.has(callee)) enter(callee);
        else if (onPath.has(callee)) low.set(top.func, Math.min(low.get(top.func)!, index.get(callee)!));
        continue;
      }
      work.pop();
      const above = work.at(-1);
      if (above) low.set(above.func, Math.min(low.get(above.func)!, low.get(top.func)!));
      if (low.get(top.func) !== index.get(top.func)) continue;
      const members = path.splice(path.indexOf(top.func));
      members.forEach((m) => onPath.delete(m));
      // named after a member, so that cycles elsewhere in the file do not change it
      const name = members.map(idOf).sort()[0]!;
      if (members.length > 1) for (const m of members) cycles.set(idOf(m), name);
    }
  }
  return cycles;
}

export function sameCycles(a: Cycles, b: Cycles): boolean {
  return a.size === b.size && [...a].every(([name, cycle]) => b.get(name) === cycle);
}
