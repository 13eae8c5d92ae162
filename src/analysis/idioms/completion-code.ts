/** What a file's completion code looks at, where the requests it completes are prepared in the same file. */
import { CQE_SOURCES } from '../api/names';
import type { Program } from '../flow/program';
import { statements, walk, walkFunction, expressionsOf, type Call, type Func } from '../model';

/** How the completions of a file are dealt with. */
export interface CompletionCode {
  /** results are read in this file */
  reads: boolean;
  /** in a loop, or in a function that is given a cqe */
  repeated: boolean;
  /** cqes or their flags go where they are out of sight */
  leads: boolean;
}

const CQE = /\bcqe\w*|\bcompletion\w*/i;
const RESULT = /\b(?:cqe\w*|completion\w*)(?:\[[^\]]*\])?\s*(?:->|\.)\s*res\b/i;
/** The flags as a whole, not what is picked out of them. */
const FLAGS = /\b(?:cqe\w*|completion\w*)(?:\[[^\]]*\])?\s*(?:->|\.)\s*flags\b(?!\s*(?:>>|&\s*IORING_CQE_F_(?:BUFFER|NOTIF|SOCK_NONEMPTY)\b))/i;

export function completionCode(program: Program): CompletionCode {
  return program.memo.derived(program, 'completion code', () => {
    const some = (what: keyof CompletionCode): boolean => program.some(`completion code ${what}`, (f) => program.memo.derived(f, 'completion code', () => ofFunction(program, f), same)[what]);
    return { reads: some('reads'), repeated: some('repeated'), leads: some('leads') };
  }, same);
}
function same(a: CompletionCode, b: CompletionCode): boolean {
  return a.reads === b.reads && a.repeated === b.repeated && a.leads === b.leads;
}

function ofFunction(program: Program, func: Func): CompletionCode {
  if (!program.mentions(func, CQE)) return { reads: false, repeated: false, leads: false };
  const reads = program.mentions(func, RESULT);
  const isCqe = func.params.some((p) => p.type === 'io_uring_cqe');
  const repeated = isCqe || [...statements(func.body)].some((s) => s.kind === 'loop' && [...walk(expressionsOf(s))].some((e) => e.kind === 'call' && CQE_SOURCES.has(e.name)))
    // a function that reaps is called again and again
    || (reads && !program.mentions(func, /io_uring_queue_(?:init|exit)/));
  const calls = [...walkFunction(func)].filter((e) => e.kind === 'call');
  return { reads, repeated, leads: func.damaged || program.mentions(func, FLAGS) || calls.some((c) => leadsAway(program, c)) };
}
/** A cqe is handed to a function that is not in the file. */
function leadsAway(program: Program, call: Call): boolean {
  if (call.name.startsWith('io_uring_') || call.name === '__io_uring_buf_ring_cq_advance' || program.callee(call)) return false;
  if (/^(?:assert|v?[fs]?n?printf|likely|unlikely|perror)$/.test(call.name)) return false;
  return call.args.some((a) => a.kind === 'name' && /^cqes?\d*$|cqe_?ptr|^completion$/i.test(a.name));
}
