/** Rules about libaio and the raw AIO system calls. */
import type { Rule } from '../rule';
import { aioBufferedIo } from './aio-buffered-io';
import { aioCtxNotZeroed } from './aio-ctx-not-zeroed';
import { aioCtxWrongType } from './aio-ctx-wrong-type';
import { aioErrnoMisuse } from './aio-errno-misuse';
import { aioEventResUnsigned } from './aio-event-res-unsigned';
import { aioEventUnchecked } from './aio-event-unchecked';
import { aioExtendingWrite } from './aio-extending-write';
import { aioFieldSetBeforePrep } from './aio-field-set-before-prep';
import { aioGeteventsBusyLoop } from './aio-getevents-busy-loop';
import { aioIocbLifetime } from './aio-iocb-lifetime';
import { aioMissingDestroy } from './aio-missing-destroy';
import { aioStreamFd } from './aio-stream-fd';
import { aioSubmitPartial } from './aio-submit-partial';

export const LIBAIO_RULES: readonly Rule[] = [
  aioBufferedIo, aioCtxNotZeroed, aioCtxWrongType, aioErrnoMisuse, aioEventResUnsigned, aioFieldSetBeforePrep, aioGeteventsBusyLoop, aioStreamFd,
  aioSubmitPartial, aioEventUnchecked, aioExtendingWrite, aioIocbLifetime, aioMissingDestroy,
];
