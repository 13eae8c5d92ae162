/** What a file's completion code looks at, where the requests it completes are prepared in the same file. */
import { CQE_SOURCES } from '../api/names';
import { bare, expressionsOf, statements, walk, walkFunction, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { isCqe, isCqeField, localOf, readsCqe, typeNameOf } from './declared-type';

/** How the completions of a file are dealt with. */
export interface CompletionCode {
  /** results are read in this file */
  reads: boolean;
  /** in a loop, or in a function that is given a cqe */
  repeated: boolean;
  /** cqes or their flags go where they are out of sight */
  leads: boolean;
}

/** What a function may speak of cqes with. */
const WORDS = /cqe|\b(?:res|flags|auto)\b/;
/** Flags that say nothing of whether the request goes on. */
const ASIDE = /^IORING_CQE_F_(?:BUFFER|NOTIF|SOCK_NONEMPTY)$/;

export function completionCode(file: View): CompletionCode {
  const { program } = file;
  return program.memo.derived(program, 'completion code', () => {
    const some = (what: keyof CompletionCode): boolean => program.some(`completion code ${what}`, (f) => program.memo.derived(f, 'completion code', () => ofFunction(file, f), same)[what]);
    return { reads: some('reads'), repeated: some('repeated'), leads: some('leads') };
  }, same);
}
function same(a: CompletionCode, b: CompletionCode): boolean {
  return a.reads === b.reads && a.repeated === b.repeated && a.leads === b.leads;
}

function ofFunction(file: View, func: Func): CompletionCode {
  const { program } = file;
  if (!program.mentions(func, WORDS)) return { reads: false, repeated: false, leads: false };
  const reads = readsCqe(file, func, 'res');
  const given = func.params.some((p) => p.type === 'io_uring_cqe');
  const repeated = given || [...statements(func.body)].some((s) => s.kind === 'loop' && [...walk(expressionsOf(s))].some((e) => e.kind === 'call' && CQE_SOURCES.has(e.name)))
    // a function that reaps is called again and again
    || (reads && !program.mentions(func, /io_uring_queue_(?:init|exit)/));
  const calls = [...walkFunction(func)].filter((e) => e.kind === 'call');
  return { reads, repeated, leads: func.damaged || takesFlags(file, func) || calls.some((c) => leadsAway(file, func, c)) };
}
/** The flags of a cqe as a whole, not what is picked out of them. */
function takesFlags(file: View, func: Func): boolean {
  const picked = new Set<Expr>();
  for (const e of walkFunction(func)) {
    if (e.kind !== 'binary') continue;
    const right = bare(e.right);
    if (e.op === '>>' || (e.op === '&' && right.kind === 'name' && ASIDE.test(right.name))) picked.add(bare(e.left));
  }
  return [...walkFunction(func)].some((e) => e.kind === 'member' && !picked.has(e) && isCqeField(file, func, e, 'flags'));
}
/** A cqe, or what may be one, is handed to a function that is not in the file. */
function leadsAway(file: View, func: Func, call: Call): boolean {
  if (call.name.startsWith('io_uring_') || call.name === '__io_uring_buf_ring_cq_advance' || file.program.callee(call)) return false;
  if (/^(?:assert|v?[fs]?n?printf|likely|unlikely|perror)$/.test(call.name)) return false;
  return call.args.some((a) => a.kind === 'name' && (isCqe(file, func, a) || (/\bauto\b/.test(localOf(func, a)?.type ?? '') && typeNameOf(file, func, a) === undefined && !isMade(func, a))));
}
/** `auto token = std::make_shared<Token>(…)`: an object of the program's own. */
function isMade(func: Func, e: Expr): boolean {
  const local = localOf(func, e);
  return [...statements(func.body)].some((s) => s.kind === 'declare' && s.local === local && s.init !== undefined && madeBy(bare(s.init)));
}
function madeBy(e: Expr): boolean {
  return e.kind === 'call' && (e.name === 'new' || /^(?:std::)?make_(?:shared|unique|pair|tuple|optional)\b/.test(e.callee.kind === 'name' ? e.callee.name : e.name));
}
