import { integers } from '../../flow/value';
import { errnoUses } from '../../idioms/errno-uses';
import { resultFlow } from '../../idioms/return-convention';
import { operandOf } from '../../idioms/tested';
import { bare, placeIn, statements, walk, walkFunction, type Call, type Expr, type Func } from '../../model';
import { placeOf } from '../../source-file';
import { layoutsInRust, resultsInRust } from './direct-alloc-alignment-invalid.rust';
import type { Draft, DraftFix, Rule, View } from '../rule';

const ALLOCATIONS = /\b(?:posix_memalign|aligned_alloc|memalign)\s*\(/;
/** Position of the alignment and of the size. */
const SHAPES = new Map<string, { alignment: number; size: number }>([
  ['posix_memalign', { alignment: 1, size: 2 }], ['aligned_alloc', { alignment: 0, size: 1 }], ['memalign', { alignment: 0, size: 1 }],
]);
const POINTER = 8n;
/** Alignments people ask for: swapped arguments are told by one of them in the place of the size. */
const COMMON = new Set([512n, 1024n, 2048n, 4096n]);

type Report = (draft: Draft) => void;

export const directAllocAlignmentInvalid: Rule = {
  info: {
    id: 'direct-alloc-alignment-invalid', languages: ['c', 'cpp', 'rust'], severity: 'error', confidence: 'certain',
    summary: 'Aligned memory is asked for in a way that fails, or its failure goes unnoticed.',
  },
  why: 'posix_memalign() returns a positive error number, leaves errno alone, and leaves the pointer as it was. Alignments have to be powers of two, and multiples of the size of a pointer. Code that gets this wrong uses memory it never got.',
  families: [],
  tokens: /memalign|aligned_alloc|from_size_align/,
  check(file, func, report) {
    if (file.language === 'rust') {
      layoutsInRust(file, func, report);
      return resultsInRust(file, func, report);
    }
    if (func.damaged || !file.program.mentions(func, ALLOCATIONS)) return;
    file.program.flow(func)?.replay((event, memory) => {
      if (event.kind !== 'call') return;
      const { call } = event;
      const shape = isPlain(file, call) ? SHAPES.get(call.name) : undefined;
      const alignment = shape && call.args[shape.alignment];
      const size = shape && call.args[shape.size];
      if (!alignment || !size) return;
      const value = (e: Expr) => integers(file.program.flow(func)!.value(e, memory));
      constants(file, func, call, alignment, size, value, report);
    });
    results(file, func, report);
  },
};

function isPlain(file: View, call: Call): boolean {
  return call.callee.kind === 'name' && !call.macro && !file.program.callee(call) && !file.program.defines(call.name);
}

function constants(file: View, func: Func, call: Call, alignment: Expr, size: Expr, value: (e: Expr) => bigint[] | undefined, report: Report): void {
  const asked = value(alignment);
  const sizes = value(size);
  const bad = asked?.every((n) => !isPower(n) || (call.name === 'posix_memalign' && n % POINTER !== 0n)) ? asked[0] : undefined;
  if (bad !== undefined) {
    const better = nextPower(bad < POINTER ? POINTER : bad);
    const reason = isPower(bad) ? 'smaller than a pointer' : 'no power of two';
    report({
      at: placeOf(func, alignment),
      message: `An alignment of ${bad} is ${reason}: ${call.name}() ${call.name === 'posix_memalign' ? 'returns EINVAL and allocates nothing' : 'may fail or align to something else'}.`,
      fixes: bare(alignment).kind === 'int' && (call.name !== 'aligned_alloc' || sizes?.every((n) => n % better === 0n)) ? [{ title: `Align to ${better}`, edits: [{ place: placeOf(func, alignment), text: String(better) }], safe: false }] : [],
    });
    return;
  }
  const one = asked?.length === 1 ? asked[0]! : undefined;
  const length = sizes?.length === 1 ? sizes[0]! : undefined;
  if (one === undefined || length === undefined) return;
  if (one > length && COMMON.has(length) && one > 4096n && one !== 2097152n && isLiteral(alignment) && isLiteral(size)) {
    report({ at: placeOf(func, call), severity: 'information', message: `This asks for ${length} bytes aligned to ${one}: are alignment and size swapped?` });
  } else if (call.name === 'aligned_alloc' && length % one !== 0n) {
    report({ at: placeOf(func, size), severity: 'warning', message: `aligned_alloc() wants a size that is a multiple of the alignment (${one}): glibc lets ${length} pass, other libraries return NULL.` });
  }
}
function isLiteral(e: Expr): boolean {
  return [...walk([e])].every((x) => x.kind === 'int' || x.kind === 'binary' || x.kind === 'cast');
}
function isPower(n: bigint): boolean {
  return n > 0n && (n & (n - 1n)) === 0n;
}
function nextPower(n: bigint): bigint {
  let p = 1n;
  while (p < n) p *= 2n;
  return p;
}

/** What becomes of the result of posix_memalign. */
function results(file: View, func: Func, report: Report): void {
  if (!file.program.mentions(func, /\bposix_memalign\b/)) return;
  const told = new Set<Call>();
  const wrong = (call: Call, message: string, fixes: DraftFix[] = []): void => {
    if (told.has(call)) return;
    told.add(call);
    report({ at: placeOf(func, call), message, fixes });
  };
  const concerns = (call: Call): boolean => call.name === 'posix_memalign' && isPlain(file, call);
  const flow = resultFlow(file, func);
  const look = (test: Expr, state: Parameters<NonNullable<typeof flow>['sources']>[1]): void => {
    const e = bare(test);
    const tested = operandOf(e);
    if (e.kind !== 'binary' || !tested) return;
    const never = (tested.with === -1n && /^[!=]=$/.test(tested.op)) || (tested.with === 0n && (tested.op === '<' || tested.op === '>=')) || isNull(e.left) || isNull(e.right);
    const calls = never ? [...(flow!.sources(tested.operand, state) ?? [])] : [];
    if (!calls.length || !calls.every((c) => typeof c !== 'symbol' && concerns(c))) return;
    wrong(calls[0] as Call, 'posix_memalign() returns 0 or a positive error number, so this test never sees a failure. Compare the result with 0.', fix(file, func, e, tested.operand));
  };
  flow?.tests((test, state) => look(test, state));
  flow?.visit((event, state) => {
    if (event.kind === 'compare') look(event.test, state);
  });
  if (![...walkFunction(func)].some((e) => e.kind === 'assign' && e.target.kind === 'name' && e.target.name === 'errno')) {
    for (const use of errnoUses(file, func, concerns)) {
      wrong(use.causes[0]!, `posix_memalign() returns the error number and does not set errno, so ${use.kind === 'errno' ? 'errno' : 'the message'} at this failure speaks of an older error. Use the result.`);
    }
  }
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && e.discarded === 'statement' && concerns(e) && !isTestedPointer(file, func, e)) {
      wrong(e, 'The result of posix_memalign() is ignored: when it fails, the pointer keeps whatever it held.');
    }
  }
}
function isNull(e: Expr): boolean {
  return e.kind === 'name' && e.name === 'NULL';
}

/** `void *p = NULL; posix_memalign(&p, …); if (!p) …`: glibc leaves the pointer alone, and the test sees it. */
function isTestedPointer(file: View, func: Func, call: Call): boolean {
  const target = bare(call.args[0]!);
  if (target.kind !== 'unary' || target.op !== '&') return false;
  const pointer = file.source(placeOf(func, target.operand));
  for (const s of statements(func.body)) {
    const test = s.kind === 'if' || s.kind === 'loop' ? s.test : s.kind === 'expr' && s.expr.kind === 'call' && /assert|check|verify|require|expect/i.test(s.expr.name) ? s.expr : undefined;
    if (test && test.span.start > call.span.end && [...walk([test])].some((e) => (e.kind === 'name' || e.kind === 'member') && file.source(placeOf(func, e)) === pointer)) return true;
    if (s.kind === 'return' && s.value && s.span.start > call.span.end && file.source(placeOf(func, s.value)) === pointer && target.operand.kind === 'name') {
      const local = func.locals.get(target.operand.id);
      if (local && [...statements(func.body)].some((d) => d.kind === 'declare' && d.local === local && d.init && integers(file.program.constantValue(d.init))?.[0] === 0n)) return true;
    }
  }
  return false;
}

/** `< 0` and `== -1` become `!= 0`. */
function fix(file: View, func: Func, test: Extract<Expr, { kind: 'binary' }>, operand: Expr): DraftFix[] {
  if (operand !== test.left || !/^(?:<|==|>=|!=)$/.test(test.op)) return [];
  const text = file.source(placeIn(func, { start: test.left.span.end, end: test.right.span.start }));
  const at = text.lastIndexOf(test.op);
  if (at < 0) return [];
  const failed = test.op === '<' || test.op === '==';
  const place = placeIn(func, { start: test.left.span.end + at, end: test.right.span.end });
  return [{ title: failed ? 'Test for != 0' : 'Test for == 0', edits: [{ place, text: failed ? '!= 0' : '== 0' }], safe: true }];
}
