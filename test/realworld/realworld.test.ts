/**
 * What the analysis says about programs that many people rely on. Every finding is on a list with the reason why it stands,
 * so that a new one, or one that went away, shows in review. `UPDATE=1` writes the lists; the reasons are a person's to give.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { hasApiToken, languageOf } from '../../src/analysis/gate';
import { isTestPath } from '../../src/analysis/test-code';
import type { LintReport } from '../../src/protocol/analysis';
import { CRATES, crateSource, debianSource, PACKAGES, Unreachable } from './sources';

const CLI = join(import.meta.dirname, '../../dist/cli.js');
const LIST = (name: string) => join(import.meta.dirname, 'expected', `${name}.json`);

/** Findings of a rule in a file, by the text of the lines they are on, in the file's order. */
interface Entry { path: string; rule: string; lines: string[]; /** why they stand, a sentence */ why: string }
/** The mild findings of a rule in a folder of tests or examples, by the number in each file: such code does the same thing over and over. */
interface Group { folder: string; rule: string; files: string[]; why: string }
interface List { entries: Entry[]; groups: Group[] }
type Unexplained<T> = Omit<T, 'why'>;

/** Programs whose maintainers know the APIs: nearly nothing may be wrong with them. Tests are not among them. */
const WELL_KEPT = new Set(['fio', 'qemu', 'mariadb', 'rocksdb', 'nginx', 'samba', 'libuv1', 'tokio-uring', 'io-uring', 'monoio', 'glommio']);
/** A crate's copy of liburing, which is a program of its own here: neither its findings count nor its lines. */
const BROUGHT_ALONG = /^liburing\//;
/** Findings of warning or above in well-kept code for each 10,000 lines that were analysed. */
const MOST = 1;
const seen = { findings: 0, lines: 0 };

async function lint(folder: string): Promise<LintReport> {
  const run = promisify(execFile)(process.execPath, [CLI, 'lint', '.', '--format', 'json'], { cwd: folder, maxBuffer: 256 << 20 });
  const { stdout } = await run.catch((error: { code?: number; stdout?: string; stderr?: string }) => {
    if (error.code === 1 && error.stdout) return { stdout: error.stdout };
    throw new Error(`lint failed: ${error.stderr ?? String(error)}`);
  });
  return JSON.parse(stdout) as LintReport;
}
/** Lines of the files that have a word of the APIs in them: the ones that are analysed. */
function linesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, path) => {
    const language = BROUGHT_ALONG.test(path) ? undefined : languageOf(path);
    if (!language || !statSync(join(folder, path)).isFile()) return sum;
    const text = readFileSync(join(folder, path), 'latin1');
    return hasApiToken(language, text) ? sum + text.split('\n').length : sum;
  }, 0);
}

type Finding = LintReport['findings'][number];
const isMild = (f: Finding): boolean => f.severity === 'information' || f.severity === 'hint';
const byPlace = <T extends { rule: string }>(all: Iterable<T>, place: (one: T) => string): T[] =>
  [...all].sort((a, b) => (place(a) + a.rule < place(b) + b.rule ? -1 : 1));

/** What there is to explain. */
function listOf(folder: string, report: LintReport): { entries: Unexplained<Entry>[]; groups: Unexplained<Group>[] } {
  const texts = new Map<string, string[]>();
  const entries = new Map<string, Unexplained<Entry>>();
  const groups = new Map<string, { folder: string; rule: string; counts: Map<string, number> }>();
  for (const f of report.findings) {
    if (isMild(f) && isTestPath(f.path)) {
      const [, top, rest] = /^([^/]*)\/(.*)/.exec(f.path) ?? [undefined, '.', f.path];
      const group = groups.get(`${top} ${f.rule}`) ?? { folder: top!, rule: f.rule, counts: new Map<string, number>() };
      group.counts.set(rest!, (group.counts.get(rest!) ?? 0) + 1);
      groups.set(`${top} ${f.rule}`, group);
      continue;
    }
    if (!texts.has(f.path)) texts.set(f.path, readFileSync(join(folder, f.path), 'utf8').split('\n'));
    const entry = entries.get(`${f.path} ${f.rule}`) ?? { path: f.path, rule: f.rule, lines: [] };
    entry.lines.push(texts.get(f.path)![f.line - 1]!.trim());
    entries.set(`${f.path} ${f.rule}`, entry);
  }
  return {
    entries: byPlace(entries.values(), (e) => e.path),
    groups: byPlace(groups.values(), (g) => g.folder).map((g) => ({ folder: g.folder, rule: g.rule, files: inLines(g.counts) })),
  };
}
/** `a.c 2, b.c 1`, in lines short enough to be read. */
function inLines(counts: Map<string, number>): string[] {
  const out: string[] = [];
  for (const [file, count] of [...counts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const last = out.at(-1);
    if (last !== undefined && last.length < 110) out[out.length - 1] = `${last}, ${file} ${count}`;
    else out.push(`${file} ${count}`);
  }
  return out;
}

function known(name: string): List {
  return existsSync(LIST(name)) ? JSON.parse(readFileSync(LIST(name), 'utf8')) as List : { entries: [], groups: [] };
}
function update(name: string, found: ReturnType<typeof listOf>, list: List): void {
  const why = new Map([...list.entries.map((e): [string, string] => [`${e.path} ${e.rule}`, e.why]), ...list.groups.map((g): [string, string] => [`${g.folder}/ ${g.rule}`, g.why])]);
  const next: List = {
    entries: found.entries.map((e) => ({ ...e, why: why.get(`${e.path} ${e.rule}`) ?? '' })),
    groups: found.groups.map((g) => ({ ...g, why: why.get(`${g.folder}/ ${g.rule}`) ?? '' })),
  };
  writeFileSync(LIST(name), `${JSON.stringify(next, null, 1)}\n`);
}
function withoutWhy<T extends { why: string }>(one: T): Unexplained<T> {
  const { why, ...rest } = one;
  void why;
  return rest;
}

const programs: [string, () => string][] = [
  ...PACKAGES.map((name): [string, () => string] => [name, () => debianSource(name)]),
  ...(Object.keys(CRATES) as (keyof typeof CRATES)[]).map((name): [string, () => string] => [name, () => crateSource(name)]),
];

/** What is out of reach says nothing of the analysis: the test is skipped, and tells why. */
function fetched(source: () => string, skip: (why: string) => void): string {
  try {
    return source();
  } catch (error) {
    if (error instanceof Unreachable) skip(error.message);
    throw error;
  }
}

describe('real programs', () => {
  it.for(programs)('%s: the findings that are on its list, and no others', { timeout: 1_200_000 }, async ([name, source], context) => {
    const folder = fetched(source, (why) => {
      Object.assign(context.task.meta, { skipReason: why });
      context.skip(why);
    });
    const report = await lint(folder);
    report.findings = report.findings.filter((f) => !BROUGHT_ALONG.test(f.path));
    expect(report.errors).toEqual([]);
    expect(report.parsed, 'files that use an API').toBeGreaterThan(0);
    const found = listOf(folder, report);
    const list = known(name);
    if (process.env.UPDATE) return update(name, found, list);
    expect(found.entries).toEqual(list.entries.map(withoutWhy));
    expect(found.groups).toEqual(list.groups.map(withoutWhy));
    for (const e of [...list.entries, ...list.groups]) expect(e.why.length, `${'path' in e ? e.path : e.folder} ${e.rule}: why it stands`).toBeGreaterThan(20);
    if (WELL_KEPT.has(name)) {
      seen.findings += report.findings.filter((f) => f.severity === 'error' || f.severity === 'warning').length;
      seen.lines += linesOf(folder);
    }
  });

  afterAll(() => {
    if (seen.lines) expect(seen.findings / seen.lines * 10_000, `${seen.findings} findings in ${seen.lines} lines`).toBeLessThanOrEqual(MOST);
  });
});
