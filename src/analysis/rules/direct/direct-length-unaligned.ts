import { SECTOR } from '../../idioms/allocation';
import { oddLength } from '../../idioms/lengths';
import { flagState, O_DIRECT } from '../../idioms/fd-origin';
import { transfersOf, type Operand } from '../../idioms/transfers';
import { integers } from '../../flow/value';
import { placeOf } from '../../source-file';
import { directFile, isPreparedForRefusal, SPEAKS_OF_DIRECT } from './direct-files';
import { lengthUnalignedInRust } from './direct-length-unaligned.rust';
import type { Draft, Rule, View } from '../rule';

export const directLengthUnaligned: Rule = {
  info: {
    id: 'direct-length-unaligned', languages: ['c', 'cpp', 'rust'], severity: 'error', confidence: 'likely',
    summary: 'The length or offset of a transfer on an O_DIRECT file is no multiple of the block size.',
  },
  why: 'Direct I/O moves whole blocks: lengths and offsets have to be multiples of the device\'s logical block, 512 bytes at the very least. Anything else fails with EINVAL, typically the last write of a file, with the real length of the data.',
  families: [],
  check(file, func, report) {
    if (file.language === 'rust') return lengthUnalignedInRust(file, func, report);
    if (func.damaged || !file.says(SPEAKS_OF_DIRECT)) return;
    const seen = new Set<number>();
    for (const t of transfersOf(file, func)) {
      for (const [operand, name] of [[t.length, 'length'], [t.offset, 'offset']] as const) {
        if (!operand || operand.flow.func !== func || seen.has(operand.expr.span.start)) continue;
        const wrong = problem(file, operand, name);
        if (!wrong) continue;
        const direct = directFile(file, t, t.fd.flow.func === func);
        // a tail written after O_DIRECT was taken off again
        if (!direct || isPreparedForRefusal(file, func, t, direct) || direct.opens.some((o) => flagState(o, O_DIRECT) !== 'on' && o.changes.length > 0)) continue;
        seen.add(operand.expr.span.start);
        report({
          ...wrong,
          at: placeOf(func, operand.expr),
          message: `${wrong.message} The file is open with O_DIRECT, so ${t.inner.name}() fails with EINVAL. Round up to the block size${t.writes && name === 'length' ? ', and cut the file with ftruncate() at the end' : ''}.`,
          related: direct.opens.flatMap((o) => (o.place ? [{ at: o.place, message: 'opened here with O_DIRECT' }] : [])),
        });
      }
    }
  },
};

function problem(file: View, { expr, flow, memory }: Operand, name: string): Pick<Draft, 'message' | 'severity'> | undefined {
  const all = integers(flow.value(expr, memory));
  if (all) return all.every((n) => n % SECTOR !== 0n) ? { message: `This ${name} is ${all.join(' or ')}, no multiple of 512.` } : undefined;
  const what = name === 'length' ? oddLength(file, flow, expr, memory) : undefined;
  return what === undefined ? undefined : { severity: 'warning', message: `This length comes from ${what} and is not rounded to whole blocks.` };
}
