/** A span in words: for the tooltip, the details and the announcer. */
import type { SpanDetail } from '../src/protocol/page';
import { formatBytes, formatDuration, plural } from '../src/protocol/units';

export function fileWords(d: SpanDetail): string {
  if (d.fd < 0) return '';
  const path = d.path ? ` ${d.path}` : '';
  return `${d.notes.some((n) => n.startsWith('registered file')) ? 'slot' : 'fd'} ${d.fd}${path}${d.direct ? ' (O_DIRECT)' : ''}`;
}

export function resultWords(d: SpanDetail): string {
  if (d.kind === 'pending') return 'none yet';
  return d.result < 0 ? `${d.error} (${d.result})` : String(d.result);
}

/** What calls that move no data are asked for. */
const UNITS: Record<string, string> = {
  io_uring_enter: 'sqe', io_submit: 'iocb', io_getevents: 'event', io_pgetevents: 'event', epoll_wait: 'event', epoll_pwait: 'event', epoll_pwait2: 'event',
};

export function sizeWords(d: SpanDetail): string {
  const unit = d.kind === 'call' ? UNITS[d.op] : undefined;
  return d.length <= 0 ? '' : unit ? plural(d.length, unit) : formatBytes(d.length);
}

/** Where the time went: `12.0 µs until it was handed to a worker, then 288 µs`; '' where that is not known. */
export function phaseWords(d: SpanDetail): string {
  if (d.parted >= 0) {
    const what = d.notes.some((n) => n.startsWith('had to wait')) ? 'until it waited for readiness' : 'until a worker took it';
    return `${formatDuration(d.parted)} ${what}, then ${formatDuration(Math.max(0, d.duration - d.parted))}`;
  }
  if (d.asleep < 0) return '';
  return `${formatDuration(d.duration - d.asleep)} running, ${formatDuration(d.asleep)} asleep${d.blocked > 0 ? `, of that ${formatDuration(d.blocked)} uninterruptible` : ''}`;
}

/** Name and value of everything that is known about a span. */
export function spanFields(d: SpanDetail): [name: string, value: string][] {
  const fields: [string, string][] = [
    [d.kind === 'call' ? 'Time in the call' : d.kind === 'pending' ? 'In flight for' : 'Latency', formatDuration(d.duration)],
    [d.kind === 'call' ? 'Of that' : 'Phases', phaseWords(d)],
    ['Start', `${formatDuration(d.start)} (${d.start.toFixed(0)} ns)`],
    ['Result', resultWords(d)],
    ['File', fileWords(d)],
    ['File system', [d.fs, d.block > 0 ? `blocks of ${formatBytes(d.block)}` : ''].filter(Boolean).join(', ')],
    [d.kind === 'call' && UNITS[d.op] ? 'Asked for' : 'Size', d.length <= 0 ? '' : d.kind === 'call' && UNITS[d.op] ? sizeWords(d) : `${formatBytes(d.length)} (${d.length} B)`],
    ['Command', d.command],
    ['Offset', d.command !== '' ? '' : d.offset !== '-1' ? d.offset : d.kind === 'call' ? '' : 'file position, or none'],
    ['Chain', d.chain > 0 ? `#${d.chain}` : ''],
    ['Reaped', d.reap >= 0 ? `${formatDuration(d.reap)} after completion` : ''],
    ['io_submit took', d.submit >= 0 ? formatDuration(d.submit) : ''],
    ['Process', `${d.comm || '?'} (${d.pid})`],
    ['Thread', d.tid === d.pid ? '' : `${d.thread || '?'} (${d.tid})`],
    ['user_data', d.userData],
    ['Span', d.kind === 'span' ? `#${d.index}` : ''],
  ];
  return fields.filter(([, value]) => value !== '');
}

/** One sentence for a screen reader. */
export function spanSentence(d: SpanDetail): string {
  const size = sizeWords(d);
  const phases = phaseWords(d);
  return `${d.api} ${d.op}${size ? `, ${size}` : ''}, ${fileWords(d) || 'no file'}, ${d.kind === 'pending' ? 'in flight for' : 'took'} ${formatDuration(d.duration)}, result ${resultWords(d)}${phases ? `, ${phases}` : ''}${d.notes.length ? `, ${d.notes.join(', ')}` : ''}`;
}
