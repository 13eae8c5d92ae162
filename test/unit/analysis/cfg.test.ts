import { describe, expect, it } from 'vitest';
import { buildCfg, order, type Cfg } from '../../../src/analysis/flow/cfg';
import { CFile } from '../../../src/analysis/languages/c-file';
import { testAnalyser } from './support';

const { grammars } = testAnalyser();

async function cfg(body: string): Promise<Cfg> {
  await grammars.open('c');
  return buildCfg(new CFile('c', (text) => grammars.parse('c', text)).facts(`int f(int a, int b, struct s *p)\n{\n${body}\n}\n`).functions[0]!);
}

/** Every way from entry to the end, each as the calls it makes; a loop is gone round at most once. */
async function ways(body: string): Promise<string[]> {
  const graph = await cfg(body);
  const out = new Set<string>();
  const visit = (id: number, calls: string, seen: Map<number, number>): void => {
    const block = graph.blocks[id]!;
    const now = calls + block.events.map((e) => (e.kind === 'call' ? e.call.name : '')).join('');
    if (id === graph.exit) return void out.add(now);
    const count = seen.get(id) ?? 0;
    if (count > 1) return;
    if (!block.next.length) out.add(`${now}!`);
    for (const edge of block.next) visit(edge.to, now, new Map(seen).set(id, count + 1));
  };
  visit(graph.entry, '', new Map());
  return [...out].sort();
}

describe('control-flow graph', () => {
  it('if and else', async () => expect(await ways('if (a) x(); else y(); z();')).toEqual(['xz', 'yz']));
  it('short circuit', async () => expect(await ways('if (x() && y()) z();')).toEqual(['x', 'xy', 'xyz']));
  it('or, negated', async () => expect(await ways('if (!(x() || y())) z();')).toEqual(['x', 'xy', 'xyz']));
  it('while', async () => expect(await ways('while (a) x(); z();')).toEqual(['xz', 'z']));
  it('do runs once at least', async () => expect(await ways('do x(); while (a);')).toEqual(['x', 'xx']));
  it('for with continue runs its update', async () => expect(await ways('for (i(); a; u()) { if (b) continue; x(); } z();')).toContain('iuz'));
  it('break leaves the loop', async () => expect(await ways('for (;;) { x(); if (a) break; y(); } z();')).toEqual(['xyxz', 'xz']));
  it('switch falls through', async () => expect(await ways('switch (a) { case 1: x(); case 2: y(); break; default: z(); } w();')).toEqual(['xyw', 'yw', 'zw']));
  it('switch without a default may do nothing', async () => expect(await ways('switch (a) { case 1: x(); } w();')).toEqual(['w', 'xw']));
  it('goto cleanup', async () => expect(await ways('if (a) goto out; x(); out: y();')).toEqual(['xy', 'y']));
  it('goto backwards', async () => expect(await ways('again: x(); if (a) goto again; y();')).toEqual(['xxy', 'xy']));
  it('return ends the way', async () => expect(await ways('if (a) return x(); y();')).toEqual(['x', 'y']));
  it('abort ends it without reaching the exit', async () => expect(await ways('if (a) { x(); abort(); } y();')).toEqual(['xabort!', 'y']));
  it('the conditional operator', async () => expect(await ways('b = a ? x() : y(); z();')).toEqual(['xz', 'yz']));
  it('both sides of #if', async () => expect(await ways('#ifdef A\nx();\n#else\ny();\n#endif\nz();')).toEqual(['xz', 'yz']));
  it('a loop macro', async () => expect(await ways('list_for_each(a, b) { x(); } y();')).toEqual(['list_for_eachxlist_for_eachy', 'list_for_eachy']));
  it('a loop macro in front of an assignment', async () => expect(await ways('list_for_each(a, b)\n  n = x();\n  y();\n')).toEqual(['list_for_eachxlist_for_eachy', 'list_for_eachy']));
  it('a constant condition has one way', async () => expect(await ways('while (1) { x(); if (a) return 0; }')).toEqual(['x', 'xx']));
  it('code behind a return is not reached', async () => {
    const graph = await cfg('return 0; x();');
    const reached = order(graph).flatMap((id) => graph.blocks[id]!.events);
    expect(reached.some((e) => e.kind === 'call')).toBe(false);
  });
});
