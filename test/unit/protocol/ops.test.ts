import { describe, expect, it } from 'vitest';
import { isFailure, opName, setupNames } from '../../../src/protocol/ops';

const ETIME = 62;
const op = (name: string): number => Array.from({ length: 80 }, (_, i) => i).find((i) => opName('io_uring', i) === name)!;

describe('setupNames', () => {
  it('names each bit, and numbers those it does not know', () => {
    expect(setupNames(0)).toEqual([]);
    expect(setupNames(0b11)).toEqual(['IOPOLL', 'SQPOLL']);
    expect(setupNames((1 << 12) | (1 << 13) | (1 << 31))).toEqual(['SINGLE_ISSUER', 'DEFER_TASKRUN', 'bit 31']);
  });
});

describe('isFailure', () => {
  it('takes a timer that fires for what it is', () => {
    expect(isFailure(op('TIMEOUT'), -ETIME)).toBe(false);
    expect(isFailure(op('LINK_TIMEOUT'), -ETIME)).toBe(false);
  });
  it('takes other negative results for failures', () => {
    expect(isFailure(op('TIMEOUT'), -125)).toBe(true);
    expect(isFailure(op('READ'), -ETIME)).toBe(true);
    expect(isFailure(op('READ'), 0)).toBe(false);
  });
});
