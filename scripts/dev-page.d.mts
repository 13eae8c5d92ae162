import type { Recording } from '../src/recording';

export interface DevPage { url: string; recording: Recording; push(): void; close(): Promise<void> }
export function startDevPage(file: string, options?: { port?: number; replaySeconds?: number }): Promise<DevPage>;
