/** Fields of the APIs' structures, told by the declared type of what they are taken from. */
import type { Surface } from '../../protocol/analysis';
import { DIRECT_IO_FIELDS, LIBAIO_FIELDS, POSIX_AIO_FIELDS, RAW_AIO_FIELDS, URING_FIELDS } from '../docs/fields';
import { typeNameOf } from '../idioms/declared-type';
import { bare, walkFunction, type Func, type Member } from '../model';
import type { SourceFile } from '../source-file';
import { cUsages } from './c';
import type { RawUsage } from './places';

const FIELDS: Partial<Record<Surface, object>> = {
  libaio: LIBAIO_FIELDS, 'raw-aio': RAW_AIO_FIELDS, 'posix-aio': POSIX_AIO_FIELDS, liburing: URING_FIELDS, 'raw-io-uring': URING_FIELDS,
};

/** The field at an offset, as `structure.field`; undefined where there is none of a structure we know. */
export function fieldAt(file: SourceFile, offset: number): RawUsage<Surface> | undefined {
  if (file.language === 'rust') return undefined;
  for (const func of file.program.functions()) {
    const at = offset - func.base;
    if (at < func.span.start || at > func.span.end) continue;
    for (const e of walkFunction(func)) {
      if (e.kind !== 'member' || at < e.fieldSpan.start || at > e.fieldSpan.end) continue;
      const known = knownField(file, func, e);
      if (known) return { ...known, start: func.base + e.fieldSpan.start, end: func.base + e.fieldSpan.end };
    }
  }
  return undefined;
}

function knownField(file: SourceFile, func: Func, member: Member): { family: Surface; api: string } | undefined {
  let path = member.field;
  for (let object = bare(member.object); ; object = bare(object.object)) {
    const type = typeNameOf(file, func, object)?.replace(/^(?:const\s+)?struct\s+/, '').replace(/^aiocb64$/, 'aiocb');
    // a structure of the project's own is none of ours
    if (type !== undefined && !file.facts.structures.some((s) => s.name === type)) {
      const api = `${type}.${path}`;
      if (Object.hasOwn(DIRECT_IO_FIELDS, api)) return { family: 'direct-io', api };
      for (const family of cUsages(file).families) if (Object.hasOwn(FIELDS[family] ?? {}, api)) return { family, api };
    }
    if (object.kind !== 'member') return undefined;
    path = `${object.field}.${path}`;
  }
}
