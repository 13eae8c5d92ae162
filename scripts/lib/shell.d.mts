export declare class CommandFailed extends Error { tail: string; log?: string }
export declare function run(command: string, args: string[], options?: { cwd?: string; env?: NodeJS.ProcessEnv; log?: string; onLine?: (line: string) => void }): Promise<string>;
export declare function which(name: string, extra?: string[]): string | undefined;
