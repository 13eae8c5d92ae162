/**
 * Answers that stay until something they were made from is different.
 *
 * Inputs are what a version of the file says; derived answers are computed from inputs and from each other. Each derived
 * answer remembers what it asked and what it was told, and each knows who asked it. In a new version the inputs are read
 * again; who asked one that is different is in doubt, and so are those who asked him. An answer in doubt asks again what it
 * asked, and is computed anew where it is told something else. What nobody doubts is not looked at: a version costs what changed.
 *
 * Doubt ends at answers about the file as a whole: they are looked at first, and pass it on only where they are different.
 * Between files nobody knows who asked: an answer made from those of other files asks again in each version.
 */

type Same = (a: never, b: never) => boolean;

interface Cell {
  readonly memo: Memo;
  value: unknown;
  /** version in which the value was last known to hold */
  checked: number;
  /** version in which somebody last asked for it */
  used: number;
  compute: () => unknown;
  same: Same;
  /** the answers it was made from, in the order they were asked, and what they were; absent for inputs: they are read anew in each version */
  asked?: Cell[];
  told: unknown[];
  /** answers of the same memo made from this one; some of them not any more */
  askers: Set<Cell>;
  /** what it was made from may be different */
  doubted: boolean;
  /** made from answers of other memos, directly or round some corners */
  foreign: boolean;
  /** for answers about an owner that lasts: where it stands among them, those it is made from first; 0: another answer, or not known yet */
  rank: number;
  lasting: boolean;
}
const NOBODY: Cell[] = [];
const NOTHING: unknown[] = [];

/** What nobody asked for, nor anything made from it, this many versions is forgotten. */
const KEEP = 128;

/** What the memos of files that ask each other have in common. */
export class Epoch {
  version = 0;
  /** what the answers being computed have asked so far, outermost first */
  readonly asking: Map<Cell, unknown>[] = [];
}

export class Memo {
  private readonly inputs = new Map<string, Cell>();
  private readonly derivations = new WeakMap<object, Map<string, Cell>>();
  /** of owners that live as long as this memo */
  private readonly lasting = new Set<Map<string, Cell>>();
  /** answers about lasting owners that are in doubt */
  private readonly pending = new Set<Cell>();
  private ranks = 0;
  /** version whose inputs were read */
  private settled = 0;
  private swept = 0;

  constructor(private readonly epoch = new Epoch()) {}

  /** The inputs may be different from now on. */
  next(): void {
    const version = ++this.epoch.version;
    if (version - this.swept < KEEP) return;
    this.swept = version;
    this.sweep(version - KEEP);
  }
  /** `owner` lasts as long as this memo: answers about it that nobody asks for any more are forgotten. */
  keepsFor(owner: object): void {
    const cells = new Map<string, Cell>();
    this.derivations.set(owner, cells);
    this.lasting.add(cells);
  }

  /** What the file says now; `read` must stay good for later versions, ask for no answers, and `same` tells when an answer did not change. */
  input<T>(key: string, read: () => T, same: (a: T, b: T) => boolean = Object.is): T {
    let cell = this.inputs.get(key);
    if (!cell) this.inputs.set(key, (cell = this.cell(read, same)));
    return this.answer(cell) as T;
  }

  /**
   * The answer `key` about `owner`; it goes when the owner goes. `compute` stays for later versions: it may use nothing that
   * is not an input, derived, or the same in all versions.
   */
  derived<T>(owner: object, key: string, compute: () => T, same: (a: T, b: T) => boolean = Object.is): T {
    let cells = this.derivations.get(owner);
    if (!cells) this.derivations.set(owner, (cells = new Map<string, Cell>()));
    let cell = cells.get(key);
    if (!cell) {
      cells.set(key, (cell = this.cell(compute, same)));
      cell.asked = NOBODY;
      cell.lasting = this.lasting.has(cells);
    }
    return this.answer(cell) as T;
  }
  private cell(compute: () => unknown, same: Same): Cell {
    return {
      memo: this, value: undefined, checked: -1, used: -1, compute, same, asked: undefined, told: NOTHING, askers: new Set(),
      doubted: false, foreign: false, rank: 0, lasting: false,
    };
  }

  private answer(cell: Cell): unknown {
    this.refresh(cell);
    cell.used = this.epoch.version;
    const asking = this.epoch.asking.at(-1);
    // what it was told first is what it went on with
    if (asking && !asking.has(cell)) asking.set(cell, cell.value);
    return cell.value;
  }

  private refresh(cell: Cell): void {
    const { version } = this.epoch;
    if (this.settled !== version) this.settle();
    if (cell.checked === version && !cell.doubted) return;
    if (cell.checked >= 0 && !cell.doubted && !cell.foreign) {
      cell.checked = version;
      return;
    }
    // from here on doubt is new doubt
    cell.doubted = false;
    this.pending.delete(cell);
    try {
      if (!cell.asked) this.read(cell);
      else if (cell.checked < 0 || !this.holds(cell)) this.compute(cell, cell.asked);
    } catch (error) {
      // nothing is known of it, and of what was made from it
      cell.checked = -1;
      this.doubt(cell.askers);
      throw error;
    }
    cell.checked = version;
  }
  private read(cell: Cell): void {
    const value = cell.compute();
    if (cell.checked >= 0 && cell.same(cell.value as never, value as never)) return;
    cell.value = value;
    this.doubt(cell.askers);
  }
  private compute(cell: Cell, before: Cell[]): void {
    const asked = new Map<Cell, unknown>();
    this.epoch.asking.push(asked);
    let value: unknown;
    try {
      value = cell.compute();
    } finally {
      this.epoch.asking.pop();
    }
    const foreign = cell.foreign;
    cell.asked = [...asked.keys()];
    cell.told = [...asked.values()];
    cell.foreign = false;
    const known = new Set(before);
    let doubted = false;
    for (const [other, told] of asked) {
      if (other.memo !== this || other.foreign) cell.foreign = true;
      // what was made from nothing stays as it is
      if (other.memo === this && !known.has(other) && other.asked?.length !== 0) other.askers.add(cell);
      if (other.doubted || other.value !== told) doubted = true;
    }
    const changed = cell.checked < 0 || !cell.same(cell.value as never, value as never);
    if (changed) cell.value = value;
    if (!cell.lasting) {
      if (doubted) this.doubt([cell]);
      return;
    }
    cell.rank ||= ++this.ranks;
    if (changed || (cell.foreign && !foreign)) this.doubt(cell.askers);
    if (doubted) this.doubt([cell]);
  }

  /** In the order they were asked: what comes behind a different answer might not be asked any more. */
  private holds(cell: Cell): boolean {
    const { asked = NOBODY, told } = cell;
    let foreign = false;
    for (let i = 0; i < asked.length; i++) {
      const other = asked[i]!;
      other.memo.refresh(other);
      if (other.value !== told[i]) return false;
      foreign ||= other.foreign || other.memo !== this;
    }
    cell.foreign = foreign;
    return true;
  }

  /** Reads the inputs of this version, and looks at the answers about the file as a whole that are in doubt. */
  private settle(): void {
    const { version, asking } = this.epoch;
    this.settled = version;
    // nobody asks
    asking.push(new Map());
    try {
      for (const cell of this.inputs.values()) {
        this.read(cell);
        cell.checked = version;
      }
      while (this.pending.size) {
        let first: Cell | undefined;
        for (const cell of this.pending) if (!first || cell.rank < first.rank) first = cell;
        this.refresh(first!);
      }
    } catch (error) {
      this.settled = -1;
      throw error;
    } finally {
      asking.pop();
    }
  }
  private doubt(cells: Iterable<Cell>): void {
    const stack = [...cells];
    for (let cell = stack.pop(); cell; cell = stack.pop()) {
      if (cell.doubted) continue;
      cell.doubted = true;
      if (cell.lasting && !cell.foreign) this.pending.add(cell);
      else stack.push(...cell.askers);
    }
  }

  /** Forgets what was not asked for since a version, nor anything made from it. */
  private sweep(since: number): void {
    const all = new Set<Cell>(this.inputs.values());
    for (const cells of this.lasting) for (const cell of cells.values()) all.add(cell);
    for (const cell of all) for (const asker of cell.askers) all.add(asker);
    const live = new Set<Cell>();
    for (const cell of all) if (cell.used >= since) live.add(cell);
    for (const cell of live) for (const asked of cell.asked ?? NOBODY) if (asked.memo === this) live.add(asked);
    for (const cell of all) {
      cell.askers.clear();
      if (live.has(cell)) continue;
      this.pending.delete(cell);
      Object.assign(cell, { checked: -1, value: undefined, doubted: false, foreign: false, told: NOTHING, ...(cell.asked && { asked: NOBODY }) });
    }
    for (const cell of live) for (const asked of cell.asked ?? NOBODY) if (asked.memo === this && asked.asked?.length !== 0) asked.askers.add(cell);
    for (const cells of [this.inputs, ...this.lasting]) for (const [key, cell] of cells) if (!live.has(cell)) cells.delete(key);
  }
}

/** The same things in the same order. */
export function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
