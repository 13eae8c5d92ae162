import { flagState, isDisk, O_APPEND, O_CREAT, O_TRUNC, originsOf, type Origin } from '../../idioms/fd-origin';
import { eventOf, wayTo } from '../../idioms/paths';
import type { Event } from '../../flow/cfg';
import type { Flow } from '../../flow/program';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

const WRITES = /^io_prep_pwrite(?:v2?)?$/;
/** Calls that give a file its size or its blocks before the request does. */
const ALLOCATES = /fallocate|truncate|prealloc|F_ALLOC|FALLOC|\bresize|set_?(?:file_?)?(?:size|length)|^(?:p?write(?:v2?|64)?|copy_file_range|sendfile)$/i;

export const aioExtendingWrite: Rule = {
  info: {
    id: 'aio-extending-write', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic',
    summary: 'A libaio write that makes a file longer: io_submit allocates and waits, even with O_DIRECT.',
  },
  why: 'A write that makes a file longer allocates blocks and changes the inode. The kernel does that, and the transfer, before io_submit() returns, even with O_DIRECT.',
  families: ['libaio'],
  tokens: /io_prep_pwrite/,
  check(file, func, report) {
    const flow = func.damaged || file.program.mentions(func, /RWF_NOWAIT/) ? undefined : file.program.flow(func);
    flow?.replay((event, memory) => {
      if (event.kind !== 'call' || event.call.callee.kind !== 'name' || !WRITES.test(event.call.name) || file.program.defines(event.call.name)) return;
      const fd = event.call.args[1];
      const origins = fd && originsOf(file, flow, fd, memory);
      if (!origins?.length || !origins.every((o) => o.kind === 'file' && !isDisk(o.path))) return;
      const reasons = origins.map((o) => reason(file, flow, event, o));
      if (reasons.includes(undefined)) return;
      report({
        at: placeOf(func, event.call),
        message: `${reasons[0]}, so this write makes it longer: io_submit() allocates and writes before it returns, even with O_DIRECT. Allocate the blocks ahead, with fallocate().`,
        related: origins.flatMap((o) => (o.place ? [{ at: o.place, message: 'opened here' }] : [])),
      });
    });
  },
};

/** Why a write to what was opened so lies behind the end of the file. */
function reason(file: View, flow: Flow, write: Event, origin: Origin): string | undefined {
  const { call } = origin;
  if (!call) return undefined;
  const here = call.within === flow.func ? eventOf(flow, call) : undefined;
  // elsewhere nobody knows the order
  if (here ? wayTo(flow, here, { goal: (e) => e === write, stop: (e) => allocates(file, e) }) !== write : file.says(/fallocate|ftruncate|prealloc/i)) return undefined;
  if (flagState(origin, O_APPEND) === 'on') return 'The file is open for appending (O_APPEND)';
  if (!here) return undefined;
  if (flagState(origin, O_TRUNC) === 'on') return 'The file was emptied when it was opened (O_TRUNC)';
  return flagState(origin, O_CREAT) === 'on' ? 'The file may be a new one (O_CREAT), with nothing in it' : undefined;
}

function allocates(file: View, event: Event): boolean {
  if (event.kind !== 'call') return false;
  const callee = file.program.callee(event.call);
  return ALLOCATES.test(event.call.name) || (callee !== undefined && file.program.mentions(callee, /fallocate|truncate|prealloc|\bp?write\w*\s*\(/));
}
