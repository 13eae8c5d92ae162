// Stamps: a step is skipped while what it read has not changed.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** All files below the paths (files or folders, missing ones skipped), sorted, without those `skip` names. */
export function filesBelow(paths, skip = () => false) {
  const found = [];
  const walk = (path) => {
    if (skip(path)) return;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) return;
    if (stat.isDirectory()) for (const name of readdirSync(path)) walk(join(path, name));
    else found.push(path);
  };
  paths.forEach(walk);
  return found.sort();
}

/** SHA-256 over names (relative to `base`), modes and contents. */
export function hashFiles(base, files, ...more) {
  const hash = createHash('sha256');
  for (const text of more) hash.update(`${text}\0`);
  for (const file of files) {
    hash.update(`${relative(base, file)}\0${statSync(file).mode & 0o111 ? 'x' : '-'}\0`);
    hash.update(createHash('sha256').update(readFileSync(file)).digest());
  }
  return hash.digest('hex');
}

export function readStamp(file) {
  try { return readFileSync(file, 'utf8').trim(); } catch { return undefined; }
}

export function writeStamp(file, value) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${value}\n`);
}
