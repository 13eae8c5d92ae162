/** Whether a file is worth parsing: one scan of its text, before any grammar is loaded. */
import type { Language } from '../protocol/analysis';

const C_TOKENS = /io_uring|(?:SYS|__NR)_io_|IORING_|IOSQE_|\bio_(?:submit|setup|getevents|pgetevents|prep_p|context_t)|libaio|\baio_(?:read|write|fsync|error|return|suspend|cancel|abi|context_t)|\blio_listio\b|<aio\.h>|\bepoll_|\bEPOLL|\bO_DIRECT\b|\b(?:posix_memalign|aligned_alloc|memalign)\b|\bSTATX_DIOALIGN\b|\bp(?:read|write)v2\b/;
const RUST_TOKENS = /\b(?:tokio|tokio_uring|io_uring|monoio|glommio|compio)\b|compio_|\bepoll|EPOLL|\baio_|SYS_io_|\baio::|\bO_DIRECT\b|\bfrom_size_align|\bOFlags?::(?:O_)?DIRECT\b/;

export function hasApiToken(language: Language, text: string): boolean {
  return (language === 'rust' ? RUST_TOKENS : C_TOKENS).test(text);
}

const EXTENSIONS: Record<string, Language> = {
  c: 'c', h: 'c', cc: 'cpp', cpp: 'cpp', cxx: 'cpp', 'c++': 'cpp', hh: 'cpp', hpp: 'cpp', hxx: 'cpp', inl: 'cpp', ipp: 'cpp', tpp: 'cpp', rs: 'rust',
};
const CPP_IN_HEADER = /^\s*(?:class\s+\w|namespace\s+\w|template\s*<|using\s+\w|public:|private:|#include\s*<[a-z_]+>\s*$)/m;

/** The language of a file by its name, undefined when it is none of ours; `text` settles `.h`. */
export function languageOf(path: string, text = ''): Language | undefined {
  const language = EXTENSIONS[/\.([^./\\]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''];
  return language === 'c' && /\.h$/i.test(path) && CPP_IN_HEADER.test(text) ? 'cpp' : language;
}
