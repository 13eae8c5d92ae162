/** Every rule there is. A new rule is a file in the folder of what it is about, and a line in that folder's table. */
import { CQE_RULES } from './cqe';
import { DIRECT_RULES } from './direct';
import { LIBAIO_RULES } from './libaio';
import { POSIX_AIO_RULES } from './posix-aio';
import { RING_RULES } from './ring';
import type { Rule } from './rule';
import { RUST_RULES } from './rust';
import { SQE_RULES } from './sqe';

export const RULES: readonly Rule[] = [...LIBAIO_RULES, ...POSIX_AIO_RULES, ...DIRECT_RULES, ...RING_RULES, ...SQE_RULES, ...CQE_RULES, ...RUST_RULES];
