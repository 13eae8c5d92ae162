import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import type { RinglightApi } from '../../src/extension/api';
import { until, workspaceFile } from './support/wait';

const run = promisify(execFile);

async function api(): Promise<RinglightApi> {
  const extension = vscode.extensions.getExtension<RinglightApi>('ringlight.ringlight');
  assert.ok(extension);
  return extension.activate();
}

const canTrace = process.getuid?.() === 0;

(canTrace ? suite : suite.skip)('tracing', () => {
  const program = () => workspaceFile('libaio', 'build', 'copy').fsPath;
  const cwd = () => workspaceFile('libaio').fsPath;

  suiteSetup(async () => { await run('make', ['-C', cwd()]); });

  test('a command: spans arrive while it runs, and the recording is saved and opened', async () => {
    const { trace } = await api();
    const session = await trace({ target: { kind: 'command', argv: [program(), '--seconds', '3'], cwd: cwd() } });
    await until('spans while recording', () => session.status()?.state === 'recording' && (session.status()?.spans ?? 0) > 0);
    await until('the end', () => session.status()?.state === 'ended');
    const status = session.status();
    assert.equal(status?.lost.kernel, 0);
    assert.equal(status?.tracks[0]?.api, 'libaio');
    assert.equal((status?.spans ?? 0) % 32, 0, 'whole batches of 16 reads and 16 writes');

    const file = workspaceFile('copy.ringtrace');
    await session.saveAs(file);
    await vscode.commands.executeCommand('vscode.open', file);
    await until('the timeline editor', () => {
      const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      return input instanceof vscode.TabInputCustom && input.viewType === 'ringlight.timeline';
    });
  });

  test('a task builds, runs and traces', async () => {
    const tasks = await vscode.tasks.fetchTasks({ type: 'ringlight' });
    const task = tasks.find((t) => /liburing/.test(t.name));
    assert.ok(task, `a task among ${tasks.map((t) => t.name).join(', ')}`);
    const ended = new Promise<void>((resolve) => {
      const subscription = vscode.tasks.onDidEndTask((e) => {
        if (e.execution.task.name !== task.name) return;
        subscription.dispose();
        resolve();
      });
    });
    await vscode.tasks.executeTask(task);
    await ended;
  });

  test('stopping ends the program and keeps the recording', async () => {
    const { trace } = await api();
    const session = await trace({ target: { kind: 'command', argv: [program(), '--seconds', '600'], cwd: cwd() } });
    await until('spans', () => (session.status()?.spans ?? 0) > 0);
    await session.stop();
    assert.equal(session.status()?.state, 'ended');
    await until('the program to be gone', async () => !(await run('pgrep', ['-f', 'copy --seconds 600']).then(() => true, () => false)));
  });

  test('a program that is not there is an error that says what to do', async () => {
    const { trace } = await api();
    const session = await trace({ target: { kind: 'command', argv: ['/nonexistent/program'] } });
    const failure = await session.ended();
    assert.equal(failure?.code, 'bad-target');
    assert.match(failure.message, /nonexistent/);
    assert.notEqual(failure.hint, '');
  });
});
