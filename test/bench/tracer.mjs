// The tracer, measured: npm run bench -- tracer [--only nop,tmpfs,direct,libaio,rate,latency,attach,size] [--rounds N] [--seconds S]
// [--most-rounds N] [--tracers none,spans,sampled,aggregate,filtered,bpftrace,strace,perf] [--disk FOLDER]. Prints one JSON object, progress to stderr.
// Needs root. docs/performance.md says how to read it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { attach } from './lib/tracer/attach.mjs';
import { goals } from './lib/tracer/figure.mjs';
import { latency } from './lib/tracer/latency.mjs';
import { loaderModes, loaderPath } from './lib/tracer/loader.mjs';
import { machine, versions } from './lib/tracer/machine.mjs';
import { nop } from './lib/tracer/nop.mjs';
import { MISSING, PEERS } from './lib/tracer/peers.mjs';
import { rate } from './lib/tracer/rate.mjs';
import { direct, libaio, tmpfs } from './lib/tracer/reads.mjs';
import { endAll, folder, folderInMemory, installed, start } from './lib/tracer/scene.mjs';
import { size } from './lib/tracer/size.mjs';

const PARTS = { nop, tmpfs, direct, libaio, rate, latency, attach, size };
const MODES = ['spans', 'sampled', 'aggregate'];

const { values } = parseArgs({
  options: {
    only: { type: 'string' }, rounds: { type: 'string', default: '7' }, seconds: { type: 'string', default: '0.5' },
    'most-rounds': { type: 'string', default: '100' }, tracers: { type: 'string' }, disk: { type: 'string', default: '/var/tmp' },
  },
});
const only = values.only?.split(',') ?? Object.keys(PARTS);
const unknown = only.filter((name) => !(name in PARTS));
if (unknown.length > 0) throw new Error(`no part is named ${unknown.join(', ')}: choose from ${Object.keys(PARTS).join(', ')}`);
if (process.getuid() !== 0) throw new Error('the tracer and its peers need root');

const root = fileURLToPath(new URL('../..', import.meta.url));
const say = (line) => process.stderr.write(`${line}\n`);
const scratch = folder();
for (const [program, ...args] of [
  [process.execPath, join(root, 'scripts/build.mjs')],
  ['make', '-s', '-C', join(root, 'test/bench/programs'), `OUT=${join(scratch, 'programs')}`],
]) {
  const { code, error } = await start(program, args, ['ignore', 2, 2]).ended;
  if (code !== 0) throw error ?? new Error(`${program} ${args.join(' ')} failed`);
}

const loader = loaderPath(root);
const modes = loaderModes(loader);
const context = {
  root, scratch, recordings: folderInMemory(), loader, modes, say, disk: values.disk, rounds: Number(values.rounds), seconds: Number(values.seconds),
  mostRounds: Number(values['most-rounds']), tracers: values.tracers?.split(','), program: (name) => join(scratch, 'programs', name),
};
const measured = {};
for (const name of Object.keys(PARTS).filter((part) => only.includes(part))) {
  try {
    measured[name] = await PARTS[name](context);
  } catch (error) {
    say(`${name}: ${error.stack}`);
    measured[name] = { failed: error.message };
    process.exitCode = 1;
    await endAll();
  }
}
console.log(JSON.stringify({
  machine: machine(),
  versions: versions([['ringlight', loader], ...Object.keys(PEERS).map((name) => [name, name])]),
  missing: [...MISSING, ...['bpftool'].filter((name) => !installed(name))],
  skipped: MODES.filter((mode) => !modes.includes(mode)).map((mode) => `${mode}: this loader has no such mode`),
  ...measured, goals: goals(measured),
}, null, 1));
