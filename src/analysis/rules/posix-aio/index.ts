/** Rules about POSIX AIO. */
import type { Rule } from '../rule';

export const POSIX_AIO_RULES: readonly Rule[] = [];
