import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PURPOSES } from '../../../scripts/lib/debian.mjs';
import { withLock } from '../../../scripts/lib/lock.mjs';
import { nodeModulesAreCurrent } from '../../../scripts/lib/npm.mjs';
import { ROOT } from '../../../scripts/lib/paths.mjs';
import { filesBelow, hashFiles } from '../../../scripts/lib/stamp.mjs';

let base: string;
beforeEach(() => { base = mkdtempSync(join(tmpdir(), 'ringlight-unit-')); });
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('node_modules', () => {
  const wanted = { '': {}, 'bpf': {}, 'node_modules/a': { version: '1.0.0', integrity: 'x' }, 'node_modules/other-os': { version: '1.0.0', optional: true } };
  const write = (have?: unknown) => {
    writeFileSync(join(base, 'package-lock.json'), JSON.stringify({ packages: wanted }));
    mkdirSync(join(base, 'node_modules'), { recursive: true });
    if (have) writeFileSync(join(base, 'node_modules/.package-lock.json'), JSON.stringify({ packages: have }));
  };
  it('are current when they hold what the lock asks for', () => {
    write({ 'node_modules/a': { version: '1.0.0', integrity: 'x' } });
    expect(nodeModulesAreCurrent(base)).toBe(true);
  });
  it.each([
    ['were never installed', undefined],
    ['lack a package', {}],
    ['hold another version', { 'node_modules/a': { version: '1.0.1', integrity: 'x' } }],
    ['hold the version with another content', { 'node_modules/a': { version: '1.0.0', integrity: 'y' } }],
  ])('are not when they %s', (_what, have) => {
    write(have);
    expect(nodeModulesAreCurrent(base)).toBe(false);
  });
});

describe('the set-up lock', () => {
  it('lets one in at a time and is free again after a failure', async () => {
    const file = join(base, 'lock');
    const events: string[] = [];
    const body = (name: string) => async () => {
      events.push(`${name} in`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      events.push(`${name} out`);
    };
    await expect(withLock(() => { throw new Error('broken'); }, file)).rejects.toThrow('broken');
    await Promise.all([withLock(body('a'), file), withLock(body('b'), file)]);
    expect(events).toHaveLength(4);
    expect(events[0]?.[0]).toBe(events[1]?.[0]);
    expect(events[2]?.[0]).toBe(events[3]?.[0]);
  });
});

describe('a hash of inputs', () => {
  it('sees a changed byte, name or mode, and nothing else', () => {
    const hash = () => hashFiles(base, filesBelow([base]));
    writeFileSync(join(base, 'a'), 'one');
    const first = hash();
    expect(hash()).toBe(first);
    writeFileSync(join(base, 'a'), 'two');
    expect(hash()).not.toBe(first);
    writeFileSync(join(base, 'a'), 'one');
    expect(hash()).toBe(first);
    writeFileSync(join(base, 'b'), '', { mode: 0o755 });
    const executable = hash();
    rmSync(join(base, 'b'));
    writeFileSync(join(base, 'b'), '', { mode: 0o644 });
    expect(hash()).not.toBe(executable);
  });
});

describe('CONTRIBUTING.md', () => {
  it('names every Debian package the set-up installs', () => {
    const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
    const words = new Set(text.split(/[^a-z0-9.+-]+/));
    expect([...new Set(Object.values(PURPOSES).flat())].filter((name) => !words.has(name))).toEqual([]);
  });
});
