import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { shellQuote } from '../../../src/launch/shell-quote';
import { PROBE, RUN_CHECKED, UPLOAD } from '../../../src/launch/scripts';

vi.setConfig({ testTimeout: 60_000 });

/** What a real shell makes of a line: the arguments that printf receives, NUL-terminated. */
function seenBy(shell: string[], argv: string[]): string[] {
  const [file, ...args] = shell;
  const run = spawnSync(file!, [...args, shellQuote(['printf', '%s\\0', ...argv])], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return run.stdout.split('\0').slice(0, -1);
}

const argument = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...'\'"`$\\!&|;<>(){}[]*?~#= \t\r\n-%^'.split('')) }),
).map((text) => text.replaceAll('\0', '')).filter((text) => Buffer.from(text).toString() === text);

for (const shell of ['sh', 'bash']) {
  test(`${shell} sees exactly the arguments that were quoted`, () => {
    fc.assert(fc.property(fc.array(argument, { minLength: 1, maxLength: 6 }), (argv) => {
      expect(seenBy([shell, '-c'], argv)).toEqual(argv);
    }), { numRuns: 150 });
  });
}

test('a NUL is refused', () => {
  expect(() => shellQuote(['a\0b'])).toThrow(RangeError);
});

test.each(Object.entries({ PROBE, UPLOAD, RUN_CHECKED }))('%s is one line that means the same to every login shell', (_name, script) => {
  expect(script).not.toMatch(/['!\n\r]/);
  // fish reads \\ and \' inside single quotes; a backslash before anything else stays
  expect(script).not.toMatch(/\\[\\']/);
  for (const shell of ['sh', 'bash']) {
    const checked = spawnSync(shell, ['-n', '-c', script], { encoding: 'utf8' });
    expect(checked.stderr).toBe('');
    expect(checked.status).toBe(0);
  }
});
