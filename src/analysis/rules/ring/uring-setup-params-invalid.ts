import { fieldStore, flagsExpression, flagsPlace, ownSetups, paramsOf, ringUses, setupFlag, surely, type Setup } from '../../idioms/ring-setup';
import { integers } from '../../flow/value';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { bare, callsIn, statements, walkFunction, type Call, type Expr, type Func, type Local } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, type Draft, type DraftFix, type Rule, type View } from '../rule';
import { setupParamsInRust } from './uring-setup-params-invalid.rust';

/** What the kernel demands of a flag: one of `needs`, none of `excludes`. */
interface Demand { flag: string; needs?: string[]; excludes?: string[] }
const DEMANDS: Demand[] = [
  { flag: 'DEFER_TASKRUN', needs: ['SINGLE_ISSUER'] },
  { flag: 'SQPOLL', excludes: ['COOP_TASKRUN', 'TASKRUN_FLAG', 'DEFER_TASKRUN', 'SQ_REWIND'] },
  { flag: 'TASKRUN_FLAG', needs: ['COOP_TASKRUN', 'DEFER_TASKRUN'] },
  { flag: 'SQ_AFF', needs: ['SQPOLL'] },
  { flag: 'HYBRID_IOPOLL', needs: ['IOPOLL'] },
  { flag: 'CQE_MIXED', excludes: ['CQE32'] },
  { flag: 'SQE_MIXED', excludes: ['SQE128'] },
  { flag: 'REGISTERED_FD_ONLY', needs: ['NO_MMAP'] },
  { flag: 'SQ_REWIND', needs: ['NO_SQARRAY'] },
];
/** Fields that the kernel reads only with a flag. */
const FIELDS = [['wq_fd', 'ATTACH_WQ'], ['cq_entries', 'CQSIZE'], ['sq_thread_cpu', 'SQ_AFF'], ['sq_thread_idle', 'SQPOLL']] as const;
const MAX_ENTRIES = 32768n;

/** Structures of the kernel's whose unused fields must be zero. */
const STRUCTURES = /^io_uring_(?:params|buf_reg|rsrc_register|sync_cancel_reg)$/;
const CONSUMERS = /^(?:io_uring_(?:queue_init_params|queue_init_mem|setup|register|register_\w+)|syscall)$/;

export const uringSetupParamsInvalid: Rule = {
  info: {
    id: 'uring-setup-params-invalid', languages: ['c', 'cpp', 'rust'], severity: 'error', confidence: 'certain', refused: true,
    summary: 'A ring is set up with flags or sizes that the kernel refuses, or with an uninitialised structure.',
  },
  why: 'The kernel checks every bit of `struct io_uring_params`: flags that do not go together, zero entries and garbage in unused fields all end in EINVAL. Fields whose flag is missing are ignored.',
  families: ['liburing', 'raw-io-uring', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') setupParamsInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    if (func.damaged || !file.program.mentions(func, /ring/i)) return;
    for (const draft of uninitialised(file, func)) report(draft);
    for (const s of ownSetups(file, func)) {
      refusedFlags(s, report);
      refusedSizes(s, report);
      ignoredFields(s, report);
      if (surely(s.flags, setupFlag('R_DISABLED')) && neverEnabled(file, s)) {
        report({ at: flagsPlace(s), message: 'This ring starts disabled (IORING_SETUP_R_DISABLED) and nothing calls io_uring_enable_rings(): submitting to it fails with EBADFD.' });
      }
    }
  },
};

/** Structures on the stack that go to the kernel with nothing but some fields set. */
function* uninitialised(file: View, func: Func): Generator<Draft> {
  for (const s of statements(func.body)) {
    if (s.kind !== 'declare' || s.init || !isBareStructure(s.local)) continue;
    const use = firstUse(func, s.local, s.span.end);
    if (!use || !CONSUMERS.test(use.name) || clearsItself(file, use)) continue;
    yield {
      at: placeOf(func, s), message: `\`struct ${s.local.type} ${s.local.name}\` is not initialised: what the stack holds reaches the kernel as flags and reserved fields, which answers EINVAL.`,
      related: [{ at: placeOf(func, use), message: 'handed to the kernel here' }],
      fixes: [{ title: 'Initialise with zeros', edits: [insertion(func, s.span.end, file.language === 'cpp' ? ' = {}' : ' = {0}')], safe: true }],
    };
  }
}
function isBareStructure(local: Local): boolean {
  return STRUCTURES.test(local.type) && !local.pointer && !local.array && !local.static && !local.reference;
}
/** The first call that gets the structure's address; undefined when it is assigned as a whole, or its address goes elsewhere, before. */
function firstUse(func: Func, local: Local, from: number): Call | undefined {
  let first: Expr | undefined;
  const take = (e: Expr): void => {
    if (e.span.start >= from && (!first || e.span.start < first.span.start)) first = e;
  };
  const calls: Call[] = [];
  for (const e of walkFunction(func)) {
    if (e.kind === 'unary' && e.op === '&' && isLocal(e.operand, local)) take(e);
    else if (e.kind === 'assign' && isReserved(e.target, local)) take(e);
    else if (e.kind === 'call') {
      calls.push(e);
      // C++ may take it by reference
      for (const a of e.args) if (isLocal(a, local)) take(a);
    }
  }
  const at = first;
  return at && calls.find((c) => c.args.some((a) => bare(a) === at));
}
function isLocal(e: Expr, local: Local): boolean {
  const inner = bare(e);
  return inner.kind === 'name' && inner.id === local.id;
}
/** The whole structure, or its reserved fields: who sets those has thought of the rest. */
function isReserved(target: Expr, local: Local): boolean {
  let e = bare(target);
  if (e.kind === 'index') e = bare(e.object);
  return e.kind === 'member' ? /^resv|^pad/.test(e.field) && isLocal(e.object, local) : isLocal(e, local);
}
function clearsItself(file: View, call: Call): boolean {
  const callee = file.program.callee(call);
  return callee !== undefined && file.program.mentions(callee, /memset|bzero|= *\{/);
}

function refusedFlags(s: Setup, report: (d: Draft) => void): void {
  const problems = (s.flags ?? []).map(problemOf);
  if (problems.length && problems.every((p) => p !== undefined)) {
    report({ at: flagsPlace(s), message: problems[0]!.message, fixes: problems.length === 1 ? addition(s, problems[0]!.missing) : [] });
  } else if (!s.flags && s.at === s.call) {
    // some of the flags come from elsewhere: what is written may exclude each other all the same
    const written = flagsExpression(s.func, s.call);
    const conflict = written && conflictOf(writtenBits(written));
    if (conflict) report({ at: flagsPlace(s), message: conflict });
  }
}
function problemOf(flags: bigint): { message: string; missing?: string } | undefined {
  const conflict = conflictOf(flags);
  if (conflict) return { message: conflict };
  for (const { flag, needs } of DEMANDS) {
    if (!needs || !has(flags, flag) || needs.some((n) => has(flags, n))) continue;
    return { message: `IORING_SETUP_${flag} needs ${needs.map((n) => `IORING_SETUP_${n}`).join(' or ')}; without it the kernel answers EINVAL.`, missing: needs[0]! };
  }
  return undefined;
}
function conflictOf(flags: bigint): string | undefined {
  for (const { flag, excludes } of DEMANDS) {
    const other = has(flags, flag) && excludes?.find((x) => has(flags, x));
    if (other) return `IORING_SETUP_${flag} and IORING_SETUP_${other} exclude each other; the kernel answers EINVAL.`;
  }
  return undefined;
}
function has(flags: bigint, name: string): boolean {
  return (flags & setupFlag(name)) !== 0n;
}
/** The flags named in `A | B | rest`. */
function writtenBits(e: Expr): bigint {
  const inner = bare(e);
  if (inner.kind === 'binary') return inner.op === '|' ? writtenBits(inner.left) | writtenBits(inner.right) : 0n;
  return inner.kind === 'name' && inner.name.startsWith('IORING_SETUP_') ? setupFlag(inner.name.slice('IORING_SETUP_'.length)) ?? 0n : 0n;
}
/** Adding SINGLE_ISSUER is a promise about threads, which is for a person to give. */
function addition(s: Setup, missing: string | undefined): DraftFix[] {
  const e = s.at === s.call ? flagsExpression(s.func, s.call) : undefined;
  if (!missing || !e || (e.kind !== 'name' && !(e.kind === 'binary' && e.op === '|'))) return [];
  return [{ title: `Add IORING_SETUP_${missing}`, safe: missing !== 'SINGLE_ISSUER', edits: [insertion(s.func, e.span.end, ` | IORING_SETUP_${missing}`)] }];
}

function refusedSizes(s: Setup, report: (d: Draft) => void): void {
  const entries = integers(s.part('entries'));
  const argument = s.call.args[s.call.name === 'syscall' ? 1 : 0];
  const at = placeOf(s.func, s.at === s.call && argument ? argument : s.at);
  if (!entries) return;
  if (entries.every((n) => n === 0n)) report({ at, message: 'A ring with 0 entries is refused with EINVAL.' });
  else if (s.flags && entries.every((n) => n > MAX_ENTRIES) && !s.flags.some((f) => has(f, 'CLAMP'))) {
    report({ at, message: `A ring has at most ${MAX_ENTRIES} entries; more are refused with EINVAL unless IORING_SETUP_CLAMP is set.` });
  }
  if (!surely(s.flags, setupFlag('CQSIZE')) || s.call.name === 'io_uring_queue_init') return;
  const cq = integers(s.part('cq_entries'));
  if (!cq || s.flags!.some((f) => has(f, 'CLAMP') && cq.some((n) => n > 0n))) return;
  if (cq.every((n) => n === 0n)) report({ at: flagsPlace(s), message: 'IORING_SETUP_CQSIZE without a value in cq_entries is refused with EINVAL.' });
  else if (cq.every((n) => entries.every((m) => n < m))) report({ at: flagsPlace(s), message: 'cq_entries is smaller than the number of sqes; the kernel answers EINVAL.' });
}

/** Fields that are set although the flag that makes the kernel look at them is not. */
function ignoredFields(s: Setup, report: (d: Draft) => void): void {
  const params = s.at === s.call ? paramsOf(s.call) : undefined;
  if (!params || !s.flags || s.call.name === 'io_uring_queue_init') return;
  for (const [field, flag] of FIELDS) {
    const value = fieldStore(s.func, s.call, params, field);
    if (!value || s.flags.some((f) => has(f, flag)) || integers(s.part(field))?.every((n) => n === 0n)) continue;
    report({ at: placeOf(s.func, value), severity: 'warning', message: `${field} is ignored: the kernel reads it only with IORING_SETUP_${flag}.` });
  }
}

/** Nothing in sight enables the ring, which is this function's own, and yet it is submitted to. */
function neverEnabled(file: View, s: Setup): boolean {
  const root = s.ring && /^[^*.]*/.exec(s.ring)![0];
  if (!root || s.at !== s.call || file.program.functions(/enable_rings|ENABLE_RINGS/).length) return false;
  const submit = ringUses(file, s.func).find((u) => u.keys.includes(s.ring!) && /submit/.test(u.call.name) && u.call.span.start > s.call.span.end);
  // code out of sight may enable a ring it knows
  const seen = isOwn(s.func, root) || file.program.defines('main') || callsIn(s.func).every((c) => isOutOfTheWay(c) || c.span.start <= s.call.span.start || (submit !== undefined && c.span.start >= submit.call.span.start));
  return submit !== undefined && seen;
}
function isOwn(func: Func, id: string): boolean {
  const local = func.locals.get(id);
  return local !== undefined && !func.params.includes(local);
}
