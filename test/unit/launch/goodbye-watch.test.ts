import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GoodbyeWatch } from '../../../src/launch/goodbye-watch';
import { FrameType, MAGIC } from '../../../src/protocol/wire';

function frame(type: number, size: number): Buffer {
  const bytes = Buffer.alloc(12 + size, FrameType.Goodbye);
  bytes.writeUInt32LE(size, 0);
  bytes[4] = type;
  return bytes;
}

test('the last frame is seen exactly when its last byte came, however the stream is cut', () => {
  fc.assert(fc.property(fc.array(fc.nat({ max: 40 }), { maxLength: 6 }), fc.nat({ max: 40 }), fc.array(fc.nat(), { maxLength: 8 }), (sizes, last, cuts) => {
    const whole = Buffer.concat([MAGIC, ...sizes.map((size) => frame(FrameType.Spans, size)), frame(FrameType.Goodbye, last)]);
    const at = [...new Set([...cuts.map((cut) => cut % whole.length), whole.length - 1])].sort((a, b) => a - b);
    const watch = new GoodbyeWatch();
    let from = 0;
    for (const to of at) {
      expect(watch.feed(whole.subarray(from, to))).toBe(false);
      from = to;
    }
    expect(watch.feed(whole.subarray(from))).toBe(true);
  }));
});
