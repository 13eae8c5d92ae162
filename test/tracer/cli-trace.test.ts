/** The command line's trace, report and doctor, as root on this machine. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DoctorReport } from '../../src/protocol/launch';
import type { TraceSummary } from '../../src/protocol/summary';
import type { WhoTable } from '../../src/trace';
import { buildCli, buildLoader, buildReads, leftovers, NOTHING, reads, READS, settled, type Leftovers } from '../support/launch';

const WHY_NOT = process.getuid?.() !== 0 ? 'needs root to trace' : '';

describe.skipIf(WHY_NOT)(`command line ${WHY_NOT && `(skipped: ${WHY_NOT})`}`, () => {
  let cli: string;
  let folder: string;
  let before: Leftovers;

  beforeAll(() => {
    buildLoader();
    buildReads();
    cli = buildCli();
    folder = mkdtempSync(join(tmpdir(), 'ringlight-clitest-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
    rmSync(READS, { force: true });
  });
  beforeEach(() => { before = leftovers(); });
  afterEach(async () => { expect(await settled(before)).toEqual(NOTHING); });

  interface Ran { code: number | null; stdout: string; stderr: string }
  async function ringlight(args: string[], during?: (child: ChildProcessWithoutNullStreams, stderr: string) => void): Promise<Ran> {
    const child = spawn(process.execPath, [cli, ...args]);
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      during?.(child, stderr);
    });
    const [code] = await once(child, 'close') as [number | null];
    return { code, stdout, stderr };
  }
  const at = (name: string) => join(folder, name);
  const drafts = () => readdirSync(folder).filter((name) => name.endsWith('.part'));
  const summary = ({ stdout }: Ran) => JSON.parse(stdout) as TraceSummary;

  test('trace: exact counts as text and json, the recording kept, its output on stderr', async () => {
    const ran = await ringlight(['trace', '-o', at('a.ringtrace'), '--format', 'json', '--', READS, '500']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(reads(summary(ran))).toBe(500);
    expect(summary(ran)).toMatchObject({ version: 1, complete: true, mode: 'spans', lost: { kernel: 0, stream: 0 } });
    expect(ran.stderr).toMatch(/500 reads as uid 0/);
    expect(drafts()).toEqual([]);

    const report = await ringlight(['report', at('a.ringtrace'), '--format', 'json']);
    expect(report.code).toBe(0);
    expect(summary(report)).toEqual(summary(ran));
    const text = await ringlight(['report', at('a.ringtrace')]);
    expect(text.stdout).toMatch(/io_uring +READ +500/);
  });

  test('report: a file cut off anywhere is read up to there, with a note; nonsense is status 2', async () => {
    await ringlight(['trace', '-o', at('b.ringtrace'), '--', READS, '300']);
    const whole = readFileSync(at('b.ringtrace'));
    writeFileSync(at('cut.ringtrace'), whole.subarray(0, whole.length - 5));
    const cut = await ringlight(['report', at('cut.ringtrace'), '--format', 'json']);
    expect(cut.code).toBe(0);
    expect(summary(cut)).toMatchObject({ complete: false, problem: expect.stringMatching(/cut off/) as string });
    expect(reads(summary(cut))).toBe(300);
    expect(cut.stderr).toMatch(/cut off/);
    writeFileSync(at('nonsense'), 'this is no recording');
    for (const args of [[at('nonsense')], [at('missing')], [], [at('a'), at('b')], [at('cut.ringtrace'), '--format', 'xml']]) {
      const bad = await ringlight(['report', ...args]);
      expect(bad.code, args.join(' ')).toBe(2);
      expect(bad.stderr).not.toBe('');
      expect(bad.stdout).toBe('');
    }
  });

  test('Ctrl-C ends in order: status 0, a whole recording, the target gone', async () => {
    const ran = await ringlight(['trace', '-o', at('c.ringtrace'), '--format', 'json', '--', 'sh', '-c', `echo begun; exec ${READS} 1000000 1000`], (child, stderr) => {
      if (stderr.includes('begun')) setTimeout(() => child.kill('SIGINT'), 1000);
    });
    expect(ran.code, ran.stderr).toBe(0);
    expect(summary(ran).complete).toBe(true);
    expect(reads(summary(ran))).toBeGreaterThan(100);
  });

  test('--duration and --pid: a process that runs already, left running', async () => {
    const target = spawn(READS, ['1000000', '1000']);
    try {
      const ran = await ringlight(['trace', '--pid', String(target.pid), '--duration', '1', '--format', 'json']);
      expect(ran.code, ran.stderr).toBe(0);
      expect(reads(summary(ran))).toBeGreaterThan(100);
      expect(summary(ran).processes).toMatchObject([{ pid: target.pid, comm: expect.stringMatching(/^ringlight-test/) as string }]);
      expect(target.exitCode).toBeNull();
    } finally {
      target.kill('SIGKILL');
      await once(target, 'close');
    }
  });

  test('the command line itself is killed: its loader and target go, the file opens', async () => {
    await ringlight(['trace', '-o', at('d.ringtrace'), '--', 'sh', '-c', `echo begun; exec ${READS} 1000000 1000`], (child, stderr) => {
      if (stderr.includes('begun')) setTimeout(() => child.kill('SIGKILL'), 1500);
    });
    expect(await settled(before)).toEqual(NOTHING);
    const [draft, ...others] = drafts();
    expect(draft).toMatch(/^d\.ringtrace\.\d+\.part$/);
    expect(others).toEqual([]);
    const report = await ringlight(['report', at(draft!), '--format', 'json']);
    expect(report.code).toBe(0);
    expect(reads(summary(report))).toBeGreaterThan(100);
    rmSync(at(draft!));
  });

  test('the target fails: status 1 with the recording; a command that is not there: status 1', async () => {
    const ran = await ringlight(['trace', '--format', 'json', '--', 'sh', '-c', `${READS} 9; exit 3`]);
    expect(ran.code).toBe(1);
    expect(reads(summary(ran))).toBe(9);
    expect(summary(ran).target_exit).toEqual({ code: 3 });
    const missing = await ringlight(['trace', '--', '/no/such/program']);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toMatch(/no\/such\/program/);
  });

  test('wrong use is status 2 and touches nothing', async () => {
    writeFileSync(at('keep.ringtrace'), 'precious');
    for (const args of [
      [], ['--pid', '1', '--all'], ['--pid', 'x'], ['--pid', '-4'], ['--duration', 'soon', '--all'], ['--apis', 'aio', '--all'], ['--mode', 'fast', '--all'], ['--sample', '1', '--all'], ['--stacks', 'x', '--all'], ['--uid', '-1'], ['--comm', 'a', '--', 'true'], ['--'], ['--frob'],
      ['--host', '-oProxyCommand=id', '--all', '-o', at('keep.ringtrace')], ['--all', '-o', at('no/such/folder/x')],
    ]) {
      const ran = await ringlight(['trace', ...args]);
      expect(ran.code, args.join(' ')).toBe(2);
      expect(ran.stdout).toBe('');
      expect(ran.stderr).toMatch(/^ringlight: /m);
    }
    expect(readFileSync(at('keep.ringtrace'), 'utf8')).toBe('precious');
    expect(drafts()).toEqual([]);
  });

  test('an earlier file stays when nothing could be traced; nothing but a plain file is ever replaced', async () => {
    writeFileSync(at('kept.ringtrace'), 'precious');
    expect((await ringlight(['trace', '-o', at('kept.ringtrace'), '--', '/no/such/program'])).code).toBe(1);
    expect(readFileSync(at('kept.ringtrace'), 'utf8')).toBe('precious');
    execFileSync('mkfifo', [at('pipe')]);
    for (const name of ['pipe', '.']) {
      const ran = await ringlight(['trace', '-o', at(name), '--', 'true']);
      expect(ran.code, name).toBe(2);
      expect(ran.stderr).toMatch(/name a file to write/);
    }
    expect(statSync(at('pipe')).isFIFO()).toBe(true);
    expect(drafts()).toEqual([]);
  });

  test('two traces into one file at once: both whole, one of them stays', async () => {
    const trace = ['trace', '-o', at('same.ringtrace'), '--format', 'json', '--', READS];
    const both = await Promise.all([ringlight([...trace, '300']), ringlight([...trace, '400'])]);
    expect(both.map((ran) => [ran.code, reads(summary(ran))])).toEqual([[0, 300], [0, 400]]);
    const report = await ringlight(['report', at('same.ringtrace'), '--format', 'json']);
    expect([300, 400]).toContain(reads(summary(report)));
    expect(drafts()).toEqual([]);
  });

  test('a reader of the summary that goes away ends nothing halfway', async () => {
    const ran = await ringlight(['trace', '-o', at('e.ringtrace'), '--', 'sh', '-c', `echo begun; exec ${READS} 300`], (child) => { child.stdout.destroy(); });
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/recorded to/);
    expect(ran.stderr).not.toMatch(/^ +at /m);
    expect(drafts()).toEqual([]);
  });

  test('what follows -- is the target’s, --help too', async () => {
    const ran = await ringlight(['trace', '--', 'printf', '%s|', '--help', '-o', '']);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch('--help|-o||');
    expect((await ringlight(['trace', '--help'])).stdout).toMatch(/^usage: ringlight trace/);
  });

  test('the calls of synchronous I/O: as many as were made, with the time they took, in text and json', async () => {
    const copy = ['dd', 'if=/dev/zero', `of=${at('zeros')}`, 'bs=4096', 'count=200', 'conv=fsync'];
    const ran = await ringlight(['trace', '--apis', 'sync', '-o', at('sync.ringtrace'), '--format', 'json', '--', ...copy]);
    expect(ran.code, ran.stderr).toBe(0);
    const { apis, calls, records, modes } = summary(ran);
    // dd says on stderr what it did, and the dynamic linker reads
    const writes = apis.find((op) => op.op === 'WRITE');
    expect(writes).toMatchObject({ api: 'sync', errors: 0 });
    expect(writes!.count).toBeGreaterThanOrEqual(200);
    expect(writes!.bytes).toBeGreaterThanOrEqual(200 * 4096);
    expect(apis.find((op) => op.op === 'FSYNC')).toMatchObject({ api: 'sync', count: 1, errors: 0 });
    expect(calls.find((c) => c.call === 'fsync')).toMatchObject({ count: 1, errors: 0 });
    for (const c of calls) {
      expect(c.total_ns).toBeGreaterThan(0);
      expect(c.asleep_ns).toBeLessThanOrEqual(c.total_ns);
      expect(c.blocked_ns).toBeLessThanOrEqual(c.asleep_ns);
    }
    expect(records).toBe(0);
    expect(modes.map((m) => m.mode)).toEqual(['spans']);
    const text = await ringlight(['report', at('sync.ringtrace')]);
    expect(text.stdout).toMatch(/^sync +fsync +1 /m);
  });

  test('aggregate and sampled: exact counts, fewer spans or none', async () => {
    for (const [mode, spans] of [['aggregate', 0], ['sampled', 25]] as const) {
      const ran = await ringlight(['trace', '--mode', mode, '--sample', '20', '--format', 'json', '--', READS, '500']);
      expect(ran.code, ran.stderr).toBe(0);
      expect(reads(summary(ran)), mode).toBe(500);
      expect(summary(ran).records, mode).toBe(spans);
      expect(summary(ran).modes.map((m) => m.mode)).toEqual([mode]);
    }
  });

  test('who: a program that is at it, once as json; Ctrl-C ends with status 0', async () => {
    const target = spawn(READS, ['1000000', '1000']);
    try {
      const first = await ringlight(['who', '--once', '--format', 'json']);
      expect(first.code, first.stderr).toBe(0);
      const table = JSON.parse(first.stdout) as WhoTable;
      const found = table.processes.find((p) => p.pid === target.pid)!;
      expect(found).toMatchObject({ uid: 0, apis: [{ api: 'io_uring' }] });
      expect(found.apis[0]!.submitted).toBeGreaterThan(0);
      const watched = await ringlight(['who'], (child, stderr) => { if (stderr.includes('Starting')) setTimeout(() => child.kill('SIGINT'), 5000); });
      expect(watched.code, watched.stderr).toBe(0);
      expect(watched.stdout.match(/^ *pid +user/gm)!.length).toBeGreaterThanOrEqual(2);
      expect(watched.stdout).toContain(String(target.pid));
      for (const wrong of [['--pid', '1'], ['db1'], ['--format', 'xml'], ['--host', '-v']]) expect((await ringlight(['who', ...wrong])).code, wrong.join(' ')).toBe(2);
    } finally {
      target.kill('SIGKILL');
      await once(target, 'close');
    }
  });

  test('doctor: status 0 here, as text and json; an unreachable host is status 1, a bad name 2', async () => {
    const ran = await ringlight(['doctor', '--format', 'json']);
    expect(ran.code, ran.stderr).toBe(0);
    const report = JSON.parse(ran.stdout) as DoctorReport;
    expect(report).toMatchObject({ version: 1, host: 'this machine', canTrace: true, machine: 'x86_64' });
    expect(report.checks.length).toBeGreaterThan(2);
    expect((await ringlight(['doctor'])).stdout).toMatch(/✓/);
    const away = await ringlight(['doctor', '--host', 'host.invalid']);
    expect(away.code).toBe(1);
    expect(away.stdout).toMatch(/→/);
    expect((await ringlight(['doctor', '--host', '-v'])).code).toBe(2);
  });
});
