/**
 * Builds the one line that a remote login shell reads, from an argument array: every argument single-quoted, so
 * that no shell finds anything to expand in it. The scripts sent this way are kept free of `'`, `!` and line
 * breaks, which makes the line mean the same to csh and fish as to a POSIX shell.
 * @throws RangeError when an argument holds a NUL, which no command line can carry
 */
export function shellQuote(argv: readonly string[]): string {
  return argv.map((argument) => {
    if (argument.includes('\0')) throw new RangeError('a command-line argument cannot hold a NUL character');
    return `'${argument.replaceAll("'", "'\\''")}'`;
  }).join(' ');
}
