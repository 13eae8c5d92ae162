export declare const ROOT: string;
export declare const CACHE: string;
export declare const PROFILE: string;
export declare const CODE_SERVER_VERSION: string;
export declare const CODE_SERVER_NODE_VERSION: string;
export declare const CODE_SERVER: { dir: string; node: string; entry: string; inner: string };
