import { mishaps } from '../../idioms/in-flight';
import { placeOf } from '../../source-file';
import { teardownInRust } from './uring-teardown-with-inflight.rust';
import type { Rule } from '../rule';

export const uringTeardownWithInflight: Rule = {
  info: {
    id: 'uring-teardown-with-inflight', languages: ['c', 'cpp', 'rust'], severity: 'hint', confidence: 'heuristic', memorySafety: true,
    summary: 'Memory of a request is released although the request may still be running.',
  },
  why: 'Neither io_uring_queue_exit() nor closing the ring waits for requests: they are cancelled in the background, and the device may still write to their memory after it was freed.',
  families: ['liburing', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') teardownInRust(file, report);
  },
  check(file, func, report) {
    if (file.language === 'rust') return;
    if (!file.program.mentions(func, /io_uring_prep_/)) return;
    for (const m of mishaps(file.program, func) ?? []) {
      // without an end of the ring in sight somebody may still wait for it
      if (m.kind !== 'freed' || (m.stage === 'submitted' && !m.exit)) continue;
      report({
        at: placeOf(func, m.at),
        message: m.stage === 'overdue' ? 'The wait ended without this request: it is still running and may use the memory after it was freed. Cancel it, and wait for its completion.'
          : 'The request that uses this memory was submitted and not waited for; closing the ring does not wait either. Drain the completions first.',
        related: [{ at: placeOf(func, m.request.call), message: 'the request' }],
      });
    }
  },
};
