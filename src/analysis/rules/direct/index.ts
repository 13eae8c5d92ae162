/** Rules about O_DIRECT and alignment, whatever the transfer. */
import type { Rule } from '../rule';
import { directBufferUnaligned } from './direct-buffer-unaligned';

export const DIRECT_RULES: readonly Rule[] = [directBufferUnaligned];
