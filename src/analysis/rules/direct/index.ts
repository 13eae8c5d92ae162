/** Rules about O_DIRECT and alignment, whatever the transfer. */
import type { Rule } from '../rule';
import { directAllocAlignmentInvalid } from './direct-alloc-alignment-invalid';
import { directBufferUnaligned } from './direct-buffer-unaligned';
import { directFork } from './direct-fork';
import { directHardcoded512 } from './direct-hardcoded-512';
import { directLengthUnaligned } from './direct-length-unaligned';
import { directMissingGnuSource } from './direct-missing-gnu-source';
import { directMixedBuffered } from './direct-mixed-buffered';
import { directOpenNoFallback } from './direct-open-no-fallback';

export const DIRECT_RULES: readonly Rule[] = [
  directBufferUnaligned, directLengthUnaligned, directHardcoded512, directAllocAlignmentInvalid, directMissingGnuSource, directFork, directMixedBuffered, directOpenNoFallback,
];
