/** What calls that create rings do, as far as rules about rings need it. */
import type { ApiCall } from '../flow/stepper';
import { join, NOTHING, UNKNOWN, valueOfAtoms, type Value } from '../flow/value';

/** Effect of a call that creates a ring; its parts are in the order of {@link RING_PARTS}. */
export const RING_SETUP = 'ring setup';
/** `ring`: pointer to the ring, or the descriptor of a raw one; the rest as in `struct io_uring_params`. */
export const RING_PARTS = ['ring', 'entries', 'flags', 'cq_entries', 'sq_thread_cpu', 'sq_thread_idle', 'wq_fd'] as const;
/** Pseudo-field of a `struct io_uring`: the mark of the calls that may have created it; inputs are its entries and flags. */
export const RING = '.%ring';
export const RING_MARK = 'ring';
/** Fields of `struct io_uring_params` that the kernel fills in. */
const ANSWERS = ['sq_entries', 'cq_entries', 'features', 'sq_off', 'cq_off'];

function setUp(at: ApiCall, ring: Value, entries: Value, flags: Value, others: Value[]): void {
  at.effect(RING_SETUP, [ring, entries, flags, ...others]);
}
function mark(at: ApiCall, ring: number, entries: Value, flags: Value): void {
  at.store(at.target(ring).map((k) => k + RING), valueOfAtoms({ kind: 'mark', name: RING_MARK, call: at.call, place: at.place, inputs: [entries, flags], via: [] }));
}
/** The fields that are set-up, and then what the kernel says. */
function params(at: ApiCall, index: number): { flags: Value; others: Value[] } {
  const objects = at.target(index);
  const field = (name: string): Value => (objects.length ? at.load(objects.map((k) => `${k}.${name}`)) : UNKNOWN);
  const out = { flags: field('flags'), others: ['cq_entries', 'sq_thread_cpu', 'sq_thread_idle', 'wq_fd'].map(field) };
  for (const name of ANSWERS) at.store(objects.map((k) => `${k}.${name}`), UNKNOWN);
  return out;
}

/** `io_uring_queue_init(entries, ring, flags)` */
function queueInit(at: ApiCall): void {
  const flags = at.call.args[2] ? at.arg(2) : UNKNOWN;
  setUp(at, at.arg(1), at.arg(0), flags, [NOTHING, NOTHING, NOTHING, NOTHING]);
  mark(at, 1, at.arg(0), flags);
}
/** `io_uring_queue_init_params(entries, ring, params)` */
function queueInitParams(at: ApiCall): void {
  const { flags, others } = params(at, 2);
  setUp(at, at.arg(1), at.arg(0), flags, others);
  mark(at, 1, at.arg(0), flags);
}
/** `io_uring_setup(entries, params)`; of the system call these are the second and third argument. */
const setup = (first: number) => (at: ApiCall): void => {
  const { flags, others } = params(at, first + 1);
  setUp(at, valueOfAtoms({ kind: 'call', call: at.call, place: at.place, via: [] }), at.arg(first), flags, others);
};
/** The ring is gone; what it was does not matter to the next one in its place. */
function exit(at: ApiCall): void {
  at.store(at.target(0).map((k) => k + RING), NOTHING);
}

export const RING_MODELS: [string, (at: ApiCall) => void][] = [
  ['io_uring_queue_init', queueInit],
  ['io_uring_queue_init_params', queueInitParams],
  ['io_uring_queue_init_mem', queueInitParams],
  ['io_uring_setup', setup(0)],
  ['__NR_io_uring_setup', setup(1)],
  ['SYS_io_uring_setup', setup(1)],
  ['io_uring_queue_exit', exit],
];

/** The flags a ring at hand may have been created with, one for each creation; undefined where that is not known. */
export function ringFlags(ring: Value): Value | undefined {
  if (ring.unknown || ring.atoms.size === 0) return undefined;
  let out = NOTHING;
  for (const a of ring.atoms.values()) {
    if (a.kind !== 'mark' || a.name !== RING_MARK) return undefined;
    out = join(out, a.inputs[1]!);
  }
  return out;
}
