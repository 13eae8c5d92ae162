// The VSIX: its name, and the step that makes it when what goes in has changed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOADERS } from './machines.mjs';
import { ROOT } from './paths.mjs';
import { filesBelow, hashFiles, readStamp, writeStamp } from './stamp.mjs';

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
export const VSIX = join(ROOT, 'dist', `ringlight-${version}.vsix`);

/** Files that must be there for the VSIX to be whole, below `extension/`. */
export const REQUIRED = [
  'package.json', 'README.md', 'CHANGELOG.md', 'dist/extension.js', 'dist/server.js', 'dist/recording-worker.js',
  'dist/askpass.js', 'dist/cli.js', 'dist/wasm/web-tree-sitter.wasm', 'dist/wasm/tree-sitter-c.wasm',
  'dist/wasm/tree-sitter-cpp.wasm', 'dist/wasm/tree-sitter-rust.wasm', 'dist/webview/timeline.js',
  'dist/webview/timeline.css', 'dist/webview/codicon.css', 'dist/webview/codicon.ttf', ...LOADERS,
];

/** Hash of all that can go into the VSIX. */
function contentsHash() {
  const inputs = ['dist', 'docs', 'media', 'snippets', 'syntaxes', 'package.json', 'package.nls.json', 'README.md', 'CHANGELOG.md', 'LICENSE', '.vscodeignore', 'scripts/package.mjs'];
  const skip = (path) => path.endsWith('.map') || path.endsWith('.vsix') || path === join(ROOT, 'dist/test');
  return hashFiles(ROOT, filesBelow(inputs.map((path) => join(ROOT, path)), skip), version);
}

const STAMP = join(ROOT, '.build/stamps/vsix');

/** A step for `runSteps`. */
export function vsixStep() {
  let hash;
  return {
    title: 'extension package (VSIX)',
    advice: 'if it is your change, mend it; else please report it with the log.',
    done: () => existsSync(VSIX) && readStamp(STAMP) === (hash = contentsHash()),
    run: async ({ sh }) => {
      await sh(process.execPath, [join(ROOT, 'scripts/package.mjs')], { cwd: ROOT });
      writeStamp(STAMP, hash ?? contentsHash());
    },
  };
}
