/** Which API families a C or C++ file uses, and where: by what it includes and does not define itself. */
import type { Family } from '../../protocol/analysis';
import { walkFunction, type Func, type Mention, type Span } from '../model';
import type { SourceFile } from '../source-file';

export interface RawUsage { family: Family; api: string; start: number; end: number }

const LIBAIO = /^(?:io_(?:setup|destroy|submit|p?getevents|cancel|queue_(?:init|release|run)|prep_(?:p(?:read|write)v?2?|poll|f?d?sync|fsync)|poll|fsync|fdsync|set_callback|set_eventfd)|io_context_t|io_callback_t|iocb|io_event|IO_CMD_\w+)$/;
/** Names nobody else gives to anything. */
const LIBAIO_DISTINCT = /^(?:io_prep_p(?:read|write)v?2?|io_context_t|io_queue_init|io_set_eventfd)$/;
const RAW_AIO = /^(?:(?:SYS|__NR)_io_(?:setup|submit|p?getevents|destroy|cancel))$/;
const RAW_AIO_ABI = /^(?:aio_context_t|iocb|io_event|IOCB_(?:CMD|FLAG)_\w+)$/;
const POSIX_AIO = /^(?:aio_(?:read|write|fsync|error|return|suspend|cancel)(?:64)?|aio_init|lio_listio(?:64)?|aiocb(?:64)?|aioinit|LIO_\w+|AIO_(?:CANCELED|NOTCANCELED|ALLDONE))$/;
const RAW_URING = /^(?:SYS|__NR)_io_uring_(?:setup|enter|register)$/;
const URING_CONSTANT = /^(?:IORING_\w+|IOSQE_\w+)$/;
const URING_RAW_TYPE = /^(?:io_uring_(?:sqe|cqe|params|probe|probe_op|restriction|buf|buf_ring|buf_reg|rsrc_\w+|files_update|getevents_arg|sync_cancel_reg)|io_[sc]qring_offsets)$/;
const LIBURING = /^(?:__)?io_uring_\w+$/;
const EPOLL = /^(?:epoll_(?:create1?|ctl|wait|pwait2?|event)|EPOLL\w+)$/;

export function cUsages(file: SourceFile): RawUsage[] {
  const units = file.facts.mentions.map(({ unit, mentions }) => ({ unit, mentions: candidates(mentions) })).filter((u) => u.mentions.length);
  const own = file.hasProjectHeaders;
  const distinct = (pattern: RegExp) => own && units.some((u) => u.mentions.some((m) => pattern.test(m.text)));
  const liburing = file.includes('liburing.h');
  const uapi = file.includes('linux/io_uring.h');
  const scope = {
    libaio: file.includes('libaio.h') || (!file.includes('linux/aio_abi.h') && distinct(LIBAIO_DISTINCT)),
    abi: file.includes('linux/aio_abi.h'),
    posix: file.includes('aio.h') || distinct(/^aiocb(?:64)?$/),
    epoll: file.includes('sys/epoll.h') || distinct(/^epoll_(?:ctl|wait)$/),
    // the prefix is nobody else's; with only the kernel's header the functions are the project's own
    liburing: liburing || !uapi,
  };
  const familyOf = (m: Mention): Family | undefined => {
    const { text } = m;
    if (RAW_URING.test(text)) return 'raw-io-uring';
    if (RAW_AIO.test(text)) return 'raw-aio';
    if (URING_CONSTANT.test(text)) return liburing ? 'liburing' : uapi ? 'raw-io-uring' : own ? 'liburing' : undefined;
    if (text === 'io_uring') return m.role === 'type' && scope.liburing ? 'liburing' : undefined;
    if (!liburing && uapi && m.role === 'type' && URING_RAW_TYPE.test(text)) return 'raw-io-uring';
    if (LIBURING.test(text)) return scope.liburing ? 'liburing' : undefined;
    if (scope.libaio && LIBAIO.test(text)) return 'libaio';
    if (scope.abi && RAW_AIO_ABI.test(text)) return 'raw-aio';
    if (scope.posix && POSIX_AIO.test(text)) return 'posix-aio';
    if (scope.epoll && EPOLL.test(text)) return 'epoll';
    return undefined;
  };
  const defined = new Set([...file.facts.functions.map((f) => f.name), ...file.facts.macros.keys(), ...file.facts.constants.keys()]);
  const out: RawUsage[] = [];
  const families = new Map<string, Family | undefined>();
  for (const { unit, mentions } of units) {
    for (const m of mentions) {
      const key = m.role + m.text;
      if (!families.has(key)) families.set(key, m.role === 'name' && defined.has(m.text) ? undefined : familyOf(m));
      const family = families.get(key);
      if (family) out.push({ family, api: m.text, start: unit.base + m.start, end: unit.base + m.end });
    }
  }
  return [...out, ...systemCalls(file)];
}

/** `syscall(425, …)` and its siblings. */
function systemCalls(file: SourceFile): RawUsage[] {
  const { program } = file;
  return program.functions().flatMap((func) => program.memo.derived(func, 'system calls', () => numbered(file, func))
    .map(({ api, span }): RawUsage => ({ family: 'raw-io-uring', api, start: func.base + span.start, end: func.base + span.end })));
}
function numbered(file: SourceFile, func: Func): { api: string; span: Span }[] {
  if (!file.program.mentions(func, /\bsyscall\s*\(\s*42[567]\b/)) return [];
  const out: { api: string; span: Span }[] = [];
  for (const e of walkFunction(func)) {
    const number = e.kind === 'call' && e.name === 'syscall' ? e.args[0] : undefined;
    if (number?.kind !== 'int' || number.value < 425n || number.value > 427n) continue;
    out.push({ api: `__NR_${['io_uring_setup', 'io_uring_enter', 'io_uring_register'][Number(number.value) - 425]!}`, span: number.span });
  }
  return out;
}

const CANDIDATES = [LIBAIO, RAW_AIO, RAW_AIO_ABI, POSIX_AIO, RAW_URING, URING_CONSTANT, URING_RAW_TYPE, LIBURING, EPOLL, /^io_uring$/];
const known = new WeakMap<Mention[], Mention[]>();
/** Those of a unit's names that some API has, found once as long as the unit stays as it is. */
function candidates(mentions: Mention[]): Mention[] {
  let found = known.get(mentions);
  if (!found) known.set(mentions, (found = mentions.filter((m) => CANDIDATES.some((p) => p.test(m.text)))));
  return found;
}
