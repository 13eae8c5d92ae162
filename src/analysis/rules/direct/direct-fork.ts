import { pointees } from '../../flow/memory';
import { flagState, O_DIRECT, originsOf } from '../../idioms/fd-origin';
import { transfersOf, type Transfer } from '../../idioms/transfers';
import { walkFunction, type Call } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

const STARTS = /^(?:io_submit|io_uring_submit\w*|io_uring_enter2?|aio_read(?:64)?|aio_write(?:64)?|lio_listio(?:64)?)$/;
const REAPS = /^(?:io_p?getevents|io_uring_wait_\w+|io_uring_peek_\w+|io_uring_submit_and_wait\w*|io_uring_for_each_cqe|aio_suspend|aio_error|aio_return)$/;
const ASYNCHRONOUS = /^(?:io_prep_p|io_uring_prep_|aio_)/;

export const directFork: Rule = {
  info: {
    id: 'direct-fork', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic',
    summary: 'fork() while direct transfers into private memory are in flight may send the data to the wrong process.',
  },
  why: 'After fork() both processes share the pages of private memory until one writes to them, and that one gets a copy. A direct transfer in flight keeps the page it began with: the data may end up in the other process. The manual of open(2) forbids it.',
  families: [],
  tokens: /\bfork\s*\(/,
  check(file, func, report) {
    if (func.damaged || file.says(/\bMADV_DONTFORK\b/)) return;
    const calls = [...walkFunction(func)].filter((e): e is Call => e.kind === 'call' && e.callee.kind === 'name').sort((a, b) => a.span.start - b.span.start);
    for (const fork of calls) {
      if (fork.name !== 'fork' || fork.args.length || file.program.callee(fork)) continue;
      const before = calls.filter((c) => c.span.start < fork.span.start);
      const start = before.filter((c) => STARTS.test(c.name)).at(-1);
      const reaped = before.some((c) => start && REAPS.test(c.name) && c.span.start > start.span.start && c.name !== start.name);
      if (!start || reaped || /and_wait/.test(start.name) || !calls.some((c) => c.span.start > fork.span.start && REAPS.test(c.name))) continue;
      const flight = transfersOf(file, func).find((t) => t.call.span.start < fork.span.start && ASYNCHRONOUS.test(t.inner.name) && isDirect(file, t) && isPrivate(t));
      if (!flight) continue;
      report({
        at: placeOf(func, fork),
        message: 'fork() while a direct transfer into private memory is in flight: copy-on-write may send its data to the wrong process. Reap it first, or give the buffer MADV_DONTFORK.',
        related: [{ at: placeOf(func, start), message: 'the transfer is started here' }, { at: placeOf(func, flight.call), message: 'it is prepared here' }],
      });
    }
  },
};

function isDirect(file: View, t: Transfer): boolean {
  const origins = originsOf(file, t.fd.flow, t.fd.expr, t.fd.memory);
  return origins?.some((o) => flagState(o, O_DIRECT) === 'on') ?? false;
}
/** Heap, stack, or an anonymous private mapping. */
function isPrivate({ buffer }: Transfer): boolean {
  if (!buffer) return false;
  const value = buffer.flow.value(buffer.expr, buffer.memory);
  if (value.unknown || value.atoms.size === 0 || !pointees(value).length) return false;
  return [...value.atoms.values()].every((a) => {
    if (a.kind === 'address' || a.kind === 'out' || (a.kind === 'int' && a.value === 0n)) return true;
    if (a.kind !== 'call') return false;
    return /alloc|^new$|memalign|valloc/.test(a.call.name) || (/^mmap/.test(a.call.name) && a.call.args[3] !== undefined && [...names(a.call)].includes('MAP_PRIVATE'));
  });
}
function* names(call: Call): Generator<string> {
  const stack = [call.args[3]!];
  for (let e = stack.pop(); e; e = stack.pop()) {
    if (e.kind === 'name') yield e.name;
    else if (e.kind === 'binary') stack.push(e.left, e.right);
  }
}
