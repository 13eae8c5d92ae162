import { memoryAt, type Memories } from '../../idioms/allocation';
import { transfersOf, type Transfer } from '../../idioms/transfers';
import { bare, statements, walkFunction, type Call, type Func } from '../../model';
import { placeOf } from '../../source-file';
import { directFile, isPreparedForRefusal, SPEAKS_OF_DIRECT } from './direct-files';
import { bufferUnalignedInRust } from './direct-buffer-unaligned.rust';
import type { Draft, DraftFix, Rule, View } from '../rule';

export const directBufferUnaligned: Rule = {
  info: {
    id: 'direct-buffer-unaligned', languages: ['c', 'cpp', 'rust'], severity: 'error', confidence: 'likely', memorySafety: true,
    summary: 'A buffer without sufficient alignment reaches a transfer on a file opened with O_DIRECT.',
  },
  why: 'Direct I/O moves data between the device and the buffer itself, so the address has to be a multiple of the device\'s block. malloc(), new and std::vector promise 16 bytes. The transfer fails with EINVAL, for some sizes always, for others by luck.',
  families: [],
  check(file, func, report) {
    if (file.language === 'rust') return bufferUnalignedInRust(file, func, report);
    if (func.damaged || !file.says(SPEAKS_OF_DIRECT)) return;
    const seen = new Set<number>();
    for (const t of transfersOf(file, func)) {
      const { buffer } = t;
      if (!buffer || buffer.flow.func !== func || seen.has(buffer.expr.span.start)) continue;
      const found = memoryAt(file, buffer.flow, buffer.expr, buffer.memory);
      if (!found || found.kind === 'aligned') continue;
      const direct = directFile(file, t, t.fd.flow.func === func);
      if (!direct || isPreparedForRefusal(file, func, t, direct)) continue;
      seen.add(buffer.expr.span.start);
      report({
        at: placeOf(func, buffer.expr),
        message: message(t, found),
        related: [
          ...(found.kind === 'unaligned' ? found.sources.map((s) => ({ at: s.place, message: `the memory comes from here: ${s.what}` })) : []),
          ...direct.opens.flatMap((o) => (o.place ? [{ at: o.place, message: 'opened here with O_DIRECT' }] : [])),
        ],
        ...fixed(file, func, found),
      });
    }
  },
};

function message(t: Transfer, found: Exclude<Memories, { kind: 'aligned' }>): string {
  const call = `${t.inner.name}()`;
  return found.kind === 'offset'
    ? `This address lies ${found.step} bytes into an aligned buffer, and the file is open with O_DIRECT: ${call} fails with EINVAL. Steps have to be multiples of the block size.`
    : `This buffer is not aligned for O_DIRECT (${found.what}): ${call} fails with EINVAL, or works by luck. Allocate it with posix_memalign() or mmap(), aligned to 4096.`;
}

function fixed(file: View, func: Func, found: Memories): Pick<Draft, 'fixes'> {
  const source = found.kind === 'unaligned' && found.sources.length === 1 ? found.sources[0]!.call : undefined;
  const fix = source && aligned(file, func, source);
  return fix ? { fixes: [fix] } : {};
}
/** `p = malloc(n);` allocated with posix_memalign instead. */
function aligned(file: View, func: Func, call: Call): DraftFix | undefined {
  const length = call.args[0];
  if (call.name !== 'malloc' || !length || call.within !== func || [...walkFunction(func)].some((e) => e.kind === 'call' && /realloc/.test(e.name))) return undefined;
  for (const s of statements(func.body)) {
    const declared = s.kind === 'declare' && s.alone && s.init && bare(s.init) === call;
    const assigned = s.kind === 'expr' && s.expr.kind === 'assign' && s.expr.op === '=' && bare(s.expr.value) === call ? s.expr : undefined;
    if (!declared && !assigned) continue;
    const target = s.kind === 'declare' ? s.local.name : file.source(placeOf(func, assigned!.target));
    const span = s.kind === 'declare' ? s.statement : s.span;
    const indent = file.indentation(placeOf(func, { span }));
    const none = file.language === 'cpp' ? 'nullptr' : 'NULL';
    const allocate = `if (posix_memalign((void **)&${target}, 4096, ${file.source(placeOf(func, length))}) != 0)\n${indent}${indent.includes('\t') ? '\t' : '    '}${target} = ${none};`;
    const text = s.kind === 'declare' ? `${file.source(placeOf(func, { span: { start: span.start, end: s.init!.span.start } }))}${none};\n${indent}${allocate}` : allocate;
    return { title: 'Allocate with posix_memalign, aligned to 4096', edits: [{ place: placeOf(func, { span }), text }], safe: false };
  }
  return undefined;
}
