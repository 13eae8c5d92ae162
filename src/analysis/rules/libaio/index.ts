/** Rules about libaio and the raw AIO system calls. */
import type { Rule } from '../rule';
import { aioBufferedIo } from './aio-buffered-io';
import { aioErrnoMisuse } from './aio-errno-misuse';
import { aioEventResUnsigned } from './aio-event-res-unsigned';
import { aioSubmitPartial } from './aio-submit-partial';

export const LIBAIO_RULES: readonly Rule[] = [aioBufferedIo, aioErrnoMisuse, aioEventResUnsigned, aioSubmitPartial];
