// A workload whose process exists before its program runs and after it is done, so that a tracer sees all of it and lives to its end.
import { setTimeout as sleep } from 'node:timers/promises';
import { ending, start } from './scene.mjs';

/** What the kernel has to do after programs were attached is not what tracing costs. */
const SETTLE_MS = 200;

/** The shell waits for a line and becomes the program: the process id stays. */
const GATE = 'echo ready; read -r go && exec "$@"';

/**
 * @param command one of test/bench/programs with its arguments
 * @returns `pid`, `go()` which runs the program and resolves to what it says, and `end()`
 */
export async function prepare(command) {
  const child = start('/bin/sh', ['-c', GATE, 'gate', ...command]);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => { output += text; });
  /** Until it has said so many lines. */
  const lines = (count) => new Promise((resolve, reject) => {
    const look = () => { if (output.split('\n').length > count) resolve(output.split('\n')[count - 1]); };
    child.stdout.on('data', look);
    child.ended.then(({ code, signal, error }) => reject(new Error(`${command.join(' ')} ended with ${error?.message ?? signal ?? code}: ${child.errors()}`)));
    look();
  });
  await lines(1);
  return {
    pid: child.pid,
    async go() {
      child.stdin.write('go\n');
      return JSON.parse(await lines(2));
    },
    end() {
      child.stdin.end();
      return ending(child);
    },
  };
}

/** Runs a workload that nothing traces, or that `attach(pid)` does. @returns what it says, and in `told` what the tracer's `stop()` says */
export async function run(command, attach) {
  const workload = await prepare(command);
  const tracer = await attach?.(workload.pid);
  await sleep(SETTLE_MS);
  const said = await workload.go();
  const told = await tracer?.stop();
  await workload.end();
  return { ...said, told };
}

/** Bound to the first CPU, so that the scheduler's choices do not differ between runs. */
export const pinned = (command) => ['taskset', '-c', '0', ...command];
