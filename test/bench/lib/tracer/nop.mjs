// NOPs in batches of 32 by one thread: next to nothing is done for an operation, so everything a tracer adds shows.
import { atLeast, atMost, middle, plain, range } from './figure.mjs';
import { baseOf, cpuNsPerOp, describeAll, differences, inPairs, perCpuSecond, perSecond, ratios, tracersFor } from './pairs.mjs';
import { pinned } from './workload.mjs';

const EVENTS_AN_OP = 2;
const KEPT_GOALS = { spans: 0.27 };
const EVENT_GOALS = { spans: 200, filtered: 80 };
/** how many times cheaper than a peer that gives a latency of each operation */
const CHEAPER_GOAL = 5;

export async function nop(context) {
  const workload = pinned([context.program('nop-storm'), String(context.seconds)]);
  const results = await inPairs(context, 'nop', workload, tracersFor(context, 'io_uring', { filtered: true }));
  const added = ({ pairs }) => middle(differences(pairs, cpuNsPerOp)) / EVENTS_AN_OP;
  const tracers = describeAll(results, (pairs, name) => {
    const kept = ratios(pairs, perCpuSecond);
    const addedNs = added({ pairs });
    return {
      kept: KEPT_GOALS[name] ? atLeast(middle(kept), KEPT_GOALS[name]) : plain(middle(kept)), keptRange: range(kept),
      // strace makes the workload wait for it, which costs no CPU time of the workload's
      keptOfWallTime: plain(middle(ratios(pairs, perSecond))),
      addedNsAnEvent: EVENT_GOALS[name] ? atMost(addedNs, EVENT_GOALS[name]) : plain(addedNs),
    };
  });
  const cheaper = Object.fromEntries(['bpftrace', 'perf'].filter((peer) => results.spans?.pairs.length > 0 && results[peer]?.pairs.length > 0)
    .map((peer) => [peer, atLeast(added(results[peer]) / added(results.spans), CHEAPER_GOAL)]));
  return { baseOpsACpuSecond: plain(baseOf(results, perCpuSecond)), rounds: context.rounds, tracers, timesCheaperThan: cheaper };
}
