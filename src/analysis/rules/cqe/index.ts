/** Rules about completions: waiting for them, reading them, giving them back, and what they say of buffers and descriptors. */
import type { Rule } from '../rule';
import { uringCancelCompletionIgnored } from './uring-cancel-completion-ignored';
import { uringCqOverflowUnhandled } from './uring-cq-overflow-unhandled';
import { uringCqeDoubleAdvance } from './uring-cqe-double-advance';
import { uringCqeNotSeen } from './uring-cqe-not-seen';
import { uringCqePointerAssumed } from './uring-cqe-pointer-assumed';
import { uringCqeResUnchecked } from './uring-cqe-res-unchecked';
import { uringCqeUseAfterSeen } from './uring-cqe-use-after-seen';
import { uringFdClosedInFlight } from './uring-fd-closed-in-flight';
import { uringMultishotNoMoreCheck } from './uring-multishot-no-more-check';
import { uringProvidedBufferLifecycle } from './uring-provided-buffer-lifecycle';
import { uringSendZcNotif } from './uring-send-zc-notif';
import { uringShortTransferIgnored } from './uring-short-transfer-ignored';
import { uringTeardownWithInflight } from './uring-teardown-with-inflight';
import { uringWaitResultIgnored } from './uring-wait-result-ignored';

export const CQE_RULES: readonly Rule[] = [
  uringWaitResultIgnored, uringCqePointerAssumed, uringCqeResUnchecked, uringShortTransferIgnored, uringCqeNotSeen, uringCqeDoubleAdvance, uringCqeUseAfterSeen,
  uringTeardownWithInflight, uringFdClosedInFlight, uringCancelCompletionIgnored, uringCqOverflowUnhandled, uringMultishotNoMoreCheck, uringProvidedBufferLifecycle,
  uringSendZcNotif,
];
