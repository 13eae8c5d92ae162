/** *Trace…*: two questions at most, where and what, with the last answer first. */
import * as vscode from 'vscode';
import * as fs from 'node:fs/promises';
import parseArgv from 'string-argv';
import type { TraceRequest } from '../../protocol/launch';
import { TASK_TYPE } from '../ids';
import { chooseHost } from './choose-host';
import type { DebugTargets } from './debug-targets';

const LAST_COMMAND = 'ringlight.lastCommand';

/** What the user chose: a request, or a task that makes one. */
export type Choice = { kind: 'request'; request: TraceRequest } | { kind: 'task'; task: vscode.Task };
type Item<T> = vscode.QuickPickItem & { value?: T };

export async function chooseTarget(context: vscode.ExtensionContext, debugTargets: DebugTargets): Promise<Choice | undefined> {
  const host = await chooseHost(context, vscode.l10n.t('Ringlight: trace where?'));
  if (host === undefined) return undefined;
  const where = host === '' ? {} : { host };
  type What = 'command' | 'pid' | 'all' | { pid: number } | { task: vscode.Task };
  const items: Item<What>[] = [];
  if (host === '') {
    for (const target of debugTargets.list()) {
      items.push({ label: `$(debug-alt) ${target.session.name}`, description: `${target.program} (${target.pid})`, detail: vscode.l10n.t('The program being debugged'), value: { pid: target.pid } });
    }
  }
  const tasks = (await vscode.tasks.fetchTasks({ type: TASK_TYPE })).filter((task) => (task.definition.host ?? '') === host);
  for (const task of tasks) items.push({ label: `$(play) ${task.name}`, description: String(task.definition.program), value: { task } });
  items.push(
    { label: vscode.l10n.t('$(terminal) Command…'), detail: vscode.l10n.t('Run a program and trace it from its first system call'), value: 'command' },
    { label: vscode.l10n.t('$(list-tree) Process…'), detail: vscode.l10n.t('A program that is running, and its children'), value: 'pid' },
    { label: vscode.l10n.t('$(globe) Everything'), detail: vscode.l10n.t('All processes of the machine'), value: 'all' },
  );
  const chosen = await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Ringlight: trace what?'), matchOnDescription: true });
  const value = chosen?.value;
  if (value === undefined) return undefined;
  if (typeof value === 'object') {
    return 'task' in value ? { kind: 'task', task: value.task } : { kind: 'request', request: { ...where, target: { kind: 'pid', pid: value.pid } } };
  }
  const target = value === 'command' ? await askCommand(context, host) : value === 'pid' ? await askProcess(host) : { kind: 'all' as const };
  return target && { kind: 'request', request: { ...where, target } };
}

async function askCommand(context: vscode.ExtensionContext, host: string): Promise<TraceRequest['target'] | undefined> {
  const line = await vscode.window.showInputBox({
    title: vscode.l10n.t('Command to trace'), value: context.workspaceState.get<string>(LAST_COMMAND, ''), placeHolder: './program --option',
    prompt: vscode.l10n.t('Program and arguments, without a shell; quotes keep words together.'),
    validateInput: (text) => (text.trim() === '' ? vscode.l10n.t('Give a program.') : undefined),
  });
  if (line === undefined) return undefined;
  await context.workspaceState.update(LAST_COMMAND, line);
  const folder = host === '' ? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath : undefined;
  return { kind: 'command', argv: parseArgv(line), ...(folder ? { cwd: folder } : {}) };
}

async function askProcess(host: string): Promise<TraceRequest['target'] | undefined> {
  if (host === '') {
    const items = await localProcesses();
    const chosen = await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Process to trace'), matchOnDescription: true, matchOnDetail: true });
    return chosen && { kind: 'pid', pid: chosen.pid };
  }
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t('Process id on {0}', host), validateInput: (t) => (/^[1-9]\d*$/.test(t) ? undefined : vscode.l10n.t('A process id is a positive number.')),
  });
  return text === undefined ? undefined : { kind: 'pid', pid: Number(text) };
}

/** newest first: what was just started is what is looked for */
async function localProcesses(): Promise<(vscode.QuickPickItem & { pid: number })[]> {
  const pids = (await fs.readdir('/proc')).filter((n) => /^\d+$/.test(n)).map(Number).sort((a, b) => b - a);
  const items = await Promise.all(pids.map(async (pid) => {
    const raw = await fs.readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const argv = raw.split('\0').filter(Boolean);
    return argv[0] ? { pid, label: argv[0].split('/').pop() ?? argv[0], description: String(pid), detail: argv.join(' ').slice(0, 200) } : undefined;
  }));
  return items.filter((i) => i !== undefined);
}
