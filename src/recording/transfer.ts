/** Columns change threads without a copy. */
import type { ToPage } from '../protocol/page';

/** The buffers of a reply that may be moved. */
export function transferables(message: ToPage): ArrayBuffer[] {
  if (message.kind !== 'reply' || message.name !== 'tiles') return [];
  const { tiles, pending, instants } = message.value;
  const columns = [...tiles, ...pending, instants].flatMap((part) => Object.values(part) as unknown[]);
  return [...new Set(columns.filter((c) => ArrayBuffer.isView(c)).map((c) => c.buffer as ArrayBuffer))];
}
