/** Rules about Rust's runtimes and crates alone. */
import type { Rule } from '../rule';
import { rustMonoioTimerDisabled } from './rust-monoio-timer-disabled';
import { rustTokioFsMissingFlush } from './rust-tokio-fs-missing-flush';
import { rustTokioFsThreadPool } from './rust-tokio-fs-thread-pool';
import { rustUringBlockingCall } from './rust-uring-blocking-call';
import { rustUringForeignRuntime } from './rust-uring-foreign-runtime';
import { rustUringMissingClose } from './rust-uring-missing-close';
import { rustUringOpFutureDropped } from './rust-uring-op-future-dropped';
import { rustUringPushBufferLifetime } from './rust-uring-push-buffer-lifetime';
import { rustUringPushErrorIgnored } from './rust-uring-push-error-ignored';
import { rustUringQueueNotSynced } from './rust-uring-queue-not-synced';
import { rustUringResultIgnored } from './rust-uring-result-ignored';
import { rustUringUnsubmittedWrite } from './rust-uring-unsubmitted-write';

export const RUST_RULES: readonly Rule[] = [
  rustMonoioTimerDisabled, rustTokioFsMissingFlush, rustTokioFsThreadPool, rustUringBlockingCall, rustUringForeignRuntime, rustUringMissingClose,
  rustUringOpFutureDropped, rustUringPushBufferLifetime, rustUringPushErrorIgnored, rustUringQueueNotSynced, rustUringResultIgnored, rustUringUnsubmittedWrite,
];
