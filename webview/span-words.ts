/** A span in words: for the tooltip, the details and the announcer. */
import type { SpanDetail } from '../src/protocol/page';
import { formatBytes, formatDuration } from '../src/protocol/units';

export function fileWords(d: SpanDetail): string {
  if (d.fd < 0) return '';
  const path = d.path ? ` ${d.path}` : '';
  return `${d.notes.some((n) => n.startsWith('registered file')) ? 'slot' : 'fd'} ${d.fd}${path}${d.direct ? ' (O_DIRECT)' : ''}`;
}

export function resultWords(d: SpanDetail): string {
  return d.result < 0 ? `${d.error} (${d.result})` : String(d.result);
}

export function sizeWords(d: SpanDetail): string {
  return d.length > 0 ? formatBytes(d.length) : '';
}

/** Name and value of everything that is known about a span. */
export function spanFields(d: SpanDetail): [name: string, value: string][] {
  const fields: [string, string][] = [
    ['Latency', formatDuration(d.duration)],
    ['Start', `${formatDuration(d.start)} (${d.start.toFixed(0)} ns)`],
    ['Result', resultWords(d)],
    ['File', fileWords(d)],
    ['Size', d.length > 0 ? `${formatBytes(d.length)} (${d.length} B)` : ''],
    ['Offset', d.offset === '-1' ? 'file position, or none' : d.offset],
    ['Reaped', d.reap >= 0 ? `${formatDuration(d.reap)} after completion` : ''],
    ['io_submit took', d.submit >= 0 ? formatDuration(d.submit) : ''],
    ['Process', `${d.comm || '?'} (${d.pid})`],
    ['Thread', d.tid === d.pid ? '' : `${d.thread || '?'} (${d.tid})`],
    ['user_data', d.userData],
    ['Span', `#${d.index}`],
  ];
  return fields.filter(([, value]) => value !== '');
}

/** One sentence for a screen reader. */
export function spanSentence(d: SpanDetail): string {
  const size = sizeWords(d);
  return `${d.api} ${d.op}${size ? `, ${size}` : ''}, ${fileWords(d) || 'no file'}, took ${formatDuration(d.duration)}, result ${resultWords(d)}${d.notes.length ? `, ${d.notes.join(', ')}` : ''}`;
}
