/** `ringlight lsp`: the language server, for any editor. */
import { UsageError, type Command } from './command';
import { parseOptions } from './output';

export const lsp: Command = {
  usage: `usage: ringlight lsp --stdio
Serves the language server protocol over standard input and output, for editors other than VS Code too.
`,
  async run(args) {
    const { values } = parseOptions({ args, options: { stdio: { type: 'boolean', default: false } } });
    if (!values.stdio) throw new UsageError('the language server speaks over standard input and output only: ringlight lsp --stdio');
    await import('../server/main');
    // the server ends the process when its client says so, or goes away
    return new Promise<number>(() => undefined);
  },
};
