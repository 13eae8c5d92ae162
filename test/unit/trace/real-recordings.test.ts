import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { StreamReader, Summaries, type TraceStore } from '../../../src/trace';

/** Recorded by the loader on a real kernel (test/fixtures/recordings). */
const FOLDER = join(import.meta.dirname, '../../fixtures/recordings');
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.ringtrace'));

function read(name: string): { store: TraceStore; reader: StreamReader } {
  const reader = new StreamReader();
  reader.push(readFileSync(join(FOLDER, name)));
  return { store: reader.store, reader };
}

describe('recordings of the real loader', () => {
  it('exist', () => expect(files.length).toBeGreaterThan(0));

  it.each(files)('%s: read to its end, and as many spans as the loader says it sent', (name) => {
    const { store, reader } = read(name);
    expect(reader.finish()).toEqual({ kind: 'complete' });
    expect(store.spans.length).toBe(store.goodbye!.totals.spans);
    expect(store.calls.length).toBe(store.goodbye!.totals.calls);
    const { records, apis, calls } = new Summaries(store).summary(reader.finish());
    expect(calls.reduce((n, c) => n + c.count, 0)).toBe(store.calls.length);
    expect(apis.reduce((n, op) => n + op.ways.spans + op.ways.notifications, 0)).toBe(records);
  });

  it.each(files)('%s: spans of one row, and calls of one thread, never overlap', (name) => {
    const { store } = read(name);
    for (const { kind, index } of store.tracks) {
      const rows = kind === 'calls' ? store.calls : store.spans;
      const busyUntil = new Map<number, number>();
      for (const i of index.indicesIn(-Infinity, Infinity)) {
        const slot = rows.slot(i);
        expect(rows.start(i)).toBeGreaterThanOrEqual(busyUntil.get(slot) ?? -Infinity);
        busyUntil.set(slot, rows.start(i) + rows.duration(i));
      }
    }
  });

  it.each(files)('%s: every span and call has a name, a process and lies in the recording', (name) => {
    const { store } = read(name);
    for (let i = 0; i < store.calls.length; i++) {
      expect(store.names.comm(store.tracks[store.calls.track(i)]!.pid)).not.toBe('');
      expect(store.calls.blocked(i)).toBeLessThanOrEqual(store.calls.asleep(i));
      expect(store.calls.end(i)).toBeLessThanOrEqual(store.end + 1);
    }
    for (let i = 0; i < store.spans.length; i++) {
      const track = store.tracks[store.spans.track(i)]!;
      expect(store.names.comm(track.pid)).not.toBe('');
      expect(store.spans.start(i)).toBeGreaterThanOrEqual(0);
      expect(store.spans.end(i)).toBeLessThanOrEqual(store.end + 1);
    }
  });
});
