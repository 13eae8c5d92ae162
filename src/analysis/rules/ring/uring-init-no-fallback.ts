import type { Edge, Event } from '../../flow/cfg';
import { isOutOfTheWay } from '../../idioms/out-of-sight';
import { resultFlow } from '../../idioms/return-convention';
import { RING_INIT, setupsIn, type Setup } from '../../idioms/ring-setup';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';
import { initInRust } from './uring-init-no-fallback.rust';

/** Another way is known, or the reader is told what to do. */
const KNOWS = /\bE(?:PERM|NOSYS|NOMEM|INVAL|OPNOTSUPP|ACCES)\b|(?<!-)fallback|fall(?:ing)? back|\bepoll_|\bp(?:read|write)v?2?\s*\(|\baio_|thread_?pool|seccomp|io_uring_disabled|sysctl|kernel|memlock/i;
const ENDS = /^(?:_?exit|_Exit|quick_exit|abort|errx?|verrx?|std::(?:exit|abort|terminate)|(?:\w+_)?(?:die|fatal|panic|bail)(?:_\w+)?)$/i;

export const uringInitNoFallback: Rule = {
  info: {
    id: 'uring-init-no-fallback', languages: ['c', 'cpp', 'rust'], severity: 'hint', confidence: 'heuristic', cleanup: true,
    summary: 'The program ends when it cannot create a ring, whatever the reason.',
  },
  why: 'io_uring is refused in many places: by the default seccomp profiles of containers and by kernel.io_uring_disabled (EPERM), by kernels without it (ENOSYS) or without a flag (EINVAL), and for want of memory to lock (ENOMEM).',
  families: ['liburing', 'raw-io-uring', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') initInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust' || func.damaged || !file.program.mentions(func, /io_uring_(?:queue_init|setup)/) || file.says(KNOWS)) return;
    const all = setupsIn(file, func);
    const [only] = all;
    if (!only || all.length > 1 || only.at !== only.call || !endsProgram(file, only)) return;
    report({
      at: placeOf(func, only.call),
      message: 'Without a ring this program ends, and rings are refused in many places: containers and kernel.io_uring_disabled (-EPERM), older kernels (-ENOSYS, -EINVAL), little locked memory (-ENOMEM). Have another way, or say what is missing.',
    });
  },
};

/** Every way on from the failure ends the program, with nothing but words on the way. */
function endsProgram(file: View, s: Setup): boolean {
  const flow = file.program.flow(s.func);
  const results = resultFlow(file, s.func);
  if (!flow || !results) return false;
  let fails = false;
  for (const block of flow.cfg.blocks) {
    const state = block.next.some((e) => e.guard) ? results.after(block) : undefined;
    if (!state) continue;
    for (const edge of block.next) {
      if (results.outcome(edge, state, s.call) !== true) continue;
      if (!ends(file, s, edge)) return false;
      fails = true;
    }
  }
  return fails;
}
function ends(file: View, { func }: Setup, from: Edge): boolean {
  const { cfg } = file.program.flow(func)!;
  const isMain = func.name === 'main' && !func.owner;
  const seen = new Set([from.to]);
  const work = [cfg.blocks[from.to]!];
  for (let block = work.pop(); block; block = work.pop()) {
    if (block.id === cfg.exit && !isMain) return false;
    const last = block.events.find((e) => isEnd(file, e));
    for (const e of block.events) if (e.kind === 'call' && e !== last && (RING_INIT.test(e.call.name) || !isOutOfTheWay(e.call))) return false;
    if (last) continue;
    // what throws in a program without a main of its own is caught by somebody
    if (block.id !== cfg.exit && block.next.length === 0 && !file.program.defines('main')) return false;
    for (const { to } of block.next) {
      if (seen.has(to)) continue;
      seen.add(to);
      work.push(cfg.blocks[to]!);
    }
  }
  return true;
}
function isEnd(file: View, e: Event): boolean {
  if (e.kind !== 'call') return false;
  return ENDS.test(e.call.callee.kind === 'name' ? e.call.callee.name : '') || (file.program.callee(e.call) !== undefined && ENDS.test(e.call.name));
}
