import { localOf } from '../../idioms/declared-type';
import { bare, placeIn, statements, walkFunction, type Expr, type Func, type Local } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

/** Where libaio's functions take the handle itself, and where its address. */
const TAKES = new Map<string, { at: number; address: boolean }>([
  ...['io_submit', 'io_getevents', 'io_pgetevents', 'io_destroy', 'io_cancel', 'io_queue_run', 'io_queue_release'].map((n) => [n, { at: 0, address: false }] as const),
  ['io_setup', { at: 1, address: true }], ['io_queue_init', { at: 1, address: true }],
]);

export const aioCtxWrongType: Rule = {
  info: {
    id: 'aio-ctx-wrong-type', languages: ['c', 'cpp'], severity: 'warning', confidence: 'certain',
    summary: 'A context of the wrong type: a pointer without storage, the kernel’s type, or an address too many.',
  },
  why: 'libaio’s io_context_t is a pointer that io_setup() fills. A pointer to one needs storage behind it, the kernel’s aio_context_t is a number, and the other calls take the handle and not its address.',
  families: ['libaio'],
  tokens: /\bio_(?:setup|submit|p?getevents|destroy|cancel|queue_)/,
  check(file, func, report) {
    if (func.damaged) return;
    for (const call of walkFunction(func)) {
      const takes = call.kind === 'call' && call.callee.kind === 'name' && !file.program.defines(call.name) ? TAKES.get(call.name) : undefined;
      const arg = takes && call.kind === 'call' ? call.args[takes.at] : undefined;
      if (!takes || call.kind !== 'call' || !arg || arg.kind === 'cast') continue;
      const handle = bare(arg);
      const target = handle.kind === 'unary' && handle.op === '&' ? bare(handle.operand) : undefined;
      const local = localOf(func, target ?? handle);
      if (local && /^(?:const\s+)?aio_context_t$/.test(local.type)) {
        report({ at: placeOf(func, handle), message: `${call.name}() of libaio takes io_context_t, not the kernel's aio_context_t. Declare ${local.name} as io_context_t, or use the raw system call.`, related: declared(func, local) });
      } else if (!takes.address && target && isHandle(file, func, target)) {
        report({
          at: placeOf(func, handle),
          message: `${call.name}() takes the context itself, not its address.`,
          fixes: [{ title: 'Pass the context itself', edits: [{ place: placeIn(func, { start: handle.span.start, end: target.span.start }), text: '' }], safe: true }],
        });
      } else if (takes.address && !target && local && isPointerWithoutStorage(func, local)) {
        report({ at: placeOf(func, handle), message: `${local.name} points nowhere: ${call.name}() writes the handle through it. Declare an io_context_t, set it to 0, and pass its address.`, related: declared(func, local) });
      }
    }
  },
};

function declared(func: Func, local: Local) {
  return [{ at: placeOf(func, local), message: 'declared here' }];
}
function isHandle(file: View, func: Func, e: Expr): boolean {
  const local = localOf(func, e);
  if (local) return /^(?:const\s+)?io_context_t$/.test(local.type) && !local.pointer && !local.array;
  return e.kind === 'member' && file.fieldType(e.field) === 'io_context_t';
}
/** `io_context_t *p;` that nothing is ever assigned to. */
function isPointerWithoutStorage(func: Func, local: Local): boolean {
  if (local.type !== 'io_context_t' || !local.pointer || local.static || func.params.includes(local)) return false;
  if ([...statements(func.body)].some((s) => s.kind === 'declare' && s.local.id === local.id && s.init !== undefined)) return false;
  for (const e of walkFunction(func)) {
    if (e.kind === 'assign' && e.target.kind === 'name' && e.target.id === local.id) return false;
    if (e.kind === 'unary' && e.op === '&' && bare(e.operand).kind === 'name' && (bare(e.operand) as Extract<Expr, { kind: 'name' }>).id === local.id) return false;
  }
  return true;
}
