/**
 * What the analysis says about programs that many people rely on. Every finding is on a list with the reason why it stands,
 * so that a new one, or one that went away, shows in review. `UPDATE=1` writes the lists; the reasons are a person's to give.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { InventoryReport, LintReport } from '../../src/protocol/analysis';
import { CRATES, crateSource, debianSource, PACKAGES } from './sources';

const CLI = join(import.meta.dirname, '../../dist/cli.js');
const LIST = (name: string) => join(import.meta.dirname, 'expected', `${name}.json`);

/** Findings of a rule in a file, by the text of the lines they are on, in the file's order. */
interface Entry { path: string; rule: string; lines: string[]; /** why they stand, a sentence */ why: string }

/** Programs whose maintainers know the APIs: nearly nothing may be wrong with them. Tests are not among them. */
const WELL_KEPT = new Set(['fio', 'qemu', 'mariadb', 'rocksdb', 'nginx', 'samba', 'libuv1', 'tokio-uring', 'io-uring', 'monoio', 'glommio']);
/** Findings of warning or above in well-kept code for each 10,000 lines of the files that use an API. */
const MOST = 1;
const seen = { findings: 0, lines: 0 };

async function ringlight<Report>(command: 'lint' | 'inventory', folder: string): Promise<Report> {
  const run = promisify(execFile)(process.execPath, [CLI, command, '.', '--format', 'json'], { cwd: folder, maxBuffer: 256 << 20 });
  const { stdout } = await run.catch((error: { code?: number; stdout?: string; stderr?: string }) => {
    if (error.code === 1 && error.stdout) return { stdout: error.stdout };
    throw new Error(`${command} failed: ${error.stderr ?? String(error)}`);
  });
  return JSON.parse(stdout) as Report;
}
/** Lines of the files that use an API of asynchronous I/O. */
async function linesOf(folder: string): Promise<number> {
  const { usages } = await ringlight<InventoryReport>('inventory', folder);
  return [...new Set(usages.map((u) => u.path))].reduce((sum, path) => sum + readFileSync(join(folder, path), 'utf8').split('\n').length, 0);
}

function entries(folder: string, report: LintReport): Omit<Entry, 'why'>[] {
  const out = new Map<string, Omit<Entry, 'why'>>();
  const texts = new Map<string, string[]>();
  for (const f of report.findings) {
    if (!texts.has(f.path)) texts.set(f.path, readFileSync(join(folder, f.path), 'utf8').split('\n'));
    const key = `${f.path} ${f.rule}`;
    const entry = out.get(key) ?? { path: f.path, rule: f.rule, lines: [] };
    entry.lines.push(texts.get(f.path)![f.line - 1]!.trim());
    out.set(key, entry);
  }
  return [...out.values()].sort((a, b) => (a.path + a.rule < b.path + b.rule ? -1 : 1));
}

function known(name: string): Entry[] {
  return existsSync(LIST(name)) ? JSON.parse(readFileSync(LIST(name), 'utf8')) as Entry[] : [];
}

const programs: [string, () => string][] = [
  ...PACKAGES.map((name): [string, () => string] => [name, () => debianSource(name)]),
  ...(Object.keys(CRATES) as (keyof typeof CRATES)[]).map((name): [string, () => string] => [name, () => crateSource(name)]),
];

describe('real programs', () => {
  it.each(programs)('%s: the findings that are on its list, and no others', async (name, source) => {
    const folder = source();
    const report = await ringlight<LintReport>('lint', folder);
    expect(report.errors).toEqual([]);
    expect(report.parsed, 'files that use an API').toBeGreaterThan(0);
    const found = entries(folder, report);
    const list = known(name);
    if (process.env.UPDATE) {
      const why = new Map(list.map((e) => [`${e.path} ${e.rule}`, e.why]));
      writeFileSync(LIST(name), `${JSON.stringify(found.map((e): Entry => ({ ...e, why: why.get(`${e.path} ${e.rule}`) ?? '' })), null, 1)}\n`);
      return;
    }
    expect(found).toEqual(list.map(({ path, rule, lines }) => ({ path, rule, lines })));
    for (const e of list) expect(e.why.length, `${e.path} ${e.rule}: why it stands`).toBeGreaterThan(20);
    if (WELL_KEPT.has(name)) {
      seen.findings += report.findings.filter((f) => f.severity === 'error' || f.severity === 'warning').length;
      seen.lines += await linesOf(folder);
    }
  }, 600_000);

  afterAll(() => {
    if (seen.lines) expect(seen.findings / seen.lines * 10_000, `${seen.findings} findings in ${seen.lines} lines`).toBeLessThanOrEqual(MOST);
  });
});
