/** The server over a workspace's folders: scan, findings of closed files, inventory, changes on the disk, virtual folders. */
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { Client } from './client';

const FIXTURES = join(import.meta.dirname, '../fixtures/rules');
const BUFFERED = readFileSync(join(FIXTURES, 'aio-buffered-io/bad.c'), 'utf8');
const FIXED = readFileSync(join(FIXTURES, 'aio-buffered-io/fixed.c'), 'utf8');
const RUST = readFileSync(join(FIXTURES, 'rust-uring-unsubmitted-write/bad.rs'), 'utf8');
const PLAIN = 'int main(void) { return 0; }\n';

let root: string;
let client: Client;
const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const uri = (path: string): string => pathToFileURL(join(root, path)).href;
const codes = (reports: { uri: string; items: { code: string }[] }[]) => Object.fromEntries(reports.map((r) => [decodeURIComponent(r.uri).slice(pathToFileURL(root).href.length + 1), r.items.map((i) => i.code)]));

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ringlight-workspace-')));
  put('src/copy.c', BUFFERED);
  put('src/journal.rs', RUST);
  put('src/plain.c', PLAIN);
  put('ignored/copy.c', BUFFERED);
  put('old stuff/c++/copy.c', BUFFERED);
  put('.gitignore', '/ignored/\n');
  client = new Client();
});
afterEach(async () => {
  expect(await client.stop()).toBe(0);
  rmSync(root, { recursive: true, force: true });
});

describe('a scan', () => {
  it('looks at every file but what git and the settings leave out', async () => {
    await client.start({ pull: true, folders: [uri('')], settings: { scanOnOpen: false, exclude: ['**/*.rs'] } });
    expect(await client.workspaceDiagnostics()).toEqual([]);
    expect(await client.scan()).toMatchObject({ files: 3, using: 2, findings: 2 });
    expect(codes(await client.workspaceDiagnostics())).toEqual({ 'src/copy.c': ['aio-buffered-io'], 'old stuff/c++/copy.c': ['aio-buffered-io'] });
  });

  it('is cancelled, and the next one goes through', async () => {
    await client.start({ pull: true, folders: [uri('')], settings: { scanOnOpen: false } });
    for (let i = 0; i < 60; i++) put(`many/f${i}.c`, BUFFERED);
    const stop = new CancellationTokenSource();
    const scan = client.scan(stop.token);
    stop.cancel();
    await expect(scan).rejects.toMatchObject({ code: -32800 });
    expect(await client.workspaceDiagnostics()).toEqual([]);
    expect(await client.scan()).toMatchObject({ files: 64, using: 63, findings: 63 });
  });

  it('tells how far it got', async () => {
    await client.start({ pull: true, folders: [uri('')] });
    const said: { kind: string; percentage: number; message: string }[] = [];
    client.connection.onNotification('$/progress', ({ token, value }: { token: string; value: (typeof said)[number] }) => { if (token === 'mine') said.push(value); });
    await client.connection.sendRequest('ringlight/scan', { workDoneToken: 'mine' });
    expect(said.map((p) => p.message)).toContain('1 of 3 files that use the APIs');
    expect(said.map((p) => p.percentage)).toEqual([...said.map((p) => p.percentage)].sort((a, b) => a - b));
  });

  it('reads folders that are not on the disk through the client', async () => {
    const files: Record<string, string> = { 'mem://box/a/copy.c': BUFFERED, 'mem://box/a/sub/plain.c': PLAIN, 'mem://box/a/skip/copy.c': BUFFERED, 'mem://box/a/.gitignore': 'skip\n' };
    client.connection.onRequest('ringlight/readDirectory', (params: { uri: string }) => {
      const below = Object.keys(files).filter((f) => f.startsWith(`${params.uri}/`)).map((f) => f.slice(params.uri.length + 1).split('/'));
      return [...new Map(below.map((parts) => [parts[0], { name: parts[0], folder: parts.length > 1 }])).values()];
    });
    client.connection.onRequest('ringlight/readFile', (params: { uri: string }) => Buffer.from(files[params.uri]!).toString('base64'));
    await client.start({ pull: true, folders: ['mem://box/a'] });
    expect(await client.scan()).toMatchObject({ files: 2, using: 1, findings: 1 });
    const [report] = await client.workspaceDiagnostics();
    expect(report).toMatchObject({ uri: 'mem://box/a/copy.c', items: [{ code: 'aio-buffered-io' }] });
  });
});

describe('findings of files that are not open', () => {
  it('a client that pulls the workspace gets them, once, and later only what changed', async () => {
    await client.start({ pull: true, folders: [uri('')] });
    const first = await client.workspaceDiagnostics();
    expect(codes(first)).toEqual({ 'src/copy.c': ['aio-buffered-io'], 'src/journal.rs': ['rust-uring-unsubmitted-write'], 'old stuff/c++/copy.c': ['aio-buffered-io'] });
    const known = first.map((r) => ({ uri: r.uri, value: r.resultId! }));
    const next = client.workspaceDiagnostics(known);
    put('src/copy.c', FIXED);
    rmSync(join(root, 'src/journal.rs'));
    put('src/new.c', BUFFERED);
    put('ignored/new.c', BUFFERED);
    const changes = ['src/copy.c', 'src/journal.rs', 'src/new.c', 'ignored/new.c'].map((path) => ({ uri: uri(path), type: 2 }));
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', { changes });
    expect(codes(await next)).toEqual({ 'src/copy.c': [], 'src/journal.rs': [], 'src/new.c': ['aio-buffered-io'] });
  });

  it('a client that pushes nothing and pulls nothing is sent them; an open file speaks for itself', async () => {
    await client.start({ pull: false, folders: [uri('')] });
    await vi.waitFor(() => expect(codes(client.published.map((p) => ({ uri: p.uri, items: p.diagnostics })))).toMatchObject({ 'src/copy.c': ['aio-buffered-io'], 'src/journal.rs': ['rust-uring-unsubmitted-write'] }), { timeout: 20_000 });
    await client.open(uri('src/copy.c'), 'c', FIXED);
    await vi.waitFor(() => expect(client.published.at(-1)).toMatchObject({ uri: uri('src/copy.c'), version: 1, diagnostics: [] }), { timeout: 20_000 });
    await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri: uri('src/copy.c') } });
    await vi.waitFor(() => expect(client.published.at(-1)).toMatchObject({ uri: uri('src/copy.c'), diagnostics: [{ code: 'aio-buffered-io' }] }), { timeout: 20_000 });
  });

  it('tests are told by their path inside the folder', async () => {
    const late = '#include <liburing.h>\nvoid f(struct io_uring *r)\n{\n\tio_uring_submit(r);\n}\n';
    put('tests/inner/late.c', late);
    put('tests/inner/tests/late.c', late);
    await client.start({ pull: true, folders: [uri('tests/inner')] });
    const severities = Object.fromEntries((await client.workspaceDiagnostics()).map((r) => [r.uri.slice(uri('tests/inner').length + 1), r.items[0]!.severity]));
    expect(severities).toEqual({ 'late.c': 2, 'tests/late.c': 3 });
    await client.open(uri('tests/inner/late.c'), 'c', late);
    expect((await client.diagnostics(uri('tests/inner/late.c'))).map((d) => d.severity)).toEqual([2]);
  });

  it('what another file of the workspace says counts in an open one', async () => {
    put('lib/get.h', 'struct io_uring_sqe *next_sqe(struct io_uring *ring);\n');
    put('lib/get.c', '#include <stdlib.h>\n#include <liburing.h>\nstruct io_uring_sqe *next_sqe(struct io_uring *ring)\n{\n\tstruct io_uring_sqe *sqe = io_uring_get_sqe(ring);\n\tif (!sqe) abort();\n\treturn sqe;\n}\n');
    put('lib/raw.c', '#include <liburing.h>\nstruct io_uring_sqe *raw_sqe(struct io_uring *ring)\n{\n\treturn io_uring_get_sqe(ring);\n}\n');
    const user = (call: string) => `#include <liburing.h>\n#include "get.h"\nstruct io_uring_sqe *raw_sqe(struct io_uring *ring);\nint f(struct io_uring *ring)\n{\n\tstruct io_uring_sqe *sqe = ${call}(ring);\n\tio_uring_prep_nop(sqe);\n\tio_uring_sqe_set_data(sqe, ring);\n\treturn io_uring_submit(ring);\n}\n`;
    await client.start({ pull: true, folders: [uri('')] });
    await client.scan();
    await client.open(uri('lib/user.c'), 'c', user('next_sqe'));
    expect((await client.diagnostics(uri('lib/user.c'))).map((d) => d.code)).not.toContain('uring-null-sqe');
    await client.change(uri('lib/user.c'), 2, [{ text: user('raw_sqe') }]);
    expect((await client.diagnostics(uri('lib/user.c'))).map((d) => d.code)).toContain('uring-null-sqe');
  });
});

describe('the inventory', () => {
  it('has every use with its function, also of what is typed and not saved', async () => {
    await client.start({ pull: true, folders: [uri('')] });
    let changes = 0;
    client.connection.onNotification('ringlight/inventoryChanged', () => { changes++; });
    const { files } = await client.inventory();
    const copy = files.find((f) => f.uri === uri('src/copy.c'))!;
    const submit = copy.usages.find((u) => u.api === 'io_submit')!;
    expect(submit).toMatchObject({ family: 'libaio', call: true });
    expect(BUFFERED.split('\n')[submit.range.start.line]!.slice(submit.range.start.column)).toMatch(/^io_submit\(/);
    expect(BUFFERED).toMatch(new RegExp(`\\b${submit.within}\\(`));
    expect(files.map((f) => f.uri)).not.toContain(uri('src/plain.c'));
    await client.open(uri('src/plain.c'), 'c', `#include <liburing.h>\n${PLAIN}void f(struct io_uring *r) { io_uring_queue_exit(r); }\n`);
    await client.diagnostics(uri('src/plain.c'));
    await vi.waitFor(() => expect(changes).toBeGreaterThan(0), { timeout: 20_000 });
    expect((await client.inventory()).files.find((f) => f.uri === uri('src/plain.c'))!.usages.map((u) => [u.api, u.within])).toEqual([['io_uring', 'f'], ['io_uring_queue_exit', 'f']]);
  });
});

describe('completion in comments', () => {
  const complete = async (line: string): Promise<string[]> => {
    await client.start({ pull: true });
    await client.open('file:///c.c', 'c', `${line}\n${BUFFERED}`);
    return client.complete('file:///c.c', 0, line.length);
  };
  it('offers the words', async () => expect(await complete('// ring')).toEqual(['ringlight-disable-next-line', 'ringlight-disable-line', 'ringlight-disable']));
  it('offers the rules, those of the file first', async () => {
    const offered = await complete('int x; // ringlight-disable-line ');
    expect(offered[0]).toBe('aio-buffered-io');
    expect(offered).toContain('uring-null-sqe');
    for (const item of await client.completions('file:///c.c', 0, 33)) expect(item.documentation, item.label).toMatch(/\w{2,} .*\.$/);
  });
  it('after a first rule, not that one again', async () => {
    const offered = await complete('/* ringlight-disable uring-null-sqe, ');
    expect(offered).toContain('aio-buffered-io');
    expect(offered).not.toContain('uring-null-sqe');
  });
  it('not in code, in text or in the reason', async () => {
    expect(await complete('ring')).toEqual([]);
    await client.change('file:///c.c', 2, [{ text: 'char *s = "// ring' }]);
    expect(await client.complete('file:///c.c', 0, 18)).toEqual([]);
    await client.change('file:///c.c', 3, [{ text: '// ringlight-disable-line uring-null-sqe -- as ' }]);
    expect(await client.complete('file:///c.c', 0, 47)).toEqual([]);
  });
});

describe('ringlight lsp --stdio', () => {
  it('is the same server, and knows its own pages', async () => {
    const other = new Client([join(import.meta.dirname, '../../dist/cli.js'), 'lsp', '--stdio']);
    await other.connection.sendRequest('initialize', { processId: process.pid, rootUri: uri(''), capabilities: { textDocument: { diagnostic: {} } } });
    await other.connection.sendNotification('initialized', {});
    const reports = await other.workspaceDiagnostics();
    const copy = reports.find((r) => r.uri === uri('src/copy.c'))!;
    expect(copy.items[0]!.codeDescription!.href).toMatch(/^file:.*\/docs\/rules\/aio-buffered-io\.md$/);
    await other.open(uri('src/copy.c'), 'c', BUFFERED);
    const [d] = await other.diagnostics(uri('src/copy.c'));
    expect((await other.actions(uri('src/copy.c'), d!.range)).map((a) => a.title)).not.toContain('Explain aio-buffered-io');
    await other.connection.sendNotification('workspace/didChangeConfiguration', { settings: { ringlight: { severities: { '*': 'off' } } } });
    expect(await other.diagnostics(uri('src/copy.c'))).toEqual([]);
    expect(await other.stop()).toBe(0);
    await client.start({ pull: true });
  });
});
