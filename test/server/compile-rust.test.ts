/** Rust fixtures and what their fixes make of them, against the real crates: each set is one crate that cargo checks. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expectations, fixtures } from '../unit/analysis/fixtures';
import { analyse, applied, grown } from '../unit/analysis/support';
import { fixedAll } from './fix-all';

const ROOT = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'ringlight-compile-rust-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const MANIFEST = `[package]
name = "fixtures"
version = "0.0.0"
edition = "2021"

[features]
ring = []

[dependencies]
compio = { version = "0.17", features = ["macros", "time"] }
futures = "0.3"
glommio = "0.9"
anyhow = "1"
io-uring = "0.7"
libc = "0.2"
monoio = "0.2"
nix = { version = "0.29", features = ["fs", "ioctl", "socket", "uio"] }
rustix = { version = "1", features = ["fs"] }
slab = "0.4"
tokio = { version = "1", features = ["full"] }
tokio-uring = "0.5"
`;

/** What the compiler says of modules; empty when it is content. */
function check(crate: string, modules: { name: string; text: string }[]): string {
  const folder = join(scratch, crate);
  mkdirSync(join(folder, 'src'), { recursive: true });
  writeFileSync(join(folder, 'Cargo.toml'), MANIFEST);
  writeFileSync(join(folder, 'src/lib.rs'), `#![allow(warnings)]\n${modules.map((m) => `mod ${m.name};\n`).join('')}`);
  for (const m of modules) writeFileSync(join(folder, `src/${m.name}.rs`), m.text);
  const target = join(ROOT, '.build', 'rust-fixtures-target');
  const run = spawnSync('cargo', ['check', '--quiet', '--tests', '--target-dir', target], { cwd: folder, encoding: 'utf8' });
  if (run.error) throw run.error;
  return run.status === 0 ? '' : run.stderr;
}

const rust = fixtures().filter((f) => f.language === 'rust');
const moduleOf = (f: (typeof rust)[number]) => `${f.rule}_${f.name.replace(/\.rs$/, '')}`.replace(/\W/g, '_');

describe('Rust', () => {
  it('fixtures are real code', () => expect(check('plain', rust.map((f) => ({ name: moduleOf(f), text: f.text })))).toBe(''), 600_000);

  it('fixes, one at a time and all in a file, compile; their findings are gone, and none came', async () => {
    const modules: { name: string; text: string }[] = [];
    for (const f of rust.filter((x) => expectations(x.text).length > 0)) {
      const { findings } = await analyse(f.text, f.language, f.name, f.options);
      for (const finding of findings) {
        for (const fix of finding.fixes) {
          const text = applied(f.text, fix.edits);
          const after = (await analyse(text, f.language, f.name, f.options)).findings;
          expect(grown(findings, after, finding.rule), `${f.rule}/${f.name}: ${fix.title} at line ${finding.range.start.line + 1}`).toEqual([]);
          modules.push({ name: `${moduleOf(f)}_${modules.length}`, text });
        }
      }
      const all = await fixedAll(f);
      if (all.text === f.text) continue;
      expect(all.after.filter((x) => x.fixes.some((fix) => fix.safe)), `${f.rule}/${f.name}: fix all`).toEqual([]);
      expect(grown(all.before, all.after), `${f.rule}/${f.name}: fix all`).toEqual([]);
      modules.push({ name: `${moduleOf(f)}_all`, text: all.text });
    }
    expect(modules.length).toBeGreaterThan(0);
    expect(check('fixed', modules)).toBe('');
  }, 600_000);
});
