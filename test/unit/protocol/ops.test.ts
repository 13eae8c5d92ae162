import { describe, expect, it } from 'vitest';
import { isFailure, opName } from '../../../src/protocol/ops';

const ETIME = 62;
const op = (name: string): number => Array.from({ length: 80 }, (_, i) => i).find((i) => opName('io_uring', i) === name)!;

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
