/** Fixtures, fixes and snippets against the real headers and crates: gcc, g++ and cargo. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Language } from '../../src/protocol/analysis';
import { expectations, fixtures } from '../unit/analysis/fixtures';
import { analyse, applied, grown } from '../unit/analysis/support';
import { fixedAll } from './fix-all';

const ROOT = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'ringlight-compile-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What the compiler says; empty when it is content. */
function compile(language: Language, text: string, ...flags: string[]): string {
  const file = join(scratch, language === 'c' ? 'x.c' : 'x.cpp');
  writeFileSync(file, text);
  const [program, standard] = language === 'c' ? ['gcc', '-std=gnu11'] : ['g++', '-std=c++20'];
  const run = spawnSync(program!, [standard!, '-fsyntax-only', ...flags, file], { encoding: 'utf8' });
  if (run.error) throw run.error;
  return run.status === 0 ? '' : run.stderr;
}

describe('C and C++ fixtures are real code', () => {
  for (const f of fixtures().filter((x) => x.language !== 'rust')) {
    it(`${f.rule}/${f.name}`, () => expect(compile(f.language, f.text, '-w')).toBe(''));
  }
});

const withFindings = fixtures().filter((x) => x.language !== 'rust' && expectations(x.text).length > 0);

describe('every fix', () => {
  for (const f of withFindings) {
    it(`${f.rule}/${f.name}: compiles, its finding is gone, and none came`, async () => {
      const { findings } = await analyse(f.text, f.language, f.name, f.options);
      for (const finding of findings) {
        for (const fix of finding.fixes) {
          const text = applied(f.text, fix.edits);
          expect(compile(f.language, text, '-w'), fix.title).toBe('');
          const after = (await analyse(text, f.language, f.name, f.options)).findings;
          expect(grown(findings, after, finding.rule), `${fix.title} at line ${finding.range.start.line + 1}`).toEqual([]);
        }
      }
    });
  }
});

describe('fix all in file', () => {
  for (const f of withFindings) {
    it(`${f.rule}/${f.name}: compiles, leaves no finding with a safe fix, and brings none`, async () => {
      const { before, text, after } = await fixedAll(f);
      if (text === f.text) return;
      expect(compile(f.language, text, '-w')).toBe('');
      expect(after.filter((x) => x.fixes.some((fix) => fix.safe))).toEqual([]);
      expect(grown(before, after)).toEqual([]);
    });
  }
});

type Snippets = Record<string, { prefix: string; body: string[]; description: string }>;
function snippets(name: string): [string, string][] {
  const all = JSON.parse(readFileSync(join(ROOT, 'snippets', `${name}.json`), 'utf8')) as Snippets;
  return Object.entries(all).map(([title, s]) => {
    expect(s.prefix).toMatch(/^rl-(?:aio|uring|tokio)-[a-z]+$/);
    expect(s.description.length).toBeGreaterThan(20);
    return [title, expand(s.body.join('\n'))];
  });
}
/** Placeholders take their defaults. */
function expand(body: string): string {
  return body.replace(/\$\{\d+:([^{}]*)\}/g, '$1').replace(/\$(?:\d+|\{\d+\})/g, '').replace(/\\\$/g, '$');
}

describe('snippets', () => {
  for (const [language, file] of [['c', 'c'], ['cpp', 'cpp']] as const) {
    it.each(snippets(file))(`${language}: %s compiles without a warning and lints clean`, async (_, text) => {
      expect(compile(language, text, '-Wall', '-Wextra', '-Werror', '-Wno-unused-function')).toBe('');
      expect((await analyse(text, language)).findings.filter((x) => x.severity !== 'hint' && x.severity !== 'information')).toEqual([]);
    });
  }

  const rust = snippets('rust');
  it.each(rust)('rust: %s lints clean', async (_, text) => {
    expect((await analyse(text, 'rust')).findings).toEqual([]);
  });
  it('rust: all of them compile against tokio-uring', () => {
    const folder = join(scratch, 'crate');
    mkdirSync(join(folder, 'src'), { recursive: true });
    writeFileSync(join(folder, 'Cargo.toml'), '[package]\nname = "snippets"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\ntokio-uring = "0.5.0"\n');
    const modules = rust.map(([, text], i) => `#[allow(dead_code)]\nmod snippet${i} {\n${text}\n}\n`);
    writeFileSync(join(folder, 'src/main.rs'), `${modules.join('\n')}\nfn main() {}\n`);
    const target = join(ROOT, '.build', 'snippets-target');
    const run = spawnSync('cargo', ['check', '--quiet', '--target-dir', target], { cwd: folder, encoding: 'utf8', env: { ...process.env, RUSTFLAGS: '-D warnings' } });
    if (run.error) throw run.error;
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });
});
