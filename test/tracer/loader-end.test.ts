/** However a trace ends, what arrived can be read, and no process and no BPF program stays. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { InstantKind, SpanFlag } from '../../src/protocol/wire';
import { decodeRecording } from '../support/frames';
import { buildLoader, leftovers, NOTHING, settled, type Leftovers } from '../support/launch';
import { buildPrograms, counts, eventually, isAlive, Loader, program } from '../support/loader';
import { WHY_NO_TRACING } from '../support/privilege';

describe.skipIf(WHY_NO_TRACING)(`the end of a trace ${WHY_NO_TRACING && `(skipped: ${WHY_NO_TRACING})`}`, () => {
  let before: Leftovers;
  beforeAll(() => {
    buildLoader();
    buildPrograms();
  });
  beforeEach(() => { before = leftovers(); });
  afterEach(async () => { expect(await settled(before)).toEqual(NOTHING); });

  interface Family { pid: number; child: number; daemon: number }
  const family = ['--', program('uring-forever'), 'children'];
  const allGone = (said: Family) => eventually(() => ![said.pid, said.child, said.daemon].some(isAlive), 'the end of the command and its children');

  async function begun(args: string[]): Promise<{ loader: Loader; said: Family }> {
    const loader = new Loader(args);
    const said = await loader.said() as unknown as Family;
    await loader.spans(50);
    return { loader, said };
  }

  test.each([
    { how: 'stdin closes', act: (loader: Loader) => loader.child.stdin.end(), reason: 'stopped' },
    { how: 'SIGTERM', act: (loader: Loader) => loader.child.kill('SIGTERM'), reason: 'signal' },
    { how: 'SIGHUP', act: (loader: Loader) => loader.child.kill('SIGHUP'), reason: 'signal' },
  ])('in order: $how', async ({ act, reason }) => {
    const { loader, said } = await begun(family);
    act(loader);
    expect(await loader.ended).toEqual({ code: 0, signal: null });
    await allGone(said);
    const { recording } = loader;
    expect(recording.goodbye).toMatchObject({ reason, totals: { spans: recording.spans.length, lost: { kernel: 0, stream: 0, unpaired: 0 } } });
    expect(recording.rest).toBe(0);
    expect(new Set(recording.spans.map((span) => span.pid))).toEqual(new Set(Object.values(said)));
  });

  test('a duration', async () => {
    const loader = new Loader(['--duration', '0.5', ...family]);
    expect(await loader.ended).toEqual({ code: 0, signal: null });
    await allGone(await loader.said() as unknown as Family);
    expect(loader.recording.goodbye?.reason).toBe('duration');
    expect(loader.recording.goodbye?.t).toBeGreaterThan(500_000_000);
  });

  test('the loader is killed', async () => {
    const { loader, said } = await begun(family);
    loader.child.kill('SIGKILL');
    expect(await loader.ended).toEqual({ code: null, signal: 'SIGKILL' });
    await allGone(said);
    expect(loader.recording.spans.length).toBeGreaterThanOrEqual(50);
    expect(loader.recording.goodbye).toBeUndefined();
    // cut anywhere, what is before the cut can be read
    for (let cut = loader.bytes.length; cut > loader.bytes.length - 300; cut--) decodeRecording(loader.bytes.subarray(0, cut));
  });

  test('the command is killed', async () => {
    const { loader, said } = await begun(family);
    process.kill(said.pid, 'SIGKILL');
    expect(await loader.ended).toEqual({ code: 1, signal: null });
    await allGone(said);
    const { recording } = loader;
    expect(recording.goodbye).toMatchObject({ reason: 'target-exited', exit: { signal: 9 } });
    expect(recording.goodbye?.totals.spans).toBe(recording.spans.length);
  });

  test('the traced process is killed', async () => {
    const target = new Loader(['--duration', '60', '--', program('uring-forever')]);
    const { pid } = await target.said() as unknown as Family;
    const loader = new Loader(['--pid', String(pid)]);
    await loader.spans(20);
    process.kill(pid, 'SIGKILL');
    expect(await loader.ended).toEqual({ code: 0, signal: null });
    expect(loader.recording.goodbye?.reason).toBe('target-exited');
    // what the kernel did not cancel is told as unfinished
    const totals = loader.recording.goodbye!.totals;
    expect(totals.lost).toEqual({ kernel: 0, stream: 0, unpaired: 0 });
    expect(loader.recording.spans.filter((span) => span.flags & SpanFlag.Unfinished)).toHaveLength(totals.apis[0]!.inflight);
    expect(totals.spans).toBe(loader.recording.spans.length);
    await target.ended;
  });

  test('the reader goes away', async () => {
    const { loader, said } = await begun(family);
    loader.child.stdout.destroy();
    await eventually(() => loader.child.exitCode !== null, 'the end of the loader');
    await allGone(said);
  });

  test('the exit code of the command', async () => {
    const loader = new Loader(['--', 'sh', '-c', 'exit 7']);
    expect((await loader.ended).code).toBe(1);
    expect(loader.recording.goodbye).toMatchObject({ reason: 'target-exited', exit: { code: 7 } });
  });

  test('a reader that stops reading costs frames, which are counted, and not the command’s time', async () => {
    // room for a machine that is so busy that the loader hardly runs
    const loader = new Loader(['--apis', 'io_uring', '--mode', 'spans', '--ring-buffer', '512', '--', program('uring-storm'), '4000000']);
    loader.child.stdout.pause();
    const said = await loader.said() as unknown as { ops: { NOP: number } };
    loader.child.stdout.resume();
    expect((await loader.ended).code).toBe(0);
    const { recording } = loader;
    const totals = recording.goodbye!.totals;
    expect(totals.lost.stream).toBeGreaterThan(0);
    expect(totals.apis).toEqual([{ api: 'io_uring', submitted: said.ops.NOP, completed: said.ops.NOP, inflight: 0 }]);
    expect(totals.spans).toBe(recording.spans.length);
    const told = recording.instants.filter((instant) => instant.kind === InstantKind.Lost).reduce((sum, instant) => sum + instant.value, 0);
    expect(totals.lost.kernel).toBe(0);
    expect(counts(recording.spans, 'io_uring').NOP! + told).toBe(said.ops.NOP);
  });

  test('a kernel buffer that is too small costs records, which are counted', async () => {
    const loader = new Loader(['--apis', 'io_uring', '--mode', 'spans', '--ring-buffer', '1', '--', program('uring-storm'), '2000000']);
    await loader.spans(1);
    // the loader sleeps while the command fills the buffer
    loader.child.kill('SIGSTOP');
    const said = await loader.said() as unknown as { ops: { NOP: number } };
    loader.child.kill('SIGCONT');
    expect((await loader.ended).code).toBe(0);
    const { recording } = loader;
    const totals = recording.goodbye!.totals;
    expect(totals.lost.kernel).toBeGreaterThan(0);
    expect(totals.apis).toMatchObject([{ api: 'io_uring', submitted: said.ops.NOP, completed: said.ops.NOP }]);
    expect(recording.instants.filter((instant) => instant.kind === InstantKind.Lost).reduce((sum, instant) => sum + instant.value, 0)).toBeGreaterThanOrEqual(totals.lost.kernel);
  });
});
