import { holderOf, loopsAround, rustCalls, type RustCall } from '../../idioms/rust-code';
import type { Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import type { Rule } from '../rule';

const POOL = /^(?:tokio::fs|async_std::fs|async_fs|smol::fs)::(?:\w+|(?:File|OpenOptions)::(?:open|create|create_new|read\w*|write\w*|seek|rewind|stream_position|flush|sync_all|sync_data|set_len|metadata))$/;
const NO_TRIP = /::(?:OpenOptions|File|DirBuilder)$|::ReadDir|::(?:new|from_std|options)$/;

export const rustTokioFsThreadPool: Rule = {
  info: {
    id: 'rust-tokio-fs-thread-pool', languages: ['rust'], severity: 'information', confidence: 'certain',
    summary: 'Each call of tokio::fs is a trip to the blocking thread pool, in a loop one for every turn.',
  },
  why: 'tokio::fs runs every operation with spawn_blocking: it is no asynchronous I/O, and each call costs two thread switches. One spawn_blocking for the whole job, reading the file at once, a BufReader, or a runtime with io_uring cost less.',
  families: ['tokio'],
  checkFile(file, report) {
    if (/\btokio_unstable\b/.test(file.text)) return;
    const told = new Set<Func>();
    for (const func of file.program.functions()) {
      if (func.damaged || told.has(top(func))) continue;
      const c = rustCalls(file, func).filter((x) => !x.call.macro && POOL.test(x.path) && !NO_TRIP.test(x.path) && inLoop(file, x))
        .sort((a, b) => a.call.nameSpan.start - b.call.nameSpan.start)[0];
      if (!c) continue;
      told.add(top(func));
      report({
        at: placeOf(func, c.call.callee.kind === 'member' ? { span: c.call.nameSpan } : c.call.callee),
        message: `${c.path.split('::').slice(c.call.callee.kind === 'member' ? -2 : -3).join('::')}() runs on the blocking thread pool, here once a turn: it is no asynchronous file I/O and costs two thread switches each time. Do the whole job in one spawn_blocking, read at once, or use a BufReader.`,
      });
    }
  },
};

function top(func: Func): Func {
  let f = func;
  while (f.parent) f = f.parent;
  return f;
}
/** In a loop of its function, or in a closure or task that a loop makes. */
function inLoop(file: SourceFile, { call, func }: RustCall): boolean {
  if (loopsAround(func, call.span).length) return true;
  for (let f: Func | undefined = func; f?.parent; f = f.parent) {
    if (loopsAround(f.parent, f.span).length) return true;
    const holder = holderOf(file, f)?.call.name ?? '';
    if (/^(?:for_each\w*|map|then|try_for_each\w*|filter_map)$/.test(holder)) return true;
  }
  return false;
}
