/** Our end of {@link file://./askpass.ts}: ssh's questions become `ask` calls. */
import { writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { shellQuote } from './shell-quote';

export interface AskpassQuestion {
  /** ssh's own words */
  prompt: string;
  /** SSH_ASKPASS_PROMPT: empty for a text, `confirm` for yes or no, `none` for a notice without an answer */
  kind: string;
}
export interface AskpassAnswer { /** absent: cancelled */ answer?: string }

/** Asks the person; undefined is "cancelled". `secret` answers are not shown while typed. */
export type Ask = (prompt: string, secret: boolean) => Promise<string | undefined>;

export interface AskpassServer {
  /** what ssh needs in its environment */
  env: NodeJS.ProcessEnv;
  /** whether the user cancelled a question */
  cancelled: boolean;
  close(): void;
}

/**
 * Listens on a socket in `folder` (private to the user: who can open it can ask and hear) for the askpass program.
 * @param program path of the bundled askpass.js
 * @param notice shown without an answer, like "touch your security key"
 */
export async function serveAskpass(folder: string, program: string, ask: Ask, notice: (text: string) => void): Promise<AskpassServer> {
  const socketPath = join(folder, 'askpass');
  const wrapper = join(folder, 'askpass.sh');
  // ssh runs one path without arguments of ours, so a script names the node we run on (Electron, inside VS Code)
  await writeFile(wrapper, `#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec ${shellQuote([process.execPath, program])} "$1"\n`, { mode: 0o700 });

  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    let line = '';
    const onData = (text: string) => {
      line += text;
      if (!line.includes('\n')) return;
      socket.off('data', onData);
      void answer(JSON.parse(line) as AskpassQuestion).then((reply) => socket.end(JSON.stringify(reply)), () => socket.end());
    };
    socket.on('data', onData);
  });

  async function answer({ prompt, kind }: AskpassQuestion): Promise<AskpassAnswer> {
    if (kind === 'none') {
      notice(prompt);
      return { answer: '' };
    }
    const yesNo = kind === 'confirm' || /\(yes\/no/.test(prompt);
    const reply = await ask(prompt, !yesNo);
    if (reply === undefined) result.cancelled = true;
    return { answer: reply };
  }

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  const result: AskpassServer = {
    env: {
      SSH_ASKPASS: wrapper, SSH_ASKPASS_REQUIRE: 'force', RINGLIGHT_ASKPASS_SOCKET: socketPath,
      // OpenSSH before 8.4 asks this way only when it believes in a display
      DISPLAY: process.env['DISPLAY'] ?? ':0',
    },
    cancelled: false,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
  return result;
}
