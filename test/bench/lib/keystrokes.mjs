// What a keystroke costs in a big file dense with API calls, and what 10,000 of them leave in memory.
import { build } from 'esbuild';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { spread } from './numbers.mjs';

const GRAMMARS = { 'web-tree-sitter.wasm': 'web-tree-sitter', 'tree-sitter-c.wasm': 'tree-sitter-c', 'tree-sitter-cpp.wasm': 'tree-sitter-cpp' };
/** Typed into a function, a character a step, and taken out again: each step is one keystroke. */
const STATEMENTS = ['if (!sqe) return -1;', 'trace(q->depth);', 'io_uring_submit(&q->ring);', 'unsigned left = q->depth - 1;', 'cb->data = (void *)q;'];

/** The parts of the analysis, bundled as the server has them. */
async function load(root, scratch) {
  await build({
    stdin: { contents: "export * from './src/analysis/analyse'; export * from './src/analysis/session'; export * from './test/unit/analysis/dense-c'; export { random } from './test/support/synthetic';", resolveDir: root, loader: 'ts' },
    bundle: true, platform: 'node', format: 'cjs', target: 'node20', outfile: join(scratch, 'keystrokes.cjs'), logLevel: 'error',
    alias: { 'web-tree-sitter': join(root, 'node_modules/web-tree-sitter/web-tree-sitter.cjs') },
  });
  return createRequire(import.meta.url)(join(scratch, 'keystrokes.cjs'));
}

function* typing(source, next) {
  const bodies = [...source.matchAll(/\n\treturn [^\n]*;\n\}\n/g)].map((m) => m.index + 1);
  for (;;) {
    const at = bodies[Math.floor(next() * bodies.length)];
    const statement = `\t${STATEMENTS[Math.floor(next() * STATEMENTS.length)]}\n`;
    for (let typed = 1; typed <= statement.length; typed++) yield source.slice(0, at) + statement.slice(0, typed) + source.slice(at);
    yield source;
  }
}

export async function keystrokes({ root, scratch, lines, edits, memoryEdits }) {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  const { Analyser, Session, denseC, random } = await load(root, scratch);
  const analyser = new Analyser(async (name) => readFileSync(join(root, 'node_modules', GRAMMARS[name], name)));
  const source = denseC(lines);
  // on a busy machine the processor's time tells more than the clock
  const timed = (run) => {
    const used = process.cpuUsage();
    const t = performance.now();
    const result = run();
    const ms = performance.now() - t;
    const { user, system } = process.cpuUsage(used);
    return { ms, cpuMs: (user + system) / 1000, result };
  };

  const session = new Session(analyser, 'dense.c', 'c');
  await session.ready(source);
  const opened = timed(() => session.analyse(source, {}));
  // the whole file without anything remembered, as a session just opened has it
  const fresh = Array.from({ length: 8 }, (_, i) => {
    const other = new Session(analyser, 'dense.c', 'c');
    const { ms } = timed(() => other.analyse(`${source}// ${i}\n`, {}));
    other.drop();
    return ms;
  });
  const keys = typing(source, random(5));
  const typed = [];
  const typedCpu = [];
  const findings = [];
  for (let i = 0; i < edits; i++) {
    const text = keys.next().value;
    const { ms, cpuMs, result } = timed(() => session.analyse(text, {}));
    typed.push(ms);
    typedCpu.push(cpuMs);
    findings.push(result.findings.length);
  }
  // a constant that every function may use, and a function that many call
  const wide = ['#define BLOCK 4096', 'static int queue_write('].map((words, n) => {
    const at = source.indexOf(words) + words.length;
    const text = n === 0 ? `${source.slice(0, at)}0${source.slice(at)}` : source.replace(/(static int queue_write\([^{]*\{\n)/, '$1\tif (!q) return -1;\n');
    const { ms } = timed(() => session.analyse(text, {}));
    session.analyse(source, {});
    return Number(ms.toFixed(2));
  });

  const used = () => {
    gc();
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return { heapMb: heapUsed / 2 ** 20, externalMb: (external + arrayBuffers) / 2 ** 20 };
  };
  const rounded = (o) => Object.fromEntries(Object.entries(o).map(([k, v]) => [k, Math.round(v * 10) / 10]));
  const before = used();
  let peak = before.heapMb;
  for (let i = 0; i < memoryEdits; i++) {
    session.analyse(keys.next().value, {});
    if (i % 1000 === 999) peak = Math.max(peak, used().heapMb);
  }
  session.analyse(source, {});
  const after = used();
  session.drop();
  return {
    lines: source.split('\n').length - 1, bytes: source.length, findings: opened.result.findings.length, usages: opened.result.usages.length,
    openMs: Number(opened.ms.toFixed(2)), wholeFileMs: spread(fresh), keystrokeMs: spread(typed), keystrokeCpuMs: spread(typedCpu), edits,
    findingsWhileTyping: { least: Math.min(...findings), most: Math.max(...findings) },
    constantEditMs: wide[0], calledFunctionEditMs: wide[1],
    memory: { edits: memoryEdits, before: rounded(before), after: rounded(after), peakHeapMb: Math.round(peak * 10) / 10 },
  };
}
