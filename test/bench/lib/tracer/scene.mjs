// What a run of the tracer's bench makes: folders and processes. All of it is gone when the bench ends, however it ends.
import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where files are in memory, on most machines. */
export const MEMORY = '/dev/shm';
const TMPFS_MAGIC = 0x01021994;
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 };

const running = new Set();
const folders = [];

process.on('exit', () => {
  // a tracer's programs leave the kernel with its descriptors, so killing it is enough
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const [signal, number] of Object.entries(SIGNALS)) process.on(signal, () => process.exit(128 + number));

/** A new folder, removed at the end. */
export function folder(inside = tmpdir()) {
  const made = mkdtempSync(join(inside, 'ringlight-bench-'));
  folders.push(made);
  return made;
}

/** One that is in memory if it can be, so that a recording waits for no disk, and nothing that is measured on it for the recording. */
export const folderInMemory = () => folder(isTmpfs(MEMORY) ? MEMORY : undefined);

/** A child process with `ended`, which resolves to `{ code, signal, error }`, and `errors()`, what it wrote to stderr. */
export function start(command, args, stdio = ['pipe', 'pipe', 'pipe']) {
  const child = spawn(command, args, { stdio });
  let text = '';
  running.add(child);
  child.stdin?.on('error', () => undefined);
  child.stderr?.setEncoding('utf8').on('data', (piece) => { text = (text + piece).slice(-4000); });
  child.errors = () => text.trim();
  child.ended = new Promise((resolve) => {
    const over = (end) => { running.delete(child); resolve(end); };
    child.on('error', (error) => over({ error }));
    child.on('close', (code, signal) => over({ code, signal }));
  });
  return child;
}

/** Waits for the end of a process that was asked to end; kills it when it does not follow. */
export async function ending(child, ms = 60_000) {
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  const end = await child.ended;
  clearTimeout(timer);
  return end;
}

/** Kills what a run that failed has left. */
export async function endAll() {
  await Promise.all([...running].map((child) => { child.kill('SIGKILL'); return child.ended; }));
}

export function isTmpfs(path) {
  return existsSync(path) && statfsSync(path).type === TMPFS_MAGIC;
}

/** A file of random bytes, written out: holes and unwritten extents are read without a device. */
export function dataFile(inside, megabytes) {
  const path = join(inside, 'data');
  const chunk = Buffer.allocUnsafe(1 << 20);
  const fd = openSync(path, 'w');
  for (let i = 0; i < megabytes; i++) writeSync(fd, randomFillSync(chunk));
  fsyncSync(fd);
  closeSync(fd);
  return path;
}

/** Path of a program, or undefined. */
export function installed(name) {
  return [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'].map((folder) => join(folder, name)).find((path) => {
    try { accessSync(path, constants.X_OK); return true; } catch { return false; }
  });
}
