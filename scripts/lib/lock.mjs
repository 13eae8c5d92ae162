// One set-up at a time: they share the cache, node_modules and dist.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CACHE } from './paths.mjs';

/**
 * Runs `body` while holding the set-up lock. The lock is the kernel's (flock), held by a child that lives as long as
 * our end of its standard input: however we end, it is free again.
 */
export async function withLock(body, file = join(CACHE, 'setup.lock')) {
  mkdirSync(CACHE, { recursive: true });
  const holder = spawn('flock', ['--exclusive', file, 'sh', '-c', 'echo held; exec cat >/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = setTimeout(() => process.stderr.write('Another set-up of Ringlight is running; waiting for it…\n'), 1000);
  try {
    await new Promise((resolve, reject) => {
      holder.on('error', reject);
      holder.on('exit', (status) => reject(new Error(`flock ended with status ${status}; is ${file} writable?`)));
      holder.stdout.once('data', resolve);
    });
  } finally {
    clearTimeout(waiting);
  }
  try {
    return await body();
  } finally {
    holder.stdin.end();
  }
}
