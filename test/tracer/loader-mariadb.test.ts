/** A database server, with the three ways of I/O that it has: io_uring, libaio where that is refused, and threads. */
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readSync, fstatSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { opClass } from '../../src/protocol/ops';
import type { ApiName } from '../../src/protocol/wire';
import type { Recording } from '../support/frames';
import { buildLoader } from '../support/launch';
import { buildPrograms, callName, expectConsistent, expectLanes, program, record } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const WHY_NOT = WHY_NO_TRACING || (hasMariadb() ? '' : 'needs mariadbd');
const PAGE = 16384;
const NOBODY = 65534;

function hasMariadb(): boolean {
  try {
    return execFileSync('mariadbd', ['--no-defaults', '--version'], { encoding: 'utf8' }).includes('MariaDB');
  } catch {
    return false;
  }
}

/** Numbers of the pages of a file that hold anything. */
function filledPages(path: string): number[] {
  const file = openSync(path, 'r'), page = Buffer.alloc(PAGE), filled: number[] = [];
  for (let i = 0; i < fstatSync(file).size / PAGE; i++) {
    readSync(file, page, 0, PAGE, i * PAGE);
    if (page.some((byte) => byte !== 0)) filled.push(i);
  }
  closeSync(file);
  return filled;
}

/** The path that a descriptor had at a moment. */
function pathAt({ infos }: Recording, pid: number, fd: number, time: number): string | undefined {
  const info = infos.findLast((one) => one.kind === 'file' && one.pid === pid && one.fd === fd && one.t <= time);
  return info?.kind === 'file' ? info.path : undefined;
}

/** Numbers of the pages that were written to a file, by operations of these APIs or by plain calls. */
function writtenPages(recording: Recording, path: string): Set<number> {
  const pages = new Set<number>();
  const add = (pid: number, fd: number, start: number, offset: number, result: number) => {
    if (result <= 0 || pathAt(recording, pid, fd, start) !== path) return;
    for (let page = Math.floor(offset / PAGE); page < (offset + result) / PAGE; page++) pages.add(page);
  };
  for (const span of recording.spans) if (opClass(span.api, span.op) === 'write') add(span.pid, span.fd, span.start, span.offset, span.result);
  for (const call of recording.calls) if (/^pwrite/.test(callName(call))) add(call.pid, call.fd, call.start, call.offset, call.result);
  return pages;
}

describe.skipIf(WHY_NOT)(`MariaDB ${WHY_NOT && `(skipped: ${WHY_NOT})`}`, () => {
  let folder: string;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
    folder = mkdtempSync('/var/tmp/ringlight-mariadb-');
    chmodSync(folder, 0o777);
    writeFileSync(join(folder, 'load.sql'), `CREATE DATABASE probe;
USE probe;
CREATE TABLE numbers (n INT PRIMARY KEY, filler CHAR(200)) ENGINE=InnoDB;
INSERT INTO numbers SELECT seq, REPEAT('x', 200) FROM seq_1_to_20000;\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    { name: 'io_uring', native: 1, under: [], api: 'io_uring' },
    { name: 'libaio, where a filter refuses io_uring', native: 1, under: [program('without-uring')], api: 'libaio' },
    { name: 'threads', native: 0, under: [], api: undefined },
  ] as { name: string; native: number; under: string[]; api: ApiName | undefined }[])('$name: every page of the table was seen being written', async ({ name, native, under, api }) => {
    const data = join(folder, name.split(/\W/)[0]!);
    mkdirSync(data);
    chmodSync(data, 0o777);
    const { code, stderr, recording } = await record(['--apis', 'io_uring,libaio,sync', '--', ...under, 'setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups',
      'sh', '-c', `exec mariadbd --no-defaults --bootstrap --datadir=${data} --lc-messages-dir=/usr/share/mysql --innodb-use-native-aio=${native} --innodb-flush-method=O_DIRECT --innodb-buffer-pool-size=8M <${join(folder, 'load.sql')}`]);
    expect(code, stderr).toBe(0);
    expectConsistent(recording);
    expectLanes(recording.spans);

    const table = join(data, 'probe/numbers.ibd');
    const filled = filledPages(table), written = writtenPages(recording, table);
    expect(filled.length).toBeGreaterThan(200);
    expect(filled.filter((page) => !written.has(page))).toEqual([]);

    // one of the three, and that for the table
    const asynchronous = recording.spans.filter((span) => opClass(span.api, span.op) === 'write' && pathAt(recording, span.pid, span.fd, span.start) === table);
    if (api) expect(asynchronous.length).toBeGreaterThan(0);
    expect(new Set(recording.spans.map((span) => span.api))).toEqual(new Set(api ? [api] : []));
    for (const span of asynchronous) expect(span.result).toBe(span.length);
    const refusals = recording.infos.filter((info) => info.kind === 'refused');
    if (under.length) expect(refusals).toContainEqual(expect.objectContaining({ call: 'io_uring_setup', errno: 1, cause: 'seccomp', comm: 'mariadbd' }));
    else expect(refusals).toEqual([]);
    for (const one of recording.goodbye!.totals.apis) expect(one.inflight).toBe(0);
  });
});
