/**
 * Answers that stay until something they were made from is different.
 *
 * Inputs are what a version of the file says; derived answers are computed from inputs and from each other. Each derived
 * answer remembers what it asked and what it was told, so that the next version asks again only that, and computes anew
 * only where it is told something else.
 */

type Same = (a: never, b: never) => boolean;

interface Cell {
  value: unknown;
  /** version in which the value was last known to hold */
  checked: number;
  compute: () => unknown;
  same: Same;
  /** the answers it was made from, in the order they were asked, and what they were; absent for inputs: they are read anew in each version */
  asked?: Cell[];
  told: unknown[];
}
const NOBODY: Cell[] = [];
const NOTHING: unknown[] = [];

/** Inputs nobody asked for this many versions are forgotten. */
const KEEP_INPUTS = 64;

/** What the memos of files that ask each other have in common. */
export class Epoch {
  version = 0;
  /** what the answers being computed have asked so far, outermost first */
  readonly asking: Map<Cell, unknown>[] = [];
}

export class Memo {
  private readonly inputs = new Map<string, Cell>();
  private readonly derivations = new WeakMap<object, Map<string, Cell>>();
  /** owners that live as long as this memo */
  private readonly lasting: Map<string, Cell>[] = [];
  private swept = 0;

  constructor(private readonly epoch = new Epoch()) {}

  /** The inputs may be different from now on. */
  next(): void {
    const version = ++this.epoch.version;
    if (version - this.swept < KEEP_INPUTS) return;
    this.swept = version;
    for (const cells of [this.inputs, ...this.lasting]) for (const [key, cell] of cells) if (cell.checked < version - KEEP_INPUTS) cells.delete(key);
  }
  /** `owner` lasts as long as this memo: answers about it that nobody asks for any more are forgotten. */
  keepsFor(owner: object): void {
    const cells = new Map<string, Cell>();
    this.derivations.set(owner, cells);
    this.lasting.push(cells);
  }

  /** What the file says now; `read` must stay good for later versions, and `same` tells when an answer did not change. */
  input<T>(key: string, read: () => T, same: (a: T, b: T) => boolean = Object.is): T {
    let cell = this.inputs.get(key);
    if (!cell) this.inputs.set(key, (cell = { value: undefined, checked: -1, compute: read, same, told: NOTHING }));
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
    if (!cell) cells.set(key, (cell = { value: undefined, checked: -1, compute, same, asked: NOBODY, told: NOTHING }));
    return this.answer(cell) as T;
  }

  private answer(cell: Cell): unknown {
    this.refresh(cell);
    this.epoch.asking.at(-1)?.set(cell, cell.value);
    return cell.value;
  }

  private refresh(cell: Cell): void {
    const { version } = this.epoch;
    if (cell.checked === version) return;
    if (cell.checked >= 0 && cell.asked && this.holds(cell.asked, cell.told)) {
      cell.checked = version;
      return;
    }
    let value: unknown;
    if (cell.asked) {
      const asked = new Map<Cell, unknown>();
      this.epoch.asking.push(asked);
      try {
        value = cell.compute();
      } finally {
        this.epoch.asking.pop();
      }
      cell.asked = [...asked.keys()];
      cell.told = [...asked.values()];
    } else value = cell.compute();
    if (cell.checked < 0 || !cell.same(cell.value as never, value as never)) cell.value = value;
    cell.checked = version;
  }

  /** In the order they were asked: what comes behind a different answer might not be asked any more. */
  private holds(asked: Cell[], told: unknown[]): boolean {
    const { version } = this.epoch;
    for (let i = 0; i < asked.length; i++) {
      const cell = asked[i]!;
      if (cell.checked !== version) this.refresh(cell);
      if (cell.value !== told[i]) return false;
    }
    return true;
  }
}

/** The same things in the same order. */
export function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
