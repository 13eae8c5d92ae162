/** Rules about completions: waiting for them, reading them, giving them back. */
import type { Rule } from '../rule';

export const CQE_RULES: readonly Rule[] = [];
