import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FromPage, PageRequestName, PageRequests } from '../../../src/protocol/page';
import { Recording } from '../../../src/recording';
import { StreamWriter } from '../../support/encode';
import { syntheticRecording } from '../../support/synthetic';

let folder: string;
beforeEach(async () => { folder = await mkdtemp(join(tmpdir(), 'ringlight-recording-')); });
afterEach(() => rm(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

function ask<K extends PageRequestName>(recording: Recording, name: K, args: PageRequests[K]['args']): PageRequests[K]['reply'] {
  const reply = recording.handle({ kind: 'request', id: 7, name, args } as FromPage);
  if (reply?.kind !== 'reply') throw new Error(JSON.stringify(reply));
  expect(reply).toMatchObject({ id: 7, name });
  return reply.value as PageRequests[K]['reply'];
}

describe('recording', () => {
  it('spools the very bytes, answers while it grows, and opens again', async () => {
    const { bytes, spans } = syntheticRecording({ perLane: 200 });
    const live = await Recording.create(at('spool'), { where: 'here', what: './copy' });
    expect(live.status()).toMatchObject({ state: 'connecting', where: 'here', what: './copy', spans: 0, saved: false });
    live.append(new TextEncoder().encode('motd: welcome\n'));
    for (let i = 0; i < bytes.length; i += 1000) live.append(bytes.slice(i, i + 1000));
    expect(live.status()).toMatchObject({ state: 'recording', spans: spans.length });
    expect(ask(live, 'tiles', { t0: 0, t1: 1e6, width: 1000, tracks: [0] }).tiles).toHaveLength(1);
    await live.end();
    expect(live.noise).toBe('motd: welcome\n');
    expect(new Uint8Array(await readFile(at('spool')))).toEqual(bytes);
    await live.saveAs(at('saved.ringtrace'));
    expect(live.status()).toMatchObject({ state: 'ended', saved: true, spans: spans.length });
    expect(live.status().problem).toBeUndefined();

    const again = await Recording.open(at('saved.ringtrace'));
    expect(again.summary()).toEqual(live.summary());
    expect(again.status()).toMatchObject({ state: 'ended', where: 'saved.ringtrace', what: './build/copy-file --direct /var/tmp/in.dat /var/tmp/out.dat', saved: true });
    await live.dispose();
  });

  it('answers every kind of question', async () => {
    const { bytes, spans } = syntheticRecording({ perLane: 100 });
    await writeFile(at('r'), bytes);
    const recording = await Recording.open(at('r'));
    expect(recording.handle({ kind: 'ready', version: 1 })).toMatchObject({ kind: 'status', status: { spans: spans.length } });
    expect(ask(recording, 'summary', {}).records).toBe(spans.length);
    const rows = ask(recording, 'rows', { t0: -1, t1: 1e12, sort: 'duration', offset: 0, limit: 3 });
    expect(rows.total).toBe(spans.length);
    expect(rows.rows[0]!.duration).toBe(Math.max(...spans.map((s) => s.duration)));
    expect(ask(recording, 'detail', { index: rows.rows[0]!.index })).toEqual(rows.rows[0]);
    expect(ask(recording, 'detail', { index: 1e9 })).toBeNull();
    const problem = ask(recording, 'nextProblem', { from: -1, direction: 1 });
    expect(problem!.error !== '' || problem!.notes.length > 0).toBe(true);
    expect(recording.handle({ kind: 'command', command: 'save' })).toBeUndefined();
  });

  it('keeps what was recorded when the loader dies, and says what to do', async () => {
    const { bytes } = syntheticRecording({ perLane: 100 });
    const recording = await Recording.create(at('spool'));
    recording.append(bytes.slice(0, bytes.length * 0.7));
    await recording.end({ message: 'The connection to db1 was lost.', hint: 'Check the network, then trace again.' });
    const status = recording.status();
    expect(status).toMatchObject({ state: 'ended', problem: { message: 'The connection to db1 was lost.', hint: 'Check the network, then trace again.' } });
    expect(status.spans).toBeGreaterThan(0);
    const again = await Recording.open(at('spool'));
    expect(again.status()).toMatchObject({ state: 'ended', spans: status.spans, problem: { message: expect.stringMatching(/cut off at byte \d+/) as string } });
    await recording.dispose();
  });

  it('fails with a reason when nothing was recorded', async () => {
    const recording = await Recording.create(at('spool'));
    await recording.end({ message: 'No route to host.', hint: 'Check the name.' });
    expect(recording.status()).toMatchObject({ state: 'failed', problem: { message: 'No route to host.' } });
    await recording.dispose();
    await writeFile(at('empty'), '');
    expect((await Recording.open(at('empty'))).status()).toMatchObject({ state: 'failed', problem: { message: expect.stringContaining('nothing in it') as string } });
    await writeFile(at('text'), 'hello');
    expect((await Recording.open(at('text'))).status()).toMatchObject({ state: 'failed', problem: { message: 'This is not a Ringlight recording.' } });
    await expect(Recording.open(at('missing'))).rejects.toThrow('ENOENT');
    await expect(Recording.create(join(folder, 'no', 'such', 'folder'))).rejects.toThrow('ENOENT');
  });

  it('tells the loader\'s own reason when it could not trace', async () => {
    await writeFile(at('r'), new StreamWriter().hello().log({ t: 1, level: 'error', code: 'no-btf', message: 'This kernel has no BTF.', hint: 'Use a newer kernel.' }).goodbye({ reason: 'cannot-trace' }).bytes());
    const recording = await Recording.open(at('r'));
    expect(recording.status().problem).toEqual({ message: 'This kernel has no BTF.', hint: 'Use a newer kernel.' });
    expect(recording.takeLogs()).toHaveLength(1);
    expect(recording.takeLogs()).toHaveLength(0);
  });

  it('notices a stream that breaks while it runs', async () => {
    const recording = await Recording.create(at('spool'));
    recording.append(new StreamWriter().hello().bytes());
    expect(recording.broken).toBe(false);
    recording.append(new Uint8Array(64).fill(0xff));
    expect(recording.broken).toBe(true);
    await recording.end();
    expect(recording.status()).toMatchObject({ state: 'ended', problem: { message: expect.stringContaining('damaged') as string } });
    await recording.dispose();
  });

  it('keeps the recording in memory when the disk is full, and says so', async () => {
    // writes to /dev/full fail with ENOSPC
    const full = await open('/dev/full', 'w').then((handle) => handle.close().then(() => true), () => false);
    expect(full).toBe(true);
    const { bytes, spans } = syntheticRecording({ perLane: 50 });
    const recording = await Recording.create('/dev/full');
    recording.append(bytes);
    await recording.end();
    expect(recording.status()).toMatchObject({ state: 'ended', spans: spans.length, problem: { message: expect.stringContaining('ENOSPC') as string } });
    await recording.dispose();
  });

  it('does not copy a file onto itself', async () => {
    const { bytes } = syntheticRecording({ perLane: 10 });
    await writeFile(at('r'), bytes);
    const recording = await Recording.open(at('r'));
    await recording.saveAs(at('r'));
    expect(new Uint8Array(await readFile(at('r')))).toEqual(bytes);
    await expect(recording.saveAs(join(folder, 'no', 'r'))).rejects.toThrow('ENOENT');
  });
});
