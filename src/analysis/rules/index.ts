/** Every rule there is. A new rule is a file here and a line in this table. */
import { aioBufferedIo } from './aio-buffered-io';
import { aioEventResUnsigned } from './aio-event-res-unsigned';
import { aioSubmitPartial } from './aio-submit-partial';
import type { Rule } from './rule';
import { rustUringResultIgnored } from './rust-uring-result-ignored';
import { rustUringUnsubmittedWrite } from './rust-uring-unsubmitted-write';
import { uringNullSqe } from './uring-null-sqe';
import { uringSubmitResultIgnored } from './uring-submit-result-ignored';

export const RULES: readonly Rule[] = [
  aioBufferedIo, aioEventResUnsigned, aioSubmitPartial,
  uringNullSqe, uringSubmitResultIgnored,
  rustUringResultIgnored, rustUringUnsubmittedWrite,
];
