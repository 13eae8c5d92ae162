/** What an index over time needs to know of the rows it orders: operations and system calls alike. */
export interface TimeRows {
  /** handle of row 0, see handles.ts */
  readonly firstHandle: number;
  start(row: number): number;
  duration(row: number): number;
  /** half-open, at least 1 ns after the start */
  end(row: number): number;
  /** lane within the track: rows of one never overlap */
  slot(row: number): number;
  /** operation, or number of the system call */
  op(row: number): number;
  flags(row: number): number;
  failed(row: number): boolean;
  /** ns from the start to where it parted from its submitter, -1 none */
  parted(row: number): number;
  /** system calls only: ns off the CPU, and of these in uninterruptible sleep */
  asleep?(row: number): number;
  blocked?(row: number): number;
}
