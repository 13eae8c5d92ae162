/** What is in the VSIX, and nothing else: no sources, no maps, no tests, and a loader that can be run. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { LOADERS } from '../../scripts/lib/machines.mjs';
import { REQUIRED, VSIX } from '../../scripts/lib/vsix.mjs';
import { zipEntries } from '../../scripts/lib/zip.mjs';

const ALLOWED = [
  /^extension\.vsixmanifest$/, /^\[Content_Types\]\.xml$/,
  /^extension\/(package(\.nls)?\.json|readme\.md|changelog\.md|LICENSE\S*)$/i,
  /^extension\/dist\/(extension|server|recording-worker|askpass|cli)\.js$/,
  /^extension\/dist\/wasm\/(web-tree-sitter|tree-sitter-(c|cpp|rust))\.wasm$/,
  /^extension\/dist\/webview\/[a-z-]+\.(js|css|ttf)$/,
  /^extension\/dist\/loader\/[a-z0-9_]+\/ringlight-loader$/,
  /^extension\/docs\/rules\/[a-z0-9-]+\.md$/, /^extension\/docs\/trace-format\.md$/,
  /^extension\/media\/[a-z0-9/-]+\.(png|svg|md|gif|webp)$/,
  /^extension\/(snippets|syntaxes)\/[a-z0-9.-]+\.json$/,
];
const MOST_BYTES = 8 * 1024 * 1024;

describe('the VSIX', () => {
  const entries = zipEntries(VSIX);
  const names = entries.map((entry) => entry.name);

  it('holds nothing unexpected', () => {
    expect(names.filter((name) => !ALLOWED.some((pattern) => pattern.test(name)))).toEqual([]);
  });
  it('holds what the extension needs', () => {
    const lower = new Set(names.map((name) => name.toLowerCase()));
    expect(REQUIRED.filter((file) => !lower.has(`extension/${file}`.toLowerCase()))).toEqual([]);
  });
  it('holds every file the manifest points to', () => {
    const manifest = readFileSync(join(ROOT, 'package.json'), 'utf8');
    const paths = [...manifest.matchAll(/"\.?\/?((?:media|dist|snippets|syntaxes)\/[^"]+)"/g)].map((match) => match[1] ?? '');
    expect(paths.length).toBeGreaterThan(0);
    expect(paths.filter((path) => !names.includes(`extension/${path}`))).toEqual([]);
  });
  it.each(LOADERS)('keeps %s executable', (loader) => {
    expect((entries.find((entry) => entry.name === `extension/${loader}`)?.mode ?? 0) & 0o777).toBe(0o755);
  });
  it('stays small', () => {
    expect(statSync(VSIX).size).toBeLessThan(MOST_BYTES);
  });
});
