/**
 * Tasks of type `ringlight`: a program run under the tracer, with its output in the terminal and its timeline beside
 * it. Builds first through the task's own `dependsOn`.
 */
import * as vscode from 'vscode';
import * as v from 'valibot';
import type { TraceRequest } from '../../protocol/launch';
import { TASK_TYPE } from '../ids';
import type { TraceSessions } from './sessions';
import { TraceTerminal } from './trace-terminal';

const Definition = v.object({
  type: v.literal(TASK_TYPE),
  program: v.string(),
  args: v.optional(v.array(v.string()), []),
  cwd: v.optional(v.string()),
  env: v.optional(v.record(v.string(), v.string())),
  host: v.optional(v.string()),
});
type TraceTaskDefinition = v.InferOutput<typeof Definition>;

export function registerTraceTasks(sessions: TraceSessions): vscode.Disposable {
  return vscode.tasks.registerTaskProvider(TASK_TYPE, {
    provideTasks: () => [],
    resolveTask: (task) => {
      const parsed = v.safeParse(Definition, task.definition);
      if (!parsed.success) return undefined;
      const execution = new vscode.CustomExecution((resolved) => Promise.resolve(
        new TraceTerminal(sessions, requestOf(v.parse(Definition, resolved), folderOf(task)), 'close'),
      ));
      return new vscode.Task(task.definition, task.scope ?? vscode.TaskScope.Workspace, task.name, TASK_TYPE, execution);
    },
  });
}

function folderOf(task: vscode.Task): string | undefined {
  const scope = task.scope;
  return (typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.[0])?.uri.fsPath;
}

function requestOf({ program, args, cwd, env, host }: TraceTaskDefinition, folder: string | undefined): TraceRequest {
  const where = cwd ?? (host ? undefined : folder);
  return {
    ...(host ? { host } : {}),
    target: { kind: 'command', argv: [program, ...args], ...(where ? { cwd: where } : {}), ...(env ? { env } : {}) },
  };
}
