import { describe, expect, it } from 'vitest';
import { fixtures, type Fixture } from './fixtures';
import { analyse } from './support';

/** Types of the APIs' objects, whatever the variables of these types are called. */
const DECLARED = /\b(?:struct\s+)?(?:io_uring(?:_[cs]qe|_params|_probe|_buf_ring|_buf)?|iocb|io_event|io_context_t|aiocb|__kernel_timespec|auto(?=\s*\*))\b[\s*&]*(?:const\s+)?[\s*&]*(\w+)\s*(?=[;,=)[{:])((?:\s*(?:\[[^\]]*\]|=[^;,(){}]*|,\s*\**\w+))*)/g;
const WORD = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'|\/\*[^]*?\*\/|\/\/[^\n]*|#\s*include[^\n]*|[A-Za-z_]\w*/g;
const KEYWORDS = new Set(['struct', 'const', 'void', 'int', 'unsigned', 'nullptr', 'NULL']);

/** Other names of the same lengths for the objects of the APIs: what stands where does not change. */
function renamed(text: string): string {
  const names = new Set<string>();
  for (const [, first, more] of text.replace(/\/\*[^]*?\*\/|\/\/[^\n]*/g, '').matchAll(DECLARED)) {
    for (const name of [first!, ...[...more!.matchAll(/,\s*\*+(\w+)/g)].map((m) => m[1]!)]) names.add(name);
  }
  const taken = new Set(text.match(/\w+/g));
  const to = new Map<string, string>();
  for (const name of names) {
    if (name.length < 3 || KEYWORDS.has(name) || new RegExp(`\\b(?:struct|union|enum|class)\\s+${name}\\s*\\{|\\b${name}\\s*\\(`).test(text)) continue;
    let other = '';
    for (let n = 0; other === '' || taken.has(other); n++) other = `v${String.fromCharCode(97 + (n % 26))}${n < 26 ? 'x' : 'y'}`.padEnd(name.length, 'x');
    taken.add(other);
    to.set(name, other);
  }
  return text.replace(WORD, (word, at: number) => (to.has(word) && !/\bstruct\s+$/.test(text.slice(Math.max(0, at - 10), at)) ? to.get(word)! : word));
}
async function found(f: Fixture, text: string): Promise<string[]> {
  const { findings } = await analyse(text, f.language, f.name, f.options);
  return findings.map((x) => `${x.range.start.line + 1}:${x.range.start.column} ${x.rule} ${x.severity}`).sort();
}

describe('names', () => {
  const others = fixtures().filter((f) => f.language !== 'rust').map((f) => ({ f, text: renamed(f.text) })).filter(({ f, text }) => text !== f.text);
  it('are other ones in most fixtures', () => {
    expect(others.length).toBeGreaterThan(200);
    for (const usual of [/\bcqe->/, /\bsqe->/]) expect(others.filter((o) => usual.test(o.f.text) && !usual.test(o.text)).length).toBeGreaterThan(20);
  });
  for (const { f, text } of others) {
    it(`${f.rule}/${f.name}: the same findings, whatever rings, sqes, cqes, iocbs and events are called`, async () => {
      expect(await found(f, text)).toEqual(await found(f, f.text));
    });
  }
});
