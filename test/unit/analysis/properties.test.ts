/** Whatever the text, the analysis ends, throws nothing, and leaves no tree behind. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Grammars, type Tree } from '../../../src/analysis/parser';
import { uringNullSqe } from '../../../src/analysis/rules/sqe/uring-null-sqe';
import { Session } from '../../../src/analysis/session';
import type { Language } from '../../../src/protocol/analysis';
import { denseC } from './dense-c';
import { fixtures } from './fixtures';
import { analyse, testAnalyser } from './support';

const samples = fixtures();
const TOKENS = ['io_uring_get_sqe(', 'if (', '{', '}', ')', ';', '#ifdef X\n', '#endif\n', '"', '/*', '*/', 'struct io_uring_sqe *s = ', 'goto x; x:', 'while(', '.await', 'let (_, b) = ', 'fn f() {', '\u{1F600}', '\0', '&&', '->', '= {0', 'io_submit(c, 1, &p)'];

const mutated = fc.tuple(fc.constantFrom(...samples), fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(40), fc.constantFrom('', ...TOKENS)), { maxLength: 6 }))
  .map(([sample, edits]) => ({
    language: sample.language,
    text: edits.reduce((text, [at, length, insert]) => {
      const from = Math.floor(at * text.length);
      return text.slice(0, from) + insert + text.slice(from + length);
    }, sample.text),
  }));

describe('any text', () => {
  it('mutated fixtures', async () => {
    await fc.assert(fc.asyncProperty(mutated, async ({ text, language }) => {
      const { findings } = await analyse(text, language);
      const lines = text.split('\n');
      for (const f of findings) {
        expect(f.range.start.line).toBeLessThan(lines.length);
        expect(f.range.end.column).toBeLessThanOrEqual(lines[f.range.end.line]!.length);
      }
    }), { numRuns: 300 });
  }, 120_000);
  it('cut off anywhere', async () => {
    for (const s of samples) for (let at = 0; at < s.text.length; at += Math.max(97, s.text.length / 12)) await analyse(s.text.slice(0, at), s.language);
  }, 120_000);
  it('random words', async () => {
    const text = fc.array(fc.oneof(fc.constantFrom(...TOKENS), fc.string()), { maxLength: 60 }).map((parts) => `#include <liburing.h>\nuse tokio_uring;\n${parts.join(' ')}`);
    await fc.assert(fc.asyncProperty(text, fc.constantFrom<Language>('c', 'cpp', 'rust'), async (t, language) => {
      await analyse(t, language);
    }), { numRuns: 200 });
  }, 120_000);
  it('deep nesting', async () => {
    const deep = `#include <liburing.h>\nvoid f(struct io_uring *r) { ${'if (a) {'.repeat(300)} io_uring_submit(r); ${'}'.repeat(300)} int x = ${'('.repeat(300)}1${')'.repeat(300)}; }`;
    expect((await analyse(deep)).findings).toHaveLength(1);
  });
  it('a function with very many branches ends in time', async () => {
    const body = Array.from({ length: 400 }, (_, i) => `if (a[${i}]) { s = io_uring_get_sqe(r); if (!s) return; io_uring_prep_nop(s); x${i % 7} += ${i}; }`).join('\n');
    const start = performance.now();
    await analyse(`#include <liburing.h>\nvoid f(struct io_uring *r, int *a) { struct io_uring_sqe *s; int x0,x1,x2,x3,x4,x5,x6;\n${body}\n}`);
    expect(performance.now() - start).toBeLessThan(20_000);
  });
});

describe('trees', () => {
  it('every tree that was made is deleted, also when the analysis is over at once', async () => {
    const alive = new Set<Tree>();
    const original = Grammars.prototype.parse;
    Grammars.prototype.parse = function (language, text, old) {
      const tree = original.call(this, language, text, old);
      alive.add(tree);
      const remove = tree.delete.bind(tree);
      tree.delete = () => {
        alive.delete(tree);
        remove();
      };
      return tree;
    };
    try {
      for (const s of samples) await analyse(s.text, s.language);
      const session = new Session(testAnalyser(), 'x', 'c');
      const text = samples.find((s) => s.language === 'c')!.text;
      await session.ready(text);
      for (let i = 0; i < 50; i++) session.analyse(`${text}${'\n'.repeat(i)}`, {});
      session.drop();
    } finally {
      Grammars.prototype.parse = original;
    }
    expect(alive.size).toBe(0);
  }, 60_000);

  it('an edited tree gives what a fresh one gives', async () => {
    const analyser = testAnalyser();
    await fc.assert(fc.asyncProperty(mutated, async ({ text, language }) => {
      const sample = samples.find((s) => s.language === language)!;
      const session = new Session(analyser, 'x', language);
      await session.ready(sample.text);
      session.analyse(sample.text, {});
      await session.ready(text);
      const edited = session.analyse(text, {});
      session.drop();
      expect(edited.findings).toEqual((await analyse(text, language)).findings);
    }), { numRuns: 100 });
  }, 60_000);
});

describe('version after version', () => {
  /** Words that change what other functions see: calls back and forth, constants, definitions, includes. */
  const FAR = [
    ...TOKENS, '\n', '// x\n', '#define DEPTH 1\n', '#define OPEN_FLAGS O_DIRECT\n', '#define _GNU_SOURCE\n', '#include <aio.h>\n', '#include <errno.h>\n', 'static int fd;\n',
    'reap_1(q, 1);', 'run_4(q, r);', 'queue_sqe(q);', 'flush_3(q, r, 1);', 'int queue_write(int a) { return a; }\n', 'io_uring_queue_init(8, &q->ring, IORING_SETUP_SQPOLL);',
    'void io_submit(void);', 'exit(1);', 'return NULL;', 'fcntl(fd, F_SETFL, O_DIRECT);', 'r->fd = fd;', 'int main(void) { return 0; }\n', 'RWF_NOWAIT', 'syscall(426, 1);',
    '[&](int x) { return x; };', 'namespace n {', 'unsigned long res = events[i].res;',
  ];
  const change = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.oneof(fc.constant(0), fc.nat(60)), fc.oneof(fc.constant(''), fc.constantFrom(...FAR)));
  const at = (text: string, [place, length, insert]: [number, number, string]): string => {
    // whole lines where a line is put in
    const near = Math.floor(place * text.length);
    const from = insert.endsWith('\n') ? text.indexOf('\n', near) + 1 : near;
    return text.slice(0, from) + insert + text.slice(from + length);
  };
  const starts: { language: Language; text: string }[] = [...samples, { language: 'c', text: denseC(150) }, { language: 'cpp', text: `namespace engine {\n${denseC(150)}\n}\n` }];

  it('a session says what a fresh analysis says, whatever was edited before, undone ones too', async () => {
    const analyser = testAnalyser();
    const steps = fc.array(fc.record({ change, undo: fc.boolean() }), { minLength: 1, maxLength: 8 });
    await fc.assert(fc.asyncProperty(fc.oneof(fc.constantFrom(...starts), fc.constantFrom(...starts.slice(-2))), steps, async ({ language, text: first }, edits) => {
      const session = new Session(analyser, 'x', language);
      const same = async (text: string): Promise<void> => {
        await session.ready(text);
        expect(session.analyse(text, {})).toEqual(await analyse(text, language));
      };
      try {
        await same(first);
        for (let i = 0, text = first; i < edits.length; i++) {
          const before = text;
          await same((text = at(text, edits[i]!.change)));
          if (edits[i]!.undo) await same((text = before));
        }
      } finally {
        session.drop();
      }
    }), { numRuns: 40 });
  }, 120_000);

  it('also after so many versions that much is forgotten', async () => {
    const session = new Session(testAnalyser(), 'x', 'c');
    const text = denseC(300);
    await session.ready(text);
    const typed = ['\tif (!sqe) return -1;\n', '\tq->depth = DEPTH;\n', '\tint rc_{ = queue_write(q, r, 0);\n', '\treap_1(q, 1);\n', '#define DEPTH 8\n'];
    const places = [...text.matchAll(/\n\treturn [^\n]*;\n\}\n/g)].map((m) => m.index + 1);
    let version = 0;
    const see = async (now: string): Promise<void> => {
      const { findings } = session.analyse(now, {});
      if (++version % 17 === 0) expect(findings).toEqual((await analyse(now, 'c')).findings);
    };
    try {
      for (let n = 0; n < 16; n++) {
        const at = places[(n * 5) % places.length]!;
        const line = typed[n % typed.length]!;
        for (let i = 1; i <= line.length; i++) await see(text.slice(0, at) + line.slice(0, i) + text.slice(at));
        await see(text);
      }
      expect(version).toBeGreaterThan(300);
      await see(text.replaceAll('reap_', 'fetch_'));
      version = 16;
      await see(text);
    } finally {
      session.drop();
    }
  }, 60_000);

  it('what a field holds follows the function that made it', async () => {
    const session = new Session(testAnalyser(), 'x', 'c');
    const text = (flags: string) => `#define _GNU_SOURCE
#include <fcntl.h>
#include <libaio.h>
struct ctx { int fd; };
static int opened(const char *p) { return open(p, ${flags}); }
static void start(struct ctx *c, const char *p) { c->fd = opened(p); }
static int submit(struct ctx *c, io_context_t a, struct iocb *cb, void *b)
{
	io_prep_pread(cb, c->fd, b, 4096, 0);
	struct iocb *list[1] = { cb };
	return io_submit(a, 1, list);
}
int run(struct ctx *c, io_context_t a, struct iocb *cb, void *b) { return submit(c, a, cb, b); }
void init(struct ctx *c) { start(c, "x"); }
`;
    await session.ready(text(''));
    for (const flags of ['O_RDONLY', 'O_RDONLY | O_CLOEXEC', 'O_DIRECT', 'O_RDWR']) {
      const result = session.analyse(text(flags), {});
      expect(result).toEqual(await analyse(text(flags), 'c'));
      expect(result.findings.length > 0, flags).toBe(flags !== 'O_DIRECT');
    }
    session.drop();
  });

  it('looks anew only at functions that changed and at those that call them; the rest only moves', async () => {
    const looked: string[] = [];
    const check = uringNullSqe.check!;
    uringNullSqe.check = (file, func, report) => {
      looked.push(func.name);
      check(file, func, report);
    };
    const session = new Session(testAnalyser(), 'x', 'c');
    try {
      const text = denseC(400);
      await session.ready(text);
      const first = session.analyse(text, {}).findings;
      expect(looked).toContain('run_4');
      looked.length = 0;
      const moved = session.analyse(`\n\n${text}`, {}).findings;
      expect(looked).toEqual([]);
      expect(first.length).toBeGreaterThan(3);
      expect(moved.map((f) => f.range.start.line - 2)).toEqual(first.map((f) => f.range.start.line));
      session.analyse(text.replace('int reap_6(struct queue *q, unsigned wanted)\n{', '$&\n\ttrace(1);'), {});
      expect(looked).toEqual(['reap_6', 'copy_7', 'run_9']);
    } finally {
      session.drop();
      uringNullSqe.check = check;
    }
  });
});
