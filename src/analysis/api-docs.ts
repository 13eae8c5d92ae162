/** What a hover on a recognised call, type or flag says, in our own words. */
import type { Surface } from '../protocol/analysis';
import { since } from './api/versions';
import { LIBAIO, POSIX_AIO, RAW_AIO } from './docs/aio';
import type { ApiDoc, Docs } from './docs/api-doc';
import { DIRECT_IO_FIELDS, LIBAIO_FIELDS, POSIX_AIO_FIELDS, RAW_AIO_FIELDS } from './docs/fields';
import { DIRECT_IO, EPOLL, READINESS } from './docs/neighbours';
import { rustDoc } from './docs/rust';
import { uringDoc } from './docs/uring';
import { versionText } from './target';

export type { ApiDoc };

const BY_NAME: Partial<Record<Surface, Docs>> = {
  libaio: { ...LIBAIO, ...LIBAIO_FIELDS }, 'raw-aio': { ...RAW_AIO, ...RAW_AIO_FIELDS }, 'posix-aio': { ...POSIX_AIO, ...POSIX_AIO_FIELDS }, epoll: EPOLL,
  'direct-io': { ...DIRECT_IO, ...DIRECT_IO_FIELDS }, readiness: READINESS,
};

/** The text for an API of a family, by its name, its full path in Rust, or `structure.field`; undefined where there is none. */
export function apiDoc(family: Surface, api: string): ApiDoc | undefined {
  const name = api.replace(/^.*::/, '');
  const systemCall = name.replace(/^(?:SYS|__NR)_/, '');
  switch (family) {
    case 'liburing': case 'raw-io-uring': return dated(systemCall, uringDoc(systemCall));
    case 'raw-aio': return own(BY_NAME[family]!, systemCall);
    case 'libaio': case 'posix-aio': case 'epoll': case 'direct-io': case 'readiness': return own(BY_NAME[family]!, name) ?? posixModule(family, api);
    default: return rustDoc(api);
  }
}

/** With the first kernel and library of the version table, where the text names none. */
function dated(name: string, doc: ApiDoc | undefined): ApiDoc | undefined {
  const first = since(name);
  if (!doc || doc.since !== undefined || !first) return doc;
  return { ...doc, since: `Linux ${versionText(first.kernel)}${first.liburing === undefined ? '' : `, liburing ${versionText(first.liburing)}`}` };
}
/** Rust wrappers of what C has by name: `nix::sys::aio::AioRead`. */
function posixModule(family: Surface, api: string): ApiDoc | undefined {
  if (/^nix::sys::aio\b/.test(api)) return { does: 'POSIX AIO through nix.', blocks: 'glibc does it with threads of its own.', mistake: 'Must be finished before it is dropped.' };
  if (/^nix::sys::epoll\b/.test(api)) return { does: 'epoll through nix.' };
  return family === 'readiness' && /^(?:mio|polling)\b/.test(api) ? { does: 'Readiness of descriptors.' } : undefined;
}
function own(docs: Docs, name: string): ApiDoc | undefined {
  return Object.hasOwn(docs, name) ? docs[name] : undefined;
}
