import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Client, edited, type Diagnostic } from './client';

const FIXTURES = join(import.meta.dirname, '../fixtures/rules');
const BUFFERED = readFileSync(join(FIXTURES, 'aio-buffered-io/bad.c'), 'utf8');
const FIXED = readFileSync(join(FIXTURES, 'aio-buffered-io/fixed.c'), 'utf8');
const URI = 'file:///work/copy.c';
const at = (line: number, character: number) => ({ line, character });

let client: Client;
beforeEach(() => { client = new Client(); });
afterEach(async () => { expect(await client.stop()).toBe(0); });

describe('a client that pulls', () => {
  beforeEach(() => client.start({ pull: true }));

  it('gets findings with source, linked code and related places', async () => {
    await client.open(URI, 'c', BUFFERED);
    const [d, ...rest] = await client.diagnostics(URI);
    expect(rest).toEqual([]);
    expect(d).toMatchObject({ source: 'ringlight', code: 'aio-buffered-io', severity: 2, codeDescription: { href: 'file:///rules/aio-buffered-io.md' } });
    const lines = BUFFERED.split('\n');
    expect(lines[d!.range.start.line]!.slice(d!.range.start.character, d!.range.end.character)).toBe('io_submit(ctx, 1, list)');
    const related = d!.relatedInformation!.map((r) => lines[r.location.range.start.line]!.slice(r.location.range.start.character, r.location.range.end.character));
    expect(related).toEqual(['open(path, O_RDONLY)', 'io_prep_pread(&cb, fd, buffer, 8192, 0)']);
    expect(client.analysed).toMatchObject([{ uri: URI, version: 1, findings: 1, parsed: true, grammars: ['c'] }]);
    expect(client.published).toEqual([]);
  });

  it('by another name of C++ too', async () => {
    await client.open('file:///work/copy.cc', 'c++', BUFFERED);
    expect((await client.diagnostics('file:///work/copy.cc')).map((d) => d.code)).toEqual(['aio-buffered-io']);
  });

  it('a text that is too long for anybody to read findings in is not looked at', async () => {
    await client.open(URI, 'c', `${BUFFERED}\n/*${'*'.repeat(8 * 1024 * 1024)}*/\n`);
    expect(await client.diagnostics(URI)).toEqual([]);
  });

  it('a file without the APIs loads no grammar', async () => {
    await client.open(URI, 'c', 'int main(void) { return 0; }\n');
    expect(await client.diagnostics(URI)).toEqual([]);
    expect(client.analysed).toMatchObject([{ parsed: false, grammars: [] }]);
  });

  it('the quick fix, applied as an incremental change, removes the finding', async () => {
    await client.open(URI, 'c', BUFFERED);
    const [d] = await client.diagnostics(URI);
    const actions = await client.actions(URI, d!.range);
    const fix = actions.find((a) => a.title === 'Open with O_DIRECT')!;
    expect(fix).toMatchObject({ kind: 'quickfix', isPreferred: true });
    const edits = fix.edit!.changes[URI]!;
    expect(edited(BUFFERED, edits).replace(/.*ruleid.*\n/, '')).toBe(FIXED);
    // from the bottom up, as an editor sends them
    const order = [...edits].sort((a, b) => b.range.start.line - a.range.start.line);
    await client.change(URI, 2, order.map((e) => ({ range: e.range, text: e.newText })));
    expect(await client.diagnostics(URI)).toEqual([]);
  });

  it('fix all takes every safe fix, once', async () => {
    const text = readFileSync(join(FIXTURES, 'aio-event-res-unsigned/bad.c'), 'utf8');
    await client.open(URI, 'c', text);
    const whole = { start: at(0, 0), end: at(text.split('\n').length, 0) };
    const [action] = await client.actions(URI, whole, ['source.fixAll']);
    expect(action).toMatchObject({ kind: 'source.fixAll.ringlight' });
    await client.change(URI, 2, [{ text: edited(text, action!.edit!.changes[URI]!) }]);
    expect(await client.diagnostics(URI)).toEqual([]);
    expect(await client.actions(URI, whole, ['source.fixAll'])).toEqual([]);
  });

  it('suppression and the rule\'s page', async () => {
    await client.open(URI, 'c', BUFFERED);
    const [d] = await client.diagnostics(URI);
    const actions = await client.actions(URI, d!.range);
    expect(actions.find((a) => a.title.startsWith('Explain'))!.command).toMatchObject({ command: 'ringlight.openRulePage', arguments: ['aio-buffered-io'] });
    let version = 1;
    for (const title of ['Suppress aio-buffered-io on this line', 'Suppress aio-buffered-io in this file']) {
      const edit = actions.find((a) => a.title === title)!.edit!.changes[URI]!;
      await client.change(URI, ++version, [{ text: edited(BUFFERED, edit) }]);
      expect(await client.diagnostics(URI)).toEqual([]);
    }
  });

  it('hover says why, and what a call and a flag do', async () => {
    await client.open(URI, 'c', BUFFERED);
    const [d] = await client.diagnostics(URI);
    const { line, character } = d!.range.start;
    const onFinding = await client.hover(URI, line, character + 2);
    expect(onFinding).toContain('**Why:** Linux AIO is asynchronous only for direct I/O.');
    expect(onFinding).toContain('[aio-buffered-io](file:///rules/aio-buffered-io.md)');
    expect(onFinding).toContain('`io_submit` (libaio)');
    const lines = BUFFERED.split('\n');
    const prep = lines.findIndex((l) => l.includes('io_prep_pread'));
    expect(await client.hover(URI, prep, lines[prep]!.indexOf('io_prep'))).toContain('Fills an iocb for a read');
    expect(await client.hover(URI, 0, 3)).toBeUndefined();
    await client.change(URI, 2, [{ text: FIXED }]);
    const open = FIXED.split('\n').findIndex((l) => l.includes('O_DIRECT'));
    expect(await client.hover(URI, open, FIXED.split('\n')[open]!.indexOf('O_DIRECT'))).toContain('past the page cache');
  });

  it('hover on a field, by the type of what it is taken from', async () => {
    const text = '#include <libaio.h>\nstruct own { int res; };\nlong f(struct io_event *e, struct iocb *cb, struct own *o)\n{\n\tcb->u.c.resfd = 3;\n\treturn e->res + o->res;\n}\n';
    await client.open(URI, 'c', text);
    const lines = text.split('\n');
    const on = (line: number, word: string) => client.hover(URI, line, lines[line]!.indexOf(word) + word.length - 1);
    expect(await on(4, 'resfd')).toMatch(/^`iocb\.u\.c\.resfd` \(libaio\): .*\n\n\*\*Mind:/);
    expect(await on(5, 'e->res')).toContain('`io_event.res` (libaio)');
    expect(await on(5, 'o->res')).toBeUndefined();
  });

  it('follows typing character by character, also in the middle of broken code', async () => {
    const start = '#include <liburing.h>\nvoid f(struct io_uring *r)\n{\n';
    const typed = '\tio_uring_submit(r);\n}\n';
    await client.open(URI, 'c', start);
    let text = start;
    for (const [i, c] of [...typed].entries()) {
      const line = text.split('\n').length - 1;
      const character = text.length - text.lastIndexOf('\n') - 1;
      await client.change(URI, i + 2, [{ range: { start: at(line, character), end: at(line, character) }, text: c }]);
      text += c;
      await client.diagnostics(URI);
    }
    expect((await client.diagnostics(URI)).map((x: Diagnostic) => x.code)).toEqual(['uring-submit-result-ignored']);
  });

  it('many requests at once all speak of the last text', async () => {
    await client.open(URI, 'c', BUFFERED);
    const first = client.diagnostics(URI);
    await client.change(URI, 2, [{ text: FIXED }]);
    const later = await Promise.all(Array.from({ length: 5 }, () => client.diagnostics(URI)));
    await first;
    expect(later.flat()).toEqual([]);
    expect(client.analysed.filter((p) => p.version === 2)).toHaveLength(1);
  });

  it('settings: severities and off', async () => {
    await client.open(URI, 'c', BUFFERED);
    const settings = { enable: true, hover: true, rulePages: '', severities: { 'aio-*': 'hint' } };
    await client.connection.sendNotification('workspace/didChangeConfiguration', { settings });
    const [d] = await client.diagnostics(URI);
    expect(d!.severity).toBe(4);
    expect(d!.codeDescription).toBeUndefined();
    await client.connection.sendNotification('workspace/didChangeConfiguration', { settings: { ...settings, severities: { 'aio-*': 'hint', 'aio-buffered-io': 'off' } } });
    expect(await client.diagnostics(URI)).toEqual([]);
    await client.connection.sendNotification('workspace/didChangeConfiguration', { settings: { enable: false } });
    expect(await client.diagnostics(URI)).toEqual([]);
    expect(await client.hover(URI, 3, 12)).toBeUndefined();
  });

  it('three languages, and one that is none of ours', async () => {
    const rust = readFileSync(join(FIXTURES, 'rust-uring-unsubmitted-write/bad.rs'), 'utf8');
    const cpp = readFileSync(join(FIXTURES, 'uring-null-sqe/file.cpp'), 'utf8');
    await client.open('file:///a.rs', 'rust', rust);
    await client.open('file:///a.cpp', 'cpp', cpp);
    await client.open('file:///a.py', 'python', 'io_uring_submit(r)');
    expect((await client.diagnostics('file:///a.rs')).map((d) => d.code)).toEqual(['rust-uring-unsubmitted-write']);
    expect((await client.diagnostics('file:///a.cpp')).map((d) => d.code)).toEqual(['uring-null-sqe', 'uring-null-sqe']);
    expect(await client.diagnostics('file:///a.py')).toEqual([]);
    expect(await client.diagnostics('file:///closed.c')).toEqual([]);
  });
});

describe('a client that does not pull', () => {
  it('is told after each change, and of nothing once the document is closed', async () => {
    await client.start({ pull: false });
    await client.open(URI, 'c', BUFFERED);
    await vi.waitFor(() => expect(client.published.at(-1)).toMatchObject({ uri: URI, version: 1, diagnostics: [{ code: 'aio-buffered-io' }] }), { timeout: 20_000 });
    await client.change(URI, 2, [{ text: FIXED }]);
    await vi.waitFor(() => expect(client.published.at(-1)).toMatchObject({ version: 2, diagnostics: [] }), { timeout: 20_000 });
    await client.connection.sendNotification('textDocument/didClose', { textDocument: { uri: URI } });
    await vi.waitFor(() => expect(client.published.at(-1)).toEqual({ uri: URI, diagnostics: [] }), { timeout: 20_000 });
  });
});

it('a client that is gone is not waited for', async () => {
  const other = new Client();
  await other.start({ pull: true });
  expect(await other.hangUp()).toBe(1);
  await client.start({ pull: true });
});
