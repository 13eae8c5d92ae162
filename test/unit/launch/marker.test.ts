import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AfterMarker, PromptFilter } from '../../../src/launch/marker';
import { MAGIC } from '../../../src/protocol/wire';

/** Cuts a buffer at the given places. */
function pieces(whole: Buffer, cuts: number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => whole.subarray(from, at[i] ?? whole.length));
}

describe('AfterMarker', () => {
  test('passes exactly what follows, however the stream is cut', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.uint8Array({ maxLength: 60 }), fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), (noise, rest, cuts, keep) => {
      fc.pre(Buffer.concat([noise, MAGIC]).indexOf(MAGIC) === noise.length);
      const after = new AfterMarker(MAGIC, keep);
      const out = pieces(Buffer.concat([noise, MAGIC, rest]), cuts).map((piece) => Buffer.from(after.feed(piece)));
      expect(after.seen).toBe(true);
      expect(Buffer.concat(out)).toEqual(Buffer.concat(keep ? [MAGIC, rest] : [rest]));
      expect(after.before).toEqual(Buffer.from(noise));
    }));
  });

  test('keeps the end of a long noise for a message, and still finds a marker cut in two', () => {
    const after = new AfterMarker(Buffer.from('MARK'));
    expect(after.feed(Buffer.alloc(100_000, 'x'))).toHaveLength(0);
    expect(after.feed(Buffer.from('yMA'))).toHaveLength(0);
    expect(after.before.length).toBeLessThan(9000);
    expect(after.feed(Buffer.from('RKrest')).toString()).toBe('rest');
  });
});

describe('PromptFilter', () => {
  test('takes out every prompt and nothing else, however the stream is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'P', '#', '\n') });
    fc.assert(fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), fc.array(fc.nat(), { maxLength: 8 }), (parts, cuts) => {
      fc.pre(parts.every((part) => !part.includes('PP#')) && parts.join('PP#').split('PP#').length === parts.length);
      let prompts = 0;
      const filter = new PromptFilter('PP#', () => { prompts++; });
      const whole = Buffer.from(parts.join('PP#'));
      const out = pieces(whole, cuts).map((piece) => filter.feed(piece.toString())).join('') + filter.flush();
      expect(out).toBe(parts.join('PP#').split('PP#').join(''));
      expect(prompts).toBe(parts.length - 1);
    }));
  });

  test('a prompt is answered at once, without waiting for what follows', () => {
    let prompts = 0;
    const filter = new PromptFilter('ask:', () => { prompts++; });
    expect(filter.feed('hello ask:')).toBe('hello ');
    expect(prompts).toBe(1);
  });
});
