/** The recording's bytes on disk, appended in batches behind the stream's back. A failed write loses nothing that memory can hold. */
import { open, type FileHandle } from 'node:fs/promises';

const RETRY_MS = 2000;
/** Held back while the disk is full; beyond it the file stays cut off where it is. */
const MAX_PENDING_BYTES = 256 * 1024 * 1024;

export class Spool {
  /** why bytes do not reach the disk, in the system's words; undefined while they do */
  problem: string | undefined;
  private pending: Uint8Array[] = [];
  private pendingBytes = 0;
  private written = 0;
  private writing: Promise<void> | undefined;
  private retry: NodeJS.Timeout | undefined;
  private full = false;

  private constructor(readonly file: string, private readonly handle: FileHandle) {}

  /** Rejects when the file cannot be created. */
  static async create(file: string): Promise<Spool> {
    return new Spool(file, await open(file, 'w', 0o600));
  }

  append(bytes: Uint8Array): void {
    if (this.full || bytes.length === 0) return;
    if (this.pendingBytes + bytes.length > MAX_PENDING_BYTES) {
      this.full = true;
      this.problem ??= 'the disk is too slow';
      return;
    }
    this.pending.push(bytes);
    this.pendingBytes += bytes.length;
    if (!this.retry) this.write();
  }

  private write(): void {
    this.writing ??= this.drain().finally(() => { this.writing = undefined; });
  }

  private async drain(): Promise<void> {
    while (this.pending.length > 0) {
      const batch = this.pending;
      try {
        const { bytesWritten } = await this.handle.writev(batch.slice(0, 512), this.written);
        this.written += bytesWritten;
        this.drop(bytesWritten);
        if (!this.full) this.problem = undefined;
      } catch (error) {
        this.problem = error instanceof Error ? error.message : String(error);
        this.retry ??= setTimeout(() => {
          this.retry = undefined;
          this.write();
        }, RETRY_MS).unref();
        return;
      }
    }
  }

  private drop(bytes: number): void {
    this.pendingBytes -= bytes;
    let n = 0;
    while (n < this.pending.length && bytes >= this.pending[n]!.length) bytes -= this.pending[n++]!.length;
    this.pending = this.pending.slice(n);
    if (bytes > 0) this.pending[0] = this.pending[0]!.subarray(bytes);
  }

  /** Tries once to bring everything to disk: how much of the file is good, and what could not be written. */
  async flush(): Promise<{ written: number; rest: readonly Uint8Array[] }> {
    await this.writing;
    this.write();
    await this.writing;
    return { written: this.written, rest: this.pending };
  }

  async close(): Promise<void> {
    await this.flush();
    clearTimeout(this.retry);
    await this.handle.close();
  }
}
