/** Tests, benchmarks and examples: short programs that leave things behind, and mean to. */
import type { Severity } from '../protocol/analysis';
import type { Func, Place } from './model';
import type { SourceFile } from './source-file';

const TEST_PATH = /(?:^|[/\\])(?:tests?|unittests?|bench(?:es|marks?)?|examples?)(?:[-_.][^/\\]*)?[/\\]|(?:^|[/\\])(?:[^/\\]*[-_.](?:test|tests|bench|unittest)\.\w+|(?:test|bench)[-_][^/\\]*)$/i;
const TEST_FUNCTION = /^(?:test_\w+|TEST\w*)$/;

const TEST_ATTRIBUTE = /^(?:\w+::)*(?:test|bench)\b|^cfg\((?:all\()?test\b/;

/** By a folder's or the file's own name; `path` is relative to the project, since what lies above says nothing of it. */
export function isTestPath(path: string): boolean {
  return TEST_PATH.test(path);
}
const EXAMPLE_PATH = /(?:^|[/\\])(?:bench(?:es|marks?)?|examples?)(?:[-_.][^/\\]*)?[/\\]|(?:^|[/\\])(?:[^/\\]*[-_.]bench\.\w+|bench[-_][^/\\]*)$/i;
/** Whether a path of test code is of an example or a benchmark, which people learn from. */
export function isExamplePath(path: string): boolean {
  return EXAMPLE_PATH.test(path);
}
/** Says of places whether they lie in a function that is a test. */
export function testCode(file: SourceFile): (place: Place) => boolean {
  let tests: Func[] | undefined;
  return (place) => {
    tests ??= file.facts.functions.filter(isTestFunction);
    const at = place.base + place.span.start;
    return tests.some((f) => f.base + f.span.start <= at && at < f.base + f.span.end);
  };
}
/** By its name or its attributes. */
export function isTestFunction(func: Func): boolean {
  return TEST_FUNCTION.test(func.name) || (func.attributes?.some((a) => TEST_ATTRIBUTE.test(a.text)) ?? false);
}

const MILDER: Record<Severity, Severity | 'off'> = { error: 'warning', warning: 'information', information: 'hint', hint: 'off' };
/** One step less; advice on how it is done better is no news in a test. */
export function milder(severity: Severity): Severity | 'off' {
  return MILDER[severity];
}
