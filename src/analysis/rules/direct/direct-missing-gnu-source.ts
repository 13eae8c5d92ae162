import { codeOf } from '../../idioms/code-text';
import { FILE, placeIn } from '../../model';
import type { SourceFile } from '../../source-file';
import { insertion, type Draft, type Rule } from '../rule';

/** Names glibc declares for _GNU_SOURCE alone, and headers that declare them for everybody. */
const NAMES: { name: RegExp; elsewhere: RegExp }[] = [
  { name: /^O_DIRECT$/, elsewhere: /^(?:asm|linux|asm-generic)\/fcntl\.h$/ },
  { name: /^STATX_DIOALIGN$|^statx$/, elsewhere: /^linux\/stat\.h$/ },
  { name: /^fallocate$|^p(?:read|write)v2$/, elsewhere: /^$/ },
  { name: /^RWF_(?:HIPRI|DSYNC|SYNC|NOWAIT|APPEND)$/, elsewhere: /^linux\/fs\.h$/ },
];
/** Headers of the C library: the first of them settles what all declare. */
const LIBC = /^(?:(?:sys|netinet|arpa|net|linux|asm|bits)\/[\w./-]+|aio|assert|ctype|dirent|dlfcn|endian|err|errno|fcntl|float|getopt|grp|inttypes|libgen|limits|locale|malloc|math|memory|mntent|netdb|poll|pthread|pwd|sched|semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|syslog|termios|time|unistd|utime|wchar|libaio)(?:\.h)?$/;
const DEFINE = /^[ \t]*#[ \t]*define[ \t]+(_GNU_SOURCE)\b/m;

/** Files for systems without glibc. */
const FOR_OTHERS = /(?:^|[/_-])(?:darwin|macos|osx|\w*bsd|solaris|irix|aix|hpux|win32|windows|cygwin)[/._-]/i;

export const directMissingGnuSource: Rule = {
  info: {
    id: 'direct-missing-gnu-source', languages: ['c'], severity: 'error', confidence: 'likely',
    summary: 'O_DIRECT and its kin are used without _GNU_SOURCE: undeclared, or silently 0.',
  },
  why: 'glibc declares O_DIRECT, statx(), fallocate() and preadv2() only where _GNU_SOURCE is defined before the first header. Without it the name is undeclared, or a local fallback of 0 takes its place and direct I/O is off without a word.',
  families: [],
  checkFile(file, report) {
    const { includes } = file.facts;
    const first = includes[0];
    // what the project's own headers and flags define is out of sight
    if (!first?.system || !LIBC.test(first.name) || includes.some((i) => !i.system) || file.facts.damaged) return;
    const start = first.place.base + first.place.span.start;
    if (DEFINE.test(codeOf(file.text.slice(0, start), 'c'))) return;
    const code = codeOf(file.text, 'c');
    const define = DEFINE.exec(code);
    const use = firstUse(file, code);
    const zero = FOR_OTHERS.test(file.place) ? null : /^[ \t]*#[ \t]*define[ \t]+(O_DIRECT)[ \t]+(?:0+|\(0+\))[ \t]*$/m.exec(code);
    const fixes: Draft['fixes'] = [{ title: 'Define _GNU_SOURCE above the first include', edits: [insertion(FILE, start, '#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif\n')], safe: true }];
    if (define) {
      if (use || zero) {
        const at = define.index + define[0].length - '_GNU_SOURCE'.length;
        report({
          at: placeIn(FILE, { start: at, end: at + '_GNU_SOURCE'.length }), fixes,
          message: `_GNU_SOURCE has no effect here: <${first.name}> was included before. Define it above the first include.`,
        });
      }
      return;
    }
    if (zero) {
      const at = zero.index + zero[0].indexOf('O_DIRECT');
      report({
        at: placeIn(FILE, { start: at, end: at + 'O_DIRECT'.length }), severity: 'warning', fixes,
        message: 'Without _GNU_SOURCE glibc does not declare O_DIRECT, so this fallback of 0 wins and direct I/O is off without a word.',
      });
    } else if (use) {
      report({
        at: placeIn(FILE, use), fixes,
        message: `${code.slice(use.start, use.end)} is declared only with _GNU_SOURCE, which is not defined before the first include.`,
      });
    }
  },
};

/** The first use of a name nobody else declares and no `#if` asks for. */
function firstUse(file: SourceFile, code: string): { start: number; end: number } | undefined {
  const { facts } = file;
  let first: { start: number; end: number } | undefined;
  for (const { unit, mentions } of facts.mentions) {
    for (const m of mentions) {
      const known = m.role === 'name' ? NAMES.find((n) => n.name.test(m.text)) : undefined;
      if (!known || (first && first.start <= unit.base + m.start)) continue;
      if (facts.includes.some((i) => known.elsewhere.test(i.name)) || facts.constants.has(m.text) || facts.functions.some((f) => f.name === m.text) || facts.macros.has(m.text)) continue;
      if (new RegExp(`^[ \\t]*#[ \\t]*(?:el)?if.*\\b${m.text}\\b`, 'm').test(code)) continue;
      first = { start: unit.base + m.start, end: unit.base + m.end };
    }
  }
  return first;
}
