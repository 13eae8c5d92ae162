export declare function withLock<T>(body: () => Promise<T> | T, file?: string): Promise<T>;
