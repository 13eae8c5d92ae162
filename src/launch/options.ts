/** What whoever starts a loader gives along. */
import type { Ask } from './askpass-server';

/** Shared by a trace and by the doctor. */
export interface ConnectOptions {
  /** folder of the loader binaries: `<machine>/ringlight-loader`, machine as `uname -m` says it */
  loaders: string;
  /** path of the bundled askpass.js; without it (or without `ask`) nothing is ever asked */
  askpass?: string;
  /** asks the person for a password, a passphrase or a yes; undefined is "cancelled" */
  ask?: Ask;
  /** ssh configuration file (`ssh -F`); absent: ssh's own */
  sshConfig?: string;
  onLog(level: 'info' | 'warning' | 'error', text: string): void;
  /** progress for the user: "Connecting to HOST" */
  onPhase?(text: string): void;
  /** cancels at any phase; nothing stays behind */
  signal?: AbortSignal;
}

export interface LaunchOptions extends ConnectOptions {
  /** the recording's bytes, from the magic on */
  onStdout(chunk: Buffer): void;
  /** what the traced command printed, and the loader's own complaints */
  onOutput(text: string): void;
}
