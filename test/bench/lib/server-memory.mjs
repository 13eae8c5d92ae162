// The language server as an editor runs it: asked for the findings of the whole workspace, then looked at from outside.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const rssMb = (pid, field) => Math.round(Number(new RegExp(`${field}:\\s*(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024);

/** @returns what the server held when it was done, and at its greatest */
export async function serverAfterScan({ root, tree }) {
  const { createMessageConnection, StreamMessageReader, StreamMessageWriter } = createRequire(join(root, 'package.json'))('vscode-jsonrpc/node');
  const child = spawn(process.execPath, [join(root, 'dist/server.js'), '--stdio'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const connection = createMessageConnection(new StreamMessageReader(child.stdout), new StreamMessageWriter(child.stdin));
  connection.onRequest(() => null);
  connection.listen();
  try {
    const uri = pathToFileURL(tree).href;
    await connection.sendRequest('initialize', {
      processId: process.pid, rootUri: uri, workspaceFolders: [{ uri, name: 'tree' }],
      capabilities: { textDocument: { diagnostic: {} }, workspace: { diagnostics: { refreshSupport: true }, workspaceFolders: true } },
    });
    await connection.sendNotification('initialized', {});
    const start = performance.now();
    const report = await connection.sendRequest('workspace/diagnostic', { previousResultIds: [] });
    const seconds = Number(((performance.now() - start) / 1000).toFixed(2));
    const findings = report.items.reduce((sum, item) => sum + (item.items?.length ?? 0), 0);
    return { seconds, findings, rssMb: rssMb(child.pid, 'VmRSS'), greatestRssMb: rssMb(child.pid, 'VmHWM') };
  } finally {
    connection.dispose();
    child.kill('SIGKILL');
  }
}
