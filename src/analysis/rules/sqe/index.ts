/** Rules about what is queued: sqes, what they point to, links, and submitting them. */
import type { Rule } from '../rule';
import { uringBufferEscapesScope } from './uring-buffer-escapes-scope';
import { uringBufferTouchedInFlight } from './uring-buffer-touched-in-flight';
import { uringDirectFdMisuse } from './uring-direct-fd-misuse';
import { uringFixedBufferMisuse } from './uring-fixed-buffer-misuse';
import { uringFsyncUnordered } from './uring-fsync-unordered';
import { uringInvalidOpCombination } from './uring-invalid-op-combination';
import { uringLinkShortTransfer } from './uring-link-short-transfer';
import { uringLinkTimeoutMisuse } from './uring-link-timeout-misuse';
import { uringLinkUnterminated } from './uring-link-unterminated';
import { uringMissingSubmit } from './uring-missing-submit';
import { uringNonblockFd } from './uring-nonblock-fd';
import { uringNullSqe } from './uring-null-sqe';
import { uringSqeSetupOrder } from './uring-sqe-setup-order';
import { uringStreamOffset } from './uring-stream-offset';
import { uringStructLifetime } from './uring-struct-lifetime';
import { uringSubmitResultIgnored } from './uring-submit-result-ignored';
import { uringUserDataUnset } from './uring-user-data-unset';

export const SQE_RULES: readonly Rule[] = [
  uringBufferEscapesScope, uringBufferTouchedInFlight, uringDirectFdMisuse, uringFixedBufferMisuse, uringFsyncUnordered, uringInvalidOpCombination, uringLinkShortTransfer, uringLinkTimeoutMisuse, uringLinkUnterminated, uringMissingSubmit, uringNonblockFd,
  uringNullSqe, uringSqeSetupOrder, uringStreamOffset, uringStructLifetime, uringSubmitResultIgnored, uringUserDataUnset,
];
