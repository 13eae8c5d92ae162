/** The migration from libaio to liburing: applied, compiled against the real headers, run on a real file, and looked at again. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MIGRATE } from '../../src/server/features/code-actions';
import { Client, edited } from './client';

const FIXTURES = join(import.meta.dirname, '../fixtures/migration');
const scratch = mkdtempSync(join(tmpdir(), 'ringlight-migration-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let client: Client;
beforeEach(async () => {
  client = new Client();
  await client.start({ pull: true });
});
afterEach(async () => { expect(await client.stop()).toBe(0); });

/** What the program says when it is given a file of its own, and what the file holds then. */
function run(name: string, text: string, library: string): { status: number | null; stdout: string; stderr: string; file: string } {
  const source = join(scratch, name);
  const program = join(scratch, `${name}.out`);
  const input = join(scratch, 'input');
  writeFileSync(source, text);
  const [compiler, standard] = name.endsWith('.c') ? ['gcc', '-std=gnu11'] : ['g++', '-std=c++17'];
  const built = spawnSync(compiler!, [standard!, '-Wall', '-Wextra', '-Werror', '-Wno-type-limits', source, '-o', program, `-l${library}`], { encoding: 'utf8' });
  expect(built.stderr).toBe('');
  writeFileSync(input, Array.from({ length: 4096 }, (_, i) => `${i} lines\n`).join(''));
  const { status, stdout, stderr } = spawnSync(program, [input], { encoding: 'utf8', timeout: 20_000 });
  return { status, stdout, stderr, file: readFileSync(input, 'utf8') };
}
async function migrated(name: string, text: string, at = text.lastIndexOf('io_submit(')): Promise<string | undefined> {
  const uri = `file:///work/${name}`;
  await client.open(uri, name.endsWith('.c') ? 'c' : 'cpp', text);
  await client.diagnostics(uri);
  const before = text.slice(0, at).split('\n');
  const position = { line: before.length - 1, character: before.at(-1)!.length };
  const actions = await client.actions(uri, { start: position, end: position }, ['refactor']);
  expect(actions.every((a) => a.kind === 'refactor.rewrite')).toBe(true);
  const action = actions.find((a) => a.title === MIGRATE);
  return action && edited(text, action.edit!.changes[uri]!);
}

const names = readdirSync(FIXTURES);
describe('the plain sequence', () => {
  it.each(names)('%s: does on liburing what it did on libaio, and nothing is left to warn of', async (name) => {
    const text = readFileSync(join(FIXTURES, name), 'utf8');
    const after = await migrated(name, text);
    expect(after).not.toMatch(/libaio|io_context_t|\biocb\b|io_event\b/);
    const uri = `file:///work/after-${name}`;
    await client.open(uri, name.endsWith('.c') ? 'c' : 'cpp', after!);
    expect((await client.diagnostics(uri)).filter((d) => d.severity <= 2)).toEqual([]);
    const then = run(name, text, 'aio');
    expect(then).toMatchObject({ status: 0, stderr: '' });
    expect(then.stdout).not.toBe('');
    expect(run(name, after!, 'uring')).toEqual(then);
  });

  it('the demo', async () => {
    const name = 'copy.c';
    copyFileSync(join(import.meta.dirname, '../../demo/libaio', name), join(scratch, name));
    const after = await migrated(name, readFileSync(join(scratch, name), 'utf8'));
    writeFileSync(join(scratch, name), after!);
    const built = spawnSync('gcc', ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-o', join(scratch, 'copy'), join(scratch, name), '-luring'], { encoding: 'utf8' });
    expect(built.stderr).toBe('');
    const { status, stdout } = spawnSync(join(scratch, 'copy'), ['--seconds', '1'], { cwd: scratch, encoding: 'utf8', timeout: 30_000 });
    expect(stdout).toMatch(/^\d+ reads, \d+ writes/);
    expect(status).toBe(0);
    expect(readFileSync(join(scratch, 'build/copy.dat')).subarray(0, 65536).equals(readFileSync(join(scratch, 'build/input.dat')).subarray(0, 65536))).toBe(true);
  });

  it('is offered in its functions only, and is no quick fix', async () => {
    const text = readFileSync(join(FIXTURES, 'one-request.c'), 'utf8');
    expect(await migrated('one-request.c', text, 0)).toBeUndefined();
    const all = { start: { line: 0, character: 0 }, end: { line: text.split('\n').length, character: 0 } };
    expect((await client.actions('file:///work/one-request.c', all, ['quickfix'])).map((a) => a.title)).not.toContain(MIGRATE);
  });
});

describe('one function of several', () => {
  const plain = readFileSync(join(FIXTURES, 'one-request.c'), 'utf8');
  const other = '\nint poke(io_context_t ctx, struct iocb **list);\nint poke(io_context_t ctx, struct iocb **list)\n{\n\treturn io_submit(ctx, 1, list) == 1;\n}\n';
  it('goes alone, and the other keeps its header', async () => {
    const after = await migrated('two.c', plain + other, plain.lastIndexOf('io_submit('));
    expect(after).toContain('#include <libaio.h>\n#include <liburing.h>\n');
    expect(after!.endsWith(other)).toBe(true);
    expect(after).toContain('io_uring_submit(&ctx)');
    writeFileSync(join(scratch, 'two.c'), after!);
    expect(spawnSync('gcc', ['-fsyntax-only', '-Wall', '-Wextra', '-Werror', join(scratch, 'two.c')], { encoding: 'utf8' }).stderr).toBe('');
    expect(await migrated('two-more.c', plain + other)).toBeUndefined();
  });
});

describe('silent where it does not understand all of it', () => {
  const plain = readFileSync(join(FIXTURES, 'one-request.c'), 'utf8');
  const batch = readFileSync(join(FIXTURES, 'batch.c'), 'utf8');
  it.each([
    ['a timeout', plain, 'struct io_event ev;', 'struct io_event ev; struct timespec soon = { 1, 0 };', '&ev, NULL', '&ev, &soon'],
    ['the iocb of an event', plain, 'printf("%lu bytes', 'if (ev.obj != &cb) goto out;\n\tprintf("%lu bytes'],
    ['a callback', plain, 'cb.data = argv[1];', 'io_set_callback(&cb, (io_callback_t)argv[1]);'],
    ['an eventfd', plain, 'cb.data = argv[1];', 'io_set_eventfd(&cb, 3);'],
    ['data that is set before the preparation', plain, '\tio_prep_pread(&cb, fd, buffer, 4096, 0);\n\tcb.data = argv[1];', '\tcb.data = argv[1];\n\tio_prep_pread(&cb, fd, buffer, 4096, 0);'],
    ['another request than the prepared one', plain, '= { &cb };', '= { &cb }, cb2;', 'io_submit(ctx, 1, list)', 'io_submit(ctx, 1, (struct iocb *[]){ &cb2 })'],
    ['an address that leaves', plain, 'cb.data = argv[1];', 'cb.data = argv[1];\n\tremember(&cb);'],
    ['a context that leaves', plain, 'cb.data = argv[1];', 'cb.data = argv[1];\n\tremember(ctx);'],
    ['a context that may not be set up', plain, '\tif (posix_memalign(&buffer, 4096, 4096) != 0)\n\t\treturn 2;', '\tif (posix_memalign(&buffer, 4096, 4096) != 0)\n\t\tgoto out;'],
    ['a context whose set-up failed', plain, '\t\tfprintf(stderr, "setup: %s\\n", strerror(-rc));\n\t\treturn 2;', '\t\tgoto out;'],
    ['two submissions of one request', plain, 'rc = io_submit(ctx, 1, list);', 'rc = io_submit(ctx, 1, list);\n\tif (rc != 1)\n\t\tgoto out;\n\trc = io_submit(ctx, 1, list);'],
    ['a result that is used later', plain, 'status = 0;', 'status = rc - 1;'],
    ['a result nobody looks at', plain, 'rc = io_submit(ctx, 1, list);\n\tif (rc != 1) {', 'io_submit(ctx, 1, list);\n\tif (fd == 12345) {'],
    ['the preprocessor decides', plain, '\tcb.data = argv[1];', '#ifdef DATA\n\tcb.data = argv[1];\n#endif'],
    ['a name that is taken', plain, 'int status = 1;', 'int status = 1, sqe = 0;\n\t(void)sqe;'],
    ['another count than was prepared', batch, 'error = io_submit(ctx, DEPTH, batch);', 'error = io_submit(ctx, DEPTH / 2, batch);'],
    ['a turn that may prepare nothing', batch, '\t\tiocbs[i].data = buffers[i];\n\t}\n\terror', '\t\tiocbs[i].data = buffers[i];\n\t\tif (buffers[i] == NULL)\n\t\t\tbreak;\n\t}\n\terror'],
    ['events that are looked at after the loop', batch, 'wanted -= got;', 'wanted -= got;\n\t\tbytes += events[0].res;'],
    ['a helper that other files may call', batch, 'static long reap', 'long reap'],
    ['a list in another order', batch, 'batch[i] = &iocbs[i];', 'batch[i] = &iocbs[DEPTH - 1 - i];'],
    ['macros around the calls', plain, 'rc = io_submit(ctx, 1, list);', '#define SUBMIT() io_submit(ctx, 1, list)\n\trc = SUBMIT();'],
  ])('%s', async (_, text, ...changes) => {
    let changed = text;
    for (let i = 0; i < changes.length; i += 2) {
      expect(changed).toContain(changes[i]);
      changed = changed.replace(changes[i]!, changes[i + 1]!);
    }
    for (const at of [...changed.matchAll(/\bio_(?:submit|getevents)\(/g)].map((m) => m.index)) expect(await migrated(`changed-${at}.c`, changed, at)).toBeUndefined();
  });
});

describe('what is not of the plain form', () => {
  const plain = readFileSync(join(FIXTURES, 'steps.c'), 'utf8');
  it.each([
    ['a time limit', plain.replace('1, ev, NULL', '1, ev, &(struct timespec){ 1, 0 }'), 'Line 29: this wait has a time limit.'],
    ['an eventfd', plain.replace('    if (io_submit', '    io_set_eventfd(&cb, 3);\n    if (io_submit'), 'Line 27: an eventfd belongs to a ring, not to a request.'],
    ['a structure', plain.replace('int main', 'struct job { struct iocb cb; };\nint main').replace('struct iocb cb, ', 'struct job j; struct iocb cb, '), 'job.cb is a member of a structure: contexts, iocbs and events have to be variables.'],
    ['something else', plain.replace('io_submit(ctx, 1, list) != 1', 'io_submit(ctx, 1, list) > 7'), expect.stringMatching(/^It is not of the plain form/) as string],
  ])('is refused with the reason, to who asks for refactorings: %s', async (_, text, reason) => {
    const other = new Client();
    await other.start({ pull: true, saysWhyNot: true });
    await other.open('file:///work/job.c', 'c', text);
    const before = text.slice(0, text.indexOf('io_submit(')).split('\n');
    const at = { line: before.length - 1, character: before.at(-1)!.length };
    expect(await other.actions('file:///work/job.c', { start: at, end: at }, ['refactor'])).toEqual([{ title: MIGRATE, kind: 'refactor.rewrite', disabled: { reason } }]);
    expect((await other.actions('file:///work/job.c', { start: at, end: at })).filter((a) => a.title === MIGRATE)).toEqual([]);
    expect(await other.stop()).toBe(0);
  });
});
