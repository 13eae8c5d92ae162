export declare const VSIX: string;
export declare const REQUIRED: string[];
