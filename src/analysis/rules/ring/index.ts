/** Rules about rings as a whole: set-up, features, threads, the end. */
import type { Rule } from '../rule';
import { uringErrnoMisuse } from './uring-errno-misuse';
import { uringInitUnchecked } from './uring-init-unchecked';
import { uringSetupParamsInvalid } from './uring-setup-params-invalid';

export const RING_RULES: readonly Rule[] = [uringErrnoMisuse, uringInitUnchecked, uringSetupParamsInvalid];
