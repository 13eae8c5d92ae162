/** Runs the real loader on the workloads of test/programs. */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { opName } from '../../src/protocol/ops';
import { Call, type CallName } from '../../src/protocol/wire';
import { decodeRecording, type DecodedCall, type DecodedSpan, type Recording } from './frames';
import { LOADER } from './launch';

export { LOADER };

const ROOT = join(import.meta.dirname, '../..');
const CALL_NAMES = Object.keys(Call) as CallName[];

/** Path of a workload; {@link buildPrograms} has built it. */
export const program = (name: string) => join(ROOT, '.build/programs', name);

export function buildPrograms(): void {
  execFileSync('make', ['-C', join(ROOT, 'test/programs'), '-j2'], { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** A loader that runs. */
export class Loader {
  readonly child: ChildProcessWithoutNullStreams;
  stderr = '';
  readonly #chunks: Buffer[] = [];
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  /** @param how a program and its arguments to start the loader with, like `unshare` */
  constructor(args: string[], how: readonly string[] = []) {
    const [file, ...rest] = [...how, LOADER, ...args];
    this.child = spawn(file!, rest);
    this.child.stdin.on('error', () => undefined);
    this.child.stdout.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    this.child.stderr.on('data', (chunk: Buffer) => { this.stderr += chunk.toString(); });
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => resolve({ code, signal }));
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** What has arrived so far. */
  get recording(): Recording {
    return decodeRecording(this.bytes);
  }

  /** The line of JSON that the workload printed. */
  async said(): Promise<Record<string, unknown>> {
    const line = await eventually(() => /^\{.*\}$/m.exec(this.stderr)?.[0], `JSON in: ${this.stderr}`);
    return JSON.parse(line) as Record<string, unknown>;
  }

  /** Waits until so many spans have arrived. */
  async spans(count: number): Promise<void> {
    await eventually(() => this.bytes.length > 8 && this.recording.spans.length >= count, `${count} spans`);
  }
}

const TRACEFS = '/sys/kernel/tracing';
/** Ways to see system calls: with tracefs each by its own hook, without it by those of all calls. `how` as of {@link record}. */
export const SYSCALL_WAYS = [
  { name: 'with tracefs', how: ['unshare', '-m', 'sh', '-c', `test -d ${TRACEFS}/events || mount -t tracefs none ${TRACEFS}; exec "$@"`, '-'], hook: (call: string) => `sys_enter_${call}` },
  { name: 'without tracefs', how: ['unshare', '-m', 'sh', '-c', `while umount ${TRACEFS} 2>/dev/null; do :; done; umount /sys/kernel/debug 2>/dev/null; exec "$@"`, '-'], hook: () => 'sys_enter' },
] as const;

export interface Recorded { code: number | null; stderr: string; recording: Recording; said: Record<string, unknown> }

/** Runs the loader to its end. */
export async function record(args: string[], how: readonly string[] = []): Promise<Recorded> {
  const loader = new Loader(args, how);
  const { code } = await loader.ended;
  const json = /^\{.*\}$/m.exec(loader.stderr)?.[0];
  return { code, stderr: loader.stderr, recording: loader.recording, said: json ? JSON.parse(json) as Record<string, unknown> : {} };
}

/** Polls until `probe` gives something. @throws after 20 seconds */
export async function eventually<T>(probe: () => T | undefined | false, what: string): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const value = probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`did not come: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

/** Spans by operation, without submissions that were refused. */
export function counts(spans: DecodedSpan[], api: DecodedSpan['api']): Record<string, number> {
  const result: Record<string, number> = {};
  for (const span of spans) {
    if (span.api !== api) continue;
    const op = opName(api, span.op);
    result[op] = (result[op] ?? 0) + 1;
  }
  return result;
}

/** Calls by name. */
export function callCounts(calls: DecodedCall[]): Partial<Record<CallName, number>> {
  const result: Partial<Record<CallName, number>> = {};
  for (const call of calls) result[callName(call)] = (result[callName(call)] ?? 0) + 1;
  return result;
}

export function callName(call: DecodedCall): CallName {
  return CALL_NAMES[call.call]!;
}

/** Operations by name that the histograms counted. */
export function counted(recording: Recording): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { ops } of recording.histograms) for (const op of ops) sums[opName(op.api, op.op)] = (sums[opName(op.api, op.op)] ?? 0) + op.count;
  return sums;
}

export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** Two spans of one ring's slot never share a moment. */
export function expectLanes(spans: DecodedSpan[]): void {
  const lanes = new Map<string, DecodedSpan[]>();
  for (const span of spans) lanes.set(`${span.ring}/${span.slot}`, [...lanes.get(`${span.ring}/${span.slot}`) ?? [], span]);
  for (const lane of lanes.values()) {
    lane.sort((a, b) => a.start - b.start);
    lane.forEach((span, i) => {
      const before = lane[i - 1];
      if (before) expect(before.start + before.duration).toBeLessThanOrEqual(span.start);
    });
  }
}

/** Every number in the spans has its name before or in the stream, and totals agree with the spans. */
export function expectConsistent(recording: Recording): void {
  const rings = new Set(recording.infos.flatMap((info) => info.kind === 'ring' ? [info.ring] : []));
  const processes = new Set(recording.infos.flatMap((info) => info.kind === 'process' ? [info.pid] : []));
  for (const ring of new Set(recording.spans.map((span) => span.ring))) expect(rings).toContain(ring);
  for (const pid of new Set(recording.spans.map((span) => span.pid))) expect(processes).toContain(pid);
  const totals = recording.goodbye?.totals;
  expect(totals?.lost).toEqual({ kernel: 0, stream: 0, unpaired: 0 });
  expect(totals?.spans).toBe(recording.spans.length);
  expect(recording.rest).toBe(0);
}

export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/stat`) && !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
}
