/** Programs that hold their C library themselves: its functions are probed before the command starts. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/lib/paths.mjs';
import { buildLoader } from '../support/launch';
import { counts, expectConsistent, record } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

describe.skipIf(WHY_NO_TRACING)(`static programs ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let folder: string;
  let program: string;
  beforeAll(() => {
    buildLoader();
    folder = mkdtempSync('/var/tmp/ringlight-static-');
    program = join(folder, 'posix-known');
    execFileSync('make', ['-C', join(ROOT, 'test/programs'), `OUT=${folder}`, 'LINK=-static', program], { stdio: ['ignore', 'ignore', 'pipe'] });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(['by its path', 'found in PATH', 'from its folder'])('POSIX AIO of a command given %s, from the first request on', async (way) => {
    const [command, options] = way === 'by its path' ? [program, []] :
      way === 'found in PATH' ? [basename(program), ['--env', `PATH=/nowhere:${folder}:/usr/bin`]] : [`./${basename(program)}`, ['--cwd', folder]];
    const { code, recording, said } = await record(['--apis', 'posix-aio', ...options, '--', command, join(folder, 'data'), '20']);
    expect(code).toBe(0);
    expectConsistent(recording);
    expect(counts(recording.spans, 'posix-aio')).toEqual(said.ops);
  });
});
