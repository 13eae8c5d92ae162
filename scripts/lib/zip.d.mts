export declare function zipEntries(file: string): { name: string; size: number; packed: number; mode: number }[];
