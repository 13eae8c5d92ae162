// How long the loader takes to attach, and how soon the kernel has none of its programs any more when it is left or killed.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost, middle, range } from './figure.mjs';
import { installed, start } from './scene.mjs';
import { prepare } from './workload.mjs';

const ATTACH_GOAL_MS = 500;
const GONE_GOAL_MS = 2000;
const GIVE_UP_MS = 20_000;

/** Ids of the bpf programs that a process holds. */
function programsOf(pid) {
  const ids = new Set();
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    let text = '';
    try { text = readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'); } catch { /* closed meanwhile */ }
    for (const [, id] of text.matchAll(/^prog_id:\s*(\d+)/gm)) ids.add(Number(id));
  }
  return ids;
}

/** Ids of all bpf programs in the kernel. */
function allPrograms() {
  const run = spawnSync(installed('bpftool'), ['prog', 'list', '-j'], { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (run.status !== 0) throw new Error(`bpftool: ${run.stderr}`);
  return JSON.parse(run.stdout).map(({ id }) => id);
}

/** Milliseconds until the process and all these programs are gone. */
async function gone(child, programs) {
  const began = performance.now();
  let ended = false;
  child.ended.then(() => { ended = true; });
  for (;;) {
    const left = allPrograms().some((id) => programs.has(id));
    const took = performance.now() - began;
    if (!left && ended) return took;
    if (took > GIVE_UP_MS) throw new Error(`after ${GIVE_UP_MS} ms the loader or a program of it is still there`);
    await sleep(10);
  }
}

export async function attach(context) {
  const ways = { stdinEnd: (child) => child.stdin.end(), sigkill: (child) => child.kill('SIGKILL') };
  const attached = [];
  const left = { stdinEnd: [], sigkill: [] };
  let count = 0;
  for (let round = 0; round < context.rounds; round++) {
    for (const [way, leave] of Object.entries(ways)) {
      context.say(`attach: round ${round + 1} of ${context.rounds}, ${way}`);
      const target = await prepare(['true']);
      const began = performance.now();
      const child = start(context.loader, ['--pid', String(target.pid)]);
      await new Promise((resolve, reject) => {
        child.stdout.once('data', resolve);
        child.ended.then(() => reject(new Error(`the loader did not attach: ${child.errors()}`)));
      });
      attached.push(performance.now() - began);
      child.stdout.resume();
      if (installed('bpftool')) {
        const programs = programsOf(child.pid);
        if (programs.size === 0) throw new Error('the loader shows no bpf program of its own');
        count = programs.size;
        leave(child);
        left[way].push(await gone(child, programs));
      } else {
        leave(child);
        await child.ended;
      }
      await target.end();
    }
  }
  const told = (values, goal) => values.length > 0 ? { ...atMost(middle(values), goal), range: range(values) } : { skipped: 'bpftool is not installed' };
  return {
    rounds: context.rounds, programs: count, attachMs: told(attached, ATTACH_GOAL_MS),
    goneAfterStdinEndMs: told(left.stdinEnd, GONE_GOAL_MS), goneAfterSigkillMs: told(left.sigkill, GONE_GOAL_MS),
  };
}
