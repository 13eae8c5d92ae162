/** What API functions do to values and memory, as far as a rule needs it. */
import { bare, type Expr } from '../model';
import { pointees } from '../flow/memory';
import type { ApiCall, ApiModels } from '../flow/stepper';
import { join, NOTHING, UNKNOWN, valueOfAtoms, type Value } from '../flow/value';
import { AIO_OTHER_PREPS, AIO_TRANSFERS, CQE_CONSUMERS, CQE_SOURCES } from './names';
import { RING_MODELS } from './rings';

/** Pseudo-field of an iocb: the preparation it holds. */
const AIO = '.%aio';
/** An iocb that was prepared; input 0 is the descriptor, 1 the buffer, 2 the length (or iovec count), 3 the offset. */
export const AIO_MARK = 'aio transfer';
/** Preparations of other kinds, which move no file data. */
export const AIO_OTHER_MARK = 'aio other';
/** `io_submit`: one part for each iocb handed over, holding its marks. */
export const AIO_SUBMIT = 'aio submit';
/** `io_submit` again: the addresses of the iocbs handed over. */
export const AIO_IOCBS = 'aio iocbs';

function prepare(at: ApiCall, name: string): void {
  const inputs = [1, 2, 3, 4].map((i) => (at.call.args[i] ? at.arg(i) : UNKNOWN));
  const mark = valueOfAtoms({ kind: 'mark', name, call: at.call, place: at.place, inputs, via: [] });
  at.store(at.target(0).map((k) => k + AIO), mark, isElement(at));
}
/** `&cbs[i]`: other elements keep what they have. */
function isElement(at: ApiCall): boolean {
  const arg = at.call.args[0];
  return arg?.kind === 'unary' && arg.op === '&' && arg.operand.kind === 'index' || arg?.kind === 'index';
}

function submit(at: ApiCall): void {
  const pointers: Value = at.load(at.target(2));
  const iocbs = pointees(pointers);
  at.effect(AIO_IOCBS, [pointers]);
  at.effect(AIO_SUBMIT, iocbs.length ? iocbs.map((k) => at.load([k + AIO])) : [UNKNOWN]);
}

/** Stores what the call writes through argument `index`. */
function output(at: ApiCall, index: number): void {
  at.store(at.target(index), valueOfAtoms({ kind: 'out', call: at.call, place: at.place, arg: index, via: [] }));
}

/** `memset(&p, 0, sizeof p)`; of an element the others stay as they are. */
function fill(at: ApiCall, byte: Expr | undefined = at.call.args[1]): void {
  const target = at.call.args[0] && bare(at.call.args[0]);
  const object = target?.kind === 'unary' && target.op === '&' ? bare(target.operand) : target;
  if (byte && isZero(byte) && (object?.kind === 'name' || object?.kind === 'member')) at.clear(at.target(0));
}
function isZero(e: Expr): boolean {
  const inner = bare(e);
  return inner.kind === 'int' && inner.value === 0n;
}
const ZERO: Expr = { kind: 'int', value: 0n, span: { start: 0, end: 0 } };

const NO_EFFECT = (): void => undefined;
const ALLOCATE = (at: ApiCall): void => at.allocates();

export const MODELS: ApiModels = new Map<string, (at: ApiCall) => void>([
  ...[...AIO_TRANSFERS].map((n) => [n, (at: ApiCall) => prepare(at, AIO_MARK)] as const),
  ...[...AIO_OTHER_PREPS].map((n) => [n, (at: ApiCall) => prepare(at, AIO_OTHER_MARK)] as const),
  ['io_submit', submit],
  ...['io_set_callback', 'io_set_eventfd', 'io_setup', 'io_queue_init', 'io_destroy', 'io_queue_release', 'io_getevents', 'io_pgetevents', 'io_cancel']
    .map((n) => [n, NO_EFFECT] as const),
  ...['malloc', 'calloc', 'aligned_alloc', 'memalign', 'valloc', 'pvalloc', 'mmap', 'reallocarray'].map((n) => [n, ALLOCATE] as const),
  ...['posix_memalign', 'pipe', 'pipe2'].map((n) => [n, (at: ApiCall) => output(at, 0)] as const),
  ['socketpair', (at) => output(at, 3)],
  ['memset', fill],
  ...['bzero', 'explicit_bzero'].map((n) => [n, (at: ApiCall) => fill(at, ZERO)] as const),
  ...RING_MODELS,
  ...[...CQE_SOURCES].filter(([, kind]) => kind !== 'each').map(([n]) => [n, (at: ApiCall) => output(at, 1)] as const),
  ...[...CQE_CONSUMERS.keys()].map((n) => [n, NO_EFFECT] as const),
  ['move', (at) => at.result(at.call.args[0] ? at.arg(0) : NOTHING)],
  ['forward', (at) => at.result(at.call.args[0] ? at.arg(0) : NOTHING)],
  ['realloc', (at) => at.result(join(at.arg(0), valueOfAtoms({ kind: 'call', call: at.call, place: at.place, via: [] })))],
]);
