/** The oldest kernel and the oldest library that the code under analysis has to run with. */
import type { AnalysisOptions } from '../protocol/analysis';

/** `major * 1000 + minor`, so that versions compare as numbers: 5.19 is 5019, 6.1 is 6001. */
export type Version = number;

/** Absent: nobody said, so nothing is held against the code. */
export interface Target { kernel?: Version; liburing?: Version }

/** `"6.1"` or `"6.1.55"`; undefined when it is no version. */
export function parseVersion(text: string): Version | undefined {
  const m = /^(\d+)\.(\d+)(?:\.\d+)?$/.exec(text);
  return m ? Number(m[1]) * 1000 + Number(m[2]) : undefined;
}
export function versionText(version: Version): string {
  return `${Math.floor(version / 1000)}.${version % 1000}`;
}

export function targetOf(options: AnalysisOptions): Target {
  const kernel = options.targetKernel === undefined ? undefined : parseVersion(options.targetKernel);
  const liburing = options.targetLiburing === undefined ? undefined : parseVersion(options.targetLiburing);
  return { ...(kernel === undefined ? {} : { kernel }), ...(liburing === undefined ? {} : { liburing }) };
}
export function sameTarget(a: Target, b: Target): boolean {
  return a.kernel === b.kernel && a.liburing === b.liburing;
}
