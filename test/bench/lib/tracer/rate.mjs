// How much is recorded without loss: NOPs at a given rate, on CPUs that the workload, the loader and everybody else share.
import { atLeast, atMost, middle, plain } from './figure.mjs';
import { attachLoader, lostOf } from './loader.mjs';
import { differences, inPairs } from './pairs.mjs';
import { run } from './workload.mjs';

/** Spans a second; two events each. */
const RATES = { spans500k: 500_000, events1500k: 750_000 };
const SECONDS = 5;
/** A rate that many programs have: what a user would feel. */
const STEADY = { rate: 100_000, workloadPercent: 2, loaderPercent: 2 };

const storm = (context, seconds, rate) => [context.program('nop-storm'), String(seconds), String(rate)];
const spans = (context) => (pid) => attachLoader(context, pid, ['--apis', 'io_uring']);

export async function rate(context) {
  const measured = {};
  for (const [name, wanted] of Object.entries(RATES)) {
    context.say(`rate: ${wanted} spans a second for ${SECONDS} s`);
    const { ops, ns, cpuNs, told } = await run(storm(context, SECONDS, wanted), spans(context));
    const { lost, records } = told.report;
    measured[name] = {
      // a hair under the rate is the clock's, not a loss of speed
      spansASecond: { ...atLeast(ops / (ns / 1e9), wanted), reached: ops / (ns / 1e9) >= 0.999 * wanted },
      issued: ops, recorded: records, lost: atMost(lostOf(told.report), 0), lostWhere: lost,
      // operations without a span that the loss counters do not explain
      unaccounted: atMost(Math.max(0, ops - records - lostOf(told.report)), 0),
      workloadCpuPercent: plain(100 * cpuNs / ns), loaderCpuPercent: plain(100 * told.cpuNs / ns), megabytes: plain(told.bytes / 1e6),
    };
  }
  return { seconds: SECONDS, ...measured, steady: await steady(context) };
}

async function steady(context) {
  const share = ({ cpuNs, ns }) => 100 * cpuNs / ns;
  const results = await inPairs(context, `rate (${STEADY.rate} a second)`, storm(context, 1, STEADY.rate), { spans: spans(context) });
  const { pairs, failures } = results.spans;
  if (pairs.length === 0) return { failed: failures[0] };
  return {
    spansASecond: STEADY.rate,
    addedCpuPercent: atMost(middle(differences(pairs, share)), STEADY.workloadPercent),
    loaderCpuPercent: atMost(middle(pairs.map(({ traced }) => 100 * traced.told.cpuNs / traced.ns)), STEADY.loaderPercent),
  };
}
