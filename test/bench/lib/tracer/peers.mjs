// Other tracers, doing what comes closest to a latency per operation.
import { statSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ending, installed, start } from './scene.mjs';

const ATTACH_MOST_MS = 20_000;
/** perf says nothing when it has attached */
const PERF_ATTACH_MS = 1000;

const BPFTRACE = {
  io_uring: (pid) => `
tracepoint:io_uring:io_uring_submit_req /pid == ${pid}/ { @start[args->req] = nsecs; }
tracepoint:io_uring:io_uring_complete /@start[args->req]/ { @latency = hist(nsecs - @start[args->req]); delete(@start[args->req]); }`,
  libaio: (pid) => `
tracepoint:syscalls:sys_enter_io_submit /pid == ${pid}/ { @start[tid] = nsecs; }
tracepoint:syscalls:sys_exit_io_submit /@start[tid]/ { @latency = hist(nsecs - @start[tid]); delete(@start[tid]); }`,
};
const PERF = {
  io_uring: ['io_uring:io_uring_submit_req', 'io_uring:io_uring_complete'],
  libaio: ['syscalls:sys_enter_io_submit', 'syscalls:sys_exit_io_submit'],
};
const STRACE = { io_uring: 'io_uring_enter', libaio: 'io_submit,io_getevents' };

/** Resolves when a line says that the tracer is attached. */
function told(child, stream, pattern) {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => reject(new Error(`did not attach: ${child.errors()}`)), ATTACH_MOST_MS);
    stream.on('data', (piece) => {
      text += piece;
      if (pattern.test(text)) { clearTimeout(timer); resolve(); }
    });
    child.ended.then(({ error }) => { clearTimeout(timer); reject(new Error(`ended before it was attached: ${error?.message ?? child.errors()}`)); });
  });
}

async function bpftrace({ api }, pid) {
  // the interval attaches last, so its first tick comes when the others count; later ones wake it for a signal that came just
  // before it went to sleep
  const script = `${BPFTRACE[api](pid)}\ninterval:ms:100 { printf("on\\n"); }`;
  const child = start('bpftrace', ['-B', 'line', '-f', 'json', '-e', script]);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { output += text; });
  await told(child, child.stdout, /"on\\n"/);
  return {
    async stop() {
      child.kill('SIGINT');
      const { code, signal } = await ending(child);
      const histogram = output.split('\n').filter((line) => line.startsWith('{"type": "hist"')).map((line) => JSON.parse(line).data['@latency']).find(Boolean);
      const operations = (histogram ?? []).reduce((sum, { count }) => sum + count, 0);
      if (operations === 0) throw new Error(`saw nothing and ended with ${signal ?? code}: ${child.errors()}`);
      return { operations };
    },
  };
}

async function strace({ api }, pid) {
  const child = start('strace', ['-f', '-o', '/dev/null', '-e', `trace=${STRACE[api]}`, '-p', String(pid)]);
  await told(child, child.stderr, /attached/);
  return {
    async stop() {
      child.kill('SIGINT');
      await ending(child);
      return {};
    },
  };
}

async function perf({ api, scratch }, pid) {
  const file = join(scratch, 'perf.data');
  const child = start('perf', ['record', '-o', file, ...PERF[api].flatMap((event) => ['-e', event]), '-p', String(pid)]);
  await sleep(PERF_ATTACH_MS);
  if (child.exitCode !== null) throw new Error(`ended before it was attached: ${child.errors()}`);
  return {
    async stop() {
      child.kill('SIGINT');
      await ending(child);
      const bytes = statSync(file).size;
      rmSync(file);
      if (!/Captured and wrote/.test(child.errors())) throw new Error(`recorded nothing: ${child.errors()}`);
      return { megabytes: Math.round(bytes / 1e6) };
    },
  };
}

const ALL = { bpftrace, strace, perf };

/** Those that are installed, by name. */
export const PEERS = Object.fromEntries(Object.entries(ALL).filter(([name]) => installed(name)));
export const MISSING = Object.keys(ALL).filter((name) => !(name in PEERS));
