/**
 * Where the results of requests of one kind are taken for failures: in a function that queues nothing else, behind a test of user
 * data that only such requests carry, or, before any look at user data, in a function that queues such a request among others.
 */
import { isGuard } from '../api/names';
import type { Memory } from '../flow/memory';
import type { Program } from '../flow/program';
import { constant, integers } from '../flow/value';
import { bare, callsIn, expressionsOf, statements, walk, walkFunction, type Call, type Expr, type Func, type Stmt } from '../model';
import type { View } from '../rules/rule';
import { cqeFlow } from './cqe';
import { isCqeField } from './declared-type';
import { within } from './loops';
import { sqeFlow } from './sqe';
import { share, type Prep } from './sqe-events';
import type { SqeFlow } from './sqe-flow';
import { operandOf } from './tested';

export type Kind = 'timer' | 'cancellation';

const ETIME_SUCCESS = 32n;
const CANCELS = /^(?:cancel(?:64|_fd)?|timeout_remove|poll_remove)$/;

/** A timer without a count, whose expiry is no success; a request that ends another. */
function isOf(kind: Kind, flow: SqeFlow, prep: Prep): boolean {
  if (kind === 'cancellation') return prep.op !== undefined && CANCELS.test(prep.op);
  const [count, flags] = [prep.args[2], prep.args[3]];
  if (prep.op !== 'timeout' || !count || !flags || constant(flow.flow.value(count, prep.memory)) !== 0n) return false;
  return integers(flow.flow.value(flags, prep.memory))?.every((b) => (b & ETIME_SUCCESS) === 0n) === true;
}

/** A test of a result where an error is complained of, and the request it may be of. */
export interface Failure { test: Expr; prep: Call; by: Func }

export function failuresOf(file: View, func: Func, kind: Kind): Failure[] {
  if (func.damaged || !file.program.mentions(func, /(?:->|\.)\s*res\b/)) return [];
  const all = file.program.gather(`${kind} requests`, (f) => requests(file.program, f).filter((r) => r.kinds.has(kind)));
  if (!all.length) return [];
  const tests = resultTests(file, func);
  if (!tests.length) return [];
  const user = userData(func);
  const own = requests(file.program, func);
  const [here] = own.filter((r) => r.kinds.has(kind));
  const onlyThese = own.length > 0 && own.every((r) => r.kinds.has(kind));
  const out: Failure[] = [];
  for (const test of tests) {
    const asked = [...statements(func.body)].find((s) => s.kind !== 'loop' && testsOf(s).some((t) => t.span.start < test.span.start && [...walk([t])].some(user)));
    const found = onlyThese ? here : asked ? byTag(file, func, test, all, user) : kind === 'timer' ? here : undefined;
    if (found) out.push({ test, prep: found.call, by: found.func });
  }
  return out;
}

interface Request { func: Func; call: Call; kinds: ReadonlySet<Kind>; /** the numbers it may be tagged with; empty when unknown */ tags: readonly bigint[] }

/** The requests that a function queues, or has queued by those it calls. */
function requests(program: Program, func: Func): Request[] {
  return program.memo.derived(func, 'requests by kind', () => {
    const flow = program.mentions(func, /sqe|io_uring_prep_/) ? sqeFlow(program, func) : undefined;
    return flow?.of('prep').flatMap((prep) => {
      if (!prep.call) return [];
      const seen = prep.inner?.prep ?? prep;
      const kinds = new Set((['timer', 'cancellation'] as const).filter((k) => isOf(k, prep.inner?.flow ?? flow, seen)));
      const tags = flow.of('data').filter((d) => share(d.sqes, prep.sqes)).map((d) => d.value && integers(flow.flow.value(d.value, d.memory)));
      return [{ func, call: prep.call, kinds, tags: tags.some((t) => t === undefined) ? [] : tags.flatMap((t) => t!) }];
    }) ?? [];
  });
}

/** The test is where user data was found to be a number that only requests of the kind are tagged with. */
function byTag(file: View, func: Func, test: Expr, all: Request[], user: (e: Expr) => boolean): Request | undefined {
  const others = new Set(file.program.gather('numbers of other requests', (f) => requests(file.program, f)).filter((r) => !all.includes(r)).flatMap((r) => r.tags));
  const number = (e: Expr): bigint | undefined => constant(file.program.constantValue(bare(e)));
  const found = (value: bigint | undefined): Request | undefined => (value === undefined || value === 0n || others.has(value) ? undefined : all.find((r) => r.tags.includes(value)));
  const holds = (body: Stmt[]): boolean => body.some((s) => within(test.span, s.span));
  for (const s of statements(func.body)) {
    if (s.kind === 'switch' && user(bare(s.subject))) {
      const here = s.cases.find((c) => holds(c.body));
      if (here?.values.length === 1) return found(number(here.values[0]!));
    }
    const equal = s.kind === 'if' && s.test ? bare(s.test) : undefined;
    if (s.kind !== 'if' || equal?.kind !== 'binary' || equal.op !== '==' || !holds(s.then)) continue;
    const value = user(bare(equal.left)) ? number(equal.right) : user(bare(equal.right)) ? number(equal.left) : undefined;
    if (value !== undefined) return found(value);
  }
  return undefined;
}
/** Whether an expression is user data of a cqe, or a variable that holds it. */
function userData(func: Func): (e: Expr) => boolean {
  const copies = new Set<string>();
  const isUser = (e: Expr): boolean => (e.kind === 'call' && /^io_uring_cqe_get_data(?:64)?$/.test(e.name)) || (e.kind === 'member' && e.field === 'user_data') || (e.kind === 'name' && copies.has(e.id));
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && [...walk([s.init])].some(isUser)) copies.add(s.local.id);
  for (const e of walkFunction(func)) if (e.kind === 'assign' && e.target.kind === 'name' && [...walk([e.value])].some(isUser)) copies.add(e.target.id);
  return isUser;
}
function testsOf(s: Stmt): Expr[] {
  return s.kind === 'if' && s.test ? [s.test] : s.kind === 'switch' ? [s.subject] : [];
}

/** Tests of a cqe's result for an error, where one is complained of. */
function resultTests(file: View, func: Func): Expr[] {
  const flow = file.program.flow(func);
  const memories = new Map<Expr, Memory>();
  for (const block of flow?.cfg.blocks ?? []) {
    const memory = block.next.some((e) => e.guard) ? flow!.after(block) : undefined;
    if (memory) for (const e of block.next) if (e.guard) memories.set(bare(e.guard.test), memory);
  }
  const results = new Set([...(cqeFlow(file.program, func)?.tokens.values() ?? [])].map((t) => `${t.object}.res`));
  const isResult = (e: Expr, test: Expr): boolean => {
    if (isCqeField(file, func, e, 'res')) return true;
    const memory = memories.get(bare(test));
    const atoms = memory ? [...flow!.value(e, memory).atoms.values()] : [];
    return atoms.length > 0 && atoms.every((a) => a.kind === 'initial' && results.has(a.key));
  };
  const failing = (test: Expr): 'then' | 'otherwise' | undefined => {
    const tested = operandOf(test);
    if (!tested || tested.with !== 0n || !isResult(tested.operand, test)) return undefined;
    return tested.op === '<' || tested.op === '!=' ? 'then' : tested.op === '==' || tested.op === '>=' ? 'otherwise' : undefined;
  };
  const out: Expr[] = [];
  for (const s of statements(func.body)) {
    const way = s.kind === 'if' && s.test ? failing(s.test) : undefined;
    if (s.kind === 'if' && s.test && way && complains(s[way])) out.push(s.test);
  }
  for (const call of callsIn(func)) {
    const [argument] = call.args;
    if (isGuard(call.name) && argument && failing(argument) === 'otherwise') out.push(argument);
  }
  return out;
}
/** The program ends, throws, or tells of an error, straight away. */
function complains(body: Stmt[]): boolean {
  const plain = body.flatMap((x) => (x.kind === 'block' ? x.body : [x]));
  const end = plain.findIndex((s) => s.kind === 'if' || s.kind === 'switch' || s.kind === 'loop');
  return plain.slice(0, end < 0 ? undefined : end).some((s) => s.kind === 'throw' || [...walk(expressionsOf(s))].some(isComplaint));
}
function isComplaint(e: Expr): boolean {
  if (e.kind !== 'call') return false;
  return /^(?:perror|_?exit|_Exit|abort|v?errx?|strerror\w*)$|fatal|die$|panic|fail/i.test(e.name) || (/printf$/.test(e.name) && e.args[0]?.kind === 'name' && e.args[0].name === 'stderr');
}
