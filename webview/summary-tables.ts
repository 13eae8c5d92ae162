/** The summary of the window as tables: operations, system calls, rings, threads, refusals. */
import { modeWords } from '../src/protocol/mode-words';
import type { TraceSummary } from '../src/protocol/summary';
import { formatBytes, formatCount, formatDuration } from '../src/protocol/units';
import { wayWords } from '../src/protocol/way-words';
import { element } from './dom';

/** A column: title, what stands in it, and how it is set. */
type Column<T> = [title: string, cell: (row: T) => string, kind?: 'num' | 'bad' | 'text'];

/** A program may have thousands. */
const MAX_RINGS = 50;

export function summaryTables(summary: TraceSummary): HTMLElement[] {
  const rings = summary.rings.filter((r) => r.api !== 'posix-aio').sort((a, b) => b.records - a.records);
  const left = rings.length - MAX_RINGS;
  return [
    ...part('By operation', notes(summary), table('ops', 'Summary by operation', 'Operation', summary.apis, (s) => [s.op, s.api], [
      ['Count', (s) => formatCount(s.count)], ['Errors', (s) => formatCount(s.errors), 'bad'], ['Bytes', (s) => formatBytes(s.bytes)],
      ['p50', (s) => formatDuration(s.p50_ns)], ['p90', (s) => formatDuration(s.p90_ns)], ['p99', (s) => formatDuration(s.p99_ns)], ['Longest', (s) => formatDuration(s.max_ns)],
      ['Punted', (s) => formatCount(s.punted)], ['In flight', (s) => formatCount(s.inflight_max)], ['Way taken', (s) => wayWords(s.ways), 'text'],
    ])),
    ...(summary.calls.length === 0 ? [] : part('By system call', [], table('calls', 'Summary by system call', 'System call', summary.calls, (c) => [c.call, c.api], [
      ['Count', (c) => formatCount(c.count)], ['Errors', (c) => formatCount(c.errors), 'bad'], ['Time', (c) => formatDuration(c.total_ns)],
      ['Asleep', (c) => formatDuration(c.asleep_ns)], ['Uninterruptible', (c) => formatDuration(c.blocked_ns)],
      ['p50', (c) => formatDuration(c.p50_ns)], ['p99', (c) => formatDuration(c.p99_ns)], ['Longest', (c) => formatDuration(c.max_ns)],
    ]))),
    ...(rings.length === 0 ? [] : part('Rings', left > 0 ? [element('p', { class: 'muted' }, `The ${MAX_RINGS} busiest of ${formatCount(rings.length)}.`)] : [],
      table('rings', 'Rings', 'Ring', rings.slice(0, MAX_RINGS), (r) => [r.fd < 0 ? r.api : `fd ${r.fd}`, String(r.pid)], [
        ['Submission queue', (r) => (r.sq > 0 ? formatCount(r.sq) : '')], ['Completion queue', (r) => (r.cq > 0 ? formatCount(r.cq) : '')],
        ['Operations', (r) => formatCount(r.records)], ['Set up with', (r) => r.setup.join(' | '), 'text'],
      ]))),
    ...(summary.threads.length === 0 ? [] : part('Threads of the kernel', [], table('threads', 'Threads of the kernel', 'Thread', summary.threads, (t) => [t.comm || '?', String(t.tid)], [
      ['Does', (t) => (t.role === 'sqpoll' ? 'polls the submission queue' : 'runs what would block'), 'text'], ['CPU', (t) => formatDuration(t.cpu_ns)], ['Watched for', (t) => formatDuration(t.wall_ns)],
      ['Idle', (t) => formatDuration(t.idle_ns)], ['Submitted', (t) => formatCount(t.submitted)],
    ]))),
    ...(summary.refused.length === 0 ? [] : part('Refused', [], table('refused', 'Refused', 'Process', summary.refused, (r) => [r.comm || '?', String(r.pid)], [
      ['System call', (r) => r.call, 'text'], ['Error', (r) => r.error, 'text'], ['Because of', (r) => r.cause, 'text'], ['Times', (r) => formatCount(r.count)],
    ]))),
  ];
}

/** Where the numbers are not those of spans. */
function notes({ modes }: TraceSummary): HTMLElement[] {
  const reduced = modes.filter((m) => m.mode !== 'spans');
  if (reduced.length === 0) return [];
  const words = reduced.slice(0, 5).map((m) => `${modeWords(m.mode, m.every)} from ${formatDuration(m.from)} to ${formatDuration(m.to)}`).join('; ');
  return [element('p', { class: 'muted' }, `Counts, errors and bytes are exact, percentiles within 7 %: they are of histograms where not every operation has a span, ${words}${reduced.length > 5 ? '; and more' : ''}.`)];
}

function part(title: string, before: HTMLElement[], content: HTMLElement): HTMLElement[] {
  return [element('h2', {}, title), ...before, content];
}

function table<T>(name: string, label: string, first: string, rows: T[], head: (row: T) => [strong: string, muted: string], columns: Column<T>[]): HTMLElement {
  const cell = (row: T, [, text, kind = 'num']: Column<T>): HTMLElement => {
    const value = text(row);
    return element('td', { class: kind === 'text' ? '' : kind === 'bad' && value !== '0' ? 'num bad' : 'num' }, value);
  };
  const body = rows.map((row) => {
    const [strong, muted] = head(row);
    return element('tr', {}, element('th', { scope: 'row' }, strong, ' ', element('span', { class: 'muted' }, muted)), ...columns.map((column) => cell(row, column)));
  });
  return element('table', { class: name, 'aria-label': label },
    element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, first), ...columns.map(([title, , kind]) => element('th', { scope: 'col', class: kind === 'text' ? '' : 'num' }, title)))),
    element('tbody', {}, ...body));
}
