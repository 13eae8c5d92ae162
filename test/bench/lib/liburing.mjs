// liburing's own programs: real files that use io_uring.
import { build } from 'esbuild';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const MOST_FILES = 40;

/** Where liburing's sources are kept, fetched as for the tests on real programs, and at most forty of its examples and tests. */
export async function liburing(root, scratch) {
  await build({
    stdin: { contents: "export * from './test/realworld/sources';", resolveDir: root, loader: 'ts' },
    bundle: true, platform: 'node', format: 'cjs', outfile: join(scratch, 'sources.cjs'), logLevel: 'error',
  });
  const home = createRequire(import.meta.url)(join(scratch, 'sources.cjs')).debianSource('liburing');
  const all = ['examples', 'test'].flatMap((folder) => readdirSync(join(home, folder)).filter((name) => name.endsWith('.c')).sort().map((name) => join(home, folder, name)));
  return { home, files: all.filter((_, i) => i % Math.ceil(all.length / MOST_FILES) === 0) };
}
