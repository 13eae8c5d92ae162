/** The scripts of the target, run by the real shells of this machine. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PROBE, RUN_CHECKED, STATUS_CHECKSUM, UPLOAD } from '../../../src/launch/scripts';

vi.setConfig({ testTimeout: 60_000 });

const LOADER = Buffer.from('#!/bin/sh\n[ "$1" = --version ] && echo 1\n');
const SUM = createHash('sha256').update(LOADER).digest('hex');
const UID = process.getuid!();

let base: string;
let home: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'ringlight-scripts-'));
  home = join(base, 'home "with $(odd) name');
  mkdirSync(home);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function sh(shell: string, script: string, args: string[], input: Buffer = Buffer.alloc(0)) {
  const run = spawnSync(shell, ['-c', script, 'sh', ...args], { input, env: { ...process.env, HOME: home, XDG_RUNTIME_DIR: base } });
  return { status: run.status, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}
const folder = (parent = base) => join(parent, `ringlight-${UID}`);

describe.each(['sh', 'bash'])('%s', (shell) => {
  const upload = (place: number, input = LOADER, sum = SUM) => sh(shell, UPLOAD, ['MARK', String(place), sum], input).stdout;

  test('an upload is private, whole and found again; a damaged one is not', () => {
    const path = join(folder(), `ringlight-loader-${SUM}`);
    expect(upload(0)).toBe(`MARK\nok=${path}\n`);
    expect(readFileSync(path).equals(LOADER)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(folder()).mode & 0o777).toBe(0o700);
    const probe = () => sh(shell, PROBE, ['MARK', 'other', '00', machine(), SUM]).stdout;
    expect(probe()).toMatch(new RegExp(`^MARK\nsystem=Linux\n[^]*\nloader=${path}\nMARK\n$`));
    expect(probe()).toContain(`env.HOME=${home}\n`);
    writeFileSync(path, 'x');
    expect(probe()).not.toMatch(/loader=/);
    expect(upload(0)).toBe(`MARK\nok=${path}\n`);
    expect(readFileSync(path).equals(LOADER)).toBe(true);
  });

  test('a folder whose path holds quotes and dollars', () => {
    const path = join(folder(join(home, '.cache')), `ringlight-loader-${SUM}`);
    expect(upload(1)).toBe(`MARK\nok=${path}\n`);
  });

  test('an upload that was cut off, or is another file, leaves nothing', () => {
    expect(upload(0, LOADER.subarray(0, 10))).toBe('MARK\nchecksum\n');
    expect(upload(0, Buffer.from('evil'))).toBe('MARK\nchecksum\n');
    const broken = Buffer.from('\x7fELF nothing');
    expect(upload(0, broken, createHash('sha256').update(broken).digest('hex'))).toBe('MARK\nno-exec\n');
    expect(readdirSync(folder())).toEqual([]);
  });

  test('a folder that others may enter, or a link in its place, is not used', () => {
    mkdirSync(folder());
    chmodSync(folder(), 0o755);
    expect(upload(0)).toBe('MARK\nno-folder\n');
    rmSync(folder(), { recursive: true });
    mkdirSync(join(base, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(base, 'elsewhere'), folder());
    expect(upload(0)).toBe('MARK\nno-folder\n');
    expect(readdirSync(join(base, 'elsewhere'))).toEqual([]);
  });

  test('a command runs only while the loader is whole', () => {
    const path = join(base, 'loader');
    writeFileSync(path, LOADER);
    const run = (...argv: string[]) => sh(shell, RUN_CHECKED, ['MARK', path, SUM, ...argv]);
    expect(run('printf', '<%s>', `it's`, '$HOME')).toEqual({ status: 0, stdout: `<it's><$HOME>`, stderr: 'MARK\n' });
    writeFileSync(path, `${LOADER.toString()}# changed`);
    expect(run('touch', join(base, 'ran'))).toEqual({ status: STATUS_CHECKSUM, stdout: '', stderr: '' });
    rmSync(path);
    expect(run('touch', join(base, 'ran')).status).toBe(STATUS_CHECKSUM);
    expect(existsSync(join(base, 'ran'))).toBe(false);
  });
});

function machine(): string {
  return spawnSync('uname', ['-m'], { encoding: 'utf8' }).stdout.trim();
}
