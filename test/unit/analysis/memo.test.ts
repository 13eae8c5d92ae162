/** Answers remembered over versions are those that are computed anew, whatever asks what. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Epoch, Memo } from '../../../src/analysis/memo';

const INPUTS = 4;
/** An answer sums up answers and inputs in front of it; with a guard only where the first of them is odd. `half`: it asks for a part of each. */
interface Node { asks: number[]; guard: boolean; lasting: boolean; modulus: number; memo: 0 | 1; half: boolean }
const node: fc.Arbitrary<Node> = fc.record({
  asks: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), guard: fc.boolean(), lasting: fc.boolean(), modulus: fc.constantFrom(2, 3, 1000), memo: fc.constantFrom(0, 0, 0, 1), half: fc.boolean(),
});
const step = fc.record({ replaced: fc.array(fc.nat(), { maxLength: 2 }), changes: fc.array(fc.tuple(fc.nat(INPUTS - 1), fc.nat(3)), { maxLength: 3 }), questions: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fails: fc.constantFrom(false, false, false, true) });

const plain: Node = { asks: [], guard: false, lasting: false, modulus: 1000, memo: 0, half: false };
/** The third is looked at before the first, and what it asks for in the other memo looks back at that. */
const LENT: Node[] = [
  { ...plain, asks: [1], lasting: true, memo: 1 }, { ...plain, asks: [INPUTS], half: true },
  { ...plain, asks: [1, INPUTS + 1], guard: true, lasting: true, memo: 1 }, { ...plain, asks: [INPUTS + 2, INPUTS + 1] },
];
/** The second comes to ask the other memo, and what it says stays the same for now. */
const BECAME_FOREIGN: Node[] = [
  { ...plain, asks: [0] }, { ...plain, asks: [0, INPUTS], guard: true, modulus: 3, memo: 1 },
  { ...plain, asks: [INPUTS + 1], lasting: true, memo: 1 }, { ...plain, asks: [INPUTS + 2], memo: 1 },
];
const asked = (question: number, ...changes: [number, number][]) => ({ replaced: [], changes, questions: [question], fails: false });

/** Sums with and without memory, over the same inputs. */
class Sums {
  readonly inputs = Array.from({ length: INPUTS }, () => [0, 0]);
  computed = 0;
  /** the answer that cannot be given at the moment */
  failing = -1;
  private readonly epoch = new Epoch();
  private readonly memos = [new Memo(this.epoch), new Memo(this.epoch)];
  private readonly lasting = [{}, {}];
  private readonly owners: object[];
  private readonly moves: Record<0 | 1, { gone: object[]; come: object[] }> = { 0: { gone: [], come: [] }, 1: { gone: [], come: [] } };

  constructor(private readonly nodes: Node[]) {
    this.owners = nodes.map(() => ({}));
    nodes.forEach(({ memo }, i) => this.moves[memo].come.push(this.owners[i]!));
    this.memos.forEach((m, i) => m.keepsFor(this.lasting[i]!));
  }
  next(): void {
    this.memos[0]!.next();
    for (const memo of [0, 1] as const) {
      const { gone, come } = this.moves[memo];
      this.memos[memo]!.turn(gone.splice(0), come.splice(0));
    }
  }
  /** What an answer is about is another thing from now on. */
  replace(i: number): void {
    const { gone, come } = this.moves[this.nodes[i]!.memo];
    gone.push(this.owners[i]!);
    come.push((this.owners[i] = {}));
  }
  remembered(i: number): number {
    return this.memos[this.nodes[i]!.memo]!.derived(this.ownerOf(i), `sum ${i}`, () => this.compute(i));
  }
  private half(i: number): number {
    return this.memos[this.nodes[i]!.memo]!.part(this.ownerOf(i), `sum ${i}`, () => this.compute(i), 'half', (sum) => sum >> 1);
  }
  private ownerOf(i: number): object {
    const { memo, lasting } = this.nodes[i]!;
    return lasting ? this.lasting[memo]! : this.owners[i]!;
  }
  private compute(i: number): number {
    const { memo, half } = this.nodes[i]!;
    this.computed++;
    if (i === this.failing) throw new Error('fails');
    return this.sum(i, (j) => (half ? this.half(j) : this.remembered(j)), (n) => this.memos[memo]!.input(`input ${n}`, () => this.inputs[n]![memo]!));
  }
  anew(i: number): number {
    const { memo, half } = this.nodes[i]!;
    return this.sum(i, (j) => (half ? this.anew(j) >> 1 : this.anew(j)), (n) => this.inputs[n]![memo]!);
  }
  private sum(i: number, answer: (j: number) => number, input: (n: number) => number): number {
    const { asks, guard, modulus } = this.nodes[i]!;
    let sum = 0;
    for (const [k, a] of asks.entries()) {
      const n = a % (i + INPUTS);
      sum += n < INPUTS ? input(n) : answer(n - INPUTS);
      if (guard && k === 0 && sum % 2 === 0) break;
    }
    return sum % modulus;
  }
}

describe('memo', () => {
  it('says what is computed anew, in all versions, also after a failure', () => {
    fc.assert(fc.property(fc.array(node, { minLength: 1, maxLength: 12 }), fc.array(step, { minLength: 1, maxLength: 40 }), fc.boolean(), (nodes, steps, long) => {
      const sums = new Sums(nodes);
      for (const { changes, questions, fails, replaced } of steps) {
        // some long enough for what nobody asks for to be forgotten
        for (let i = 0; i < (long ? 50 : 1); i++) sums.next();
        for (const [n, value] of changes) sums.inputs[n]![value % 2] = value;
        for (const n of replaced) sums.replace(n % nodes.length);
        if (fails) {
          sums.failing = questions[0]! % nodes.length;
          for (const q of questions) {
            try {
              sums.remembered(q % nodes.length);
            } catch (error) {
              expect((error as Error).message).toBe('fails');
            }
          }
          sums.failing = -1;
        }
        for (const q of questions) expect(sums.remembered(q % nodes.length)).toBe(sums.anew(q % nodes.length));
      }
    }), { numRuns: 500, examples: [[LENT, [asked(3), asked(2, [1, 3])], false], [BECAME_FOREIGN, [asked(3), asked(3, [0, 3]), asked(3, [0, 2])], false]] });
  });

  it('looks only at what an input that is different leads to', () => {
    // two answers from inputs, one about the file as a whole that stays the same, and one from each
    const sums = new Sums([
      { ...plain, asks: [0], lasting: false }, { ...plain, asks: [1], lasting: false, modulus: 2 }, { ...plain, asks: [INPUTS + 1], lasting: true },
      { ...plain, asks: [INPUTS], lasting: false }, { ...plain, asks: [INPUTS + 2], lasting: false },
    ]);
    const ask = (): number[] => [sums.remembered(3), sums.remembered(4)];
    expect(ask()).toEqual([0, 0]);
    sums.computed = 0;
    sums.next();
    expect(ask()).toEqual([0, 0]);
    expect(sums.computed).toBe(0);
    sums.inputs[1]![0] = 2;
    sums.next();
    expect(ask()).toEqual([0, 0]);
    expect(sums.computed).toBe(1);
    sums.inputs[0]![0] = 5;
    sums.next();
    expect(ask()).toEqual([5, 0]);
    expect(sums.computed).toBe(3);
  });

  it('a part that stays the same is no news', () => {
    const memo = new Memo();
    const file = {};
    memo.keepsFor(file);
    let table = new Map([['a', 1], ['b', 1]]);
    const computed: string[] = [];
    const owners: Record<string, object> = { a: {}, b: {} };
    const ask = (name: string): number => memo.derived(owners[name]!, 'doubled', () => {
      computed.push(name);
      return 2 * memo.part(file, 'table', () => memo.input('table', () => table), name, (t) => t.get(name) ?? 0);
    });
    expect([ask('a'), ask('b')]).toEqual([2, 2]);
    computed.length = 0;
    table = new Map([['a', 1], ['b', 3]]);
    memo.next();
    expect([ask('a'), ask('b')]).toEqual([2, 6]);
    expect(computed).toEqual(['b']);
  });

  it('what was answered from something in doubt is in doubt, also where that is found out on the way', () => {
    for (const direct of [true, false]) {
      const memo = new Memo();
      const file = {};
      const func = {};
      memo.keepsFor(file);
      let [guard, value] = [false, 0];
      const last = (): number => memo.derived(file, 'last', () => memo.input('value', () => value));
      const between = (): number => memo.derived(func, 'between', last);
      const sum = (): number => between() + last();
      const inner = direct ? sum : (): number => memo.derived(func, 'sum', sum);
      // stands in front of the one it asks for later on
      const first = (): number => memo.derived(file, 'first', () => (memo.input('guard', () => guard) ? inner() : 0));
      expect([first(), between()]).toEqual([0, 0]);
      [guard, value] = [true, 1];
      memo.next();
      expect(first()).toBe(2);
    }
  });

  it('forgets what is about owners that are gone, and what nobody asked for in a long time', () => {
    const memo = new Memo();
    const file = {};
    memo.keepsFor(file);
    let read = 0;
    let owner = {};
    const ask = (n: number): number => memo.derived(owner, 'answer', () => memo.derived(file, `of ${n}`, () => memo.input(`input ${n}`, () => {
      read++;
      return n;
    })));
    for (let n = 0; n < 1000; n++) {
      const before = owner;
      owner = {};
      memo.next();
      memo.turn([before], [owner]);
      expect(ask(n)).toBe(n);
    }
    read = 0;
    memo.next();
    expect(ask(999)).toBe(999);
    expect(read).toBeLessThan(300);
  });
});
