/** Which API families a Rust file uses, and where: paths resolved through `use`, and methods on values of known types. */
import type { Family } from '../../protocol/analysis';
import { walkFunction } from '../model';
import type { SourceFile } from '../source-file';
import type { RawUsage } from './places';
import { isAdapter } from './rust-returns';
import { rustTypes } from './rust-types';

const CRATES: Record<string, Family> = {
  tokio: 'tokio', tokio_uring: 'tokio-uring', io_uring: 'io-uring-crate', monoio: 'monoio', glommio: 'glommio', compio: 'compio',
};

/** The family of a full path. */
export function familyOfPath(path: string): Family | undefined {
  const [crate = '', ...rest] = path.split('::');
  if (Object.hasOwn(CRATES, crate)) return CRATES[crate];
  if (/^compio_\w+$/.test(crate)) return 'compio';
  const last = rest.at(-1) ?? '';
  if (crate === 'libc') {
    if (/^SYS_io_uring_/.test(last)) return 'raw-io-uring';
    if (/^SYS_io_/.test(last)) return 'raw-aio';
    if (/^epoll_|^EPOLL/.test(last)) return 'epoll';
    if (/^aio_|^lio_listio$|^aiocb$|^LIO_|^AIO_/.test(last)) return 'posix-aio';
  }
  if (crate === 'nix' && rest[0] === 'sys') return rest[1] === 'epoll' ? 'epoll' : rest[1] === 'aio' ? 'posix-aio' : undefined;
  if (crate === 'rustix' && rest[0] === 'io_uring') return 'raw-io-uring';
  return undefined;
}

export function rustUsages(file: SourceFile): RawUsage<Family>[] {
  const types = rustTypes(file.facts);
  const out: RawUsage<Family>[] = [];
  const seen = new Set<number>();
  const add = (path: string, start: number, end: number): void => {
    const family = seen.has(start) ? undefined : familyOfPath(path);
    if (!family) return;
    seen.add(start);
    out.push({ family, api: path, start, end });
  };
  for (const { path, place } of file.facts.imports) add(types.resolve(path), place.base + place.span.start, place.base + place.span.end);
  for (const { unit, mentions } of file.facts.mentions) {
    for (const m of mentions) {
      const path = types.resolve(m.text);
      // a lower-case word alone is a variable or module unless it was imported
      if (path.includes('::') || m.role === 'macro') add(path, unit.base + m.start, unit.base + m.end);
    }
  }
  for (const func of file.program.functions()) {
    for (const e of walkFunction(func)) {
      if (e.kind !== 'call' || e.callee.kind !== 'member' || isAdapter(e.name)) continue;
      const type = types.typeOf(e.callee.object, func);
      if (type && !type.startsWith('(')) add(`${type}::${e.name}`, func.base + e.nameSpan.start, func.base + e.nameSpan.end);
    }
  }
  return out;
}
