// A source tree in which one file of a hundred uses the APIs: the command line's scan beside `wc -c` over the same files (what
// reading alone costs), and the language server's memory after it scanned the tree.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { nodeCosts } from './child.mjs';
import { liburing } from './liburing.mjs';
import { median, percentile } from './numbers.mjs';
import { serverAfterScan } from './server-memory.mjs';

const FILE_BYTES = 25_000;
const FILES_A_FOLDER = 100;

/** C without a word of the APIs, as most of a tree is. */
function plainC(n, bytes) {
  const parts = [`/* Tables of module ${n}. */\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\nstruct item_${n} { int key; long weight; char name[32]; struct item_${n} *next; };\n`];
  for (let i = 0, size = 0; size < bytes; i++) {
    const text = `
static long weigh_${n}_${i}(const struct item_${n} *first, int least, long *sum)
{
	long found = 0;
	for (const struct item_${n} *it = first; it; it = it->next) {
		if (it->key < least || strcmp(it->name, "none") == 0)
			continue;
		found++;
		*sum += it->weight * ${i + 1} + (it->key >> ${i % 7});
	}
	if (found > ${i * 13})
		printf("%ld of %d read from the list\\n", found, least);
	return found ? found : -1;
}
`;
    parts.push(text);
    size += text.length;
  }
  return parts.join('');
}

/** @param texts of the files that use the APIs, in turn; dense C where there are none */
async function makeTree(root, scratch, megabytes, name, texts) {
  await build({
    stdin: { contents: "export * from './test/unit/analysis/dense-c';", resolveDir: root, loader: 'ts' },
    bundle: true, platform: 'node', format: 'cjs', outfile: join(scratch, 'dense.cjs'), logLevel: 'error',
  });
  const { denseC } = createRequire(import.meta.url)(join(scratch, 'dense.cjs'));
  const tree = join(scratch, name);
  const files = Math.round(megabytes * 1e6 / FILE_BYTES);
  const dense = denseC(800);
  let using = 0;
  for (let n = 0; n < files; n++) {
    const folder = join(tree, `part${Math.floor(n / FILES_A_FOLDER)}`);
    if (n % FILES_A_FOLDER === 0) mkdirSync(folder, { recursive: true });
    const uses = n % 100 === 50;
    if (uses) using++;
    // each file's functions have names of their own, as static ones of different files would
    writeFileSync(join(folder, `file${n}.c`), uses ? texts?.[(using - 1) % texts.length] ?? dense.replace(/\b(\w+_\d+)\(/g, `$1_${n}(`) : plainC(n, FILE_BYTES));
  }
  return { tree, files, using };
}

export async function scan({ root, scratch, megabytes, rounds }) {
  const { tree, files, using } = await makeTree(root, scratch, megabytes, 'tree');
  const reading = [];
  const scanning = [];
  let last;
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    spawnSync('sh', ['-c', 'find "$1" -type f -exec cat {} + | wc -c', 'sh', tree]);
    reading.push((performance.now() - start) / 1000);
    last = nodeCosts(scratch, [join(root, 'dist/cli.js'), 'lint', tree, '--format', 'json']);
    scanning.push(last);
  }
  const report = JSON.parse(last.stdout);
  const seconds = scanning.map((s) => s.seconds);
  return {
    megabytes, files, using, parsed: report.parsed, findings: report.findings.length, rounds,
    readSeconds: median(reading), scanSeconds: { p50: median(seconds), max: percentile(seconds, 1) }, scanCpuSeconds: median(scanning.map((s) => s.cpuSeconds)),
    ofReading: median(seconds.map((s, i) => s / reading[i])),
    maxRssMb: Math.round(Math.max(...scanning.map((s) => s.maxRssMb))),
    server: await serverAfterScan({ root, tree }),
    realFiles: await scanOfReal({ root, scratch, megabytes, rounds }),
  };
}

/** The same tree with programs of liburing's in the place of the dense files. */
async function scanOfReal({ root, scratch, megabytes, rounds }) {
  const texts = (await liburing(root, scratch)).files.map((file) => readFileSync(file, 'utf8'));
  const { tree, using } = await makeTree(root, scratch, megabytes, 'real', texts);
  const scanning = Array.from({ length: rounds }, () => nodeCosts(scratch, [join(root, 'dist/cli.js'), 'lint', tree, '--format', 'json']));
  const seconds = scanning.map((s) => s.seconds);
  return {
    using, linesUsing: texts.reduce((sum, text) => sum + text.split('\n').length, 0), findings: JSON.parse(scanning[0].stdout).findings.length,
    scanSeconds: { p50: median(seconds), max: percentile(seconds, 1) }, scanCpuSeconds: median(scanning.map((s) => s.cpuSeconds)),
  };
}
