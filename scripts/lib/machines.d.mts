export declare const MACHINES: { x86_64: string; aarch64: string };
export declare const FOREIGN: string[];
export declare const LOADERS: string[];
export declare function builtLoader(machine: string): string;
export declare function sysroot(machine: string): string;
export declare function makeFor(machine: string): string[];
