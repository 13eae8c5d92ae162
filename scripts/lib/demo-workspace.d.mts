export declare function refreshDemo(from: string, to: string, manifest: string): string[];
