export declare function filesBelow(paths: string[], skip?: (path: string) => boolean): string[];
export declare function hashFiles(base: string, files: string[], ...more: string[]): string;
