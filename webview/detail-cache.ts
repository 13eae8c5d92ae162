/** Details of the spans looked at last, so that hovering to and fro asks once. */
import type { SpanDetail } from '../src/protocol/page';
import type { Client } from './client';

const KEPT = 200;

export class DetailCache {
  private readonly known = new Map<number, SpanDetail>();

  constructor(private readonly client: Client) {}

  peek(index: number): SpanDetail | undefined {
    return this.known.get(index);
  }
  async get(index: number): Promise<SpanDetail | null> {
    const known = this.known.get(index);
    if (known) return known;
    const detail = await this.client.request('detail', { index });
    if (detail) this.add(detail);
    return detail;
  }
  add(detail: SpanDetail): void {
    this.known.set(detail.index, detail);
    const oldest = this.known.keys().next();
    if (this.known.size > KEPT && !oldest.done) this.known.delete(oldest.value);
  }
}
