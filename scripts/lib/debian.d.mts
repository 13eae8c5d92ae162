export declare const PURPOSES: Record<'loader' | 'demo' | 'vscode' | 'tests' | 'kernels' | 'browser', string[]>;
export declare function missingPackages(purposes: string[]): string[];
