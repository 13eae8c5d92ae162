/** Rust: `Vec<u8>`, arrays and the like are aligned to one byte. */
import { directFile, PREPARED, rustTransfers, SPEAKS_OF_DIRECT, unalignedBuffer } from '../../idioms/rust-direct';
import type { Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, View } from '../rule';

export function bufferUnalignedInRust(file: View, func: Func, report: (draft: Draft) => void): void {
  if (func.damaged || !file.says(SPEAKS_OF_DIRECT) || file.program.mentions(func, PREPARED)) return;
  for (const t of rustTransfers(func)) {
    const memory = t.buffer && unalignedBuffer(file, func, t.buffer);
    const opens = memory && directFile(file, func, t.fd);
    if (!t.buffer || !memory || !opens) continue;
    report({
      at: placeOf(func, t.buffer),
      message: `This buffer is ${memory.what}, which is aligned to one byte, and the file is open with O_DIRECT: ${t.name}() fails with EINVAL, or works by luck. Use memory with a Layout, or a type with #[repr(align(4096))].`,
      related: [
        ...(memory.at ? [{ at: placeOf(memory.func, memory.at), message: 'the memory comes from here' }] : []),
        ...(opens[0] && file.program.functions(SPEAKS_OF_DIRECT).includes(func) ? [{ at: placeOf(func, opens[0].flag), message: 'opened here with O_DIRECT' }] : []),
      ],
    });
  }
}
