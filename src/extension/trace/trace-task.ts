/**
 * Tasks of type `ringlight`: a program run under the tracer, with its output in the terminal and its timeline beside
 * it. Builds first through the task's own `dependsOn`.
 */
import * as vscode from 'vscode';
import * as v from 'valibot';
import { TASK_TYPE } from '../ids';
import type { TraceSession, TraceSessions } from './sessions';

const Definition = v.object({
  type: v.literal(TASK_TYPE),
  program: v.string(),
  args: v.optional(v.array(v.string()), []),
  cwd: v.optional(v.string()),
  env: v.optional(v.record(v.string(), v.string())),
  host: v.optional(v.string()),
});
export type TraceTaskDefinition = v.InferOutput<typeof Definition>;

export function registerTraceTasks(sessions: TraceSessions): vscode.Disposable {
  return vscode.tasks.registerTaskProvider(TASK_TYPE, {
    provideTasks: () => [],
    resolveTask: (task) => {
      const parsed = v.safeParse(Definition, task.definition);
      if (!parsed.success) return undefined;
      const execution = new vscode.CustomExecution((resolved) => Promise.resolve(
        new TraceTerminal(sessions, v.parse(Definition, resolved), folderOf(task)),
      ));
      return new vscode.Task(task.definition, task.scope ?? vscode.TaskScope.Workspace, task.name, TASK_TYPE, execution);
    },
  });
}

function folderOf(task: vscode.Task): string | undefined {
  const scope = task.scope;
  return (typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.[0])?.uri.fsPath;
}

/** Shows what the program prints; closing it stops the trace. */
class TraceTerminal implements vscode.Pseudoterminal {
  private readonly writes = new vscode.EventEmitter<string>();
  private readonly closes = new vscode.EventEmitter<number>();
  readonly onDidWrite = this.writes.event;
  readonly onDidClose = this.closes.event;
  private session: TraceSession | undefined;

  constructor(private readonly sessions: TraceSessions, private readonly definition: TraceTaskDefinition, private readonly folder: string | undefined) {}

  open(): void { void this.run(); }

  close(): void { void this.session?.stop(); }

  handleInput(data: string): void { if (data === '\x03') void this.session?.stop(); }

  private async run(): Promise<void> {
    const { program, args, cwd = this.folder, env, host } = this.definition;
    this.print(`> ${[program, ...args].join(' ')}\n`);
    try {
      this.session = await this.sessions.start({
        ...(host ? { host } : {}),
        target: { kind: 'command', argv: [program, ...args], ...(cwd ? { cwd } : {}), ...(env ? { env } : {}) },
      });
      this.session.onOutput((text) => this.print(text));
      await this.session.ended();
      const failure = this.session.failure();
      this.print(failure ? `\n${failure.message} ${failure.hint}\n` : `\n${vscode.l10n.t('Recorded {0} operations.', (this.session.status()?.spans ?? 0).toLocaleString())}\n`);
      this.closes.fire(failure ? 1 : 0);
    } catch (error) {
      this.print(`\n${error instanceof Error ? error.message : String(error)}\n`);
      this.closes.fire(1);
    }
  }

  private print(text: string): void { this.writes.fire(text.replace(/\r?\n/g, '\r\n')); }
}
