// What a keystroke costs in a big file: npm run bench -- analysis [--lines N] [--edits N] [--memory-edits N]. Prints one JSON object.
import { build } from 'esbuild';
import { createRequire } from 'node:module';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const wantedLines = option('lines', 10_000);
const edits = option('edits', 400);
const memoryEdits = option('memory-edits', 10_000);
setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

const out = mkdtempSync(join(tmpdir(), 'ringlight-bench-'));
await build({
  stdin: { contents: "export * from './src/analysis/analyse'; export * from './src/analysis/session'; export * from './test/unit/analysis/dense-c'; export { random } from './test/support/synthetic';", resolveDir: root, loader: 'ts' },
  bundle: true, platform: 'node', format: 'cjs', target: 'node20', outfile: join(out, 'bench.cjs'),
  alias: { 'web-tree-sitter': join(root, 'node_modules/web-tree-sitter/web-tree-sitter.cjs') },
});
const { Analyser, Session, denseC, random } = createRequire(import.meta.url)(join(out, 'bench.cjs'));
const grammars = { 'web-tree-sitter.wasm': 'web-tree-sitter', 'tree-sitter-c.wasm': 'tree-sitter-c', 'tree-sitter-cpp.wasm': 'tree-sitter-cpp' };
const analyser = new Analyser(async (name) => readFileSync(join(root, 'node_modules', grammars[name], name)));

const source = denseC(wantedLines);
const next = random(5);
const timed = (run) => {
  const t = performance.now();
  const result = run();
  return { ms: performance.now() - t, result };
};
const percentile = (values, p) => Number([...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(p * values.length))].toFixed(2));
const spread = (values) => ({ p50: percentile(values, 0.5), p95: percentile(values, 0.95), max: percentile(values, 1) });

const session = new Session(analyser, 'dense.c', 'c');
await session.ready(source);
const opened = timed(() => session.analyse(source, {}));

/** The whole file without anything remembered, as a session just opened has it. */
const fresh = Array.from({ length: 8 }, (_, i) => {
  const other = new Session(analyser, 'dense.c', 'c');
  const { ms } = timed(() => other.analyse(`${source}// ${i}\n`, {}));
  other.drop();
  return ms;
});

/** Types a statement into a function, a character a step, and takes it out again: each step is one keystroke. */
const STATEMENTS = ['if (!sqe) return -1;', 'trace(q->depth);', 'io_uring_submit(&q->ring);', 'unsigned left = q->depth - 1;', 'cb->data = (void *)q;'];
const bodies = [...source.matchAll(/\n\treturn [^\n]*;\n\}\n/g)].map((m) => m.index + 1);
function* keystrokes() {
  for (;;) {
    const at = bodies[Math.floor(next() * bodies.length)];
    const statement = `\t${STATEMENTS[Math.floor(next() * STATEMENTS.length)]}\n`;
    for (let typed = 1; typed <= statement.length; typed++) yield source.slice(0, at) + statement.slice(0, typed) + source.slice(at);
    yield source;
  }
}
const typing = keystrokes();
const typed = Array.from({ length: edits }, () => {
  const text = typing.next().value;
  return timed(() => session.analyse(text, {})).ms;
});

/** A constant that every function may use, and a function that many call. */
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
  session.analyse(typing.next().value, {});
  if (i % 1000 === 999) peak = Math.max(peak, used().heapMb);
}
session.analyse(source, {});
const after = used();
const { result } = opened;
console.log(JSON.stringify({
  lines: source.split('\n').length - 1, bytes: source.length, findings: result.findings.length, usages: result.usages.length,
  openMs: Number(opened.ms.toFixed(2)), wholeFileMs: spread(fresh), keystrokeMs: spread(typed), edits,
  constantEditMs: wide[0], calledFunctionEditMs: wide[1],
  memory: { edits: memoryEdits, before: rounded(before), after: rounded(after), peakHeapMb: Math.round(peak * 10) / 10 },
}));
session.drop();
rmSync(out, { recursive: true, force: true });
