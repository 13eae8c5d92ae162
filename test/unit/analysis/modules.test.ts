import { expect, it } from 'vitest';
import { analyse } from './support';

/** No fixture: the compilers of the tests know no modules. */
const CODE = `module;
#include <liburing.h>
export module queue;
import std;

export class Queue {
	io_uring ring_{};

public:
	int nop()
	{
		io_uring_sqe *sqe = io_uring_get_sqe(&ring_);
		io_uring_prep_nop(sqe);
		return io_uring_submit(&ring_);
	}
	int nop_if_room()
	{
		io_uring_sqe *sqe = io_uring_get_sqe(&ring_);
		if (!sqe)
			return -1;
		io_uring_prep_nop(sqe);
		return io_uring_submit(&ring_);
	}
};
`;

it('a module of C++20 is read like any other file', async () => {
  const { findings } = await analyse(CODE, 'cpp', 'queue.cpp', {});
  expect(findings.filter((f) => f.severity === 'warning').map((f) => [f.rule, f.range.start.line])).toEqual([['uring-null-sqe', 12]]);
});
