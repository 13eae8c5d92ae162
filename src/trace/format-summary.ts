/** The summary as text for a terminal. */
import type { TraceSummary } from '../protocol/summary';
import { formatBytes, formatCount, formatDuration, plural } from '../protocol/units';

/** Several lines, the last one ends with a newline. Names and paths have their control characters replaced. */
export function formatSummary(summary: TraceSummary): string {
  const lines: string[] = [];
  const processes = summary.processes.slice(0, 5).map((p) => `${p.comm || '?'} (${p.pid})`).join(', ');
  lines.push(`${plural(summary.records, 'operation')} in ${formatDuration(summary.duration_ns)}${processes ? ` of ${processes}` : ''}`);
  if (summary.problem) lines.push(`! ${summary.problem}`);
  const lost = summary.lost.kernel + summary.lost.stream + summary.lost.unpaired;
  if (lost > 0) lines.push(`! lost: ${formatCount(summary.lost.kernel)} in the kernel, ${formatCount(summary.lost.stream)} in the stream, ${formatCount(summary.lost.unpaired)} unpaired`);
  if (summary.mode !== 'spans') lines.push(`! recorded in ${summary.mode} mode`);
  if (summary.target_exit) {
    const { code, signal } = summary.target_exit;
    lines.push(signal !== undefined ? `The program was killed by signal ${signal}.` : `The program exited with ${code ?? 0}.`);
  }
  if (summary.apis.length > 0) lines.push('', ...table(summary));
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

function table(summary: TraceSummary): string[] {
  const head = ['api', 'op', 'count', 'errors', 'bytes', 'p50', 'p90', 'p99', 'max', 'punted', 'in flight'];
  const rows = summary.apis.map((s) => [
    s.api, s.op, formatCount(s.count), formatCount(s.errors), formatBytes(s.bytes), formatDuration(s.p50_ns), formatDuration(s.p90_ns),
    formatDuration(s.p99_ns), formatDuration(s.max_ns), formatCount(s.punted), formatCount(s.inflight_max),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  return [head, ...rows].map((row) => row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd());
}

/** A path may hold escape sequences; a terminal must not act on them. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '\ufffd');
}
