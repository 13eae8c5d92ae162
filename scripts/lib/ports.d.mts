export declare function freePort(preferred?: number): Promise<number>;
export declare function isFree(port: number): Promise<boolean>;
export declare function untilListening(port: number, gaveUp: () => boolean, deadlineMs?: number): Promise<boolean>;
