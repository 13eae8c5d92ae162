/** Answers remembered over versions are those that are computed anew, whatever asks what. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Epoch, Memo } from '../../../src/analysis/memo';

const INPUTS = 4;
/** An answer sums up answers and inputs in front of it; with a guard only where the first of them is odd. */
interface Node { asks: number[]; guard: boolean; lasting: boolean; modulus: number; memo: 0 | 1 }
const node: fc.Arbitrary<Node> = fc.record({
  asks: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), guard: fc.boolean(), lasting: fc.boolean(), modulus: fc.constantFrom(2, 3, 1000), memo: fc.constantFrom(0, 0, 0, 1),
});
const step = fc.record({ changes: fc.array(fc.tuple(fc.nat(INPUTS - 1), fc.nat(3)), { maxLength: 3 }), questions: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), fails: fc.constantFrom(false, false, false, true) });

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

  constructor(private readonly nodes: Node[]) {
    this.owners = nodes.map(() => ({}));
    this.memos.forEach((m, i) => m.keepsFor(this.lasting[i]!));
  }
  next(): void {
    this.memos[0]!.next();
  }
  remembered(i: number): number {
    const { memo, lasting } = this.nodes[i]!;
    return this.memos[memo]!.derived(lasting ? this.lasting[memo]! : this.owners[i]!, `sum ${i}`, () => {
      this.computed++;
      if (i === this.failing) throw new Error('fails');
      return this.sum(i, (j) => this.remembered(j), (n) => this.memos[memo]!.input(`input ${n}`, () => this.inputs[n]![memo]!));
    });
  }
  anew(i: number): number {
    const { memo } = this.nodes[i]!;
    return this.sum(i, (j) => this.anew(j), (n) => this.inputs[n]![memo]!);
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
      for (const { changes, questions, fails } of steps) {
        // some long enough for what nobody asks for to be forgotten
        for (let i = 0; i < (long ? 50 : 1); i++) sums.next();
        for (const [n, value] of changes) sums.inputs[n]![value % 2] = value;
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
    }), { numRuns: 500 });
  });

  it('looks only at what an input that is different leads to', () => {
    const plain = { guard: false, modulus: 1000, memo: 0 as const };
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
});
