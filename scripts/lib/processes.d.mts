export declare function markedEnvironment(env?: NodeJS.ProcessEnv): { id: string; env: NodeJS.ProcessEnv };
export declare function sessionProcesses(id: string): number[];
export declare function endSession(id: string): Promise<void>;
