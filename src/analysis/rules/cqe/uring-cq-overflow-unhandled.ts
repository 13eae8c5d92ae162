import { bare, walkFunction, type Call, type Func } from '../../model';
import { placeOf } from '../../source-file';
import { integers } from '../../flow/value';
import type { Rule, View } from '../rule';

const MULTISHOT = /io_uring_prep_(?:multishot_|\w+_multishot)|IORING_(?:RECV|ACCEPT|TIMEOUT)_MULTISHOT|IORING_POLL_ADD_MULTI/;
/** Whoever uses these enters the kernel, or knows of the overflow. */
const AWARE = [
  'IORING_SQ_CQ_OVERFLOW', 'IORING_FEAT_NODROP', 'EBUSY', 'IORING_CQE_F_MORE', 'IORING_SETUP_CQSIZE', 'io_uring_cq_has_overflow', 'io_uring_get_events', 'io_uring_submit_and_get_events',
  'io_uring_wait_cqe', 'io_uring_wait_cqe_nr', 'io_uring_wait_cqes', 'io_uring_wait_cqe_timeout', 'io_uring_peek_cqe', 'io_uring_peek_batch_cqe', 'io_uring_submit_and_wait',
  'io_uring_submit_and_wait_timeout', 'io_uring_enter', 'io_uring_enter2',
];
/** Queues of this size do not overflow by a handful of connections. */
const LARGE = 1024n;

export const uringCqOverflowUnhandled: Rule = {
  info: {
    id: 'uring-cq-overflow-unhandled', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic',
    summary: 'A small completion queue takes multishot completions, and nothing looks after its overflow.',
  },
  why: 'A queue made by plain io_uring_queue_init() holds twice its entries. What does not fit is kept by the kernel until the next enter, and multishot requests stop; a consumer that only looks at the mapped queue may sleep over it.',
  families: ['liburing'],
  check(file, func, report) {
    const { program } = file;
    if (func.damaged || !program.mentions(func, /io_uring_queue_init\b/) || program.defines('io_uring_queue_init')) return;
    const here = program.mentions(func, MULTISHOT);
    const anywhere = here || program.some('multishot anywhere', (f) => program.mentions(f, MULTISHOT));
    // with the completions elsewhere nothing is known of them
    if (!anywhere || (!here && !program.names('io_uring_for_each_cqe') && !program.names('khead')) || AWARE.some((n) => program.names(n))) return;
    for (const call of walkFunction(func)) {
      if (call.kind !== 'call' || call.name !== 'io_uring_queue_init' || !isSmall(file, func, call)) continue;
      report({
        at: placeOf(func, call),
        message: 'The completion queue of this ring holds twice its entries, and multishot requests fill it at their own pace: on overflow they stop. Ask for more with IORING_SETUP_CQSIZE, or look for IORING_SQ_CQ_OVERFLOW.',
      });
    }
  },
};

function isSmall(file: View, func: Func, call: Call): boolean {
  const entries = call.args[0] && bare(call.args[0]);
  const flow = file.program.flow(func);
  let values: bigint[] | undefined;
  flow?.replay((event, memory) => {
    if (entries && event.kind === 'call' && event.call === call) values = integers(flow.value(entries, memory));
  });
  return values !== undefined && values.every((v) => v < LARGE);
}
