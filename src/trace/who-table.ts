/** The table of who uses what on a machine: a census, and how fast it grows. */
import type { Census } from '../protocol/wire';
import { formatCount, formatDuration, plural } from '../protocol/units';

/** What `ringlight who --format json` prints, one object a line. */
export interface WhoTable {
  version: 1;
  /** ns since it began */
  t: number;
  processes: {
    pid: number; comm: string; uid: number;
    apis: (Census['processes'][number]['apis'][number] & { /** submitted since the table before, or since the beginning */ per_second: number })[];
  }[];
  /** processes that found no place */
  more: number;
}

/** Busiest first; of equally busy ones as the kernel programs list them. */
export function withRates(census: Census, before: Census | undefined): WhoTable {
  const seconds = Math.max(1e-3, (census.t - (before?.t ?? 0)) / 1e9);
  const known = new Map(before?.processes.map((p) => [`${p.pid} ${p.comm}`, p.apis]));
  const processes = census.processes.map(({ pid, comm, uid, apis }) => ({
    pid, comm, uid,
    apis: apis.map((use) => {
      const old = known.get(`${pid} ${comm}`)?.find((a) => a.api === use.api)?.submitted ?? 0;
      return { ...use, per_second: Math.round(Math.max(0, use.submitted - old) / seconds) };
    }),
  }));
  const rate = (p: WhoTable['processes'][number]): number => p.apis.reduce((n, a) => n + a.per_second, 0);
  return { version: 1, t: census.t, processes: processes.sort((a, b) => rate(b) - rate(a)), more: census.more };
}

/** Several lines; names have their control characters still. */
export function formatWho({ t, processes, more }: WhoTable, where: string): string {
  const head = ['pid', 'user', 'program', 'api', 'per second', 'submitted', 'completed', 'rings'];
  const rows = processes.flatMap((p) => p.apis.map((a) => [
    String(p.pid), String(p.uid), p.comm || '?', a.api, formatCount(a.per_second), formatCount(a.submitted), formatCount(a.completed), formatCount(a.rings),
  ]));
  const title = `${where}: ${plural(processes.length + more, 'process', 'processes')} with asynchronous I/O, after ${formatDuration(t)}`;
  if (rows.length === 0) return `${title}\n`;
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: string[]): string => cells.map((cell, i) => (i === 2 || i === 3 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd();
  return `${[title, '', line(head), ...rows.map(line)].join('\n')}\n${more > 0 ? `and ${formatCount(more)} more\n` : ''}`;
}
