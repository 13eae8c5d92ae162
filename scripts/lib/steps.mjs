// Long work as numbered steps, each with its time and the last line it printed.
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { CACHE } from './paths.mjs';
import { CommandFailed, run } from './shell.mjs';

/** A step that cannot go on; `advice` is what the person should do. */
export class StepFailed extends Error {
  constructor(message, advice) {
    super(message);
    this.name = 'StepFailed';
    this.advice = advice;
  }
}

const PLAIN_INTERVAL_MS = 15_000;
const out = process.stderr;

const seconds = (ms) => (ms < 60_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`);

/** Shows one running step: a line that is redrawn on a terminal, a line now and then elsewhere. */
function ticker(label) {
  const start = Date.now();
  let last = '';
  const draw = () => {
    const text = `${label}  ${seconds(Date.now() - start)}${last ? `  ${last}` : ''}`;
    if (out.isTTY) out.write(`\r\x1b[K${text.slice(0, (out.columns || 80) - 1)}`);
    else out.write(`${text.slice(0, 160)}\n`);
  };
  out.write(out.isTTY ? label : `${label} …\n`);
  const timer = setInterval(draw, out.isTTY ? 250 : PLAIN_INTERVAL_MS);
  return {
    // control characters of the programs would move our cursor
    line: (text) => { last = text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '').replace(/[\x00-\x1f]/g, ' ').trim(); },
    end: (mark) => {
      clearInterval(timer);
      if (out.isTTY) out.write('\r\x1b[K');
      out.write(`${mark} ${label}  ${seconds(Date.now() - start)}\n`);
    },
  };
}

/**
 * Runs steps in order and stops at the first that fails, with the end of its log and what to do.
 * A step is `{ title, done?(), run({ sh, say }) , advice? }`: `done` says that nothing is to be done,
 * `sh(command, args, options)` runs a program into the step's log, `say(line)` shows a line.
 */
export async function runSteps(steps) {
  for (const [index, step] of steps.entries()) {
    const label = `[${index + 1}/${steps.length}] ${step.title}`;
    if (await step.done?.()) {
      out.write(`✓ ${label}  ready\n`);
      continue;
    }
    const log = join(CACHE, 'logs', `${step.title.toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 40)}.log`);
    rmSync(log, { force: true });
    const shown = ticker(label);
    try {
      await step.run({ say: shown.line, sh: (command, args, options = {}) => run(command, args, { log, onLine: shown.line, ...options }) });
      shown.end('✓');
    } catch (error) {
      shown.end('✗');
      throw explain(error, step);
    }
  }
}

function explain(error, step) {
  if (error instanceof StepFailed) return error;
  if (!(error instanceof CommandFailed)) return error;
  const where = error.log ? `\nThe whole log: ${error.log}` : '';
  return new StepFailed(`${error.message}. It ended with:\n\n${error.tail.replace(/^/gm, '    ')}\n${where}`, step.advice);
}

/** Runs a script's main function; what a person can act on is printed without a stack. */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    if (error instanceof StepFailed || error instanceof CommandFailed) {
      out.write(`\n${error.message}\n`);
      if (error.advice) out.write(`\nWhat to do: ${error.advice}\n`);
    } else {
      out.write(`\n${error?.stack ?? error}\n`);
    }
    process.exitCode = 1;
  }
}
