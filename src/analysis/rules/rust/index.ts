/** Rules about Rust's runtimes and crates alone. */
import type { Rule } from '../rule';
import { rustUringBlockingCall } from './rust-uring-blocking-call';
import { rustUringForeignRuntime } from './rust-uring-foreign-runtime';
import { rustUringResultIgnored } from './rust-uring-result-ignored';
import { rustUringUnsubmittedWrite } from './rust-uring-unsubmitted-write';

export const RUST_RULES: readonly Rule[] = [rustUringBlockingCall, rustUringForeignRuntime, rustUringResultIgnored, rustUringUnsubmittedWrite];
