/** Rules about POSIX AIO. */
import type { Rule } from '../rule';
import { posixAioCbLifetime } from './posix-aio-cb-lifetime';
import { posixAioResultMisuse } from './posix-aio-result-misuse';
import { posixAioThreadEmulation } from './posix-aio-thread-emulation';

export const POSIX_AIO_RULES: readonly Rule[] = [posixAioCbLifetime, posixAioResultMisuse, posixAioThreadEmulation];
