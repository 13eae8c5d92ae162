import { describe, expect, it } from 'vitest';
import { isTestPath } from '../../../src/analysis/test-code';

describe('paths of tests, benchmarks and examples', () => {
  it.each(['test/a.c', 'src/tests/a.c', 'tests-m32/a.c', 'unittests/io/a.cc', 'examples/cp.c', 'src/ring-test.c', 'test_ring.c', 'bench-io/a.c'])('%s', (path) => {
    expect(isTestPath(path)).toBe(true);
  });
  it.each(['src/a.c', 'contest/a.c', 'latest/a.c', 'src/attest.c', 'testament/a.c'])('not %s', (path) => {
    expect(isTestPath(path)).toBe(false);
  });
});
