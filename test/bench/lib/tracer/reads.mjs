// Random reads of 4 KiB: from memory at one thread's full speed, and from a disk through io_uring and libaio.
import { statfsSync } from 'node:fs';
import { atLeast, atMost, interval, medianAtLeast, middle, plain, range } from './figure.mjs';
import { baseOf, cpuNsPerOp, describeAll, differences, inPairs, perCpuSecond, perSecond, ratios, tracersFor } from './pairs.mjs';
import { dataFile, folder, isTmpfs, MEMORY } from './scene.mjs';
import { pinned } from './workload.mjs';

const MEGABYTES = 256;
const TMPFS_GOALS = { spans: 0.85, aggregate: 0.9 };
const DIRECT_GOALS = { spans: 0.98, sampled: 0.98, aggregate: 0.98 };
/** A disk varies by more than the goal allows: for these, short runs until it is decided, and the noise beside them. */
const DECIDED = ['none', 'spans'];
const DECIDING = { seconds: 0.25, rounds: 10 };
const LIBAIO_GOALS = { spans: 4, sampled: 4, aggregate: 4 };

const goal = (make, goals) => (name, value) => goals[name] === undefined ? plain(value) : make(value, goals[name]);

/** A file in memory, made once; undefined where there is no tmpfs. */
export function memoryFile(context) {
  if (!isTmpfs(MEMORY)) return undefined;
  return context.memoryFile ??= dataFile(folder(MEMORY), MEGABYTES);
}

/** A file on a disk, made once; undefined where the folder is in memory. */
export function diskFile(context) {
  if (isTmpfs(context.disk)) return undefined;
  return context.diskFile ??= dataFile(folder(context.disk), MEGABYTES);
}

export async function tmpfs(context) {
  const file = memoryFile(context);
  if (!file) return { skipped: `${MEMORY} is no tmpfs` };
  const workload = pinned([context.program('uring-reads'), file, String(context.seconds), '32', 'buffered']);
  const results = await inPairs(context, 'tmpfs', workload, tracersFor(context, 'io_uring'));
  const aimed = goal(atLeast, TMPFS_GOALS);
  return {
    depth: 32, megabytes: MEGABYTES, rounds: context.rounds, baseIopsACpuSecond: plain(baseOf(results, perCpuSecond)),
    tracers: describeAll(results, (pairs, tracer) => {
      const kept = ratios(pairs, perCpuSecond);
      return {
        kept: aimed(tracer, middle(kept)), keptRange: range(kept), keptOfWallTime: plain(middle(ratios(pairs, perSecond))),
        addedNsAnOp: plain(middle(differences(pairs, cpuNsPerOp))),
      };
    }),
  };
}

export async function direct(context) {
  const file = diskFile(context);
  if (!file) return { skipped: `${context.disk} is in memory: give --disk FOLDER` };
  const reads = (seconds) => pinned([context.program('uring-reads'), file, String(seconds), '16', 'direct']);
  const tracers = Object.entries(tracersFor(context, 'io_uring'));
  const some = (wanted) => Object.fromEntries(tracers.filter(([name]) => DECIDED.includes(name) === wanted));
  const results = {
    ...await untilDecided(context, reads(DECIDING.seconds), some(true)),
    ...await inPairs(context, 'direct', reads(context.seconds), some(false)),
  };
  return {
    depth: 16, megabytes: MEGABYTES, fileSystem: `0x${statfsSync(file).type.toString(16)}`, baseIops: plain(baseOf(results, perSecond)),
    tracers: describeAll(results, (pairs, tracer) => {
      const iops = ratios(pairs, perSecond);
      return {
        pairs: pairs.length,
        iops: DIRECT_GOALS[tracer] ? medianAtLeast(iops, DIRECT_GOALS[tracer]) : { value: plain(middle(iops)), interval: interval(iops) },
        iopsRange: range(iops), iopsACpuSecond: plain(middle(ratios(pairs, perCpuSecond))),
        addedCpuUsAnOp: plain(middle(differences(pairs, cpuNsPerOp)) / 1000),
      };
    }),
  };
}

/** Rounds of pairs until the figure of the spans is decided, or there were as many as there may be. */
async function untilDecided(context, workload, tracers) {
  const results = {};
  for (let done = 0; done < context.mostRounds; done += DECIDING.rounds) {
    const more = await inPairs({ ...context, rounds: DECIDING.rounds }, `direct, ${done} rounds before`, workload, tracers);
    for (const [name, { pairs, failures }] of Object.entries(more)) {
      results[name] ??= { pairs: [], failures: [] };
      results[name].pairs.push(...pairs);
      results[name].failures.push(...failures);
    }
    if (!results.spans || results.spans.failures.length > results.spans.pairs.length) break;
    // the first rounds may agree by chance
    if (done > 0 && medianAtLeast(ratios(results.spans.pairs, perSecond), DIRECT_GOALS.spans).decided) break;
  }
  return results;
}

export async function libaio(context) {
  const file = diskFile(context);
  if (!file) return { skipped: `${context.disk} is in memory: give --disk FOLDER` };
  const workload = pinned([context.program('aio-reads'), file, String(context.seconds), '16']);
  const results = await inPairs(context, 'libaio', workload, tracersFor(context, 'libaio'));
  const aimed = goal(atMost, LIBAIO_GOALS);
  return {
    depth: 16, megabytes: MEGABYTES, rounds: context.rounds, baseIops: plain(baseOf(results, perSecond)),
    baseCpuUsAnOp: plain(baseOf(results, cpuNsPerOp) / 1000),
    tracers: describeAll(results, (pairs, tracer) => {
      const added = differences(pairs, cpuNsPerOp).map((ns) => ns / 1000);
      return { addedCpuUsAnOp: aimed(tracer, middle(added)), addedRange: range(added), iops: plain(middle(ratios(pairs, perSecond))) };
    }),
  };
}
