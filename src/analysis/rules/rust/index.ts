/** Rules about Rust's runtimes and crates alone. */
import type { Rule } from '../rule';
import { rustUringResultIgnored } from './rust-uring-result-ignored';
import { rustUringUnsubmittedWrite } from './rust-uring-unsubmitted-write';

export const RUST_RULES: readonly Rule[] = [rustUringResultIgnored, rustUringUnsubmittedWrite];
