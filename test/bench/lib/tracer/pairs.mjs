// A workload without and with each tracer, in pairs that follow each other at once: what else the machine does then falls on both.
import { attachLoader, lostOf } from './loader.mjs';
import { PEERS } from './peers.mjs';
import { middle, plain } from './figure.mjs';
import { endAll } from './scene.mjs';
import { prepare, run } from './workload.mjs';

/** Tracers of a workload, by name: `attach(pid)` resolves to something with `stop()`. */
export function tracersFor(context, api, { filtered = false } = {}) {
  const modes = Object.fromEntries(context.modes.map((mode) => [mode, (pid) => attachLoader(context, pid, ['--apis', api, ...(mode === 'spans' ? [] : ['--mode', mode])])]));
  const peers = Object.fromEntries(Object.entries(PEERS).map(([name, attach]) => [name, (pid) => attach({ api, scratch: context.scratch }, pid)]));
  const all = { none: undefined, ...modes, ...(filtered ? { filtered: () => attachToAnother(context, api) } : {}), ...peers };
  return Object.fromEntries(Object.entries(all).filter(([name]) => !context.tracers || context.tracers.includes(name)));
}

/** The loader traces a process that does nothing; the workload's events are rejected by its filter. */
async function attachToAnother(context, api) {
  const other = await prepare(['true']);
  const loader = await attachLoader(context, other.pid, ['--apis', api]);
  return {
    async stop() {
      const told = await loader.stop();
      await other.end();
      return told;
    },
  };
}

/**
 * @param workload a command, as for `run`
 * @param tracers as of {@link tracersFor}; without one, a run shows the noise
 * @returns for each tracer its `pairs` of `{ base, traced }`, and the messages of `failures`: what fails more often than not is given up
 */
export async function inPairs({ rounds, say }, name, workload, tracers) {
  const results = Object.fromEntries(Object.keys(tracers).map((tracer) => [tracer, { pairs: [], failures: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (const [tracer, attach] of Object.entries(tracers)) {
      const { pairs, failures } = results[tracer];
      if (failures.length > pairs.length) continue;
      say(`${name}: round ${round + 1} of ${rounds}, ${tracer}`);
      try {
        const pair = {};
        // the one that comes first in one round is second in the next
        if (round % 2) pair.base = await run(workload);
        pair.traced = await run(workload, attach);
        pair.base ??= await run(workload);
        pairs.push(pair);
      } catch (error) {
        say(`${name}: ${tracer}: ${error.message}`);
        failures.push(error.message);
        await endAll();
      }
    }
  }
  return results;
}

export const perCpuSecond = ({ ops, cpuNs }) => ops / (cpuNs / 1e9);
export const perSecond = ({ ops, ns }) => ops / (ns / 1e9);
export const cpuNsPerOp = ({ ops, cpuNs }) => cpuNs / ops;

/** Traced beside base by a measure, one for each pair. */
export const ratios = (pairs, measure) => pairs.map(({ base, traced }) => measure(traced) / measure(base));
export const differences = (pairs, measure) => pairs.map(({ base, traced }) => measure(traced) - measure(base));

/** What all runs without a tracer say together. */
export function baseOf(results, measure) {
  return middle(Object.values(results).flatMap(({ pairs }) => pairs).map(({ base }) => measure(base)));
}

/** `describe(pairs, name)` of each tracer that worked, its losses or the share it saw, and why the others did not. */
export function describeAll(results, describe) {
  return Object.fromEntries(Object.entries(results).map(([name, { pairs, failures }]) => {
    if (pairs.length === 0) return [name, { failed: failures[0] }];
    const reports = pairs.flatMap(({ traced }) => traced.told?.report ?? []);
    const seen = pairs.flatMap(({ traced }) => traced.told?.operations === undefined ? [] : traced.told.operations / traced.ops);
    return [name, {
      ...describe(pairs, name),
      ...(reports.length > 0 ? { lost: reports.reduce((sum, report) => sum + lostOf(report), 0) } : {}),
      ...(failures.length > 0 ? { failures } : {}),
      ...(seen.length > 0 ? { seen: plain(middle(seen)) } : {}),
    }];
  }));
}
