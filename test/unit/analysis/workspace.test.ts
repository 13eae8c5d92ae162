/** What one file says counts in the others. */
import { describe, expect, it } from 'vitest';
import { languageOf } from '../../../src/analysis/gate';
import { Session } from '../../../src/analysis/session';
import { Workspace } from '../../../src/analysis/workspace';
import type { AnalysisResult } from '../../../src/protocol/analysis';
import { testAnalyser, textAt } from './support';

const analyser = testAnalyser();

type Files = Record<string, string>;
async function workspaceOf(files: Files, by = analyser): Promise<Workspace> {
  const workspace = new Workspace(by);
  const headers = Object.keys(files).filter((p) => /\.h(?:pp)?$/.test(p));
  workspace.know(headers);
  for (const [path, text] of Object.entries(files)) if (!headers.includes(path)) workspace.set(path, languageOf(path, text)!, text);
  await workspace.settle(async (path) => files[path]);
  return workspace;
}
async function analyseIn(files: Files, path: string): Promise<AnalysisResult> {
  return (await workspaceOf(files)).analyse(path, {});
}
const shown = (result: AnalysisResult, text: string) => result.findings.map((f) => `${f.rule} ${textAt(text, f)}`);

const RING = `#include <liburing.h>
struct engine { struct io_uring ring; int fd; };
static inline struct io_uring_sqe *must_get(struct engine *e)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&e->ring);
	if (!sqe)
		abort();
	return sqe;
}
static inline struct io_uring_sqe *try_get(struct engine *e)
{
	return io_uring_get_sqe(&e->ring);
}
`;
const USER = (get: string) => `#include "engine/ring.h"
int queue(struct engine *e, void *b)
{
	struct io_uring_sqe *sqe = ${get}(e);
	io_uring_prep_read(sqe, e->fd, b, 4096, 0);
	return io_uring_submit(&e->ring) == 1 ? 0 : -1;
}
`;

describe('across files', () => {
  it('a wrapper in an included header counts, and the related place lies there', async () => {
    const files = { 'src/include/engine/ring.h': RING, 'src/a.c': USER('must_get'), 'src/b.c': USER('try_get') };
    expect((await analyseIn(files, 'src/a.c')).findings).toEqual([]);
    const b = await analyseIn(files, 'src/b.c');
    expect(shown(b, files['src/b.c'])).toEqual(['uring-null-sqe sqe']);
  });
  it('a function of another file counts where its name is the only one', async () => {
    const helper = RING.replaceAll('static inline ', '');
    const user = USER('try_get').replace('#include "engine/ring.h"', '#include <liburing.h>\nstruct engine;\nstruct io_uring_sqe *try_get(struct engine *e);');
    expect((await analyseIn({ 'a.c': user, 'ring.c': helper }, 'a.c')).findings).toHaveLength(1);
    expect((await analyseIn({ 'a.c': user, 'ring.c': helper, 'other.c': helper }, 'a.c')).findings).toEqual([]);
    expect((await analyseIn({ 'x/a.c': user, 'x/ring.c': helper, 'y/other.c': helper }, 'x/a.c')).findings).toHaveLength(1);
  });
  it('functions that call each other across files end', async () => {
    const one = '#include <liburing.h>\nint pong(struct io_uring *r, int n);\nint ping(struct io_uring *r, int n) { return n ? pong(r, n - 1) : io_uring_submit(r); }\n';
    const two = '#include <liburing.h>\nint ping(struct io_uring *r, int n);\nint pong(struct io_uring *r, int n) { io_uring_submit(r); return ping(r, n); }\n';
    const workspace = await workspaceOf({ 'one.c': one, 'two.c': two });
    expect(workspace.analyse('one.c', {}).findings).toEqual([]);
    expect(shown(workspace.analyse('two.c', {}), two)).toEqual(['uring-submit-result-ignored io_uring_submit(r)']);
  });
  it('what another workspace saw of a file is enough until somebody asks what is in it', async () => {
    const helper = RING.replaceAll('static inline ', '');
    const user = USER('try_get').replace('#include "engine/ring.h"', '#include <liburing.h>\nstruct engine;\nstruct io_uring_sqe *try_get(struct engine *e);');
    const seen = (await workspaceOf({ 'ring.c': helper, 'broken.c': '' })).seen();
    expect(seen.map((s) => s.path)).toEqual(['ring.c']);
    const files = { 'a.c': user };
    const workspace = await workspaceOf(files);
    expect(workspace.analyse('a.c', {}).findings).toEqual([]);
    for (const { path, language, place, outline } of structuredClone(seen)) workspace.set(path, language, helper, place, outline);
    expect(workspace.wanted()).toEqual([]);
    expect(shown(workspace.analyse('a.c', {}), user)).toEqual(['uring-null-sqe sqe']);
  });
  it('a file in a language that no file to be analysed is in can be asked what is in it', async () => {
    const helper = `namespace { struct none; }\n${RING.slice(RING.indexOf('\n') + 1)}`;
    const [header] = (await workspaceOf({ 'main.cpp': '#include "ring.hpp"\n', 'ring.hpp': helper })).seen().filter((s) => s.path === 'ring.hpp');
    const user = USER('try_get').replace('"engine/ring.h"', '"ring.hpp"\n#include <liburing.h>');
    const workspace = await workspaceOf({ 'a.c': user }, testAnalyser());
    workspace.set('ring.hpp', header!.language, helper, 'ring.hpp', header!.outline);
    await workspace.settle(async () => undefined);
    expect(shown(workspace.analyse('a.c', {}), user)).toEqual(['uring-null-sqe sqe']);
  });
  it('a header that was included before its own header is still one', async () => {
    const files = { 'a.h': '#include "b.h"\n', 'b.h': '#include "a.h"\n#include <libaio.h>\n', 'x.c': '#include "a.h"\nint f(io_context_t c, struct io_event *ev) { if (io_getevents(c, 1, 1, ev, 0) != 1) return 1; return ev[0].res < 0; }\n' };
    expect(shown(await analyseIn(files, 'x.c'), files['x.c'])).toEqual(['aio-event-res-unsigned ev[0].res < 0']);
  });
  it('says whether the class gives a member its value', async () => {
    const header = (initial: string) => `#include <libaio.h>\nclass Engine {\npublic:\n\tEngine();\n\t~Engine() { io_destroy(ctx); }\nprivate:\n\tio_context_t ctx${initial};\n};\n`;
    const source = '#include "engine.h"\nEngine::Engine()\n{\n\tif (io_setup(8, &ctx) < 0)\n\t\tthrow 1;\n}\n';
    expect(shown(await analyseIn({ 'engine.h': header(''), 'e.cpp': source }, 'e.cpp'), source)).toEqual(['aio-ctx-not-zeroed &ctx']);
    expect(shown(await analyseIn({ 'engine.h': header(' = nullptr'), 'e.cpp': source }, 'e.cpp'), source)).toEqual([]);
    expect(shown(await analyseIn({ 'engine.h': header('{}'), 'e.cpp': source }, 'e.cpp'), source)).toEqual([]);
  });
  it('an edit in one file is seen in the others', async () => {
    const files = { 'engine/ring.h': RING, 'a.c': USER('try_get') };
    const workspace = await workspaceOf(files);
    const a = new Session(analyser, 'a.c', 'c', 'a.c', workspace);
    const header = new Session(analyser, 'engine/ring.h', 'c', 'engine/ring.h', workspace);
    await a.ready(files['a.c']);
    const open = files['a.c'];
    expect(a.analyse(open, {}).findings).toHaveLength(1);
    header.analyse(RING.replace('return io_uring_get_sqe(&e->ring);', 'return must_get(e);'), {});
    expect(a.analyse(open, {}).findings).toEqual([]);
    header.analyse(RING, {});
    expect(a.analyse(open, {}).findings).toHaveLength(1);
    header.drop();
    a.drop();
  });
});
