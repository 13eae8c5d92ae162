/** Rules about rings as a whole: set-up, features, threads, the end. */
import type { Rule } from '../rule';

export const RING_RULES: readonly Rule[] = [];
