/**
 * Maxima over ranges of ranks (spans of a track sorted by start), as a pyramid of blocks: the latest end, the longest
 * duration and the greatest depth, so that neither a search nor a bin needs to touch each span.
 */
const BITS = 4;
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

  /** Longest duration among ranks [from, to), 0 for none. */
  longest(from: number, to: number): number {
    return this.max(from, to, (rank) => this.ranks.duration(rank), (level, block) => level.duration[block]!);
  }
  /** Greatest depth among ranks [from, to), 0 for none. */
  deepest(from: number, to: number): number {
    return this.max(from, to, (rank) => this.ranks.depth(rank), (level, block) => level.depth[block]!);
  }

  private max(from: number, to: number, ofRank: (rank: number) => number, ofBlock: (level: Level, block: number) => number): number {
    let best = 0;
    for (let k = -1; from < to; k++) {
      const value = k < 0 ? ofRank : (block: number) => ofBlock(this.levels[k]!, block);
      const up = this.levels[k + 1];
      if (!up || to - from <= FAN) {
        for (let i = from; i < to; i++) best = Math.max(best, value(i));
        return best;
      }
      while (from & (FAN - 1)) best = Math.max(best, value(from++));
      while (to & (FAN - 1)) best = Math.max(best, value(--to));
      from >>>= BITS;
      to >>>= BITS;
    }
    return best;
  }

  /** Ranks in [from, to) whose end lies after `time`, ascending. */
  crossing(from: number, to: number, time: number, visit: (rank: number) => void): void {
    if (to - from <= 2 * FAN) {
      for (let rank = from; rank < to; rank++) if (this.ranks.end(rank) > time) visit(rank);
      return;
    }
    this.descend(this.levels.length - 1, 0, from, to, time, visit);
  }

  private descend(k: number, block: number, from: number, to: number, time: number, visit: (rank: number) => void): void {
    const level = this.levels[k]!;
    const shift = BITS * (k + 1);
    const size = 2 ** shift;
    // blocks of this level under `block` of the level above
    const first = Math.max(block, Math.floor(from / size));
    const last = Math.min(k === this.levels.length - 1 ? level.length : block + FAN, level.length);
    for (let b = first; b < last && b * size < to; b++) {
      if (level.end[b]! <= time) continue;
      if (k > 0) this.descend(k - 1, b << BITS, from, to, time, visit);
      else {
        const end = Math.min((b + 1) << BITS, to);
        for (let rank = Math.max(b << BITS, from); rank < end; rank++) if (this.ranks.end(rank) > time) visit(rank);
      }
    }
  }
}
