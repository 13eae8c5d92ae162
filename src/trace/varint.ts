/** Reads LEB128 varints of up to 64 bits; the halves keep what a double cannot. */

const TWO_32 = 4294967296;
/** Larger values do not fit a double exactly; hostile times and lengths are held to this. */
export const MAX_EXACT = Number.MAX_SAFE_INTEGER;

/** Thrown inside the row decoders only; they turn it into a damaged-stream answer. */
export class MalformedRow extends Error {}

export class VarintReader {
  /** halves of the value read last, unsigned */
  lo = 0;
  hi = 0;

  constructor(readonly bytes: Uint8Array, public at = 0, readonly end = bytes.length) {}

  u8(): number {
    if (this.at >= this.end) throw new MalformedRow('row is cut short');
    return this.bytes[this.at++]!;
  }

  /** Unsigned value as a double (exact up to 2^53); exact halves in `lo` and `hi`. */
  varint(): number {
    const bytes = this.bytes;
    let b = this.u8();
    if (b < 0x80) {
      this.lo = b;
      this.hi = 0;
      return b;
    }
    let lo = b & 0x7f;
    let hi = 0;
    let shift = 7;
    for (;;) {
      if (this.at >= this.end) throw new MalformedRow('number is cut short');
      b = bytes[this.at++]!;
      const part = b & 0x7f;
      if (shift < 28) lo |= part << shift;
      else if (shift === 28) {
        lo |= part << 28;
        hi = part >>> 4;
      } else if (shift < 63) hi |= part << (shift - 32);
      else {
        if (part > 1) throw new MalformedRow('number is wider than 64 bits');
        hi |= part << 31;
      }
      if (b < 0x80) break;
      shift += 7;
      if (shift > 63) throw new MalformedRow('number is wider than 64 bits');
    }
    this.lo = lo >>> 0;
    this.hi = hi >>> 0;
    return this.hi * TWO_32 + this.lo;
  }

  /** Signed value as a double; exact halves (two's complement) in `lo` and `hi`. */
  zigzag(): number {
    this.varint();
    const negative = this.lo & 1;
    let lo = ((this.lo >>> 1) | (this.hi << 31)) >>> 0;
    let hi = this.hi >>> 1;
    if (negative) {
      lo = ~lo >>> 0;
      hi = ~hi;
    }
    this.lo = lo;
    this.hi = hi >>> 0;
    return (hi | 0) * TWO_32 + lo;
  }
}

export function signed64(lo: number, hi: number): bigint {
  return BigInt.asIntN(64, (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0));
}
export function unsigned64(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
export function clamp(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}
