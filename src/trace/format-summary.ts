/** The summary as text for a terminal. */
import type { TraceSummary } from '../protocol/summary';
import { modeWords } from '../protocol/mode-words';
import { wayWords } from '../protocol/way-words';
import { formatBytes, formatCount, formatDuration, plural } from '../protocol/units';

const MAX_PENDING = 10;
const MAX_RINGS = 10;

/** Several lines, the last one ends with a newline. Names and paths have their control characters replaced. */
export function formatSummary(summary: TraceSummary): string {
  const lines: string[] = [];
  const processes = summary.processes.slice(0, 5).map((p) => `${p.comm || '?'} (${p.pid})`).join(', ');
  const calls = summary.calls.reduce((n, c) => n + c.count, 0);
  lines.push(`${plural(countOf(summary), 'operation')}${calls > 0 ? `, ${plural(calls, 'system call')}` : ''} in ${formatDuration(summary.duration_ns)}${processes ? ` of ${processes}` : ''}`);
  if (summary.problem) lines.push(`! ${summary.problem}`);
  const lost = summary.lost.kernel + summary.lost.stream + summary.lost.unpaired;
  if (lost > 0) lines.push(`! lost: ${formatCount(summary.lost.kernel)} in the kernel, ${formatCount(summary.lost.stream)} in the stream, ${formatCount(summary.lost.unpaired)} unpaired`);
  for (const { mode, every, from, to } of summary.modes) {
    if (mode === 'spans') continue;
    const what = `${modeWords(mode, every)}${mode === 'sampled' ? ', the rest in histograms' : ''}`;
    lines.push(`! ${summary.modes.length === 1 ? '' : `from ${formatDuration(from)} to ${formatDuration(to)}: `}${what}`);
  }
  if (summary.target_exit) {
    const { code, signal } = summary.target_exit;
    lines.push(signal !== undefined ? `The program was killed by signal ${signal}.` : `The program exited with ${code ?? 0}.`);
  }
  if (summary.apis.length > 0) lines.push('', ...opTable(summary));
  const ways = summary.apis.map(({ api, op, ways: w }) => ({ name: `${api} ${op}`, words: wayWords(w) })).filter(({ words }) => words !== '');
  if (ways.length > 0) {
    const width = Math.max(...ways.map(({ name }) => name.length));
    lines.push('', 'way taken', ...ways.map(({ name, words }) => `${name.padEnd(width)}  ${words}`));
  }
  if (summary.calls.length > 0) lines.push('', ...callTable(summary));
  if (summary.rings.some((r) => r.setup.length > 0)) lines.push('', ...ringTable(summary));
  for (const thread of summary.threads.filter((t) => t.role === 'sqpoll')) {
    lines.push('', `SQPOLL thread ${thread.tid}: ${formatDuration(thread.cpu_ns)} of CPU in ${formatDuration(thread.wall_ns)}, idle ${formatDuration(thread.idle_ns)}, ${plural(thread.submitted, 'submission')}`);
  }
  if (summary.refused.length > 0) {
    lines.push('', 'refused', ...summary.refused.map((r) => `  ${r.comm || '?'} (${r.pid}): ${r.call} ${r.error}, ${r.cause}${r.count > 1 ? `, ${formatCount(r.count)} times` : ''}`));
  }
  if (summary.pending.length > 0) {
    const shown = summary.pending.slice(0, MAX_PENDING);
    lines.push('', 'in flight for long, and without an end of their own', ...shown.map((p) =>
      `  ${p.api} ${p.op}${p.fd >= 0 ? ` on ${p.path || `fd ${p.fd}`}` : ''}, ${formatDuration(p.age_ns)}${p.cancelled ? ', then cancelled' : ''}: ${p.comm || '?'} (${p.pid}), user_data ${p.user_data}`));
    if (summary.pending.length > shown.length) lines.push(`  and ${formatCount(summary.pending.length - shown.length)} more`);
  }
  if (summary.insights.length > 0) {
    lines.push('');
    for (const insight of summary.insights) {
      lines.push(`${insight.severity === 'warning' ? '!' : '·'} ${insight.message}${insight.rule ? ` [${insight.rule}]` : ''}`);
      if (insight.evidence) lines.push(`    ${insight.evidence}`);
    }
  }
  const missing = Object.entries(summary.hooks).filter(([, state]) => state !== 'attached' && state !== 'off');
  if (missing.length > 0) lines.push('', ...missing.map(([name, why]) => `not attached: ${name} (${why})`));
  return `${lines.map(printable).join('\n')}\n`;
}

/** Where not everything has a span, what the tables count. */
function countOf({ records, modes, apis }: TraceSummary): number {
  return modes.every((m) => m.mode === 'spans') ? records : apis.reduce((n, op) => n + op.count, 0);
}

function opTable(summary: TraceSummary): string[] {
  return table(['api', 'op', 'count', 'errors', 'bytes', 'p50', 'p90', 'p99', 'max', 'punted', 'in flight'], summary.apis.map((s) => [
    s.api, s.op, formatCount(s.count), formatCount(s.errors), formatBytes(s.bytes), formatDuration(s.p50_ns), formatDuration(s.p90_ns),
    formatDuration(s.p99_ns), formatDuration(s.max_ns), formatCount(s.punted), formatCount(s.inflight_max),
  ]));
}

function callTable(summary: TraceSummary): string[] {
  // where not everything is recorded these are a sample
  const count = summary.modes.every((m) => m.mode === 'spans') ? 'count' : 'recorded';
  return table(['api', 'system call', count, 'errors', 'time', 'asleep', 'blocked', 'p50', 'p99', 'max'], summary.calls.map((c) => [
    c.api, c.call, formatCount(c.count), formatCount(c.errors), formatDuration(c.total_ns), formatDuration(c.asleep_ns), formatDuration(c.blocked_ns),
    formatDuration(c.p50_ns), formatDuration(c.p99_ns), formatDuration(c.max_ns),
  ]));
}

/** Rings that were set up with something, the busiest first. */
function ringTable({ rings }: TraceSummary): string[] {
  const told = rings.filter((r) => r.setup.length > 0).sort((a, b) => b.records - a.records);
  const lines = told.slice(0, MAX_RINGS).map((r) => `  fd ${r.fd} of ${r.pid}: ${formatCount(r.sq)} sqes, ${formatCount(r.cq)} cqes, ${r.setup.join(' | ')}`);
  return ['rings', ...lines, ...(told.length > MAX_RINGS ? [`  and ${formatCount(told.length - MAX_RINGS)} more`] : [])];
}

/** Columns of text; the first two are names, the others numbers. */
function table(head: string[], rows: string[][]): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  return [head, ...rows].map((row) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd());
}

/** A path may hold escape sequences; a terminal must not act on them. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '\ufffd');
}
