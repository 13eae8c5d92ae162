import { expect, test } from 'vitest';
import type { Census } from '../../../src/protocol/wire';
import { formatWho, withRates } from '../../../src/trace';

const use = (submitted: number) => ({ api: 'io_uring' as const, submitted, completed: submitted, rings: 1 });
const census = (t: number, processes: [pid: number, comm: string, submitted: number][], more = 0): Census => ({ t, more, processes: processes.map(([pid, comm, submitted]) => ({ pid, comm, uid: 0, apis: [use(submitted)] })) });

test('rates are between two tables, and since the beginning at first', () => {
  const first = census(2e9, [[1, 'a', 1000], [2, 'b', 400]]);
  expect(withRates(first, undefined).processes.map((p) => p.apis[0]!.per_second)).toEqual([500, 200]);
  const second = withRates(census(4e9, [[1, 'a', 1000], [2, 'b', 2400], [3, 'c', 10]]), first);
  expect(second.processes.map((p) => [p.pid, p.apis[0]!.per_second])).toEqual([[2, 1000], [3, 5], [1, 0]]);
  // another program under a number that was used before
  expect(withRates(census(4e9, [[1, 'z', 100]]), first).processes[0]!.apis[0]!.per_second).toBe(50);
});

test('the table names what is left out', () => {
  expect(formatWho(withRates(census(2e9, [[7, 'store', 1234567]], 3), undefined), 'db1')).toBe(
    'db1: 4 processes with asynchronous I/O, after 2.00 s\n\npid  user  program  api       per second  submitted  completed  rings\n'
    + '  7     0  store    io_uring     617\u202f284  1\u202f234\u202f567  1\u202f234\u202f567      1\nand 3 more\n');
  expect(formatWho(withRates(census(2e9, []), undefined), 'db1')).toBe('db1: 0 processes with asynchronous I/O, after 2.00 s\n');
});
