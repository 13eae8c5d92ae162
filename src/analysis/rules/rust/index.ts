/** Rules about Rust's runtimes and crates alone. */
import type { Rule } from '../rule';
import { rustUringBlockingCall } from './rust-uring-blocking-call';
import { rustUringForeignRuntime } from './rust-uring-foreign-runtime';
import { rustUringPushBufferLifetime } from './rust-uring-push-buffer-lifetime';
import { rustUringPushErrorIgnored } from './rust-uring-push-error-ignored';
import { rustUringQueueNotSynced } from './rust-uring-queue-not-synced';
import { rustUringResultIgnored } from './rust-uring-result-ignored';
import { rustUringUnsubmittedWrite } from './rust-uring-unsubmitted-write';

export const RUST_RULES: readonly Rule[] = [rustUringBlockingCall, rustUringForeignRuntime, rustUringPushBufferLifetime, rustUringPushErrorIgnored, rustUringQueueNotSynced, rustUringResultIgnored, rustUringUnsubmittedWrite];
