/** From one span to its neighbours, among those that are drawn. */
import type { Stage } from './stage';

/** The next (or previous) span of the track by start. */
export function nextSpan(stage: Stage, index: number, track: number, direction: 1 | -1): number | undefined {
  const found = stage.find(index, track);
  return found?.tile.index[found.i + direction];
}

/** What runs at the same time in the next row, or in the nearest row of the next lane. */
export function rowSpan(stage: Stage, index: number, track: number, direction: 1 | -1): number | undefined {
  const found = stage.find(index, track);
  if (!found) return undefined;
  const middle = found.tile.start[found.i]! + found.tile.duration[found.i]! / 2;
  for (let at = stage.lanes.indexOf(found.lane); at >= 0 && at < stage.lanes.length; at += direction) {
    const lane = stage.lanes[at]!;
    const tile = stage.source.tiles?.tiles.find((t) => t.track === lane.track.id);
    if (tile?.kind !== 'spans') continue;
    const own = lane === found.lane ? found.tile.slot[found.i]! : direction > 0 ? -1 : Infinity;
    let best: number | undefined;
    let bestSlot = 0;
    let bestDistance = Infinity;
    for (let i = 0; i < tile.index.length; i++) {
      const slot = tile.slot[i]!;
      if (direction > 0 ? slot <= own : slot >= own) continue;
      const distance = Math.abs(tile.start[i]! + tile.duration[i]! / 2 - middle);
      const nearerRow = best !== undefined && (direction > 0 ? slot < bestSlot : slot > bestSlot);
      const sameRow = best !== undefined && slot === bestSlot;
      if (best === undefined || nearerRow || (sameRow && distance < bestDistance)) {
        best = tile.index[i];
        bestSlot = slot;
        bestDistance = distance;
      }
    }
    if (best !== undefined) return best;
  }
  return undefined;
}
