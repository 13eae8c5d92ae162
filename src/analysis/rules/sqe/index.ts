/** Rules about what is queued: sqes, what they point to, links, and submitting them. */
import type { Rule } from '../rule';
import { uringMissingSubmit } from './uring-missing-submit';
import { uringNullSqe } from './uring-null-sqe';
import { uringSqeSetupOrder } from './uring-sqe-setup-order';
import { uringSubmitResultIgnored } from './uring-submit-result-ignored';
import { uringUserDataUnset } from './uring-user-data-unset';

export const SQE_RULES: readonly Rule[] = [uringMissingSubmit, uringNullSqe, uringSqeSetupOrder, uringSubmitResultIgnored, uringUserDataUnset];
