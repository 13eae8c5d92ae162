/** What the tracing commands share: options' values and where the parts shipped with the command line lie. */
import { join } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { UsageError } from './command';

export type Format = 'text' | 'json';

/** The bundle's own folder has these beside it. */
export const LOADERS = join(__dirname, 'loader');
export const ASKPASS = join(__dirname, 'askpass.js');

/** Node's parseArgs, with its complaints as wrong use. */
export function parseOptions<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

export function readFormat(value: string | undefined): Format {
  if (value === undefined || value === 'text' || value === 'json') return value ?? 'text';
  throw new UsageError(`--format ${value}: text or json`);
}

/** Writes and waits until it is written: a pipe may be slow, and the process is about to end. */
export function print(text: string, stream: NodeJS.WriteStream = process.stdout): Promise<void> {
  return new Promise((resolve) => { stream.write(text, () => resolve()); });
}

export function say(text: string): void {
  process.stderr.write(`ringlight: ${text}\n`);
}

/** Hostile text (of another machine, of a program) must not steer the terminal. */
export function printable(text: string): string {
  return text.replace(/[^\P{C}\n\t]/gu, '\ufffd');
}
