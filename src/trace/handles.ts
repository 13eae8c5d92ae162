/**
 * One number for whatever the page can point at. It stays the same for as long as the recording is open.
 * Spans have their index; calls and pending operations follow in ranges of their own.
 */
export const FIRST_CALL = 0x8000_0000;
export const FIRST_PENDING = 0xfff0_0000;
export const MAX_PENDING = 0x1_0000_0000 - FIRST_PENDING;

export type Handle = { kind: 'span' | 'call' | 'pending'; row: number };

export function handleOf(kind: Handle['kind'], row: number): number {
  return kind === 'span' ? row : row + (kind === 'call' ? FIRST_CALL : FIRST_PENDING);
}
export function splitHandle(handle: number): Handle {
  if (handle >= FIRST_PENDING) return { kind: 'pending', row: handle - FIRST_PENDING };
  return handle >= FIRST_CALL ? { kind: 'call', row: handle - FIRST_CALL } : { kind: 'span', row: handle };
}
