import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refreshDemo } from '../../../scripts/lib/demo-workspace.mjs';

let base: string;
const from = () => join(base, 'from');
const to = () => join(base, 'to');
const refresh = () => refreshDemo(from(), to(), join(base, 'manifest.json'));
const put = (folder: string, name: string, text: string) => {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
};
const read = (name: string) => readFileSync(join(to(), name), 'utf8');

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ringlight-unit-'));
  put(from(), 'a.c', 'one');
  put(from(), 'sub/b.c', 'two');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('the demo workspace', () => {
  it('is copied without what was built in the clone', () => {
    put(from(), 'sub/build/b', 'binary');
    put(from(), 'rust/target/debug/x', 'binary');
    expect(refresh()).toEqual([]);
    expect(read('sub/b.c')).toBe('two');
    expect(existsSync(join(to(), 'sub/build'))).toBe(false);
    expect(existsSync(join(to(), 'rust'))).toBe(false);
  });
  it('follows the clone where the user changed nothing, and drops what left it', () => {
    refresh();
    put(from(), 'a.c', 'one, newer');
    rmSync(join(from(), 'sub'), { recursive: true });
    expect(refresh()).toEqual([]);
    expect(read('a.c')).toBe('one, newer');
    expect(existsSync(join(to(), 'sub/b.c'))).toBe(false);
  });
  it('keeps what the user changed, deleted or added, however often it is refreshed', () => {
    refresh();
    put(to(), 'a.c', 'mine');
    rmSync(join(to(), 'sub/b.c'));
    put(to(), 'new.c', 'mine too');
    put(from(), 'a.c', 'one, newer');
    for (let i = 0; i < 3; i++) expect(refresh()).toEqual(['a.c', 'sub/b.c']);
    expect(read('a.c')).toBe('mine');
    expect(existsSync(join(to(), 'sub/b.c'))).toBe(false);
    expect(read('new.c')).toBe('mine too');
  });
  it('takes a file back into its care when the user restores it', () => {
    refresh();
    put(to(), 'a.c', 'mine');
    refresh();
    put(to(), 'a.c', 'one');
    refresh();
    put(from(), 'a.c', 'one, newer');
    expect(refresh()).toEqual([]);
    expect(read('a.c')).toBe('one, newer');
  });
});
