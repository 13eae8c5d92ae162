/** Asking for passwords on the terminal itself, which stdin and stdout need not be. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import type { ConnectOptions } from '../launch';
import { printable } from './output';

/** Undefined where there is no terminal to ask on. */
export function terminalAsk(): ConnectOptions['ask'] {
  try {
    closeSync(openSync('/dev/tty', 'r+'));
  } catch {
    return undefined;
  }
  return async (prompt, secret) => {
    const fd = openSync('/dev/tty', 'r+');
    writeSync(fd, `${printable(prompt).trimEnd()} `);
    const terminal = new ReadStream(fd);
    // a trace that was stopped meanwhile must not wait for an answer
    terminal.unref();
    try {
      if (secret) terminal.setRawMode(true);
      const answer = await readLine(terminal);
      if (secret) writeSync(fd, '\n');
      return answer;
    } finally {
      if (secret) terminal.setRawMode(false);
      terminal.destroy();
    }
  };
}

/** One line; undefined on Ctrl-C, or Ctrl-D on an empty line. In raw mode the keys arrive as they are. */
function readLine(terminal: ReadStream): Promise<string | undefined> {
  terminal.setEncoding('utf8');
  return new Promise((resolve) => {
    let line = '';
    const onData = (text: string) => {
      for (const key of text) {
        if (key === '\n' || key === '\r') return finish(line);
        if (key === '\x03' || (key === '\x04' && line === '')) return finish(undefined);
        if (key === '\x7f' || key === '\b') line = [...line].slice(0, -1).join('');
        else if (key === '\x15') line = '';
        else line += key;
      }
    };
    const finish = (answer: string | undefined) => {
      terminal.off('data', onData);
      resolve(answer);
    };
    terminal.on('data', onData);
    terminal.once('end', () => finish(undefined));
  });
}
