// Is the recorded latency true? One operation at a time, measured by the program itself from submission to reap in the same run.
import { middle, plain } from './figure.mjs';
import { attachLoader } from './loader.mjs';
import { diskFile, memoryFile } from './reads.mjs';
import { run } from './workload.mjs';

const GOAL_PERCENT = 5;
const GOAL_US = 2;
const TIMEOUT_US = 1000;

export async function latency(context) {
  const memory = memoryFile(context);
  const disk = diskFile(context);
  const cases = {
    tmpfs: memory && { op: 'READ', args: ['buffered', memory] },
    direct: disk && { op: 'READ', args: ['direct', disk] },
    timeout: { op: 'TIMEOUT', args: ['timeout', String(TIMEOUT_US)] },
  };
  const measured = {};
  for (const [name, it] of Object.entries(cases)) {
    if (!it) { measured[name] = { skipped: 'there is no such file system' }; continue; }
    const pairs = [];
    for (let round = 0; round < context.rounds; round++) {
      context.say(`latency: ${name}, round ${round + 1} of ${context.rounds}`);
      const [how, on] = it.args;
      const { p50Ns, told } = await run([context.program('depth-one'), String(context.seconds), how, on],
        (pid) => attachLoader(context, pid, ['--apis', 'io_uring']));
      pairs.push({ own: p50Ns / 1000, recorded: (told.report.apis.find((row) => row.op === it.op)?.p50_ns ?? NaN) / 1000 });
    }
    const off = middle(pairs.map(({ own, recorded }) => recorded - own));
    const own = middle(pairs.map((pair) => pair.own));
    const percent = middle(pairs.map((pair) => 100 * (pair.recorded - pair.own) / pair.own));
    measured[name] = {
      ownUs: plain(own), recordedUs: plain(middle(pairs.map((pair) => pair.recorded))), offPercent: plain(percent),
      offUs: { value: plain(off), goal: `within ${GOAL_PERCENT} % or ${GOAL_US} us`, reached: Math.abs(percent) <= GOAL_PERCENT || Math.abs(off) <= GOAL_US },
    };
  }
  return { rounds: context.rounds, ...measured };
}
