/** A real program on tokio-uring: the demo's journal, which prints how many records it wrote and read. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildLoader } from '../support/launch';
import { counts, expectConsistent, expectLanes, record } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const ROOT = join(import.meta.dirname, '../..');
const TARGET = join(ROOT, '.build/demo-target');

describe.skipIf(WHY_NO_TRACING)(`tokio-uring ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  beforeAll(() => {
    buildLoader();
    execFileSync('cargo', ['build', '--quiet', '--locked', '--manifest-path', join(ROOT, 'demo/tokio-uring/Cargo.toml'), '--target-dir', TARGET], { stdio: ['ignore', 'ignore', 'inherit'] });
    folder = mkdtempSync(join(tmpdir(), 'ringlight-tokio-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('every operation that the program awaited, and none that it only built', async () => {
    const { code, stderr, recording } = await record(['--apis', 'io_uring', '--cwd', folder, '--', join(TARGET, 'debug/journal'), '--seconds', '1']);
    expect(code, stderr).toBe(0);
    const records = Number(/^(\d+) records appended/m.exec(stderr)![1]);
    expect(records).toBeGreaterThan(10);
    expectConsistent(recording);
    expectLanes(recording.spans);
    expect(counts(recording.spans, 'io_uring')).toEqual({ OPENAT: 1, WRITE: records, READ: records + 1, CLOSE: 1 });
    const [open] = recording.spans.filter((span) => span.op === 18);
    const file = recording.infos.find((info) => info.kind === 'file' && info.path === join(folder, 'build/journal.dat'));
    expect(file).toMatchObject({ fd: open!.result, direct: false });
  });
});
