// The timeline page alone in a browser: node scripts/dev-page.mjs FILE.ringtrace [--port N] [--replay SECONDS]
// The real page and the real recording; only the editor between them is replaced. Page tests use `startDevPage`.
import { build } from 'esbuild';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.ttf': 'font/ttf', '.map': 'application/json' };

/** Bundles page, bridge and recording into a folder of their own. */
async function bundle() {
  const out = mkdtempSync(join(tmpdir(), 'ringlight-dev-'));
  const shared = { bundle: true, logLevel: 'warning', sourcemap: 'linked' };
  const browser = { ...shared, platform: 'browser', format: 'iife', target: 'es2022' };
  await Promise.all([
    build({ ...browser, entryPoints: [join(root, 'webview/main.ts')], outfile: join(out, 'timeline.js') }),
    build({ ...browser, entryPoints: [join(root, 'webview/dev/bridge.ts')], outfile: join(out, 'bridge.js') }),
    build({ ...shared, entryPoints: [join(root, 'src/recording/index.ts')], outfile: join(out, 'recording.cjs'), platform: 'node', format: 'cjs', target: 'node20', sourcemap: false }),
  ]);
  return out;
}

/** The document is the one the editor serves, with the bridge in front, under the same policy plus `connect-src 'self'`. */
function html() {
  const nonce = randomBytes(16).toString('base64');
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'self'; font-src 'self'; connect-src 'self'`;
  return { policy, text: `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="codicon.css" id="vscode-codicon-stylesheet">
<link rel="stylesheet" href="timeline.css">
<title>Ringlight timeline</title>
</head>
<body>
<script nonce="${nonce}" src="bridge.js"></script>
<script nonce="${nonce}" src="timeline.js"></script>
</body>
</html>` };
}

function columns(_key, value) {
  if (!ArrayBuffer.isView(value)) return value;
  return { $column: value.constructor.name, base64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
}

/**
 * Serves the page for one recording on loopback.
 * @param {string} file path of a .ringtrace file
 * @param {{ port?: number, replaySeconds?: number }} [options] replay: feed the file's bytes over that time, as if live
 * @returns {Promise<{ url: string, recording: import('../src/recording').Recording, push(): void, close(): Promise<void> }>}
 */
export async function startDevPage(file, { port = 0, replaySeconds } = {}) {
  const out = await bundle();
  const { Recording } = require(join(out, 'recording.cjs'));
  const listeners = new Set();
  const bytes = readFileSync(file);
  const recording = replaySeconds === undefined ? await Recording.open(file) : await Recording.create(join(out, 'replay.ringtrace'), { where: 'this machine', what: '' });
  const push = () => {
    const data = `data: ${JSON.stringify({ kind: 'status', status: recording.status() }, columns)}\n\n`;
    for (const response of listeners) response.write(data);
  };

  let timer;
  const stop = async () => {
    clearInterval(timer);
    await recording.end();
    push();
  };
  if (replaySeconds !== undefined) {
    let at = 0;
    const began = Date.now();
    timer = setInterval(() => {
      const until = Math.min(bytes.length, Math.ceil(((Date.now() - began) / 1000 / replaySeconds) * bytes.length));
      recording.append(bytes.subarray(at, until));
      at = until;
      if (at === bytes.length) void stop();
      else push();
    }, 125);
  }

  const server = createServer((request, response) => {
    const path = new URL(request.url, 'http://localhost').pathname.slice(1);
    if (request.method === 'POST' && path === 'message') return void answer(request, response);
    if (path === '') {
      const { policy, text } = html();
      return response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy }).end(text);
    }
    if (path === 'events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      listeners.add(response);
      request.on('close', () => listeners.delete(response));
      return;
    }
    const from = path.startsWith('codicon') ? join(root, 'node_modules/@vscode/codicons/dist', path) : join(out, path);
    if (path.includes('..') || !existsSync(from)) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'cache-control': 'no-store' }).end(readFileSync(from));
  });
  async function answer(request, response) {
    let text = '';
    for await (const chunk of request) text += chunk;
    const message = JSON.parse(text);
    if (message.kind === 'command' && message.command === 'stop') await stop();
    if (message.kind === 'error') console.error(`page: ${message.message}`);
    const reply = recording.handle(message);
    response.writeHead(200, { 'content-type': 'application/json' }).end(reply ? JSON.stringify(reply, columns) : '');
  }

  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    recording,
    push,
    async close() {
      clearInterval(timer);
      for (const response of listeners) response.end();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await recording.dispose();
      rmSync(out, { recursive: true, force: true });
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const option = (name) => {
    const at = args.indexOf(name);
    return at < 0 ? undefined : Number(args.splice(at, 2)[1]);
  };
  const port = option('--port');
  const replaySeconds = option('--replay');
  if (args.length !== 1) {
    console.error('usage: node scripts/dev-page.mjs FILE.ringtrace [--port N] [--replay SECONDS]');
    process.exit(2);
  }
  const page = await startDevPage(args[0], { port, replaySeconds });
  console.log(page.url);
  process.on('SIGINT', () => void page.close().then(() => process.exit(0)));
}
