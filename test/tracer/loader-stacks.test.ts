/** Where in the program submissions come from. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ModuleInfo, StackInfo } from '../../src/protocol/wire';
import { buildLoader } from '../support/launch';
import { buildPrograms, callName, expectConsistent, program, record, SYSCALL_WAYS, type Recorded } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

const COUNT = 40;
const [WITH_TRACEFS] = SYSCALL_WAYS;

const stacksOf = ({ recording }: Recorded) => new Map(recording.infos.filter((info): info is StackInfo => info.kind === 'stack').map((info) => [info.stack, info]));

describe.skipIf(WHY_NO_TRACING)(`stacks ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
    folder = mkdtempSync('/var/tmp/ringlight-stacks-');
    file = join(folder, 'data');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    { hook: 'sys_enter', apis: ['io_uring', 'libaio', 'posix-aio', 'sync'] },
    { hook: 'sys_enter_io_submit', apis: ['io_uring', 'libaio'] },
  ] as const)('each submission has its functions: $apis by $hook', async ({ hook, apis }) => {
    const recorded = await record(['--apis', apis.join(','), '--calls', '--stacks', '1', '--', program('stack-known'), file, String(COUNT)], WITH_TRACEFS.how);
    const { code, recording, said } = recorded;
    expect(code).toBe(0);
    expect(recording.hello.hooks).toContainEqual({ name: hook, state: 'attached' });
    expectConsistent(recording);
    const functions = ['outer', 'middle', 'inner'].map((name) => ({ name, start: Number(said[name]) })).sort((a, b) => a.start - b.start);
    // the order in which the compiler lays them out is its own; the functions are short
    const functionAt = (frame: string) => functions.findLast(({ start }) => start <= Number(frame) && Number(frame) < start + 1024)?.name;
    const stacks = stacksOf(recorded);
    const names = (stack: number) => stacks.get(stack)!.frames.slice(0, 3).map(functionAt);

    for (const api of apis) {
      if (api === 'sync') continue;
      const spans = recording.spans.filter((span) => span.api === api);
      expect(spans).toHaveLength(COUNT);
      // the C library's function is the innermost one there, and hides its caller
      for (const span of spans) expect(names(span.stack)).toEqual(api === 'posix-aio' ? [undefined, 'middle', 'outer'] : ['inner', 'middle', 'outer']);
    }
    for (const name of ['io_uring_enter', 'io_submit', 'read'] as const) {
      if (name === 'read' && apis.length < 4) continue;
      const calls = recording.calls.filter((call) => callName(call) === name && (name !== 'read' || call.fd === said.file));
      expect(calls).toHaveLength(COUNT);
      for (const call of calls) expect(names(call.stack)).toEqual(['inner', 'middle', 'outer']);
    }
    // the same place is the same stack, told once
    expect(new Set(recording.spans.map((span) => span.stack)).size).toBe(apis.filter((api) => api !== 'sync').length);
    expect([...stacks.keys()]).toEqual(Array.from({ length: stacks.size }, (_, i) => i + 1));
    for (const { frames, pid } of stacks.values()) {
      expect(pid).toBe(said.pid);
      // user space, all of it
      for (const frame of frames) expect(BigInt(frame)).toBeLessThan(1n << 56n);
    }

    const modules = recording.infos.filter((info): info is ModuleInfo => info.kind === 'module');
    const own = modules.find((module) => module.path === program('stack-known'))!;
    expect(Number(said.inner)).toBeGreaterThanOrEqual(Number(own.start));
    expect(Number(said.inner)).toBeLessThan(Number(own.end));
    // file offset and address agree with the symbol table
    const symbol = execFileSync('nm', [program('stack-known')], { encoding: 'utf8' }).split('\n').find((line) => / t inner$/.test(line))!.split(' ')[0]!;
    expect(Number(said.inner) - Number(own.start) + Number(own.offset)).toBe(parseInt(symbol, 16));
    const id = /Build ID: ([0-9a-f]+)/.exec(execFileSync('readelf', ['-n', program('stack-known')], { encoding: 'utf8' }))?.[1];
    expect(own.build_id).toBe(id);
    expect(new Set(modules.map((module) => module.start)).size).toBe(modules.length);
  });

  test('one in so many', async () => {
    const { recording } = await record(['--apis', 'io_uring', '--stacks', '8', '--', program('stack-known'), file, '160']);
    const having = recording.spans.filter((span) => span.stack > 0);
    // each CPU counts for itself
    expect(having.length).toBeGreaterThanOrEqual(20);
    expect(having.length).toBeLessThanOrEqual(20 + 8);
  });

  test('none unless asked for', async () => {
    const recorded = await record(['--apis', 'io_uring,libaio', '--', program('stack-known'), file, '3']);
    expect(stacksOf(recorded).size).toBe(0);
    for (const { stack } of [...recorded.recording.spans, ...recorded.recording.calls]) expect(stack).toBe(0);
    const bare = await record(['--apis', 'io_uring', '--stacks', '--', program('stack-known'), file, '64']);
    expect(stacksOf(bare).size).toBe(1);
  });
});
