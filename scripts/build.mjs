// Builds everything under dist/: bundles, grammars, the loader. `--watch` rebuilds bundles; `--no-loader` skips C.
import { build, context } from 'esbuild';
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MACHINES, builtLoader, makeFor } from './lib/machines.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const args = new Set(process.argv.slice(2));
const at = (...parts) => join(root, ...parts);

const node = { platform: 'node', format: 'cjs', target: 'node20' };
/** name in dist/ → entry point and how to bundle it */
const BUNDLES = [
  { out: 'extension.js', entry: 'src/extension/extension.ts', ...node, external: ['vscode'] },
  { out: 'server.js', entry: 'src/server/main.ts', ...node },
  { out: 'recording-worker.js', entry: 'src/recording/worker.ts', ...node },
  { out: 'askpass.js', entry: 'src/launch/askpass.ts', ...node },
  { out: 'cli.js', entry: 'src/cli/main.ts', ...node, banner: { js: '#!/usr/bin/env node' } },
  { out: 'webview/timeline.js', entry: 'webview/main.ts', platform: 'browser', format: 'iife', target: 'es2022' },
  // the suite finds its tests beside itself
  ...['suite.ts', ...readdirSync(at('test/vscode')).filter((name) => name.endsWith('.suite.ts'))].map((name) => (
    { out: `test/${name.replace(/\.ts$/, '.js')}`, entry: `test/vscode/${name}`, ...node, external: ['vscode', 'mocha'] })),
];

function options({ out, entry, ...rest }) {
  return {
    entryPoints: [at(entry)], outfile: at('dist', out), bundle: true, sourcemap: 'linked', minify: false,
    loader: { '.ttf': 'dataurl' }, logLevel: 'warning', define: { 'process.env.NODE_ENV': '"production"' },
    // web-tree-sitter's CommonJS build: import.meta in the ESM one is empty in a bundle
    alias: rest.platform === 'node' ? { 'web-tree-sitter': at('node_modules/web-tree-sitter/web-tree-sitter.cjs') } : {},
    mainFields: rest.platform === 'node' ? ['main', 'module'] : ['browser', 'module', 'main'],
    ...rest,
  };
}

/** Grammars and the icon font are plain data: copied from the packages that ship them. */
function copyAssets() {
  mkdirSync(at('dist/wasm'), { recursive: true });
  mkdirSync(at('dist/webview'), { recursive: true });
  for (const name of ['codicon.css', 'codicon.ttf']) cpSync(at('node_modules/@vscode/codicons/dist', name), at('dist/webview', name));
  const wasm = {
    'web-tree-sitter.wasm': 'web-tree-sitter/web-tree-sitter.wasm',
    'tree-sitter-c.wasm': 'tree-sitter-c/tree-sitter-c.wasm',
    'tree-sitter-cpp.wasm': 'tree-sitter-cpp/tree-sitter-cpp.wasm',
    'tree-sitter-rust.wasm': 'tree-sitter-rust/tree-sitter-rust.wasm',
  };
  for (const [name, from] of Object.entries(wasm)) cpSync(at('node_modules', from), at('dist/wasm', name));
}

/** The loaders are C; make knows what is stale. */
function buildLoaders() {
  for (const machine of Object.keys(MACHINES)) {
    const made = spawnSync('make', ['-C', at('bpf'), '-j2', ...makeFor(machine)], { stdio: ['ignore', 'inherit', 'inherit'] });
    if (made.status !== 0) throw new Error(`bpf: make for ${machine} failed; \`node scripts/setup.mjs loader\` installs what it needs`);
    mkdirSync(at('dist/loader', machine), { recursive: true });
    cpSync(builtLoader(machine), at('dist/loader', machine, 'ringlight-loader'));
  }
}

rmSync(at('dist/test'), { recursive: true, force: true });
copyAssets();
const bundles = BUNDLES.filter((b) => existsSync(at(b.entry)));
if (args.has('--watch')) {
  for (const b of bundles) await (await context(options(b))).watch();
  console.log('watching');
} else {
  await Promise.all(bundles.map((b) => build(options(b))));
  if (!args.has('--no-loader')) buildLoaders();
}
