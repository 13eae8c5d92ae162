// Running programs: output goes to a log and, line by line, to whoever shows progress.
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** A program that did not succeed. `tail` is the end of what it printed, `log` the file with all of it. */
export class CommandFailed extends Error {
  constructor(command, how, tail, log) {
    super(`\`${command}\` ${how}`);
    this.name = 'CommandFailed';
    this.tail = tail;
    this.log = log;
  }
}

const TAIL_LINES = 30;
const running = new Set();
let signalsWatched = false;

/** Programs started here end with us, also when only this process was told to stop. */
function watchSignals() {
  if (signalsWatched) return;
  signalsWatched = true;
  for (const [signal, number] of [['SIGINT', 2], ['SIGTERM', 15], ['SIGHUP', 1]]) {
    process.on(signal, () => {
      for (const child of running) child.kill(signal);
      // whoever else listens has things to end in order, once no program of ours runs
      if (running.size > 0 || process.listenerCount(signal) === 1) process.exit(128 + number);
    });
  }
}

/** Makes a child end with us. */
export function endWithUs(child) {
  watchSignals();
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

/**
 * Runs a program without standard input; resolves to its standard output, rejects with {@link CommandFailed}.
 * `log`: file to append all output to; `onLine`: told each line as it comes.
 */
export function run(command, args, { cwd, env = process.env, log, onLine = () => {} } = {}) {
  const shown = [command, ...args].join(' ');
  let file;
  if (log) {
    mkdirSync(dirname(log), { recursive: true });
    file = openSync(log, 'a');
    writeSync(file, `$ ${shown}\n`);
  }
  return new Promise((resolve, reject) => {
    const child = endWithUs(spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }));
    const tail = [];
    let stdout = '';
    const follow = (stream, isStdout) => {
      let rest = '';
      stream.setEncoding('utf8');
      stream.on('data', (text) => {
        if (isStdout) stdout += text;
        if (file !== undefined) writeSync(file, text);
        const lines = (rest + text).split(/\r?\n|\r/);
        rest = lines.pop();
        for (const line of lines) if (line.trim()) take(line);
      });
      stream.on('end', () => { if (rest.trim()) take(rest); });
    };
    const take = (line) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      onLine(line);
    };
    follow(child.stdout, true);
    follow(child.stderr, false);
    const finish = (how) => {
      if (file !== undefined) { closeSync(file); file = undefined; }
      if (how) reject(new CommandFailed(shown, how, tail.join('\n'), log));
      else resolve(stdout);
    };
    child.on('error', (error) => finish(error.code === 'ENOENT' ? 'was not found' : `could not start: ${error.message}`));
    child.on('close', (status, signal) => finish(signal ? `was ended by ${signal}` : status === 0 ? undefined : `failed with status ${status}`));
  });
}

/** True when the program exits with 0; it is given no input and its output is dropped. */
export function succeeds(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Absolute path of a program, or undefined. Debian keeps some tools out of a plain user's PATH. */
export function which(name, extra = ['/usr/sbin', '/sbin']) {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...extra]) {
    if (!folder) continue;
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch { /* next */ }
  }
  return undefined;
}
