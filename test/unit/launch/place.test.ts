import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MACHINES as BUILT } from '../../../scripts/lib/machines.mjs';
import type { LaunchError } from '../../../src/launch/failure';
import { MACHINES, shippedLoaders, unsupportedMachine } from '../../../src/launch/place';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'ringlight-unit-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('what is looked for is what is built', () => {
  expect([...MACHINES]).toEqual(Object.keys(BUILT));
});

test('each machine has its loader, and one that was not shipped has none', async () => {
  mkdirSync(join(folder, 'aarch64'));
  writeFileSync(join(folder, 'aarch64/ringlight-loader'), '');
  mkdirSync(join(folder, 'x86_64/ringlight-loader'), { recursive: true });
  expect([...await shippedLoaders(folder)]).toEqual([['aarch64', join(folder, 'aarch64/ringlight-loader')]]);
});

test('another machine is refused by name', () => {
  const { failure } = unsupportedMachine('box', 'riscv64', MACHINES) as LaunchError;
  expect(failure).toMatchObject({ code: 'unsupported-machine', message: 'There is no loader for box: it is riscv64, and this build has x86_64, aarch64.' });
});
