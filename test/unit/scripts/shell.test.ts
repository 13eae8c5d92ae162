import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CommandFailed, run, which } from '../../../scripts/lib/shell.mjs';

let base: string;
beforeEach(() => { base = mkdtempSync(join(tmpdir(), 'ringlight-unit-')); });
afterEach(() => rmSync(base, { recursive: true, force: true }));

const script = (text: string, options = {}) => run('sh', ['-c', text], options);

describe('running a program', () => {
  it('gives its output, and each line as it comes', async () => {
    const lines: string[] = [];
    expect(await script('echo one; echo two >&2; printf three', { onLine: (line: string) => lines.push(line) })).toBe('one\nthree');
    expect(lines.sort()).toEqual(['one', 'three', 'two']);
  });
  it('gives it no input to wait for', async () => {
    expect(await script('cat; echo end')).toBe('end\n');
  });
  it('fails with the end of what it printed, and logs all of it', async () => {
    const log = join(base, 'logs/a.log');
    const failure: unknown = await script('seq 1 100; exit 3', { log }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandFailed);
    const { message, tail } = failure as CommandFailed;
    expect(message).toContain('failed with status 3');
    expect(tail.split('\n').at(-1)).toBe('100');
    expect(tail.split('\n').length).toBeLessThan(50);
    expect(readFileSync(log, 'utf8')).toContain('\n1\n2\n3\n');
  });
  it('says so when it was killed, or is not there', async () => {
    await expect(script('kill -9 $$')).rejects.toThrow('was ended by SIGKILL');
    await expect(run(join(base, 'nothing'), [])).rejects.toThrow('was not found');
  });
  it('is found on the PATH only as a program', () => {
    expect(which('sh')).toMatch(/\/sh$/);
    expect(which('no-such-program')).toBeUndefined();
  });
});
