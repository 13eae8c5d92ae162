/** Rules about completions: waiting for them, reading them, giving them back. */
import type { Rule } from '../rule';
import { uringCqeDoubleAdvance } from './uring-cqe-double-advance';
import { uringCqeNotSeen } from './uring-cqe-not-seen';
import { uringCqePointerAssumed } from './uring-cqe-pointer-assumed';
import { uringCqeResUnchecked } from './uring-cqe-res-unchecked';
import { uringCqeUseAfterSeen } from './uring-cqe-use-after-seen';
import { uringWaitResultIgnored } from './uring-wait-result-ignored';

export const CQE_RULES: readonly Rule[] = [
  uringWaitResultIgnored, uringCqePointerAssumed, uringCqeResUnchecked, uringCqeNotSeen, uringCqeDoubleAdvance, uringCqeUseAfterSeen,
];
