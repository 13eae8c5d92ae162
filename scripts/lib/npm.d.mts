export declare function nodeModulesAreCurrent(root?: string): boolean;
