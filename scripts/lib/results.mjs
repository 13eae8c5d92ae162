// What vitest's JSON report says, in the numbers of the closing line.

/**
 * Counts a vitest JSON report. A file that could not even be collected holds no tests and still failed: it counts as one.
 * `skippedTests` carries each skipped test's name and, where it gave one (`skip('why')`), the reason.
 */
export function countResults(report) {
  const counts = { passed: 0, failed: 0, skipped: 0, skippedTests: [] };
  for (const file of report.testResults) {
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) counts.failed++;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed++;
      else if (test.status === 'failed') counts.failed++;
      else {
        counts.skipped++;
        counts.skippedTests.push({ file: file.name, name: test.fullName, reason: test.meta?.skipReason ?? '' });
      }
    }
  }
  return counts;
}

/** The last line of a run, for people and for machines. */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
