/** Rust: opens with O_DIRECT whose failure ends the function with `?`, or the program. */
import { directOpens } from '../../idioms/rust-direct';
import type { Func } from '../../model';
import { placeOf } from '../../source-file';
import type { Draft, View } from '../rule';

export function openNoFallbackInRust(file: View, func: Func, report: (draft: Draft) => void): void {
  if (func.damaged || !file.program.mentions(func, /\bO_DIRECT\b|Flags::DIRECT/) || file.program.mentions(func, /EINVAL|InvalidInput|raw_os_error|Unsupported/)) return;
  for (const open of directOpens(func)) {
    if (!open.always || !open.given || open.isDevice) continue;
    report({
      at: placeOf(func, open.flag),
      message: 'File systems without direct I/O refuse this open with EINVAL, and the error goes straight up. Open again without O_DIRECT when it is ErrorKind::InvalidInput.',
    });
  }
}
