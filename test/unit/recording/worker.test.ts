import { build } from 'esbuild';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FromRecording, ToRecording } from '../../../src/protocol/recording';
import { syntheticRecording } from '../../support/synthetic';

let folder: string;
let script: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ringlight-worker-'));
  script = join(folder, 'worker.cjs');
  await build({ entryPoints: ['src/recording/worker.ts'], outfile: script, bundle: true, platform: 'node', format: 'cjs', target: 'node20' });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

class Client {
  readonly worker = new Worker(script);
  readonly seen: FromRecording[] = [];
  private waiting: (() => void)[] = [];
  constructor() {
    this.worker.on('message', (message: FromRecording) => {
      this.seen.push(message);
      for (const wake of this.waiting.splice(0)) wake();
    });
  }
  send(message: ToRecording): void { this.worker.postMessage(message); }
  async next<T extends FromRecording>(wanted: (message: FromRecording) => message is T): Promise<T> {
    for (;;) {
      const found = this.seen.find(wanted);
      if (found) return found;
      await new Promise<void>((resolve) => { this.waiting.push(resolve); });
    }
  }
  async dispose(): Promise<void> {
    const gone = new Promise((resolve) => { this.worker.once('exit', resolve); });
    this.send({ kind: 'dispose' });
    await gone;
  }
}

type Status = Extract<FromRecording, { kind: 'status' }>;
type Page = Extract<FromRecording, { kind: 'page' }>;
type Failed = Extract<FromRecording, { kind: 'failed' }>;
type Saved = Extract<FromRecording, { kind: 'saved' }>;

describe('recording worker', () => {
  it('opens a file, answers the page with columns, saves, and leaves when told', async () => {
    const { bytes, spans } = syntheticRecording({ perLane: 50 });
    const file = join(folder, 'r.ringtrace');
    await writeFile(file, bytes);
    const client = new Client();
    // a page may be faster than the file
    client.send({ kind: 'page', message: { kind: 'ready', version: 1 } });
    client.send({ kind: 'open', file });
    const { status } = await client.next((m): m is Status => m.kind === 'status');
    expect(status).toMatchObject({ state: 'ended', spans: spans.length });
    client.send({ kind: 'page', message: { kind: 'request', id: 3, name: 'tiles', args: { t0: 0, t1: 1e9, width: 1000, tracks: [0] } } });
    const { message } = await client.next((m): m is Page => m.kind === 'page' && m.message.kind === 'reply');
    if (message.kind !== 'reply' || message.name !== 'tiles') throw new Error('not tiles');
    const tile = message.value.tiles[0]!;
    expect(tile.kind === 'spans' && tile.index instanceof Uint32Array && tile.index.length).toBe(50);
    client.send({ kind: 'save', id: 9, to: join(folder, 'copy.ringtrace') });
    expect(await client.next((m): m is Saved => m.kind === 'saved')).toEqual({ kind: 'saved', id: 9 });
    await client.dispose();
  });

  it('says what is wrong with a file it cannot read', async () => {
    const client = new Client();
    client.send({ kind: 'open', file: join(folder, 'missing.ringtrace') });
    const { failure } = await client.next((m): m is Failed => m.kind === 'failed');
    expect(failure.message).toContain('missing.ringtrace cannot be read');
    client.send({ kind: 'page', message: { kind: 'ready', version: 1 } });
    const page = await client.next((m): m is Page => m.kind === 'page' && m.message.kind === 'status');
    expect(page.message).toMatchObject({ status: { state: 'failed', problem: { message: failure.message } } });
    await client.dispose();
  });

  it('reports a launch that cannot work, and keeps an answer for the page', async () => {
    const client = new Client();
    client.send({
      kind: 'start', request: { host: '-oProxyCommand=true', target: { kind: 'all' } }, spool: join(folder, 'spool'), loaders: join(folder, 'none'), askpass: join(folder, 'none.js'),
    });
    const { failure } = await client.next((m): m is Failed => m.kind === 'failed');
    expect(failure.code).toBe('bad-host');
    const last = await client.next((m): m is Status => m.kind === 'status' && m.status.state === 'failed');
    expect(last.status.problem?.message).toBe(failure.message);
    await client.dispose();
  });
});
