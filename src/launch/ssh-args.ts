/** The command lines of ssh. */
import { shellQuote } from './shell-quote';

export interface SshTarget {
  host: string;
  /** `-F` */
  sshConfig?: string;
  /** path of the control socket, in a folder of ours alone */
  control: string;
}

const COMMON = [
  // no terminal: binary-safe, no echo, no escapes
  '-T', '-x', '-a', '-e', 'none',
  // the words that failure.ts reads, without banners and notices
  '-o', 'LogLevel=ERROR',
  '-o', 'RemoteCommand=none', '-o', 'ClearAllForwardings=yes',
  '-o', 'ServerAliveInterval=5', '-o', 'ServerAliveCountMax=3', '-o', 'ConnectTimeout=15',
];

/**
 * The first connection: it logs in and is shared by all that follow. It stays in the foreground with a session of its
 * own, so that it ends with us, whatever ends us.
 * @param interactive whether ssh may ask (through askpass)
 */
export function masterArgs(target: SshTarget, interactive: boolean, argv: readonly string[]): string[] {
  return ['ssh', ...config(target), ...COMMON, '-M', '-S', target.control,
    '-o', 'ControlPersist=no', '-o', `BatchMode=${interactive ? 'no' : 'yes'}`, '--', target.host, shellQuote(argv)];
}

/** A further session on the first connection. */
export function sessionArgs(target: SshTarget, argv: readonly string[]): string[] {
  return ['ssh', ...config(target), ...COMMON, '-S', target.control, '-o', 'ControlMaster=no', '-o', 'BatchMode=yes',
    // without the shared connection ssh would quietly log in anew; this makes it fail instead
    '-o', 'ProxyCommand=false', '--', target.host, shellQuote(argv)];
}

function config(target: SshTarget): string[] {
  return target.sshConfig === undefined ? [] : ['-F', target.sshConfig];
}
