/** Learns the process ids of programs being debugged, whatever the debugger: the adapters' `process` event. */
import * as vscode from 'vscode';
import * as v from 'valibot';

const ProcessEvent = v.object({
  type: v.literal('event'), event: v.literal('process'),
  body: v.object({ name: v.string(), systemProcessId: v.pipe(v.number(), v.integer(), v.minValue(1)) }),
});

export interface DebugTarget { session: vscode.DebugSession; pid: number; program: string }

export class DebugTargets implements vscode.Disposable {
  private readonly targets = new Map<string, DebugTarget>();
  private readonly subscription: vscode.Disposable;

  constructor() {
    this.subscription = vscode.Disposable.from(
      vscode.debug.registerDebugAdapterTrackerFactory('*', {
        createDebugAdapterTracker: (session) => ({
          onDidSendMessage: (message: unknown) => {
            const parsed = v.safeParse(ProcessEvent, message);
            if (parsed.success) {
              const { name, systemProcessId } = parsed.output.body;
              this.targets.set(session.id, { session, pid: systemProcessId, program: name });
            }
          },
        }),
      }),
      vscode.debug.onDidTerminateDebugSession((session) => this.targets.delete(session.id)),
    );
  }

  list(): DebugTarget[] { return [...this.targets.values()]; }
  dispose(): void { this.subscription.dispose(); }
}
