/** What fixtures cannot say: code that does not compile, and text around code. */
import { describe, expect, it } from 'vitest';
import { analyse, textAt } from './support';

async function missing(text: string, language: 'c' | 'cpp' = 'c'): Promise<string[]> {
  const { findings } = await analyse(text, language);
  return findings.filter((f) => f.rule === 'direct-missing-gnu-source').map((f) => `${f.range.start.line}: ${f.severity} ${textAt(text, f)}`);
}

describe('direct-missing-gnu-source', () => {
  const open = 'int open_direct(const char *p) { return open(p, O_RDONLY | O_DIRECT); }\n';
  it('O_DIRECT is undeclared without _GNU_SOURCE', async () => {
    expect(await missing(`#include <fcntl.h>\n${open}`)).toEqual(['1: error O_DIRECT']);
  });
  it('a comment defines nothing', async () => {
    expect(await missing(`/* needs\n#define _GNU_SOURCE\n*/\n#include <fcntl.h>\n${open}`)).toEqual(['4: error O_DIRECT']);
  });
  it.each([
    ['defined first', `#define _GNU_SOURCE 1\n#include <fcntl.h>\n${open}`],
    ['defined where it is missing', `#ifndef _GNU_SOURCE\n# define _GNU_SOURCE\n#endif\n#include <fcntl.h>\n${open}`],
    ['a config header first', `#include "config.h"\n#include <fcntl.h>\n${open}`],
    ['a header of the project', `#include <fcntl.h>\n#include "io-config.h"\n${open}`],
    ['the kernel\'s header', `#include <sys/types.h>\n#include <linux/fcntl.h>\n${open}`],
    ['the real value', `#include <fcntl.h>\n#ifndef O_DIRECT\n#define O_DIRECT 040000\n#endif\n${open}`],
    ['liburing defines it', `#include <liburing.h>\n#include <fcntl.h>\n${open}`],
  ])('silent: %s', async (_, text) => expect(await missing(text)).toEqual([]));
  it('silent: C++ compilers define it', async () => {
    expect(await missing(`#include <fcntl.h>\n${open}`, 'cpp')).toEqual([]);
  });
});

describe('direct rules look at files without an API of asynchronous I/O', () => {
  it('a plain pread on a direct file', async () => {
    const { findings } = await analyse('#define _GNU_SOURCE\n#include <fcntl.h>\n#include <unistd.h>\nint f(const char *p) { int d = open(p, O_DIRECT); char b[512]; return pread(d, b, 512, 0); }\n');
    expect(findings.map((f) => f.rule)).toEqual(['direct-buffer-unaligned']);
  });
  it('words in comments and strings mean nothing', async () => {
    const { findings } = await analyse('#include <unistd.h>\n/* O_DIRECT */ const char *s = "open(p, O_DIRECT)"; int f(int d) { char b[512]; return pread(d, b, 512, 0); }\n');
    expect(findings).toEqual([]);
  });
});
