/** Rules about rings as a whole: set-up, features, threads, the end. */
import type { Rule } from '../rule';
import { uringErrnoMisuse } from './uring-errno-misuse';
import { uringFeatureNewerThanTarget } from './uring-feature-newer-than-target';
import { uringInitUnchecked } from './uring-init-unchecked';
import { uringMissingExit } from './uring-missing-exit';
import { uringSetupParamsInvalid } from './uring-setup-params-invalid';

export const RING_RULES: readonly Rule[] = [uringErrnoMisuse, uringFeatureNewerThanTarget, uringInitUnchecked, uringMissingExit, uringSetupParamsInvalid];
