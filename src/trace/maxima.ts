/**
 * Maxima over ranges of ranks (spans of a track sorted by start), as a pyramid of blocks: the latest end, the longest
 * duration and the greatest depth, so that neither a search nor a bin needs to touch each span.
 */
const BITS = 3;
const FAN = 1 << BITS;

class Level {
  length = 0;
  end = new Float64Array(0);
  duration = new Float64Array(0);
  depth = new Uint32Array(0);

  reserve(n: number): void {
    if (n > this.end.length) {
      const capacity = Math.max(16, n, Math.ceil(this.end.length * 1.5));
      const grow = <T extends Float64Array | Uint32Array>(to: T, from: T): T => {
        to.set(from);
        return to;
      };
      this.end = grow(new Float64Array(capacity), this.end);
      this.duration = grow(new Float64Array(capacity), this.duration);
      this.depth = grow(new Uint32Array(capacity), this.depth);
    }
    this.length = n;
  }
}

/** What a rank holds. */
export interface Ranks {
  length: number;
  end(rank: number): number;
  duration(rank: number): number;
  /** operations in flight right after this one was submitted */
  depth(rank: number): number;
}

export class Maxima {
  private readonly levels: Level[] = [];

  constructor(private readonly ranks: Ranks) {}

  /** Ranks from `first` on have changed. */
  update(first: number): void {
    let below = this.ranks.length;
    let from = first;
    for (let k = 0; below > 1; k++) {
      const level = (this.levels[k] ??= new Level());
      level.reserve((below + FAN - 1) >>> BITS);
      from >>>= BITS;
      for (let block = from; block < level.length; block++) this.fill(k, level, block, below);
      below = level.length;
    }
  }

  private fill(k: number, level: Level, block: number, below: number): void {
    let end = -Infinity;
    let duration = 0;
    let depth = 0;
    const to = Math.min((block + 1) << BITS, below);
    const lower = k === 0 ? undefined : this.levels[k - 1]!;
    for (let i = block << BITS; i < to; i++) {
      end = Math.max(end, lower ? lower.end[i]! : this.ranks.end(i));
      duration = Math.max(duration, lower ? lower.duration[i]! : this.ranks.duration(i));
      depth = Math.max(depth, lower ? lower.depth[i]! : this.ranks.depth(i));
    }
    level.end[block] = end;
    level.duration[block] = duration;
    level.depth[block] = depth;
  }

  /** Longest duration and greatest depth of the last {@link range} */
  longest = 0;
  deepest = 0;

  /** Maxima over ranks [from, to) into `longest` and `deepest`, 0 for none. */
  range(from: number, to: number): void {
    let longest = 0;
    let deepest = 0;
    const { ranks, levels } = this;
    let low = from;
    let high = to;
    // the ragged edges of a level, then whole blocks one level up
    for (let k = -1; low < high; k++) {
      const level = k < 0 ? undefined : levels[k]!;
      const top = levels[k + 1] === undefined || high - low <= FAN;
      const lowEnd = top ? high : Math.min(high, (low + FAN - 1) & ~(FAN - 1));
      const highStart = top ? high : Math.max(lowEnd, high & ~(FAN - 1));
      for (let i = low; i < high; i++) {
        if (i === lowEnd) i = highStart;
        if (i === high) break;
        const duration = level ? level.duration[i]! : ranks.duration(i);
        const depth = level ? level.depth[i]! : ranks.depth(i);
        if (duration > longest) longest = duration;
        if (depth > deepest) deepest = depth;
      }
      if (top) break;
      low = lowEnd >>> BITS;
      high = highStart >>> BITS;
    }
    this.longest = longest;
    this.deepest = deepest;
  }

  /**
   * Ranks in [from, to) whose end lies after `time`, ascending. Those that are neither longer than `longerThan` nor end
   * after `beyond` may be left out.
   */
  crossing(from: number, to: number, time: number, visit: (rank: number) => void, longerThan = -1, beyond = Infinity): void {
    if (to - from <= 2 * FAN) {
      for (let rank = from; rank < to; rank++) if (this.ranks.end(rank) > time) visit(rank);
      return;
    }
    // only as high as the range is wide
    let k = 0;
    while (k + 1 < this.levels.length && to - from > FAN ** (k + 2)) k++;
    const size = FAN ** (k + 1);
    const last = Math.min(this.levels[k]!.length, Math.ceil(to / size));
    this.descend(k, Math.floor(from / size), last, { from, to, time, visit, longerThan, beyond });
  }

  private descend(k: number, first: number, last: number, query: Crossing): void {
    const level = this.levels[k]!;
    const { from, to, time } = query;
    for (let b = first; b < last; b++) {
      const end = level.end[b]!;
      if (end <= time || (end <= query.beyond && level.duration[b]! <= query.longerThan)) continue;
      if (k > 0) {
        const size = FAN ** k;
        this.descend(k - 1, Math.max(b << BITS, Math.floor(from / size)), Math.min((b + 1) << BITS, Math.ceil(to / size), this.levels[k - 1]!.length), query);
        continue;
      }
      const stop = Math.min((b + 1) << BITS, to);
      for (let rank = Math.max(b << BITS, from); rank < stop; rank++) if (this.ranks.end(rank) > time) query.visit(rank);
    }
  }
}

interface Crossing { from: number; to: number; time: number; visit: (rank: number) => void; longerThan: number; beyond: number }
