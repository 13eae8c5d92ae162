import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listSshHosts } from '../../../src/launch/ssh-hosts';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'ringlight-hosts-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function config(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

test('hosts come in the order of the file, without patterns and doubles', async () => {
  const path = config('config', `
# a comment
Host box other "quoted name"
  HostName 192.0.2.1
Host *.example.org !bad wild? box
Host=equals
host lower
Match host box
  User me
Host *
  ServerAliveInterval 30
`);
  expect(await listSshHosts(path)).toEqual(['box', 'other', 'quoted name', 'equals', 'lower']);
});

test('Include is followed: wildcards, several files, nested, inside a Host block; a circle ends', async () => {
  const path = config('config', `Include ${folder}/conf.d/* ${folder}/missing\nHost main\n  Include ${folder}/inner\n`);
  config('conf.d/10-a', 'Host a\n');
  config('conf.d/20-b', `Host b\nInclude ${folder}/config\n`);
  config('conf.d/.hidden', 'Host hidden\n');
  config('inner', 'Host inner\n');
  expect((await listSshHosts(path)).sort()).toEqual(['a', 'b', 'inner', 'main']);
});

test('character sets in an Include', async () => {
  const path = config('config', `Include ${folder}/d/[ab].conf\nInclude ${folder}/d/[!abx].conf\n`);
  for (const name of ['a', 'b', 'c', 'x']) config(`d/${name}.conf`, `Host ${name}\n`);
  expect(await listSshHosts(path)).toEqual(['a', 'b', 'c']);
});

test('a missing file and nonsense are no hosts, not an error', async () => {
  expect(await listSshHosts(join(folder, 'nothing'))).toEqual([]);
  expect(await listSshHosts(config('odd', 'Host "unclosed\n\0\n}{\n'))).toBeInstanceOf(Array);
});
