/** A trace that did not come about, in words and as an exit status. */
import type { LaunchFailure } from '../protocol/launch';
import { printable, say } from './output';

export function tell({ message, hint, detail }: LaunchFailure): void {
  if (detail) process.stderr.write(`${printable(detail).replace(/^/gm, '  | ')}\n`);
  say(printable(message));
  say(printable(hint));
}

export function exitStatus(failure: LaunchFailure): number {
  switch (failure.code) {
    case 'bad-target': case 'target-gone': return 1;
    case 'bad-host': case 'cancelled': case 'connection-lost': case 'loader-died': case 'bad-stream': return 2;
    case 'ssh-missing': case 'ssh-failed': case 'host-key': case 'auth': case 'unreachable': case 'unsupported-machine': case 'no-loader':
    case 'upload-failed': case 'checksum': case 'no-privilege': case 'no-btf': case 'cannot-trace': return 3;
  }
}
