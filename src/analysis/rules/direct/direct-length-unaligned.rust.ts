/** Rust: lengths of slices and offsets. */
import { directFile, isOdd, PREPARED, rustConstant, rustTransfers, SPEAKS_OF_DIRECT } from '../../idioms/rust-direct';
import { oddRustLength } from '../../idioms/rust-lengths';
import { walk, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, View } from '../rule';

export function lengthUnalignedInRust(file: View, func: Func, report: (draft: Draft) => void): void {
  if (func.damaged || !file.says(SPEAKS_OF_DIRECT) || file.program.mentions(func, PREPARED)) return;
  for (const t of rustTransfers(func)) {
    for (const [e, name] of [[t.length, 'length'], [t.offset, 'offset']] as const) {
      if (!e) continue;
      const value = rustConstant(file, e);
      const what = value === undefined && name === 'length' ? oddRustLength(file, func, e) : undefined;
      if (value === undefined ? what === undefined : !isOdd(value)) continue;
      // whoever hands the data over may see to their length
      if (what === 'the length of the data' && t.buffer && [...walk([memoryOf(t.buffer)])].some((x) => x.kind === 'name' && func.params.some((p) => p.id === x.id && p.name !== 'self'))) continue;
      if (!directFile(file, func, t.fd)) continue;
      report({
        at: placeOf(func, e), ...(value === undefined ? { severity: 'warning' as const } : {}),
        message: `${value === undefined ? `This length comes from ${what} and is not rounded to whole blocks.` : `This ${name} is ${value}, no multiple of 512.`} The file is open with O_DIRECT, so ${t.name}() fails with EINVAL. Round up to the block size.`,
      });
    }
  }
}
/** Without the part of it that is taken. */
function memoryOf(buffer: Expr): Expr {
  const e = buffer.kind === 'unary' ? buffer.operand : buffer;
  return e.kind === 'index' ? e.object : e;
}
