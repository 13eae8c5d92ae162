/** What the analysis finds: shared by the language server, the command line and the editor. Positions are 0-based, UTF-16. */
import type { Phase } from './families';

export type Language = 'c' | 'cpp' | 'rust';
export type Severity = 'error' | 'warning' | 'information' | 'hint';
export type Confidence = 'certain' | 'likely' | 'heuristic';

export const FAMILIES = [
  'posix-aio', 'libaio', 'raw-aio', 'liburing', 'raw-io-uring', 'epoll',
  'tokio', 'tokio-uring', 'io-uring-crate', 'monoio', 'glommio', 'compio',
] as const;
export type Family = (typeof FAMILIES)[number];
/** What lives beside asynchronous I/O: shown where a family is used, not asynchronous by itself. */
export const NEIGHBOURS = ['direct-io', 'readiness'] as const;
export type Neighbour = (typeof NEIGHBOURS)[number];
export type Surface = Family | Neighbour;

export interface Position { line: number; column: number }
export interface Range { start: Position; end: Position }
export interface TextEdit { range: Range; text: string }

export interface Fix {
  title: string;
  edits: TextEdit[];
  /** safe fixes may run in "fix all"; the others change behaviour and want a person's eye */
  safe: boolean;
}
export interface Related { range: Range; message: string; /** absent: the same file */ path?: string }

export interface Finding {
  rule: string;
  severity: Severity;
  message: string;
  range: Range;
  related: Related[];
  fixes: Fix[];
}

export interface Usage<F extends Surface = Family> {
  range: Range;
  family: F;
  api: string;
  /** the function it stands in, with its class, namespace or type; absent outside functions */
  within?: string;
  /** a call, and no type, flag or import */
  call: boolean;
}

export interface AnalysisOptions {
  /** `ringlight.targetKernel`, like "6.1"; absent: no version findings */
  targetKernel?: string;
  /** `ringlight.targetLiburing`, like "2.3"; absent: the newest */
  targetLiburing?: string;
  /** severity overrides by rule id or glob; `off` silences */
  severities?: Record<string, Severity | 'off'>;
}

export interface AnalysisResult {
  findings: Finding[];
  usages: Usage[];
  neighbours: Usage<Neighbour>[];
  /** false when the file has no API token and was never parsed */
  parsed: boolean;
}

/** One rule's metadata; the code, the docs page and the manifest are compared by a test. */
export interface RuleInfo {
  id: string;
  languages: Language[];
  severity: Severity;
  confidence: Confidence;
  /** one line, as in the rule index */
  summary: string;
  /** about what is left behind: not said in tests, benchmarks and examples */
  cleanup?: true;
  /** the kernel refuses what it finds: a test that does so means to, or fails */
  refused?: true;
  /** about memory the kernel or the program may not touch: as severe in tests as anywhere */
  memorySafety?: true;
}

/** `ringlight lint --format json`; 1-based positions. */
export interface LintReport {
  version: 1;
  findings: LintFinding[];
  files: number;
  parsed: number;
  errors: { path: string; message: string }[];
}
export interface LintFinding extends LintRange {
  path: string;
  rule: string; severity: Severity; message: string; language: Language;
  fix?: { title: string; safe: boolean; edits: (LintRange & { text: string })[] };
  /** places that have to do with it */
  related?: (LintRange & { path: string; message: string })[];
}
export interface LintRange { line: number; column: number; endLine: number; endColumn: number }
/** `ringlight inventory --format json`; 1-based positions. */
export interface InventoryReport {
  version: 1;
  usages: InventoryUsage<Family>[];
  files: number;
  /** by family, the neighbours included */
  families: { family: Surface; phases: Phase[]; usages: number; calls: number; files: number }[];
  neighbours: InventoryUsage<Neighbour>[];
}
export interface InventoryUsage<F extends Surface> { path: string; line: number; column: number; language: Language; family: F; api: string; phase: Phase; function?: string }
