import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpanFlag } from '../../../src/protocol/wire';
import { formatSummary, StreamReader, Summaries } from '../../../src/trace';
import { Histogram } from '../../../src/trace/histogram';
import { READ, span, StreamWriter, totals, WRITE } from '../../support/encode';
import { syntheticRecording } from '../../support/synthetic';

function summarise(writer: StreamWriter): ReturnType<Summaries['summary']> {
  const reader = new StreamReader();
  reader.push(writer.bytes());
  return new Summaries(reader.store).summary(reader.finish());
}

describe('histogram', () => {
  it('is within 1 % of the exact percentile', () => {
    fc.assert(fc.property(fc.array(fc.oneof(fc.nat(300), fc.nat(2 ** 31 - 1), fc.integer({ min: 2 ** 40, max: 2 ** 52 })), { minLength: 1, maxLength: 300 }), fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1), (values, p) => {
      const h = new Histogram();
      for (const value of values) h.add(value);
      const sorted = [...values].sort((a, b) => a - b);
      const exact = sorted[Math.max(1, Math.ceil(p * values.length)) - 1]!;
      expect(Math.abs(h.percentile(p) - exact)).toBeLessThanOrEqual(exact * 0.01);
      expect(h.max).toBe(sorted.at(-1));
    }));
  });
  it('is exact at powers of two', () => {
    for (let e = 0; e < 53; e++) {
      for (const value of [2 ** e - 1, 2 ** e]) {
        const h = new Histogram();
        h.add(value);
        expect(h.percentile(0.5)).toBe(value);
      }
    }
  });
});

describe('summary', () => {
  it('counts each operation of a recording, whole and while it grows', () => {
    const { bytes, spans } = syntheticRecording({ perLane: 400 });
    const reader = new StreamReader();
    const summaries = new Summaries(reader.store);
    reader.push(bytes.subarray(0, bytes.length >> 1));
    expect(summaries.summary(undefined)).toMatchObject({ records: reader.store.spans.length, complete: false });
    reader.push(bytes.subarray(bytes.length >> 1));
    const summary = summaries.summary(reader.finish());
    expect(summary).toMatchObject({ records: spans.length, complete: true, lost: { kernel: 37 }, target_exit: { code: 0 } });
    expect(summary.problem).toBeUndefined();
    for (const { api, op, count, errors, bytes: moved } of summary.apis) {
      const number = { READ, WRITE, RECV: 27, PREAD: 0 }[op];
      const of = spans.filter((s) => s.api === api && s.op === number);
      expect(count).toBe(of.length);
      expect(errors).toBe(of.filter((s) => s.result < 0).length);
      expect(moved).toBe(of.reduce((n, s) => n + Math.max(0, s.result), 0));
    }
    const inflight = Object.fromEntries(summary.apis.map((a) => [a.op, a.inflight_max]));
    expect(inflight).toEqual({ READ: 16, WRITE: 4, RECV: 32, PREAD: 8 });
    expect(summary.processes).toEqual([{ pid: 4711, comm: 'copy-file', records: 1200, calls: 0 }, { pid: 4720, comm: 'echo-server', records: 400, calls: 0 }]);
    expect(summary.rings.map((r) => r.records)).toEqual([400, 400, 400, 400]);
    expect(summary.hooks).toEqual({ io_uring_submit_req: 'attached', io_uring_short_write: 'not in this kernel' });
  });

  it('counts the most in flight over several rings', () => {
    const summary = summarise(new StreamWriter().hello().spans([
      span({ start: 0, duration: 100, ring: 1 }), span({ start: 50, duration: 100, ring: 2 }), span({ start: 100, duration: 100, ring: 1 }),
      span({ start: 60, duration: 10, ring: 3, op: WRITE }),
    ]).goodbye());
    expect(summary.apis.map((a) => [a.op, a.inflight_max])).toEqual([['READ', 2], ['WRITE', 1]]);
  });

  it('restricts itself to a window', () => {
    const reader = new StreamReader();
    reader.push(new StreamWriter().hello().spans([span({ start: 0, duration: 100 }), span({ start: 500, duration: 100 }), span({ start: 900, duration: 50 })]).bytes());
    const summary = new Summaries(reader.store).summary(undefined, { t0: 50, t1: 600 });
    expect(summary).toMatchObject({ records: 2, duration_ns: 550 });
  });

  const aio = { api: 'libaio', op: 0, ring: 1 } as const;
  const file = (direct: boolean, path = '/data'): StreamWriter => new StreamWriter().hello().info({ kind: 'file', t: 0, pid: 100, fd: 3, path, direct });
  const rules = (writer: StreamWriter): (string | undefined)[] => summarise(writer.goodbye()).insights.filter((i) => i.severity === 'warning').map((i) => i.rule);

  it('sees a submit that blocks, and only that', () => {
    const blocked = Array.from({ length: 5 }, (_, i) => span({ ...aio, start: i * 10_000, duration: 4000, submit: 5000 }));
    expect(rules(file(false).spans(blocked))).toEqual(['aio-buffered-io']);
    expect(rules(file(false, 'pipe:[1]').spans(blocked))).toEqual(['aio-stream-fd']);
    // open with O_DIRECT, and a fast device
    expect(rules(file(true).spans(blocked.map((s) => ({ ...s, flags: SpanFlag.Direct }))))).toEqual([]);
    // flags of the file unknown
    expect(rules(new StreamWriter().hello().spans(blocked))).toEqual([]);
    // finished after io_submit returned
    expect(rules(file(false).spans(blocked.map((s) => ({ ...s, submit: 1000 }))))).toEqual([]);
    // how long io_submit took is unknown
    expect(rules(file(false).spans(blocked.map((s) => ({ ...s, submit: -1 }))))).toEqual([]);
  });

  it('proves a misaligned O_DIRECT operation', () => {
    const bad = span({ flags: SpanFlag.Direct, result: -22, length: 1000 });
    const { insights } = summarise(file(true).spans([bad]).goodbye());
    expect(insights[0]).toMatchObject({ rule: 'direct-length-unaligned', evidence: expect.stringContaining('length 1000') as string });
    expect(summarise(file(true).spans([{ ...bad, length: 1024 }]).goodbye()).insights[0]!.rule).toBeUndefined();
  });

  it('reports losses, overflows and unexpected punts', () => {
    const { insights } = summarise(new StreamWriter().hello().spans([
      span({ flags: SpanFlag.Overflow }), span({ flags: SpanFlag.Punted }), span({ flags: SpanFlag.Punted | SpanFlag.PuntExpected }),
    ]).goodbye({ totals: totals({ lost: { kernel: 3, stream: 0, unpaired: 0 } }) }));
    expect(insights.map((i) => i.id)).toEqual(['records-lost', 'cq-overflow', 'unexpected-punt']);
    expect(insights[2]!.evidence).toContain('1 of 3');
  });

  it('is silent about a recording with nothing wrong', () => {
    expect(summarise(file(true).spans([span({ flags: SpanFlag.Direct })]).goodbye()).insights).toEqual([]);
  });

  it('prints without letting a path act on the terminal', () => {
    const summary = summarise(file(false, '/tmp/\u001b[2Jx').spans(Array.from({ length: 3 }, () => span({ ...aio, submit: 9000 }))).goodbye());
    const text = formatSummary(summary);
    expect(text).toContain('PREAD');
    expect(text).toContain('/tmp/\ufffd[2Jx');
    expect(text).not.toContain('\u001b');
  });
});
