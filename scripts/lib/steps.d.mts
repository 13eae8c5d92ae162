export declare class StepFailed extends Error { constructor(message: string, advice?: string); advice?: string }
export interface StepTools {
  say(line: string): void;
  sh(command: string, args: string[], options?: { cwd?: string; env?: NodeJS.ProcessEnv }): Promise<string>;
}
export interface Step { title: string; advice?: string; done?(): boolean | Promise<boolean>; run(tools: StepTools): unknown }
export declare function runSteps(steps: Step[]): Promise<void>;
