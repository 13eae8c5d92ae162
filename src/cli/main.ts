/** `ringlight`: one file a command; this file only finds the command and turns its failure into words. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { parseCommand, type Command } from './command';
import type { Part } from './scan-part';

const COMMANDS: Record<string, () => Promise<Command>> = {
  lint: async () => (await import('./lint')).lint,
  inventory: async () => (await import('./inventory')).inventory,
  lsp: async () => (await import('./lsp')).lsp,
  trace: async () => (await import('./trace')).trace,
  who: async () => (await import('./who')).who,
  doctor: async () => (await import('./doctor')).doctor,
  report: async () => (await import('./report')).report,
};

async function main(): Promise<number> {
  const { name, args } = parseCommand(process.argv.slice(2));
  const load = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!load) {
    const wanted = name === undefined || name === 'help' || name === '--help' || name === '-h';
    const text = `usage: ringlight ${Object.keys(COMMANDS).join('|')} …   (ringlight COMMAND --help says more)\n`;
    (name === undefined || !wanted ? process.stderr : process.stdout).write(wanted ? text : `ringlight: no command “${name}”\n${text}`);
    return name === undefined || !wanted ? 2 : 0;
  }
  const command = await load();
  // what follows `--` belongs to the command being traced
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (own.includes('--help') || own.includes('-h')) {
    process.stdout.write(command.usage);
    return 0;
  }
  return command.run(args);
}

// A reader that went away (`| head`) or a full disk ends no command halfway: a trace still has to end in order.
let unwritten = false;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || unwritten) return;
  unwritten = true;
  process.exitCode = 2;
  process.stderr.write(`ringlight: the output cannot be written: ${error.message}\n`);
});
process.stderr.on('error', () => undefined);

/** The second thread of a scan runs this file too. */
async function thread(): Promise<number> {
  const { analysePart } = await import('./scan-part');
  parentPort!.postMessage(await analysePart(workerData as Part));
  return 0;
}

(isMainThread ? main() : thread()).then(
  (code) => { process.exitCode = unwritten ? 2 : code; },
  (error: unknown) => {
    process.stderr.write(`ringlight: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
