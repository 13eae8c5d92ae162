import { describe, expect, it } from 'vitest';
import { isExamplePath, isTestPath } from '../../../src/analysis/test-code';
import { analyse } from './support';

describe('paths of tests, benchmarks and examples', () => {
  it.each(['test/a.c', 'src/tests/a.c', 'tests-m32/a.c', 'unittests/io/a.cc', 'examples/cp.c', 'src/ring-test.c', 'test_ring.c', 'bench-io/a.c'])('%s', (path) => {
    expect(isTestPath(path)).toBe(true);
  });
  it.each(['src/a.c', 'contest/a.c', 'latest/a.c', 'src/attest.c', 'testament/a.c'])('not %s', (path) => {
    expect(isTestPath(path)).toBe(false);
  });
  it('examples and benchmarks are told from tests', () => {
    expect(['examples/cp.c', 'bench-io/a.c', 'ring_bench.c'].map(isExamplePath)).toEqual([true, true, true]);
    expect(['test/cp.c', 'test_ring.c', 'src/a.c'].map(isExamplePath)).toEqual([false, false, false]);
  });
});

describe('the same code elsewhere', () => {
  const CODE = `#include <liburing.h>
int one(struct io_uring *ring, int fd)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	io_uring_prep_fsync(sqe, fd, 0);
	sqe->user_data = 1;
	return io_uring_submit(ring) == 1 ? 0 : -1;
}
int many(struct io_uring *ring, int fd, int n)
{
	for (int i = 0; i < n; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
		io_uring_prep_fsync(sqe, fd, 0);
		sqe->user_data = i;
	}
	return io_uring_submit(ring) == n ? 0 : -1;
}
void tag(struct io_uring_sqe *sqe)
{
	io_uring_sqe_set_data(sqe, (void *)7);
}
`;
  const found = async (path: string) => (await analyse(CODE, 'c', path)).findings.map((f) => `${f.range.start.line + 1} ${f.severity} ${f.rule}`);
  it('a test that takes one entry fails where there is none; advice is no news in it', async () => {
    expect(await found('src/a.c')).toEqual(['5 warning uring-null-sqe', '13 warning uring-null-sqe', '20 hint uring-deprecated-api']);
    expect(await found('test/a.c')).toEqual(['13 information uring-null-sqe']);
  });
  it('a test of what the kernel refuses means it', async () => {
    const refused = '#include <liburing.h>\nint none(struct io_uring *ring)\n{\n\treturn io_uring_queue_init(0, ring, 0);\n}\n';
    expect((await analyse(refused, 'c', 'src/a.c')).findings.map((f) => f.rule)).toEqual(['uring-setup-params-invalid']);
    expect((await analyse(refused, 'c', 'test/a.c')).findings).toEqual([]);
    expect((await analyse(refused, 'c', 'bench/a.c')).findings.map((f) => f.severity)).toEqual(['warning']);
  });
  it('examples are copied', async () => {
    expect(await found('examples/a.c')).toEqual(['5 information uring-null-sqe', '13 information uring-null-sqe', '20 hint uring-deprecated-api']);
  });
});
