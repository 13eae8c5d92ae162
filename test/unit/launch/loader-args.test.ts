import { expect, test } from 'vitest';
import { LaunchError } from '../../../src/launch/failure';
import { encodeArgs, loaderArgs } from '../../../src/launch/loader-args';
import type { TraceRequest } from '../../../src/protocol/launch';

test('each kind of target becomes arguments', () => {
  expect(loaderArgs({ target: { kind: 'all' }, durationSeconds: 2.5, apis: ['io_uring', 'libaio'] })).toEqual(['--apis', 'io_uring,libaio', '--duration', '2.5', '--all']);
  expect(loaderArgs({ target: { kind: 'pid', pid: 42 } })).toEqual(['--pid', '42']);
  expect(loaderArgs({ target: { kind: 'command', argv: ['./a b', '--pid', '1'], cwd: '/x y', env: { A: '1=2' } } }, { A: 'old', HOME: '/h' }))
    .toEqual(['--cwd', '/x y', '--env', 'A=1=2', '--env', 'HOME=/h', '--', './a b', '--pid', '1']);
});

test('how much, and of whom, becomes options; what was not asked for stays the loader\u2019s', () => {
  expect(loaderArgs({ target: { kind: 'all' }, apis: ['sync', 'epoll'], mode: 'sampled', sample: 32, calls: true, stacks: 16, pendingMs: 0 }))
    .toEqual(['--apis', 'sync,epoll', '--mode', 'sampled', '--sample', '32', '--calls', '--stacks', '16', '--pending', '0', '--all']);
  expect(loaderArgs({ target: { kind: 'all' }, comm: '--pid', uid: 0, cgroup: 'system.slice/db.service', stacks: 0, calls: false }))
    .toEqual(['--comm', '--pid', '--uid', '0', '--cgroup', 'system.slice/db.service', '--all']);
});

const bad: [string, TraceRequest][] = [
  ['no command', { target: { kind: 'command', argv: [] } }],
  ['an empty command', { target: { kind: 'command', argv: [''] } }],
  ['a NUL', { target: { kind: 'command', argv: ['a', 'b\0c'] } }],
  ['a relative folder', { target: { kind: 'command', argv: ['a'], cwd: 'x' } }],
  ['a bad variable', { target: { kind: 'command', argv: ['a'], env: { 'A=B': '' } } }],
  ['pid 0', { target: { kind: 'pid', pid: 0 } }],
  ['half a pid', { target: { kind: 'pid', pid: 1.5 } }],
  ['a sample of all', { target: { kind: 'all' }, sample: 1 }],
  ['a filter of a command', { target: { kind: 'command', argv: ['a'] }, uid: 0 }],
  ['half a stack', { target: { kind: 'all' }, stacks: 0.5 }],
  ['a negative age', { target: { kind: 'all' }, pendingMs: -1 }],
  ['a negative user', { target: { kind: 'all' }, uid: -1 }],
  ['an empty name', { target: { kind: 'all' }, comm: '' }],
  ['no time', { target: { kind: 'all' }, durationSeconds: 0 }],
  ['endless time', { target: { kind: 'all' }, durationSeconds: Infinity }],
];
test.each(bad)('%s is refused', (_name, request) => {
  expect(() => loaderArgs(request)).toThrow(LaunchError);
});

test('the arguments travel as size, line end and bytes, each argument ended by NUL', () => {
  expect(encodeArgs(['--', 'ä', 'x\ny', '']).toString('latin1')).toBe(`11\n--\0${Buffer.from('ä').toString('latin1')}\0x\ny\0\0`);
});
