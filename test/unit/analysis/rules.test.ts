import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RULES } from '../../../src/analysis/rules';
import { expectations, fixtureFolders, fixtures } from './fixtures';
import { analyse, applied, textAt } from './support';

const ROOT = join(import.meta.dirname, '../../..');

describe('fixtures', () => {
  for (const f of fixtures()) {
    it(`${f.rule}/${f.name}: exactly the marked findings; of other rules at least those that warn`, async () => {
      const all = (await analyse(f.text, f.language, f.name, f.options)).findings;
      const marked = new Set(expectations(f.text).map((w) => `${w.line}: ${w.rule}`));
      const findings = all.filter((x) => x.rule === f.rule || x.severity === 'error' || x.severity === 'warning' || marked.has(`${x.range.start.line}: ${x.rule}`));
      const wanted = expectations(f.text);
      const got = findings.map((x) => `${x.range.start.line + 1}: ${x.rule}`);
      expect(got.sort()).toEqual(wanted.map((w) => `${w.line + 1}: ${w.rule}`).sort());
      for (const w of wanted.filter((x) => x.text !== undefined)) {
        const finding = findings.find((x) => x.rule === w.rule && x.range.start.line === w.line);
        expect(textAt(f.text, finding!)).toBe(w.text);
      }
    });
  }
});

describe('fixes', () => {
  const all = fixtures();
  for (const bad of all.filter((f) => f.name.startsWith('bad.'))) {
    const fixed = all.find((f) => f.rule === bad.rule && f.name === bad.name.replace('bad.', 'fixed.'));
    if (!fixed) continue;
    it(`${bad.rule}/${bad.name}: the fixes lead to ${fixed.name}, which is clean`, async () => {
      const { findings } = await analyse(bad.text, bad.language, bad.name, bad.options);
      const edits = findings.filter((f) => f.rule === bad.rule).flatMap((f) => f.fixes[0]?.edits ?? []);
      const result = applied(bad.text, edits).split('\n').filter((l) => !l.includes('ruleid:')).join('\n');
      expect(result).toBe(fixed.text);
      expect((await analyse(result, bad.language, bad.name, bad.options)).findings.filter((x) => x.rule === bad.rule || x.severity === 'error' || x.severity === 'warning')).toEqual([]);
    });
  }
});

/** Titles of fixes as the code writes them; names and numbers in them may be anything. */
function writtenTitles(): { title: string; pattern: RegExp }[] {
  const analysis = join(ROOT, 'src/analysis');
  const files = ['rules', 'idioms'].flatMap((folder) => readdirSync(join(analysis, folder), { recursive: true, encoding: 'utf8' }).filter((n) => n.endsWith('.ts')).map((n) => join(analysis, folder, n)));
  const literals = files.flatMap((path) => [...readFileSync(path, 'utf8').matchAll(/\btitle: (?:[\w.]+ \? ('[^'\n]*'|`[^\n]*?`) : )?('[^'\n]*'|`(?:\$\{[^}]*\}|[^`$])*`)/g)].flatMap((m) => [m[1], m[2]]).filter((t) => t !== undefined));
  return literals.map((literal) => {
    const parts = literal.slice(1, -1).split(/\$\{.*?\}(?: : .*?\})?/);
    return { title: literal, pattern: new RegExp(`^${parts.map((p) => p.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`) };
  });
}

describe('every fix', () => {
  it('shows in some fixture, where the tests apply and compile it', async () => {
    const shown = new Set<string>();
    for (const f of fixtures().filter((x) => expectations(x.text).length > 0)) for (const finding of (await analyse(f.text, f.language, f.name, f.options)).findings) for (const fix of finding.fixes) shown.add(fix.title);
    const written = writtenTitles();
    expect(written.length).toBeGreaterThan(40);
    expect(written.filter(({ pattern }) => ![...shown].some((t) => pattern.test(t))).map((w) => w.title)).toEqual([]);
  }, 120_000);
});

describe('every rule', () => {
  it('has a page, fixtures with findings and fixtures without, and no folder is left over', () => {
    const ids = RULES.map((r) => r.info.id).sort();
    expect(new Set(ids).size).toBe(ids.length);
    expect(readdirSync(join(ROOT, 'docs/rules')).map((n) => n.replace(/\.md$/, '')).sort()).toEqual(ids);
    expect(fixtureFolders()).toEqual(ids);
    for (const id of ids) {
      const own = fixtures().filter((f) => f.rule === id);
      expect(own.some((f) => expectations(f.text).some((e) => e.rule === id)), `${id} finds something`).toBe(true);
      expect(own.some((f) => f.text.includes(`ok: ${id}`)), `${id} leaves something alone`).toBe(true);
    }
  }, 60_000);
  for (const { info, why } of RULES) {
    it(`${info.id}: the page agrees with the rule`, () => {
      const page = readFileSync(join(ROOT, 'docs/rules', `${info.id}.md`), 'utf8');
      expect(page.startsWith(`# ${info.id}\n`)).toBe(true);
      const [languages, severity, confidence] = page.split('\n')[4]!.split('|').slice(1).map((c) => c.trim());
      expect(severity).toMatch(new RegExp(`^${info.severity}`));
      expect(confidence).toMatch(new RegExp(`^${info.confidence}`));
      expect(info.languages.map((l) => ({ c: 'C', cpp: 'C++', rust: 'Rust' })[l]).every((l) => languages!.includes(l))).toBe(true);
      for (const section of ['What it finds', 'Why', 'What it does not find', 'When it is wrong', 'How to silence it']) expect(page).toContain(`\n## ${section}\n`);
      expect(page).toMatch(/\nWrong:\n\n```\w+\n[^]*\nRight:\n\n```\w+\n/);
      expect(why.length).toBeGreaterThan(40);
      expect(info.summary.length).toBeLessThan(120);
    });
  }
});
