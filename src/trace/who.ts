/** What findings call a process, and how many of a kind they tell of. */
import type { TraceStore } from './store';

/** One file of a program says enough; a hundred say the same. */
export const MAX_ALIKE = 5;

export function who(store: TraceStore, pid: number): string {
  const comm = store.names.comm(pid);
  return comm ? `${comm} (${pid})` : `process ${pid}`;
}
