/** Opens a file with O_DIRECT: the fix that libaio rules share. */
import { constant, type Value } from '../../flow/value';
import { bare, FILE, placeIn, type Expr, type Local } from '../../model';
import type { SourceFile } from '../../source-file';
import type { Atom } from '../../flow/value';
import { insertion, type DraftFix, type Edit } from '../rule';

type Open = Extract<Atom, { kind: 'call' }>;
type Mark = Extract<Atom, { kind: 'mark' }>;

/** What direct I/O needs of addresses, lengths and offsets on every device there is. */
const UNIT = 4096n;

/**
 * `transfers` are all requests on the opened files, undefined when that cannot be told. The fix is safe only where each of
 * them is aligned for certain.
 */
export function directFixes(file: SourceFile, opens: Open[], transfers: Mark[] | undefined, flagsOf: (open: Open) => Value | undefined): DraftFix[] {
  const edits: Edit[] = [];
  for (const o of opens) {
    const flags = o.call.args[o.call.name.startsWith('openat') ? 2 : 1];
    if (!flags || !flagsOf(o) || flags.span.end === 0) return [];
    const place = placeIn(o.place, flags.span);
    const text = file.source(place);
    const plain = bare(flags);
    const simple = plain.kind === 'name' || (plain.kind === 'int' && plain.value !== 0n) || (plain.kind === 'binary' && plain.op === '|');
    edits.push({ place, text: plain.kind === 'int' && plain.value === 0n ? 'O_RDONLY | O_DIRECT' : simple ? `${text} | O_DIRECT` : `(${text}) | O_DIRECT` });
  }
  if (!edits.length) return [];
  if (file.language === 'c' && !file.definesGnuSource) edits.push(insertion(FILE, 0, '#define _GNU_SOURCE\n'));
  const safe = transfers !== undefined && transfers.length > 0 && transfers.every((t) => isAligned(file, t));
  return [{ title: safe ? 'Open with O_DIRECT' : 'Open with O_DIRECT (buffers, lengths and offsets must then be aligned to 4096)', edits, safe }];
}

/** Address, length and offset of a plain read or write are multiples of the unit whatever the path. */
function isAligned(file: SourceFile, transfer: Mark): boolean {
  const { call, inputs } = transfer;
  if (call.name !== 'io_prep_pread' && call.name !== 'io_prep_pwrite') return false;
  const [, , buffer, length, offset] = call.args;
  const values = inputs;
  return alignedBuffer(file, buffer, values[1]) && multiple(file, length, values[2]) && multiple(file, offset, values[3]);
}

function multiple(file: SourceFile, e: Expr | undefined, value: Value | undefined): boolean {
  if (value && !value.unknown && value.atoms.size > 0 && [...value.atoms.values()].every((a) => a.kind === 'int' && a.value % UNIT === 0n)) return true;
  const inner = e && bare(e);
  switch (inner?.kind) {
    case 'int': return inner.value % UNIT === 0n;
    case 'name': {
      const one = constant(file.program.constantValue(inner));
      return one !== undefined && one % UNIT === 0n;
    }
    case 'binary':
      if (inner.op === '*') return multiple(file, inner.left, undefined) || multiple(file, inner.right, undefined);
      return (inner.op === '+' || inner.op === '-') && multiple(file, inner.left, undefined) && multiple(file, inner.right, undefined);
    default: return false;
  }
}

function alignedBuffer(file: SourceFile, e: Expr | undefined, value: Value | undefined): boolean {
  const inner = e && bare(e);
  // an address inside a buffer keeps its alignment when the step does
  if (inner?.kind === 'binary' && !multiple(file, inner.right, undefined)) return false;
  if (!value || value.unknown || value.atoms.size === 0) return false;
  return [...value.atoms.values()].every((a) => {
    if (a.kind === 'out') return a.call.name === 'posix_memalign' && multiple(file, a.call.args[1], undefined);
    if (a.kind === 'call') {
      if (a.call.name === 'aligned_alloc' || a.call.name === 'memalign') return multiple(file, a.call.args[0], undefined);
      return a.call.name === 'valloc' || a.call.name === 'mmap';
    }
    if (a.kind === 'address') {
      const root = /^[^*.]*/.exec(a.key)![0];
      const local = arrays(file).get(root);
      return a.key === `${root}*` && local?.alignment !== undefined && multiple(file, local.alignment, undefined);
    }
    return a.kind === 'int' && a.value === 0n;
  });
}

/** Arrays of the file by id. */
function arrays(file: SourceFile): Map<string, Local> {
  const { program } = file;
  return program.memo.derived(program, 'arrays', () => {
    const locals = [...file.globals(), ...program.functions().flatMap((f) => [...f.locals.values()])];
    return new Map(locals.filter((l) => l.array).map((l) => [l.id, l]));
  });
}
