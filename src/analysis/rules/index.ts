/** Every rule there is. A new rule is a file here and a line in this table. */
import { aioBufferedIo } from './aio-buffered-io';
import type { Rule } from './rule';
import { uringNullSqe } from './uring-null-sqe';

export const RULES: readonly Rule[] = [aioBufferedIo, uringNullSqe];
