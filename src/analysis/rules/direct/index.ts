/** Rules about O_DIRECT and alignment, whatever the transfer. */
import type { Rule } from '../rule';

export const DIRECT_RULES: readonly Rule[] = [];
