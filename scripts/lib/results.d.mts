export interface Counts { passed: number; failed: number; skipped: number }
export declare function countResults(report: unknown): Counts & { skippedTests: { file: string; name: string; reason: string }[] };
export declare function closingLine(counts: Counts): string;
