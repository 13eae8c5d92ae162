// What a recording takes: bytes and the loader's CPU time a span, its memory, and the binaries themselves.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { atMost, middle, plain } from './figure.mjs';
import { attachLoader } from './loader.mjs';
import { memoryFile } from './reads.mjs';
import { pinned, run } from './workload.mjs';

const BINARY_GOAL_BYTES = 2 * 1024 * 1024;
const SECONDS = 2;
const NOP_RATE = 200_000;

export async function size(context) {
  const memory = memoryFile(context);
  const workloads = {
    nop: [context.program('nop-storm'), String(SECONDS), String(NOP_RATE)],
    ...(memory ? { tmpfsRead: [context.program('uring-reads'), memory, String(SECONDS), '32', 'buffered'] } : {}),
  };
  const streams = {};
  for (const [name, command] of Object.entries(workloads)) {
    const runs = [];
    for (let round = 0; round < context.rounds; round++) {
      context.say(`size: ${name}, round ${round + 1} of ${context.rounds}`);
      const { told } = await run(pinned(command), (pid) => attachLoader(context, pid, ['--apis', 'io_uring']));
      runs.push(told);
    }
    const of = (measure) => plain(middle(runs.map(measure)));
    streams[name] = {
      spans: of(({ report }) => report.records),
      bytesASpan: of(({ bytes, report }) => bytes / report.records),
      loaderCpuSecondsAMillionSpans: of(({ cpuNs, report }) => cpuNs / 1e3 / report.records),
      loaderAttachCpuMs: of(({ attachCpuNs }) => attachCpuNs / 1e6),
      loaderMaxRssMb: of(({ maxRssMb }) => maxRssMb),
    };
  }
  const output = dirname(dirname(context.loader));
  const binaries = readdirSync(output).map((machine) => [machine, join(output, machine, 'ringlight-loader')]).filter(([, path]) => existsSync(path));
  return { rounds: context.rounds, ...streams, binaryBytes: Object.fromEntries(binaries.map(([machine, path]) => [machine, atMost(statSync(path).size, BINARY_GOAL_BYTES)])) };
}
