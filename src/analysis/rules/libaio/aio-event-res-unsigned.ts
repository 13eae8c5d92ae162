import { bare, statements, walkFunction, type Binary, type Expr, type Func, type Member } from '../../model';
import { placeOf } from '../../source-file';
import { insertion, type Rule, type View } from '../rule';

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
      const operand = e.kind === 'binary' ? signedTest(e) : undefined;
      if (!operand) continue;
      const field = eventResult(file, func, operand);
      const copy = field ? undefined : unsignedCopy(file, func, operand);
      if (!field && !copy) continue;
      report({
        at: placeOf(func, e),
        message: `\`${(field ?? copy!).field}\` of struct io_event is unsigned: this test never sees an error. A failed request looks like a huge byte count.`,
        related: copy ? [{ at: placeOf(func, copy), message: 'copied from here into an unsigned variable' }] : [],
        fixes: [{ title: 'Cast to long', edits: [insertion(func, operand.span.start, '(long)')], safe: true }],
      });
    }
  },
};

/** The operand of `x < 0`, `x <= -1`, `x >= 0`, `x > -1` or the same turned round. */
function signedTest(e: Binary): Expr | undefined {
  const turned: Record<string, string> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };
  if (!(e.op in turned)) return undefined;
  const left = integer(e.left);
  const right = integer(e.right);
  const [operand, op, value] = right !== undefined ? [e.left, e.op, right] : [e.right, turned[e.op]!, left];
  if (value === undefined) return undefined;
  const meant = value === 0n ? op === '<' || op === '>=' : value === -1n && (op === '<=' || op === '>');
  return meant ? operand : undefined;
}
function integer(e: Expr): bigint | undefined {
  const inner = bare(e);
  if (inner.kind === 'int') return inner.value;
  return inner.kind === 'unary' && inner.op === '-' && inner.operand.kind === 'int' ? -inner.operand.value : undefined;
}

/** `ev.res` where `ev` is declared as an io_event, without a cast around it. */
function eventResult(file: View, func: Func, e: Expr): Member | undefined {
  if (e.kind !== 'member' || (e.field !== 'res' && e.field !== 'res2')) return undefined;
  let object: Expr = e.object;
  let through = '';
  while (object.kind === 'index' || object.kind === 'member' || (object.kind === 'unary' && object.op === '*')) {
    if (object.kind === 'member') {
      through = object.field;
      break;
    }
    object = object.kind === 'index' ? object.object : object.operand;
  }
  const type = through ? file.fieldType(through) : object.kind === 'name' ? typeOf(file, func, object.id) : undefined;
  return type === 'io_event' ? e : undefined;
}
function typeOf(file: View, func: Func, id: string): string | undefined {
  for (let f: Func | undefined = func; f; f = f.parent) {
    const local = f.locals.get(id);
    if (local) return local.type;
  }
  return file.globalType(id);
}

/** A variable of an unsigned type that was made from such a field. */
function unsignedCopy(file: View, func: Func, e: Expr): Member | undefined {
  if (e.kind !== 'name') return undefined;
  const local = func.locals.get(e.id);
  if (!local || !/^(?:size_t|unsigned(?: long| int)?|unsigned long long|uint(?:32|64)_t|__u(?:32|64))$/.test(local.type)) return undefined;
  for (const s of statements(func.body)) {
    if (s.kind === 'declare' && s.local.id === e.id && s.init) return eventResult(file, func, s.init);
  }
  return undefined;
}
