/** What a file registers with rings: buffers and descriptors, and how many. */
import { SYSTEM_CONSTANTS } from '../flow/system-constants';
import { integers } from '../flow/value';
import { rootOf } from '../flow/memory';
import { callsIn, type Call, type Expr, type Func } from '../model';
import type { View } from '../rules/rule';
import { setups } from './ring-setup';
import { sqeFlow } from './sqe';
import { mayReach } from './sqe-events';

export interface Registration { call: Call; func: Func; /** the array, absent when the table begins empty */ array: Expr | undefined; /** entries; undefined when unknown */ count: bigint | undefined }

interface Shape { array?: number; count: number }
const BUFFERS = new Map<string, Shape>([
  ['io_uring_register_buffers', { array: 1, count: 2 }], ['io_uring_register_buffers_tags', { array: 1, count: 3 }], ['io_uring_register_buffers_sparse', { count: 1 }],
]);
const FILES = new Map<string, Shape>([
  ['io_uring_register_files', { array: 1, count: 2 }], ['io_uring_register_files_tags', { array: 1, count: 3 }], ['io_uring_register_files_sparse', { count: 1 }],
]);
const ANY_BUFFERS = /register_buffers|clone_buffers|IORING_REGISTER_BUFFERS|register_buf\b|__io_uring_register\b|register_bvec/;
const ANY_FILES = /register_files|register_file_alloc_range|IORING_REGISTER_FILES/;
/** More than any table has; the least of what a count that is unknown stands for. */
const OPEN_END = SYSTEM_CONSTANTS.get('IORING_FILE_INDEX_ALLOC')!;

/** Registrations of one kind in a function. */
export function registrationsIn(file: View, func: Func, kind: 'buffers' | 'files'): Registration[] {
  const { program } = file;
  return program.memo.derived(func, `registered ${kind}`, () => {
    if (!program.mentions(func, /io_uring_register_/)) return [];
    const table = kind === 'buffers' ? BUFFERS : FILES;
    const flow = program.flow(func);
    const counts = new Map<Call, bigint | undefined>();
    flow?.replay((event, memory) => {
      const shape = event.kind === 'call' && event.call.callee.kind === 'name' ? table.get(event.call.name) : undefined;
      if (event.kind !== 'call' || !shape) return;
      const count = event.call.args[shape.count];
      counts.set(event.call, count && integers(flow.value(count, memory))?.reduce((a, b) => (a > b ? a : b)));
    });
    return callsIn(func).filter((c) => table.has(c.name) && c.callee.kind === 'name').map((call) => {
      const { array } = table.get(call.name)!;
      return { call, func, array: array === undefined ? undefined : call.args[array], count: counts.get(call) };
    });
  });
}

/** The most entries any table of the file has; undefined when that is not known, or nothing is registered here. */
export function mostEntries(file: View, kind: 'buffers' | 'files'): bigint | undefined {
  const { program } = file;
  return program.memo.derived(program, `most ${kind}`, () => {
    const all = program.functions(/io_uring_register_/).flatMap((f) => registrationsIn(file, f, kind));
    const updates = program.some(`more ${kind}`, (f) => program.mentions(f, kind === 'buffers' ? /clone_buffers|IORING_REGISTER_BUFFERS|__io_uring_register\b|register_bvec/ : /file_alloc_range|IORING_REGISTER_FILES/));
    if (!all.length || updates) return undefined;
    const most = all.reduce((m, r) => (r.count === undefined ? OPEN_END : r.count > m ? r.count : m), 0n);
    return most >= OPEN_END ? undefined : most;
  });
}

/** Whether nothing can have been registered: the ring is made and used up in this file, and the file never registers any. */
export function neverRegistered(file: View, kind: 'buffers' | 'files', rings: readonly string[]): boolean {
  const { program } = file;
  if (!rings.length || program.some(`registers ${kind}`, (f) => program.mentions(f, kind === 'buffers' ? ANY_BUFFERS : ANY_FILES))) return false;
  return program.memo.derived(program, `made here alone ${rings.join(' ')}`, () => madeHereAlone(file, rings));
}
function madeHereAlone(file: View, rings: readonly string[]): boolean {
  const { program } = file;
  const made = setups(file).filter((s) => s.ring !== undefined && rings.some((r) => rootOf(r) === rootOf(s.ring!)));
  // a ring that others know of too may be registered with there
  return made.length > 0 && made.every((s) => {
    const flow = sqeFlow(program, s.func);
    return flow !== undefined && !flow.of('unseen').some((u) => u.keys.length > 0 && mayReach(u, [s.ring!]));
  }) && (rings.every((r) => rootOf(r).includes('~')) || program.defines('main'));
}
