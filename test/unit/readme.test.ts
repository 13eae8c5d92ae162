/** What the README says twice is what the manifest, the rules and the command line say. `UPDATE=1` writes the tables. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../package.json';
import strings from '../../package.nls.json';
import { RULES } from '../../src/analysis/rules';

const file = join(__dirname, '../../README.md');
const text = (key: string): string => strings[key.replaceAll('%', '') as keyof typeof strings] ?? key;

const TABLES: Record<string, string[]> = {
  rules: ['', '| rule | languages | what |', '|---|---|---|', ...RULES.map(({ info }) => `| [\`${info.id}\`](docs/rules/${info.id}.md) | ${info.languages.join(', ')} | ${info.severity}: ${info.summary} |`), ''],
  settings: ['', '| setting | default | what |', '|---|---|---|', ...manifest.contributes.configuration.flatMap((group) => Object.entries(group.properties))
    .map(([id, p]) => `| \`${id}\` | \`${JSON.stringify(p.default)}\` | ${text(p.markdownDescription)} |`), ''],
};

/** A table follows its marker, with an empty line before and after. */
function withTable(readme: string, name: string, rows: string[]): string {
  const marker = `<!-- ${name} -->\n`;
  const start = readme.indexOf(marker) + marker.length;
  expect(start, `${marker.trim()} in README.md`).toBeGreaterThan(marker.length);
  const old = /^\n?(\|.*\n)*\n?/.exec(readme.slice(start))?.[0] ?? '';
  return readme.slice(0, start) + rows.map((row) => `${row}\n`).join('') + readme.slice(start + old.length);
}

describe('README', () => {
  const readme = readFileSync(file, 'utf8');
  const wanted = Object.entries(TABLES).reduce((sofar, [name, rows]) => withTable(sofar, name, rows), readme);

  it('lists the rules and the settings as they are', () => {
    if (process.env.UPDATE) writeFileSync(file, wanted);
    else expect(readme).toBe(wanted);
  });

  it('names the two commands and only scripts that exist', () => {
    for (const script of readme.matchAll(/`?npm run ([a-z:]+)/g)) expect(manifest.scripts).toHaveProperty([script[1] ?? '']);
    expect(readme).toContain('npm start');
    expect(readme).toContain('npm test');
  });
});
