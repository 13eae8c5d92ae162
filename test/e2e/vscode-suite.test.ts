/** Runs the suite of test/vscode inside a real VS Code and shows each of its tests here by name. */
import { describe, expect, it } from 'vitest';
import { copyDemo } from '../support/demo-copy';
import { runSuite } from '../support/vscode-server';

const demo = copyDemo();
const report = await runSuite({ folder: demo.path }).finally(() => demo.remove());

describe('inside VS Code', () => {
  it('the suite runs to its end and has tests', () => {
    expect(report.tests, report.log.slice(-4000)).toBeDefined();
    expect(report.tests?.length).toBeGreaterThan(0);
  });
  for (const test of report.tests ?? []) {
    it(test.title, (context) => {
      if (test.state === 'skipped') context.skip(test.message ?? 'skipped by the suite');
      expect(test.state, test.message).toBe('passed');
    });
  }
});
