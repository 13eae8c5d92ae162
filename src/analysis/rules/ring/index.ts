/** Rules about rings as a whole: set-up, features, threads, the end. */
import type { Rule } from '../rule';
import { uringDeprecatedApi } from './uring-deprecated-api';
import { uringErrnoMisuse } from './uring-errno-misuse';
import { uringFeatureNewerThanTarget } from './uring-feature-newer-than-target';
import { uringInitNoFallback } from './uring-init-no-fallback';
import { uringInitUnchecked } from './uring-init-unchecked';
import { uringIopollUnsuitable } from './uring-iopoll-unsuitable';
import { uringMissingExit } from './uring-missing-exit';
import { uringPeekBusyLoop } from './uring-peek-busy-loop';
import { uringRingSharedNoLock } from './uring-ring-shared-no-lock';
import { uringRingUsedAfterFork } from './uring-ring-used-after-fork';
import { uringSetupParamsInvalid } from './uring-setup-params-invalid';
import { uringSingleIssuerCrossThread } from './uring-single-issuer-cross-thread';
import { uringSqpollRequirements } from './uring-sqpoll-requirements';

export const RING_RULES: readonly Rule[] = [
  uringErrnoMisuse, uringInitUnchecked, uringInitNoFallback, uringSetupParamsInvalid, uringFeatureNewerThanTarget, uringMissingExit, uringSqpollRequirements, uringIopollUnsuitable, uringSingleIssuerCrossThread, uringPeekBusyLoop,
  uringRingSharedNoLock, uringRingUsedAfterFork, uringDeprecatedApi,
];
