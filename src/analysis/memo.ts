/**
 * Answers that stay until something they were made from is different.
 *
 * Inputs are what a version of the file says; derived answers are computed from inputs and from each other. Each derived
 * answer remembers what it asked and what it was told, and each knows who asked it. In a new version the inputs are read
 * again; who asked one that is different is in doubt, and so are those who asked him. An answer in doubt asks again what it
 * asked, and is computed anew where it is told something else. What nobody doubts is not looked at: a version costs what changed.
 *
 * Doubt ends at answers about the file as a whole: they are looked at first, and pass it on only where they are different. Who
 * asked for a part of one is in doubt only where that part is different.
 * Between files nobody knows who asked: an answer made from those of other files asks again in each version.
 *
 * What nobody can ask for any more goes: all about owners that are gone, and what nobody asked for in many versions.
 */

type Same = (a: never, b: never) => boolean;

interface Cell {
  readonly memo: Memo;
  readonly key: string;
  /** where it is found by its key */
  readonly among: Map<string, Cell>;
  value: unknown;
  /** version in which the value was last known to hold */
  checked: number;
  /** version in which somebody last asked for it */
  used: number;
  readonly compute: () => unknown;
  readonly same: Same;
  /** the answers it was made from, in the order they were asked, and what they were; absent for inputs: they are read anew in each version */
  asked?: Cell[];
  told: unknown[];
  /** answers of the same memo made from this one */
  readonly askers: Set<Cell>;
  /** what it was made from may be different */
  doubted: boolean;
  /** made from answers of other memos, directly or round some corners */
  foreign: boolean;
  /** for answers about an owner that lasts: where it stands among them, those it is made from first; 0: another answer, or not known yet */
  rank: number;
  readonly lasting: boolean;
  /** of an answer that is part of another: takes it out of the whole */
  part?: (whole: never) => unknown;
  /** forgotten: it hears of nothing any more, and who was told it asks anew */
  loose: boolean;
}
const NOBODY: Cell[] = [];
const NOTHING: unknown[] = [];

/** What nobody asked for in this many versions, and nothing was made from, is forgotten. */
const KEEP = 128;
/** Versions an owner may be away for: an unfinished brace makes the functions behind it go and come back. */
const AWAY = 16;

/** What the memos of files that ask each other have in common. */
export class Epoch {
  version = 0;
  /** what the answers being computed have asked so far, outermost first */
  readonly asking: { by: Memo; asked: Map<Cell, unknown> }[] = [];
}

/** What is known about an owner: one that lasts as long as the memo, one that is there now, or any other. */
interface About { cells: Map<string, Cell>; owner: 'lasting' | 'there' | 'other' }

export class Memo {
  private readonly inputs = new Map<string, Cell>();
  private readonly known = new WeakMap<object, About>();
  private readonly lasting = new Set<Map<string, Cell>>();
  /** owners that are there, or were not long ago */
  private readonly present = new WeakSet();
  /** those of them that are gone, and since when; the first to go stand first */
  private readonly away = new Map<object, number>();
  private turns = 0;
  /** answers about owners of which nobody says when they go */
  private readonly others = new Set<Cell>();
  /** answers about lasting owners that are in doubt */
  private readonly pending = new Set<Cell>();
  private ranks = 0;
  /** version whose inputs were read */
  private settled = 0;
  private swept = 0;
  private settling = false;
  /** other memos were told something on the way */
  private lent = false;

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
    this.known.set(owner, { cells, owner: 'lasting' });
    this.lasting.add(cells);
  }
  /** A version later some owners are gone, and others have come. What does not come back soon is forgotten with all answers about it. */
  turn(gone: Iterable<object>, come: Iterable<object>): void {
    const turn = ++this.turns;
    for (const owner of gone) this.away.set(owner, turn);
    for (const owner of come) {
      this.away.delete(owner);
      this.present.add(owner);
    }
    for (const [owner, since] of this.away) {
      if (since > turn - AWAY) break;
      this.away.delete(owner);
      this.present.delete(owner);
      const cells = this.known.get(owner)?.cells;
      if (!cells) continue;
      this.known.delete(owner);
      for (const cell of cells.values()) this.forget(cell);
    }
  }

  /** What the file says now; `read` must stay good for later versions, ask for no answers, and `same` tells when an answer did not change. */
  input<T>(key: string, read: () => T, same: (a: T, b: T) => boolean = Object.is): T {
    return this.answer(this.inputs.get(key) ?? this.cell(this.inputs, key, read, same)) as T;
  }

  /**
   * The answer `key` about `owner`; it goes when the owner goes. `compute` stays for later versions: it may use nothing that
   * is not an input, derived, or the same in all versions.
   */
  derived<T>(owner: object, key: string, compute: () => T, same: (a: T, b: T) => boolean = Object.is): T {
    const about = this.about(owner);
    return this.answer(about.cells.get(key) ?? this.derivation(about, key, compute, same)) as T;
  }
  /** The part `name` of an answer; `take` asks for nothing. Who asks for it need not know that others are different. */
  part<W, T>(owner: object, key: string, whole: () => W, name: string, take: (whole: W) => T, same: (a: T, b: T) => boolean = Object.is): T {
    const about = this.about(owner);
    const partKey = `${key} of ${name}`;
    let cell = about.cells.get(partKey);
    if (!cell) {
      cell = this.derivation(about, partKey, () => take(this.derived(owner, key, whole)), same);
      cell.part = take;
    }
    return this.answer(cell) as T;
  }
  private about(owner: object): About {
    let about = this.known.get(owner);
    if (!about) this.known.set(owner, (about = { cells: new Map<string, Cell>(), owner: this.present.has(owner) ? 'there' : 'other' }));
    return about;
  }
  private derivation(about: About, key: string, compute: () => unknown, same: Same): Cell {
    const cell = this.cell(about.cells, key, compute, same, about.owner === 'lasting');
    cell.asked = NOBODY;
    if (about.owner === 'other') this.others.add(cell);
    return cell;
  }
  private cell(among: Map<string, Cell>, key: string, compute: () => unknown, same: Same, lasting = false): Cell {
    const cell: Cell = {
      memo: this, key, among, value: undefined, checked: -1, used: -1, compute, same, asked: undefined, told: NOTHING, askers: new Set(),
      doubted: false, foreign: false, rank: 0, lasting, part: undefined, loose: false,
    };
    among.set(key, cell);
    return cell;
  }

  private answer(cell: Cell): unknown {
    this.refresh(cell);
    cell.used = this.epoch.version;
    const asking = this.epoch.asking.at(-1);
    if (asking) {
      if (this.settling && asking.by !== this) this.lent = true;
      // what it was told first is what it went on with
      if (!asking.asked.has(cell)) asking.asked.set(cell, cell.value);
    }
    return cell.value;
  }

  private refresh(cell: Cell): void {
    if (this.settled !== this.epoch.version) this.settle();
    const { version } = this.epoch;
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
    this.epoch.asking.push({ by: this, asked });
    let value: unknown;
    try {
      value = cell.compute();
    } finally {
      this.epoch.asking.pop();
    }
    const foreign = cell.foreign;
    for (const other of before) if (!asked.has(other)) other.askers.delete(cell);
    cell.asked = [...asked.keys()];
    cell.told = [...asked.values()];
    cell.foreign = false;
    let doubted = false;
    for (const [other, told] of asked) {
      if (other.memo !== this || other.foreign) cell.foreign = true;
      // what was made from nothing stays as it is
      if (other.memo === this && other.asked?.length !== 0) other.askers.add(cell);
      if (other.doubted || other.value !== told) doubted = true;
    }
    const changed = cell.checked < 0 || !cell.same(cell.value as never, value as never);
    if (changed) cell.value = value;
    if (!cell.lasting) {
      if (doubted) this.doubt([cell]);
      return;
    }
    cell.rank ||= ++this.ranks;
    if (cell.foreign && !foreign) this.doubt(cell.askers);
    else if (changed) this.tell(cell);
    if (doubted) this.doubt([cell]);
  }
  /** An answer about the file as a whole is different: who asked for it is in doubt, for a part of it only where that is. */
  private tell(cell: Cell): void {
    for (const asker of cell.askers) {
      if (!asker.part || asker.checked < 0) {
        this.doubt([asker]);
        continue;
      }
      const value = asker.part(cell.value as never);
      asker.told[0] = cell.value;
      if (asker.same(asker.value as never, value as never)) continue;
      asker.value = value;
      this.doubt(asker.askers);
    }
  }

  /** In the order they were asked: what comes behind a different answer might not be asked any more. */
  private holds(cell: Cell): boolean {
    const { asked = NOBODY } = cell;
    let foreign = false;
    for (let i = 0; i < asked.length; i++) {
      const other = asked[i]!;
      if (other.loose) return false;
      other.memo.refresh(other);
      if (other.memo !== this) {
        other.used = this.epoch.version;
        if (other.memo.settling) other.memo.lent = true;
      }
      // of parts, `told` may have been brought up to date
      if (other.value !== cell.told[i]) return false;
      foreign ||= other.foreign || other.memo !== this;
    }
    // who asks an answer about the file as a whole was not in doubt with it
    if (cell.lasting && foreign && !cell.foreign) this.doubt(cell.askers);
    cell.foreign = foreign;
    return true;
  }

  /** Reads the inputs of this version, and looks at the answers about the file as a whole that are in doubt. */
  private settle(): void {
    const { version, asking } = this.epoch;
    this.settled = version;
    this.settling = true;
    // nobody asks
    asking.push({ by: this, asked: new Map() });
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
      this.settling = false;
    }
    // who was told something before all was looked at asks again
    if (this.lent) this.settled = ++this.epoch.version;
    this.lent = false;
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

  /** Forgets what was not asked for since a version, and nothing is made from. */
  private sweep(since: number): void {
    const idle = (cell: Cell): boolean => cell.askers.size === 0 && cell.used < since;
    for (const cells of [this.others, ...this.lasting, this.inputs]) {
      for (const cell of cells.values()) if (idle(cell)) this.forget(cell);
    }
  }
  /** Who was told it asks anew. */
  private forget(cell: Cell): void {
    cell.loose = true;
    this.doubt(cell.askers);
    this.pending.delete(cell);
    this.others.delete(cell);
    if (cell.among.get(cell.key) === cell) cell.among.delete(cell.key);
    for (const other of cell.asked ?? NOBODY) other.askers.delete(cell);
    cell.value = undefined;
  }
}

/** The same things in the same order. */
export function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
