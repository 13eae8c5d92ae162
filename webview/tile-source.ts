/**
 * The tiles around the window: asked for with half the window's width on each side, so that panning rarely waits, and one
 * request at a time, so that a slow host is never flooded. What is there already is drawn meanwhile.
 */
import type { PageRequests } from '../src/protocol/page';
import type { Client } from './client';

export type Tiles = PageRequests['tiles']['reply'];

const RETRY_MS = 1000;

export class TileSource {
  tiles: Tiles | undefined;
  private perPixel = 0;
  private tracks = '';
  private revision = -1;
  private asking = false;

  constructor(private readonly client: Client, private readonly arrived: () => void, private readonly failed: (error: Error) => void) {}

  /** Makes sure that [t0, t1) over `pixels` is there or on its way. `revision` rises while the recording grows. */
  want(t0: number, t1: number, pixels: number, tracks: number[], revision: number): void {
    if (this.asking || tracks.length === 0 || pixels <= 0) return;
    const perPixel = (t1 - t0) / pixels;
    const have = this.tiles;
    const near = have !== undefined && have.t0 <= t0 && have.t1 >= t1 && perPixel < this.perPixel * 1.5
      // spans are as sharp as it gets
      && (perPixel > this.perPixel * 0.66 || have.tiles.every((tile) => tile.kind === 'spans'));
    if (near && this.tracks === tracks.join() && this.revision === revision) return;
    const margin = (t1 - t0) / 2;
    this.ask({ t0: t0 - margin, t1: t1 + margin, width: pixels * 2, tracks }, perPixel, revision);
  }

  private ask(args: PageRequests['tiles']['args'], perPixel: number, revision: number): void {
    this.asking = true;
    this.client.request('tiles', args).then((tiles) => {
      this.tiles = tiles;
      this.perPixel = perPixel;
      this.tracks = args.tracks.join();
      this.revision = revision;
    }, async (error: Error) => {
      this.failed(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }).finally(() => {
      this.asking = false;
      this.arrived();
    });
  }
}
