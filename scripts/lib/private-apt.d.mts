export type PrivateApt = (program: 'apt-get' | 'apt-cache', ...args: string[]) => string;
export declare function privateApt(folder: string, suite: string, options?: { kind?: 'deb' | 'deb-src'; architecture?: string }): PrivateApt;
export declare function unpackPackages(apt: PrivateApt, folder: string, names: readonly string[], root: string): void;
