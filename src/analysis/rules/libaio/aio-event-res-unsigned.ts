import { isGuard } from '../../api/names';
import { localOf, typeNameOf } from '../../idioms/declared-type';
import { bare, statements, walkFunction, type Binary, type Cast, type Expr, type Func, type Local, type Member } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, type Rule, type View } from '../rule';

const UNSIGNED = /^(?:std::)?(?:size_t|uintptr_t|uint(?:32|64)_t|__?u(?:32|64)|u_?long|u_?int|u(?:32|64)|unsigned(?: (?:long|int|long long|long int|long long int))?|(?:long )+unsigned(?: int)?)$/;

export const aioEventResUnsigned: Rule = {
  info: {
    id: 'aio-event-res-unsigned', languages: ['c', 'cpp'], severity: 'error', confidence: 'certain',
    summary: 'The unsigned result of a libaio event is tested as if it could be negative.',
  },
  why: '`res` is `unsigned long` in <libaio.h>. It is never negative, so a failed request passes for a very large byte count.',
  families: ['libaio'],
  check(file, func, report) {
    // the kernel's own header declares the field signed
    if (func.damaged || !file.program.mentions(func, /\bres2?\b/) || file.includes('linux/aio_abi.h')) return;
    for (const e of walkFunction(func)) {
      const tested = e.kind === 'binary' ? signedTest(e) : undefined;
      if (!tested) continue;
      const { operand } = tested;
      const field = eventResult(file, func, operand);
      const copy = field ? undefined : unsignedCopy(file, func, operand);
      if (!field && !copy) continue;
      if (tested.positive && (copy || !isSuccessTest(file, func, e, operand, tested.failed))) continue;
      report({
        at: placeOf(func, e),
        message: tested.positive
          ? `\`${field!.field}\` of struct io_event is unsigned: a failed request is greater than 0 too, it looks like a huge byte count.`
          : `\`${(field ?? copy!).field}\` of struct io_event is unsigned: this test never sees an error. A failed request looks like a huge byte count.`,
        related: copy ? [{ at: placeOf(func, copy), message: 'copied from here into an unsigned variable' }] : [],
        fixes: [{ title: 'Cast to long', edits: [insertion(func, operand.span.start, '(long)')], safe: true }],
      });
    }
  },
};

/** The operand of `x < 0`, `x <= -1`, `x >= 0`, `x > -1` or the same turned round; `positive`: of `x > 0`, or (`failed`) `x <= 0`. */
function signedTest(e: Binary): { operand: Expr; positive: boolean; failed: boolean } | undefined {
  const turned: Record<string, string> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };
  if (!(e.op in turned)) return undefined;
  const left = integer(e.left);
  const right = integer(e.right);
  const [operand, op, value] = right !== undefined ? [e.left, e.op, right] : [e.right, turned[e.op]!, left];
  if (value === undefined) return undefined;
  if (value === 0n && (op === '>' || op === '<=')) return { operand, positive: true, failed: op === '<=' };
  const meant = value === 0n ? op === '<' || op === '>=' : value === -1n && (op === '<=' || op === '>');
  return meant ? { operand, positive: false, failed: false } : undefined;
}
function integer(e: Expr): bigint | undefined {
  const inner = bare(e);
  if (inner.kind === 'int') return inner.value;
  return inner.kind === 'unary' && inner.op === '-' && inner.operand.kind === 'int' ? -inner.operand.value : undefined;
}

/** `ev.res` where `ev` is declared as an io_event, perhaps with a cast to another unsigned type around it. */
function eventResult(file: View, func: Func, e: Expr): Member | undefined {
  const inner = e.kind === 'cast' && isUnsigned(e) ? bare(e) : e;
  if (inner.kind !== 'member' || (inner.field !== 'res' && inner.field !== 'res2')) return undefined;
  return typeNameOf(file, func, inner.object) === 'io_event' ? inner : undefined;
}
function isUnsigned(e: Cast): boolean {
  return UNSIGNED.test(e.type) && (e.operand.kind !== 'cast' || isUnsigned(e.operand));
}

/** A variable of an unsigned type that was made from such a field. */
function unsignedCopy(file: View, func: Func, e: Expr): Member | undefined {
  const local = localOf(func, e);
  if (!local || local.pointer || local.array) return undefined;
  const copied = copiedFrom(file, func, local);
  return copied && (UNSIGNED.test(local.type) || local.type === 'auto' && !copied.cast) ? copied.field : undefined;
}
function copiedFrom(file: View, func: Func, local: Local): { field: Member; cast: boolean } | undefined {
  const read = (e: Expr): { field: Member; cast: boolean } | undefined => {
    const field = eventResult(file, func, bare(e));
    return field && { field, cast: e.kind === 'cast' && !isUnsigned(e) };
  };
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.local === local && s.init) return read(s.init);
  for (const e of walkFunction(func)) {
    const found = e.kind === 'assign' && e.op === '=' && e.target.kind === 'name' && e.target.id === local.id ? read(e.value) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** `res > 0` with success on the one side and failure on the other, where no other test of the result catches errors. */
function isSuccessTest(file: View, func: Func, test: Expr, operand: Expr, failed: boolean): boolean {
  const branch = [...statements(func.body)].find((s) => s.kind === 'if' && s.test && bare(s.test) === test);
  const chosen = [...walkFunction(func)].some((e) => (e.kind === 'conditional' && bare(e.test) === test) || (e.kind === 'call' && isGuard(e.name) && e.args[0] !== undefined && bare(e.args[0]) === test));
  // `if (res <= 0) return -1;` chooses as well
  const failureLeaves = failed && branch?.kind === 'if' && [...statements(branch.then)].some((s) => s.kind === 'return' || s.kind === 'throw' || s.kind === 'continue' || s.kind === 'break' || s.kind === 'goto');
  if (!chosen && !failureLeaves && (branch?.kind !== 'if' || branch.otherwise.length === 0)) return false;
  const text = file.source(placeOf(func, operand));
  const others = [...walkFunction(func)].filter((e) => e.kind === 'binary' && e !== test && [e.left, e.right].some((x) => file.source(placeOf(func, bare(x))) === text));
  const copied = [...walkFunction(func)].some((e) => e.kind === 'cast' && file.source(placeOf(func, e.operand)) === text)
    || [...statements(func.body)].some((s) => s.kind === 'declare' && s.init && file.source(placeOf(func, bare(s.init))) === text);
  return others.length === 0 && !copied;
}
