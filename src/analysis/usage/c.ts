/** Which API families a C or C++ file uses, and where: by what it includes and does not define itself. */
import type { Family } from '../../protocol/analysis';
import { uringDoc } from '../docs/uring';
import { Made } from '../lists';
import { walk, walkFunction, type FileFacts, type Func, type Mention, type Span } from '../model';
import type { SourceFile } from '../source-file';
import type { RawUsage, Usages } from './places';

const LIBAIO = /^(?:io_(?:setup|destroy|submit|p?getevents|cancel|queue_(?:init|release|run|wait)|prep_(?:p(?:read|write)v?2?|poll|f?d?sync|fsync)|poll|fsync|fdsync|set_callback|set_eventfd)|IO_CMD_\w+)$/;
const LIBAIO_TYPE = /^(?:io_context_t|io_callback_t|iocb|io_event)$/;
/** Names nobody else gives to anything. */
const LIBAIO_DISTINCT = /^(?:io_prep_p(?:read|write)v?2?|io_context_t|io_queue_init|io_set_eventfd)$/;
const RAW_AIO = /^(?:SYS|__NR)_io_(?:setup|submit|p?getevents|destroy|cancel)$/;
const RAW_AIO_ABI = /^IOCB_(?:CMD|FLAG)_\w+$/;
const RAW_AIO_TYPE = /^(?:aio_context_t|iocb|io_event)$/;
const POSIX_AIO = /^(?:aio_(?:read|write|fsync|error|return|suspend|cancel)(?:64)?|aio_init|lio_listio(?:64)?|LIO_(?:READ|WRITE|NOP|WAIT|NOWAIT)|AIO_(?:CANCELED|NOTCANCELED|ALLDONE))$/;
const POSIX_TYPE = /^(?:aiocb(?:64)?|aioinit)$/;
const RAW_URING = /^(?:SYS|__NR)_io_uring_(?:setup|enter|register)$/;
const URING_CONSTANT = /^(?:IORING_\w+|IOSQE_\w+|IOU_PBUF_\w+|SOCKET_URING_OP_\w+)$/;
const URING_RAW_TYPE = /^(?:io_uring_(?:sqe|cqe|params|probe|probe_op|restriction|buf|buf_ring|buf_reg|rsrc_\w+|files_update|getevents_arg|sync_cancel_reg|op)|io_[sc]qring_offsets)$/;
/** Of the kernel's headers, which liburing brings along for its requests. */
const LIBURING_TYPE = /^(?:__kernel_timespec|open_how|futex_waitv)$/;
const LIBURING = /^(?:(?:__)?io_uring_\w+|IO_URING_(?:CHECK_VERSION|VERSION_\w+))$/;
const EPOLL = /^(?:epoll_(?:create1?|ctl|wait|pwait2?)|EPOLL\w+)$/;
const EPOLL_TYPE = /^epoll_(?:event|data(?:_t)?)$/;

const CANDIDATES = [
  LIBAIO, LIBAIO_TYPE, RAW_AIO, RAW_AIO_ABI, RAW_AIO_TYPE, POSIX_AIO, POSIX_TYPE, RAW_URING, URING_CONSTANT, URING_RAW_TYPE, LIBURING, LIBURING_TYPE, EPOLL, EPOLL_TYPE, /^io_uring$/,
];
const ANY = new RegExp(CANDIDATES.map((p) => p.source).join('|'));
/** Whether some API has this name. */
function isApiName(name: string): boolean {
  return ANY.test(name);
}

/** What names mean in a file: the same object as long as nothing that decides it changes. */
interface Meaning { key: string; of(m: Mention): { family: Family; api: string } | undefined }

/** What of a file's includes and names decides which families its names belong to. */
function scopeOf(file: SourceFile, units: readonly Named[]) {
  const own = file.hasProjectHeaders;
  const distinct = (what: keyof UnitNames['distinct']) => own && units.some((u) => u.names.distinct[what]);
  // a project's own "aio.h" is not the system's
  const system = (header: string) => file.facts.includes.some((i) => i.system && i.name === header);
  const liburing = file.includes('liburing.h');
  const uapi = file.includes('linux/io_uring.h');
  const abi = file.includes('linux/aio_abi.h');
  const libaio = file.includes('libaio.h') || (!abi && distinct('libaio'));
  const posix = system('aio.h') || distinct('posix');
  const epoll = file.includes('sys/epoll.h') || distinct('epoll');
  return { own, liburing, uapi, abi, libaio, posix, epoll };
}

/** Which family a name belongs to in this file. */
function families({ own, liburing, uapi, abi, libaio, posix, epoll }: ReturnType<typeof scopeOf>) {
  return (name: string, isType: boolean): Family | undefined => {
    if (RAW_URING.test(name)) return 'raw-io-uring';
    if (RAW_AIO.test(name)) return 'raw-aio';
    if (URING_CONSTANT.test(name)) return liburing ? 'liburing' : uapi ? 'raw-io-uring' : own ? 'liburing' : undefined;
    // with only the kernel's header the functions are the project's own
    if (!liburing && uapi) return isType && URING_RAW_TYPE.test(name) ? 'raw-io-uring' : undefined;
    if (name === 'io_uring') return isType ? 'liburing' : undefined;
    if (liburing && isType && LIBURING_TYPE.test(name)) return 'liburing';
    // behind a project's header only what the library is known to have
    if (LIBURING.test(name)) return liburing || uringDoc(name) ? 'liburing' : undefined;
    if (libaio && (isType ? LIBAIO_TYPE : LIBAIO).test(name)) return 'libaio';
    if (abi && (isType ? RAW_AIO_TYPE : RAW_AIO_ABI).test(name)) return 'raw-aio';
    if (posix && (isType ? POSIX_TYPE : POSIX_AIO).test(name)) return 'posix-aio';
    if (epoll && (isType ? EPOLL_TYPE : EPOLL).test(name)) return 'epoll';
    return undefined;
  };
}

export function cUsages(file: SourceFile): Usages {
  let known = files.get(file);
  if (!known) files.set(file, (known = { units: new Made(), own: new Made(), found: new Made(), meaning: undefined }));
  const units = known.units.of(file.facts.mentions, (unit): Named => ({ unit, names: namesOf(unit.mentions) }));
  const behind = macros(file);
  const meaning = meaningIn(file, known, units, behind);
  const found = known.found.of(units, ({ unit: { unit, mentions }, names }) => usagesIn(file.text, unit.base, mentions, names, behind, meaning));
  const families = new Set<Family>();
  for (const { families: own } of found) for (const f of own) families.add(f);
  const calls = systemCalls(file);
  for (const u of calls) families.add(u.family);
  const bases = file.facts.mentions.map(({ unit }) => unit.base);
  return {
    families,
    list: () => [...found.flatMap(({ list }, i) => list.map(({ family, api, start, end }): RawUsage<Family> => ({ family, api, start: bases[i]! + start, end: bases[i]! + end }))), ...calls],
  };
}

/** What was made of a file's units and functions in the version before. */
interface Known {
  units: Made<FileFacts['mentions'][number], Named>;
  own: Made<Func, string[]>;
  found: Made<Named, UnitUsages>;
  meaning: Meaning | undefined;
}
interface Named { unit: FileFacts['mentions'][number]; names: UnitNames }
const files = new WeakMap<SourceFile, Known>();

function meaningIn(file: SourceFile, known: Known, units: readonly Named[], behind: Map<string, string[]>): Meaning {
  const scope = scopeOf(file, units);
  const own = ownNames(file, known);
  const key = JSON.stringify([scope, [...own].sort(), [...behind]]);
  if (known.meaning?.key === key) return known.meaning;
  // names mean something else
  known.found = new Made();
  return (known.meaning = { key, of: meant(families(scope), own, behind) });
}
function meant(familyOf: ReturnType<typeof families>, own: Set<string>, behind: Map<string, string[]>): Meaning['of'] {
  const known = new Map<string, ReturnType<Meaning['of']>>();
  const find = (m: Mention): ReturnType<Meaning['of']> => {
    const isType = m.role === 'type';
    // numbers and flags of the kernel stay what they are where a file brings them along
    const direct = !isType && own.has(m.text) && !URING_CONSTANT.test(m.text) && !RAW_URING.test(m.text) && !RAW_AIO.test(m.text) ? undefined : familyOf(m.text, isType);
    if (direct) return { family: direct, api: m.text };
    for (const name of (isType ? undefined : behind.get(m.text)) ?? []) {
      const family = own.has(name) ? undefined : familyOf(name, false);
      if (family) return { family, api: name };
    }
    return undefined;
  };
  return (m) => {
    const key = m.role + m.text;
    if (!known.has(key)) known.set(key, find(m));
    return known.get(key);
  };
}

interface UnitUsages { list: RawUsage<Family>[]; families: Set<Family> }
/** Usages in a unit, offsets from its beginning. */
function usagesIn(text: string, base: number, mentions: Mention[], names: UnitNames, behind: Map<string, string[]>, meaning: Meaning): UnitUsages {
  const candidates = behind.size ? [...names.api, ...mentions.filter((m) => m.role !== 'type' && behind.has(m.text))] : names.api;
  const list = candidates.flatMap((m) => {
    const means = meaning.of(m);
    return means && !isQualified(text, base + m.start) && !isDefinition(text, base + m.start) ? [{ ...means, start: m.start, end: m.end }] : [];
  });
  return { list, families: new Set(list.map((u) => u.family)) };
}

/** The name a `#define` gives. */
function isDefinition(text: string, start: number): boolean {
  return /#[ \t]*define[ \t]+$/.test(text.slice(Math.max(0, start - 40), start));
}
/** `Disk::io_submit`: somebody's own. */
function isQualified(text: string, start: number): boolean {
  return text[start - 1] === ':' && text[start - 2] === ':' && /[\w>]/.test(text[start - 3] ?? '');
}
/** Names of APIs that the file defines itself, as locals too. */
function ownNames(file: SourceFile, known: Known): Set<string> {
  const out = new Set<string>([...file.facts.macros.keys(), ...file.facts.constants.keys()].filter(isApiName));
  for (const names of known.own.of(file.facts.functions, definedBy)) for (const name of names) out.add(name);
  return out;
}
function definedBy(func: Func): string[] {
  return [func.name, ...[...func.locals.values()].map((l) => l.name)].filter(isApiName);
}
/** Macros of the file to the API names in what they stand for. */
function macros(file: SourceFile): Map<string, string[]> {
  const out = new Map<string, string[]>();
  const add = (macro: string, names: Iterable<string>): void => {
    const found = [...names].filter(isApiName);
    if (found.length && !isApiName(macro)) out.set(macro, found);
  };
  for (const [macro, body] of file.facts.macros) if (/io|IO|epoll|EPOLL|AIO/.test(body)) add(macro, withoutText(body).match(/\b[A-Za-z_]\w*/g) ?? []);
  for (const [macro, values] of file.facts.constants) add(macro, namesIn(values));
  return out;
}
function* namesIn(values: Parameters<typeof walk>[0]): Generator<string> {
  for (const e of walk(values)) if (e.kind === 'name') yield e.name;
}
function withoutText(body: string): string {
  return body.replace(/"(?:[^"\\]|\\.)*"|\/\*.*?\*\/|\/\/[^\n]*/gs, '');
}

/** `syscall(425, …)` and its siblings, the number written out or behind a constant of another name. */
function systemCalls(file: SourceFile): RawUsage<Family>[] {
  const { program } = file;
  if (!/\bsyscall\s*\(/.test(file.text)) return [];
  return program.functions().flatMap((func) => program.memo.derived(func, 'system calls', () => numbered(file, func))
    .map(({ api, span }): RawUsage<Family> => ({ family: 'raw-io-uring', api, start: func.base + span.start, end: func.base + span.end })));
}
function numbered(file: SourceFile, func: Func): { api: string; span: Span }[] {
  if (!file.program.mentions(func, /\bsyscall\s*\(/)) return [];
  const out: { api: string; span: Span }[] = [];
  for (const e of walkFunction(func)) {
    const number = e.kind === 'call' && e.name === 'syscall' ? e.args[0] : undefined;
    if (!number || (number.kind === 'name' && RAW_URING.test(number.name))) continue;
    const atoms = [...file.program.constantValue(number).atoms.values()];
    const value = atoms.length === 1 && atoms[0]!.kind === 'int' ? Number(atoms[0]!.value) : undefined;
    if (value !== undefined && value >= 425 && value <= 427) out.push({ api: `__NR_io_uring_${['setup', 'enter', 'register'][value - 425]!}`, span: number.span });
  }
  return out;
}

/** Those of a unit's names that some API has, and whether it has names that nobody else gives to anything. */
interface UnitNames { api: Mention[]; distinct: { libaio: boolean; posix: boolean; epoll: boolean } }
function namesOf(mentions: Mention[]): UnitNames {
  const api = mentions.filter((m) => isApiName(m.text));
  const has = (pattern: RegExp) => api.some((m) => pattern.test(m.text));
  return { api, distinct: { libaio: has(LIBAIO_DISTINCT), posix: has(/^aiocb(?:64)?$/), epoll: has(/^epoll_(?:ctl|wait)$/) } };
}
