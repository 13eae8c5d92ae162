/** What is traced, in a few words: for titles and the status bar. */
import type { TraceRequest } from '../../protocol/launch';

export function describeTarget(request: TraceRequest): string {
  const { target } = request;
  const what = target.kind === 'command' ? (target.argv[0] ?? '').split('/').pop() ?? ''
    : target.kind === 'pid' ? `process ${target.pid}` : 'everything';
  return request.host === undefined ? what : `${what} on ${request.host}`;
}
