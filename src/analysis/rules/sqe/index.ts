/** Rules about what is queued: sqes, what they point to, links, and submitting them. */
import type { Rule } from '../rule';
import { uringBufferEscapesScope } from './uring-buffer-escapes-scope';
import { uringFsyncUnordered } from './uring-fsync-unordered';
import { uringLinkTimeoutMisuse } from './uring-link-timeout-misuse';
import { uringMissingSubmit } from './uring-missing-submit';
import { uringNullSqe } from './uring-null-sqe';
import { uringSqeSetupOrder } from './uring-sqe-setup-order';
import { uringStructLifetime } from './uring-struct-lifetime';
import { uringSubmitResultIgnored } from './uring-submit-result-ignored';
import { uringUserDataUnset } from './uring-user-data-unset';

export const SQE_RULES: readonly Rule[] = [uringBufferEscapesScope, uringFsyncUnordered, uringLinkTimeoutMisuse, uringMissingSubmit, uringNullSqe, uringSqeSetupOrder, uringStructLifetime, uringSubmitResultIgnored, uringUserDataUnset];
