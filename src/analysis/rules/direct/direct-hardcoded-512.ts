import { integers } from '../../flow/value';
import { bare, placeIn, FILE, walk, walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { assignmentsTo } from '../../idioms/assignments';
import { codeOf } from '../../idioms/code-text';
import type { Draft, DraftFix, Rule, View } from '../rule';

const DIRECT = /\bO_DIRECT\b|Flags?::DIRECT\b|\bF_SETFL\b.*O_DIRECT/;
/** Where the real value is asked for, one way or the other. */
const PROBES = /\bSTATX_DIOALIGN\b|\bstx_dio_\w+|\bBLKSSZGET\b|\bBLKPBSZGET\b|\bBLKBSZGET\b|logical_block_size|physical_block_size|\bst_blksize\b|\bXFS_IOC_DIOINFO\b|\bblksize\s*\(|_PC_REC_XFER_ALIGN|blkssz|\bDIOC\w+/;
const NAMED = /ALIGN|SECTOR|BLOCK|BLK/i;
/** Positions of the alignment. */
const ALLOCATIONS = new Map([['posix_memalign', 1], ['aligned_alloc', 0], ['memalign', 0], ['from_size_align', 1], ['from_size_align_unchecked', 1]]);
const ROUNDING = /^(?:(?:round|align|ceil)_?(?:up|to|down)?\w*|\w*_(?:round|align)_?(?:up|down)|next_multiple_of|ALIGN\w*|\w+_ALIGN|ROUND\w*|roundup|rounddown|P2ROUNDUP|P2ALIGN)$/i;
/** Sectors are also what sizes of images and offsets in file formats are rounded to: what counts goes to a transfer or a buffer. */
const MOVES = /\b(?:p?(?:read|write)v?(?:2|64)?|\w*_(?:p?read|p?write)v?|\w*alloc|memalign|\w*_memalign|mmap|read_at|write_at|read_exact_at|write_all_at|with_capacity|from_size_align)\s*\(|O_DIRECT/;
const HALF = 511n;
const WHOLE = 512n;
const LARGE = 4096n;

export const directHardcoded512: Rule = {
  info: {
    id: 'direct-hardcoded-512', languages: ['c', 'cpp', 'rust'], severity: 'warning', confidence: 'likely',
    summary: 'Direct I/O is aligned to a fixed 512 bytes; devices with 4096-byte blocks refuse that.',
  },
  why: 'Many devices have logical blocks of 4096 bytes. There every direct transfer with an address, length or offset that is only a multiple of 512 fails with EINVAL. Ask for the value (statx with STATX_DIOALIGN, BLKSSZGET), or take 4096.',
  families: [],
  tokens: /511|512|align|sector|block|blk/i,
  check(file, func, report) {
    if (func.damaged || !concerns(file) || asksNearby(file, func)) return;
    for (const e of walkFunction(func)) {
      if (e.kind === 'call' && !e.macro) calls(file, func, e, report);
      else if (e.kind === 'binary' && e.op === '&') masks(file, func, e, report);
    }
  },
  checkFile(file, report) {
    if (!concerns(file) || file.says(PROBES)) return;
    attributes(file, report);
  },
};

/** The real value is asked for in the function, in one it calls or is called by, in its class, or outside functions. */
function asksNearby(file: View, func: Func): boolean {
  if (!file.says(PROBES)) return false;
  const { program } = file;
  const asking = program.functions(PROBES);
  if (!asking.length || asking.includes(func)) return true;
  const calls = (f: Func, g: Func): boolean => [...walkFunction(f)].some((e) => e.kind === 'call' && program.callee(e) === g);
  return asking.some((f) => (f.owner !== '' && f.owner === func.owner) || calls(func, f) || calls(f, func) || program.users(func).some((u) => u === f || calls(u, f)));
}

/** The file opens with O_DIRECT; comments do not count. */
function concerns(file: View): boolean {
  return file.says(DIRECT) && file.program.functions(DIRECT).some((f) => DIRECT.test(codeOf(file.source(placeOf(f, f)), file.language)));
}

/** 512 written out, or under a name that says what it is for. */
function isFixed(file: View, func: Func, e: Expr, value = WHOLE): boolean {
  const inner = bare(e);
  if (inner.kind === 'int') return inner.value === value;
  if (inner.kind !== 'name' || !NAMED.test(inner.name)) return false;
  const own = inner.id.includes('~') ? assignmentsTo(func, inner.id) : [];
  if (own.length === 1 && own[0]!.op === '=' && own[0]!.value) return bare(own[0]!.value).kind === 'int' && (bare(own[0]!.value) as { value: bigint }).value === value && !func.params.some((p) => p.id === inner.id);
  const flow = inner.id.includes('~') ? undefined : integers(file.program.constantValue(inner));
  return flow?.length === 1 && flow[0] === value && !func.locals.has(inner.id);
}

const MESSAGE = 'Devices with 4096-byte blocks refuse direct I/O that is aligned to 512 only. Ask for the alignment with statx() and STATX_DIOALIGN, or take 4096.';

function calls(file: View, func: Func, call: Call, report: (draft: Draft) => void): void {
  const position = call.callee.kind === 'name' ? ALLOCATIONS.get(call.name) : undefined;
  const alignment = position === undefined ? undefined : call.args[position];
  if (alignment && isFixed(file, func, alignment)) report({ at: placeOf(func, alignment), message: MESSAGE, fixes: enlarged(file, func, call, alignment) });
  if (!ROUNDING.test(call.name) || ALLOCATIONS.has(call.name)) return;
  const fixed = call.args.find((a) => isFixed(file, func, a));
  if (fixed && (call.args.length >= 2 || call.callee.kind === 'member') && isOfTransfer(file, func, call, fixed)) report({ at: placeOf(func, fixed), message: MESSAGE });
}
/** Named an alignment, made where data moves, or made for the caller. */
function isOfTransfer(file: View, func: Func, call: Call, fixed: Expr): boolean {
  return (fixed.kind === 'name' && /ALIGN/i.test(fixed.name)) || file.program.mentions(func, MOVES) || call.args.some((a) => a.kind === 'name' && func.params.some((p) => p.id === a.id));
}
/** A stricter alignment satisfies the weaker one. */
function enlarged(file: View, func: Func, call: Call, alignment: Expr): DraftFix[] {
  if (bare(alignment).kind !== 'int') return [];
  if (call.name === 'aligned_alloc') {
    const size = call.args[1] && integers(file.program.constantValue(call.args[1]));
    if (!size?.every((n) => n % LARGE === 0n)) return [];
  }
  return [{ title: 'Align to 4096', edits: [{ place: placeOf(func, alignment), text: '4096' }], safe: true }];
}

/** `(n + 511) & ~511`, with 511 in whatever form. */
function masks(file: View, func: Func, e: Extract<Expr, { kind: 'binary' }>, report: (draft: Draft) => void): void {
  const mask = [e.left, e.right].map((x) => bare(x)).find((x) => x.kind === 'unary' && (x.op === '~' || x.op === '!'));
  const inner = mask?.kind === 'unary' ? bare(mask.operand) : undefined;
  if (!inner) return;
  const part = inner.kind === 'binary' && inner.op === '-' && isFixed(file, func, inner.left) ? inner.left : isFixed(file, func, inner, HALF) && inner.kind === 'int' ? inner : undefined;
  const added = [...walk([e.left, e.right])].some((x) => x.kind === 'binary' && x.op === '+');
  if (part && added) report({ at: placeOf(func, part), message: MESSAGE });
}

const ATTRIBUTE = /\b(?:alignas|_Alignas|_*aligned_*)\s*\(\s*(\w+)\s*\)|\balign_val_t\s*[({]\s*(\w+)\s*[)}]|#\[repr\((?:\w+,\s*)*align\((\w+)\)/g;
/** `alignas(512)` and its kin, wherever declarations are. */
function attributes(file: SourceFile, report: (draft: Draft) => void): void {
  if (!/\b(?:alignas|_Alignas|_*aligned_*|align|align_val_t)\s*[({]/.test(file.text)) return;
  for (const m of codeOf(file.text, file.language).matchAll(ATTRIBUTE)) {
    const word = m[1] ?? m[2] ?? m[3]!;
    const value = /^\d/.test(word) ? BigInt(/^\d+/.exec(word)![0]) : NAMED.test(word) ? integers(file.program.constant(word) ?? { atoms: new Map(), unknown: true })?.[0] : undefined;
    if (value !== WHOLE) continue;
    const start = m.index + m[0].lastIndexOf(word);
    const at = placeIn(FILE, { start, end: start + word.length });
    report({ at, message: MESSAGE, fixes: /^\d/.test(word) ? [{ title: 'Align to 4096', edits: [{ place: at, text: '4096' }], safe: true }] : [] });
  }
}
