/** What a command of the command line is. */
export interface Command {
  /** printed by --help; ends with a newline */
  usage: string;
  /** resolves to the exit status (see the README's table) */
  run(args: string[]): Promise<number>;
}

/** A wrong use of the command line; `main` prints the message and exits with 2. */
export class UsageError extends Error {}

export function parseCommand(argv: string[]): { name: string | undefined; args: string[] } {
  return { name: argv[0], args: argv.slice(1) };
}
