// The demo workspace as the user gets it: a copy, so that the clone stays clean and edits are theirs to keep.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { filesBelow } from './stamp.mjs';

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const read = (file) => { try { return readFileSync(file); } catch { return undefined; } };

/**
 * Brings `to` up to date with `from`. A file the user changed or deleted is left as it is; `manifest` remembers what was
 * written. Build folders are not copied. Returns the files left alone, relative.
 */
export function refreshDemo(from, to, manifest) {
  const before = JSON.parse(read(manifest)?.toString() ?? '{}');
  const now = {};
  const kept = [];
  const sources = filesBelow([from], (path) => /(^|\/)(build|target)$/.test(relative(from, path).split(sep).join('/')));
  for (const source of sources) {
    const name = relative(from, source);
    const bytes = readFileSync(source);
    const target = join(to, name);
    const there = read(target);
    now[name] = sha256(bytes);
    if (there ? sha256(there) === now[name] : false) continue;
    const touched = there ? sha256(there) !== before[name] : before[name] !== undefined;
    if (touched) { kept.push(name); now[name] = before[name] ?? ''; continue; }
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, bytes);
    chmodSync(target, statSync(source).mode & 0o777);
  }
  for (const name of Object.keys(before)) {
    if (name in now) continue;
    const there = read(join(to, name));
    if (there && sha256(there) === before[name]) rmSync(join(to, name)); // it left the demo and was not the user's
  }
  mkdirSync(dirname(manifest), { recursive: true });
  writeFileSync(manifest, JSON.stringify(now, null, 1));
  return kept;
}
