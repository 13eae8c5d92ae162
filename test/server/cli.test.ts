/** `ringlight lint` and `ringlight inventory`, as built. */
import { spawnSync } from 'node:child_process';
import { closeSync, copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sarifSchema from '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json';
import { Ajv } from 'ajv';
import type { Log } from 'sarif';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InventoryReport, LintReport } from '../../src/protocol/analysis';
import { applied } from '../unit/analysis/support';

const CLI = join(import.meta.dirname, '../../dist/cli.js');
const FIXTURES = join(import.meta.dirname, '../fixtures/rules');
const BUFFERED = readFileSync(join(FIXTURES, 'aio-buffered-io/bad.c'), 'utf8');
const RUST = readFileSync(join(FIXTURES, 'rust-uring-unsubmitted-write/bad.rs'), 'utf8');

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ringlight-cli-'));
  const put = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  put('src/copy.c', BUFFERED);
  put('src/journal.rs', RUST);
  put('src/plain.c', 'int main(void) { return 0; }\n');
  put('src/notes.txt', BUFFERED);
  for (const skipped of ['.git', 'node_modules', 'target', 'build']) put(`${skipped}/copy.c`, BUFFERED);
  put('clean/good.c', readFileSync(join(FIXTURES, 'aio-buffered-io/good.c'), 'utf8'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

// it calls itself draft 4, and uses nothing that later drafts changed
const validate = new Ajv({ strict: false, validateFormats: false, unicodeRegExp: false }).compile({ ...sarifSchema, $schema: undefined, id: undefined });
/** Where a log is not as the schema of SARIF 2.1.0 wants it. */
function violations(log: unknown): string[] {
  validate(log);
  return (validate.errors ?? []).map((e) => `${e.instancePath}: ${e.message}`);
}

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { cwd: root, encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('what cannot be', () => {
  it.each([
    [['report', 'nowhere.ringtrace'], 'nowhere.ringtrace: no such file or directory'],
    [['report', 'src'], 'src: '],
    [['trace', '--pid', '1.5'], '--pid 1.5: a whole number'],
    [['trace', '--pid', '999999999'], '--pid 999999999: no process has so high a number'],
  ])('%j: a sentence and exit 2', (args, words) => {
    const { status, stderr } = run(...args);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('ENOENT');
    expect(status).toBe(2);
  });
});

describe('ringlight lint', () => {
  it('JSON: one-based positions, the fix, the counts; exit 1', () => {
    const { status, stdout, stderr } = run('lint', 'src', '--format', 'json');
    expect(stderr).toBe('');
    expect(status).toBe(1);
    const report = JSON.parse(stdout) as LintReport;
    expect(Object.keys(report).sort()).toEqual(['errors', 'files', 'findings', 'parsed', 'version']);
    expect(report).toMatchObject({ version: 1, files: 3, parsed: 2, errors: [] });
    expect(report.findings.map((f) => [f.path, f.rule, f.severity, f.language])).toEqual([
      ['src/copy.c', 'aio-buffered-io', 'warning', 'c'], ['src/journal.rs', 'rust-uring-unsubmitted-write', 'error', 'rust'],
    ]);
    const [f] = report.findings;
    const line = BUFFERED.split('\n').findIndex((l) => l.includes('rc = io_submit')) + 1;
    const column = BUFFERED.split('\n')[line - 1]!.indexOf('io_submit') + 1;
    expect(f).toMatchObject({ line, column, endLine: line, endColumn: column + 'io_submit(ctx, 1, list)'.length, fix: { title: 'Open with O_DIRECT', safe: true } });
    const edits = f!.fix!.edits.map((e) => ({
      range: { start: { line: e.line - 1, column: e.column - 1 }, end: { line: e.endLine - 1, column: e.endColumn - 1 } }, text: e.text,
    }));
    expect(applied(BUFFERED, edits)).toContain('open(path, O_RDONLY | O_DIRECT)');
  });

  it('the folder itself, without what is generated or fetched', () => {
    const report = JSON.parse(run('lint', '--format', 'json').stdout) as LintReport;
    expect(report.files).toBe(4);
    expect(report.findings.map((f) => f.path)).toEqual(['src/copy.c', 'src/journal.rs']);
  });

  it('text: one line a finding; exit 0 without any', () => {
    const bad = run('lint', 'src/copy.c');
    expect(bad.stdout).toMatch(/^src\/copy\.c:\d+:\d+: warning: io_submit\(\) blocks here.* \[aio-buffered-io\]\n1 finding \(1 warning\) in 1 file, 1 of them parsed\n$/);
    expect(bad.status).toBe(1);
    expect(run('lint', 'clean')).toEqual({ status: 0, stdout: '0 findings in 1 file, 1 of them parsed\n', stderr: '' });
  });

  it('--min-severity hides what is below', () => {
    const { status, stdout } = run('lint', 'src', '--min-severity', 'error', '--format', 'json');
    expect((JSON.parse(stdout) as LintReport).findings.map((f) => f.rule)).toEqual(['rust-uring-unsubmitted-write']);
    expect(status).toBe(1);
    expect(run('lint', 'src/copy.c', '--min-severity', 'error').status).toBe(0);
  });

  it('SARIF 2.1.0', () => {
    const { status, stdout } = run('lint', 'src', join(root, 'src/copy.c'), '--format', 'sarif');
    expect(status).toBe(1);
    const log = JSON.parse(stdout) as Log;
    expect(log.version).toBe('2.1.0');
    const [sarifRun] = log.runs;
    expect(sarifRun!.results!.map((r) => [r.ruleId, r.level, r.locations![0]!.physicalLocation!.artifactLocation!.uri])).toEqual([
      ['aio-buffered-io', 'warning', 'src/copy.c'], ['rust-uring-unsubmitted-write', 'error', 'src/journal.rs'],
      ['aio-buffered-io', 'warning', 'src/copy.c'],
    ]);
    for (const r of sarifRun!.results!) expect(sarifRun!.tool.driver.rules![r.ruleIndex!]!.id).toBe(r.ruleId);
    expect(violations(log)).toEqual([]);
    const [result] = sarifRun!.results!;
    expect(result!.relatedLocations!.map((l) => l.message!.text)).not.toContain('');
    expect(result!.fixes![0]!.artifactChanges[0]!.replacements.map((r) => r.insertedContent!.text)).toContain('O_RDONLY | O_DIRECT');
    const rule = sarifRun!.tool.driver.rules![result!.ruleIndex!]!;
    expect(rule.help!.text).toMatch(/\w/);
    expect(rule.help!.markdown).toMatch(/^# aio-buffered-io\n/);
    expect(sarifRun!.originalUriBaseIds).toEqual({ SRCROOT: { uri: pathToFileURL(`${realpathSync(root)}/`).href } });
  });

  it('SARIF: what lies outside the current folder is named in full', () => {
    const other = mkdtempSync(join(tmpdir(), 'ringlight-beside-'));
    copyFileSync(join(root, 'src/copy.c'), join(other, 'a copy.c'));
    const log = JSON.parse(run('lint', join(other, 'a copy.c'), '--format', 'sarif').stdout) as Log;
    expect(violations(log)).toEqual([]);
    expect(log.runs[0]!.results![0]!.locations![0]!.physicalLocation!.artifactLocation).toEqual({ uri: pathToFileURL(join(other, 'a copy.c')).href });
    rmSync(other, { recursive: true });
  });

  it('SARIF: what cannot be read is a notification, and the log is still valid', () => {
    const log = JSON.parse(run('lint', 'absent.c', '--format', 'sarif').stdout) as Log;
    expect(violations(log)).toEqual([]);
    expect(log.runs[0]!.invocations![0]).toMatchObject({ executionSuccessful: false, toolExecutionNotifications: [{ level: 'error', message: { text: 'absent.c: no such file or directory' } }] });
  });

  it('SARIF: a fingerprint stays when lines come above, and two findings never share one', () => {
    const of = (path: string, text: string) => {
      writeFileSync(join(root, path), text);
      return (JSON.parse(run('lint', path, '--format', 'sarif').stdout) as Log).runs[0]!.results!.map((r) => r.partialFingerprints!['ringlight/v1']!);
    };
    const text = '#include <liburing.h>\nvoid f(struct io_uring *r)\n{\n\tio_uring_submit(r);\n\tio_uring_submit(r);\n}\n';
    const before = of('twice.c', text);
    expect(new Set(before).size).toBe(2);
    expect(of('twice.c', `/* one\n * two */\n${text}`)).toEqual(before);
    rmSync(join(root, 'twice.c'));
  });

  it('--exclude leaves out files and folders, by patterns as git has them', () => {
    const paths = (...args: string[]) => (JSON.parse(run('lint', '--format', 'json', ...args).stdout) as LintReport).findings.map((f) => f.path);
    expect(paths('--exclude', '*.rs')).toEqual(['src/copy.c']);
    expect(paths('--exclude', 'src/copy.{c,cpp}', '--exclude', '/clean/')).toEqual(['src/journal.rs']);
    expect(paths('--exclude', 'src', '--exclude', '!src')).toEqual(['src/copy.c', 'src/journal.rs']);
    expect((JSON.parse(run('lint', '--format', 'json', '--exclude', '/src').stdout) as LintReport).files).toBe(1);
  });

  it('--severity gives a rule another level', () => {
    const { findings } = JSON.parse(run('lint', 'src', '--format', 'json', '--severity', 'aio-*=hint', '--severity', 'rust-uring-unsubmitted-write=off').stdout) as LintReport;
    expect(findings.map((f) => [f.rule, f.severity])).toEqual([['aio-buffered-io', 'hint']]);
  });

  it('a test is told by its path below the argument, not by what lies above', () => {
    const severity = (...args: string[]) => (JSON.parse(run('lint', ...args, '--format', 'json').stdout) as LintReport).findings.map((f) => f.severity);
    mkdirSync(join(root, 'tests/inner/tests'), { recursive: true });
    const late = '#include <liburing.h>\nvoid f(struct io_uring *r)\n{\n\tio_uring_submit(r);\n}\n';
    writeFileSync(join(root, 'tests/inner/late.c'), late);
    writeFileSync(join(root, 'tests/inner/tests/late.c'), late);
    expect(severity('tests/inner')).toEqual(['warning', 'information']);
    expect(severity('tests/inner/tests/late.c')).toEqual(['warning']);
    expect(severity('tests')).toEqual(['warning', 'information']);
    expect(severity('.', '--exclude', '/src')).toEqual(['information', 'information']);
    rmSync(join(root, 'tests'), { recursive: true });
  });

  it('many files: two threads say what one says, in the same order each time', () => {
    const folder = join(root, 'many');
    mkdirSync(folder);
    // more than the two threads are worth
    const padding = `/* ${'-'.repeat(20_000)} */\n`;
    for (let i = 0; i < 40; i++) writeFileSync(join(folder, `f${String(i).padStart(2, '0')}.c`), `${padding}${BUFFERED.replaceAll('read_once', `read_${i}`)}`);
    // whichever thread reads the helper, one of its users is the other's
    writeFileSync(join(folder, 'get.c'), `${padding}#include <liburing.h>\nstruct io_uring_sqe *try_get(struct io_uring *r) { return io_uring_get_sqe(r); }\n`);
    for (const i of [1, 2]) writeFileSync(join(folder, `use${i}.c`), `${padding}#include <liburing.h>
struct io_uring_sqe *try_get(struct io_uring *r);
void nop_${i}(struct io_uring *r) { struct io_uring_sqe *sqe = try_get(r); io_uring_prep_nop(sqe); }\n`);
    const first = run('lint', 'many', '--format', 'json');
    const { findings, parsed } = JSON.parse(first.stdout) as LintReport;
    expect(parsed).toBe(43);
    expect(findings.map((f) => `${f.path} ${f.rule}`)).toEqual([
      ...Array.from({ length: 40 }, (_, i) => `many/f${String(i).padStart(2, '0')}.c aio-buffered-io`), 'many/use1.c uring-null-sqe', 'many/use2.c uring-null-sqe',
    ]);
    expect(run('lint', 'many', '--format', 'json').stdout).toBe(first.stdout);
    rmSync(folder, { recursive: true });
  });

  it('a path that cannot be read is told about, the others are still looked at; exit 2', () => {
    const { status, stdout, stderr } = run('lint', 'absent.c', 'src/notes.txt', 'src/copy.c', '--format', 'json');
    expect(status).toBe(2);
    const report = JSON.parse(stdout) as LintReport;
    expect(report.errors).toEqual([{ path: 'absent.c', message: 'no such file or directory' }, { path: 'src/notes.txt', message: 'not a C, C++ or Rust file' }]);
    expect(report.findings).toHaveLength(1);
    expect(stderr).toContain('ringlight: absent.c: no such file or directory');
  });

  it('a link that leads round in a circle', () => {
    symlinkSync('round.c', join(root, 'round.c'));
    expect(run('lint', 'round.c')).toMatchObject({ status: 2, stderr: expect.stringContaining('ringlight: round.c: ELOOP') as string });
    rmSync(join(root, 'round.c'));
  });

  it.each([
    [['--format', 'xml'], '--format'], [['--min-severity', 'worst'], '--min-severity'], [['--target-kernel', 'six'], '--target-kernel'], [['--wrong'], '--wrong'],
  ])('wrong use: %j', (args, named) => {
    const { status, stdout, stderr } = run('lint', ...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(named);
  });

  it('--help', () => expect(run('lint', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--min-severity') as string }));
});

describe('ringlight inventory', () => {
  it('JSON', () => {
    const { status, stdout } = run('inventory', 'src', '--format', 'json');
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as InventoryReport;
    expect(Object.keys(report).sort()).toEqual(['families', 'files', 'neighbours', 'usages', 'version']);
    expect(report.files).toBe(3);
    expect(new Set(report.usages.map((u) => u.family))).toEqual(new Set(['libaio', 'tokio-uring']));
    const submit = report.usages.find((u) => u.api === 'io_submit')!;
    expect(BUFFERED.split('\n')[submit.line - 1]!.slice(submit.column - 1)).toMatch(/^io_submit\(/);
    expect(submit).toMatchObject({ phase: 'libaio', function: expect.any(String) as string });
    const libaio = report.families.find((f) => f.family === 'libaio')!;
    expect(libaio).toEqual({ family: 'libaio', phases: ['libaio'], files: 1, usages: report.usages.filter((u) => u.family === 'libaio').length, calls: expect.any(Number) as number });
    expect(libaio.calls).toBeLessThan(libaio.usages);
  });
  it('text, by family', () => {
    const { status, stdout } = run('inventory', 'src');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^tokio-uring \(tokio-uring; io_uring\): \d+ in 1 file, \d+ of them calls\n(?: {2}src\/journal\.rs.*\n)+libaio \(libaio; libaio: asynchronous with O_DIRECT\): \d+ in 1 file, \d+ of them calls\n {2}src\/copy\.c:\d+:\d+: io_context_t/);
    expect(run('inventory', join(root, 'src/plain.c')).stdout).toBe('no asynchronous I/O found\n');
  });
  it('an absent path; exit 2', () => expect(run('inventory', 'absent')).toMatchObject({ status: 2, stderr: 'ringlight: absent: no such file or directory\n' }));
});

describe('ringlight', () => {
  it.each(['bogus', 'constructor', '__proto__'])('no such command: %s', (name) => {
    expect(run(name)).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining(`no command “${name}”`) as string });
  });
  it('a full disk behind the output: said, and exit 2', () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [CLI, 'lint', 'src'], { cwd: root, encoding: 'utf8', stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^ringlight: the output cannot be written: ENOSPC.*\n$/);
  });
});
