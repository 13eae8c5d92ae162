import { describe, expect, it } from 'vitest';
import { closingLine, countResults } from '../../../scripts/lib/results.mjs';

const test = (status: string) => ({ status, fullName: `a ${status} test`, meta: {} });

describe('the closing line', () => {
  it('counts every test by what came of it', () => {
    const report = { testResults: [
      { name: '/a', status: 'passed', assertionResults: [test('passed'), test('skipped'), test('passed'), test('todo')] },
      { name: '/b', status: 'failed', assertionResults: [test('failed'), test('passed')] },
    ] };
    const counts = countResults(report);
    expect(closingLine(counts)).toBe('3 passed, 1 failed, 2 skipped');
    expect(counts.skippedTests.map((skipped) => skipped.file)).toEqual(['/a', '/a']);
  });
  it('counts a file that could not be collected as a failure', () => {
    expect(countResults({ testResults: [{ name: '/a', status: 'failed', assertionResults: [] }] }).failed).toBe(1);
  });
});
