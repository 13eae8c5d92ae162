/** Direct I/O and readiness in a file: what is worth knowing beside asynchronous I/O, recognised by headers and paths. */
import type { Neighbour } from '../../protocol/analysis';
import type { Mention } from '../model';
import type { SourceFile } from '../source-file';
import type { RawUsage } from './places';
import { rustTypes } from './rust-types';

const DIRECT = /^(?:__)?O_DIRECT$|^STATX_DIO(?:ALIGN|_READ_ALIGN)$|^RWF_[A-Z]+$|^p(?:read|write)v2$|^BLK(?:SSZ|PBSZ)GET$/;
/** Asked for the alignment of direct I/O, where the file says so. */
const STATX = /^statx$/;
const ALIGNED = /^(?:posix_memalign|aligned_alloc|memalign|p?valloc)$/;
/** Calls that are about direct I/O where their arguments say so. */
const OPENS = /^(?:open(?:at)?(?:64)?|fcntl|ioctl)$/;
const SAYS_DIRECT = /^\s*\([^;{}]*\b(?:(?:__)?O_DIRECT|BLK(?:SSZ|PBSZ)GET)\b/;
const HEADERS: readonly (readonly [header: RegExp, names: RegExp])[] = [
  [/^(?:sys\/)?poll\.h$/, /^(?:p?poll|pollfd)$/], [/^sys\/select\.h$/, /^p?select$/], [/^sys\/eventfd\.h$/, /^(?:eventfd(?:_read|_write)?|EFD_\w+)$/],
  [/^sys\/timerfd\.h$/, /^timerfd_\w+$/], [/^sys\/signalfd\.h$/, /^signalfd$/], [/^fcntl\.h$/, /^O_NONBLOCK$/], [/^sys\/socket\.h$/, /^SOCK_NONBLOCK$/],
];
const ANY = new RegExp([DIRECT, ALIGNED, STATX, OPENS, ...HEADERS.map(([, names]) => names)].map((p) => p.source).join('|'));
/** Anything that may resolve to one of the next two, renamed imports aside. */
const RUST_ANY = /DIRECT|RWF_|v2$|align|alloc$|poll|select|eventfd|timerfd|signalfd|mio::/i;
const RUST_DIRECT = /^(?:libc|nix(?:::\w+)*|rustix(?:::\w+)*|OFlags|OFlag)::(?:O_DIRECT|DIRECT|RWF_\w+|preadv2|pwritev2|posix_memalign|memalign|aligned_alloc)$/;
const RUST_READY = /^(?:libc::(?:p?poll|pollfd|p?select|eventfd|timerfd_\w+|signalfd)|nix::(?:poll|sys::(?:eventfd|timerfd|signalfd|select))(?:::\w+)*|(?:mio|polling)::(?:\w+::)*\w+)$/;

/** Looked for when somebody asks; good for the version at hand, also when that is no longer the newest. */
export function neighbours(file: SourceFile): () => RawUsage<Neighbour>[] {
  if (file.language !== 'rust') return inC(file);
  const found = inRust(file);
  return () => found;
}

function inC(file: SourceFile): () => RawUsage<Neighbour>[] {
  const { text, facts: { includes, mentions, functions } } = file;
  const bases = mentions.map((m) => m.unit.base);
  const asksAlignment = file.program.names('STATX_DIOALIGN');
  return () => {
    const ready = HEADERS.filter(([header]) => includes.some((i) => header.test(i.name))).map(([, names]) => names);
    const own = new Set(functions.map((f) => f.name));
    const out: RawUsage<Neighbour>[] = [];
    for (const [i, { mentions: names }] of mentions.entries()) {
      const base = bases[i]!;
      for (const m of candidates(names, ANY)) {
        if (own.has(m.text)) continue;
        const family = DIRECT.test(m.text) || ALIGNED.test(m.text) || (asksAlignment && STATX.test(m.text) && isUse(text, m, base)) || (OPENS.test(m.text) && SAYS_DIRECT.test(text.slice(base + m.end, base + m.end + 300))) ? 'direct-io' : ready.some((p) => p.test(m.text)) && isUse(text, m, base) ? 'readiness' : undefined;
        if (family) out.push({ family, api: m.text, start: base + m.start, end: base + m.end });
      }
    }
    return out;
  };
}
/** Short words such as `poll` are the system's only where they are called. */
function isUse(text: string, m: { text: string; role: string; end: number }, base: number): boolean {
  return m.role === 'type' || /^[A-Z]/.test(m.text) || /^\s*\(/.test(text.slice(base + m.end, base + m.end + 20));
}

function inRust(file: SourceFile): RawUsage<Neighbour>[] {
  const types = rustTypes(file.facts);
  const out: RawUsage<Neighbour>[] = [];
  for (const { unit, mentions } of file.facts.mentions) {
    for (const m of candidates(mentions, RUST_ANY)) {
      const path = types.resolve(m.text);
      const family = RUST_DIRECT.test(path) ? 'direct-io' : RUST_READY.test(path) ? 'readiness' : undefined;
      if (family) out.push({ family, api: path, start: unit.base + m.start, end: unit.base + m.end });
    }
  }
  return out;
}

const kept = new WeakMap<Mention[], Mention[]>();
/** Found once as long as the unit stays as it is. */
function candidates(mentions: Mention[], names: RegExp): Mention[] {
  let found = kept.get(mentions);
  if (!found) kept.set(mentions, (found = mentions.filter((m) => names.test(m.text))));
  return found;
}
