import { since } from '../../api/versions';
import { constant } from '../../flow/value';
import { bare, childrenOf, ownExpressions, placeIn, statements, walk, walkFunction, expressionsOf, type Binary, type Call, type Expr, type Func, type Span, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { versionText, type Version } from '../../target';
import { insertion, type Draft, type Rule, type View } from '../rule';
import { newerInRust } from './uring-feature-newer-than-target.rust';

type Report = (draft: Draft) => void;

export const uringFeatureNewerThanTarget: Rule = {
  info: {
    id: 'uring-feature-newer-than-target', languages: ['c', 'cpp', 'rust'], severity: 'warning', confidence: 'certain',
    summary: 'Something newer than the oldest kernel or liburing to support is used without a check.',
  },
  why: 'A kernel that does not know an operation or a flag answers EINVAL; an older liburing does not even have the name. A version test that is the wrong way round lets exactly those through that it should keep out.',
  families: ['liburing', 'raw-io-uring', 'io-uring-crate'],
  checkFile(file, report) {
    if (file.language === 'rust') newerInRust(file, report);
  },
  check(file, func, report) {
    if (func.damaged) return;
    if (file.language === 'rust') {
      if (file.program.mentions(func, /maj/i)) halfComparisons(file, func, report);
      return;
    }
    const { kernel, liburing } = file.target;
    if (file.program.mentions(func, /io_uring_|IORING_|IOSQE_/)) {
      if (file.program.mentions(func, /check_version/i)) invertedChecks(file, func, report);
      // without a target, only a check around the whole function matters
      if (kernel !== undefined || liburing !== undefined || file.conditions(func, func.span).some((c) => positiveCheck(c) !== undefined)) newerUses(file, func, report);
    }
    if (file.program.mentions(func, /maj|\buname\b/i)) halfComparisons(file, func, report);
  },
};

interface Use { name: string; span: Span }

function newerUses(file: View, func: Func, report: Report): void {
  const { kernel, liburing } = file.target;
  const told = new Set<string>();
  for (const use of usesIn(file, func)) {
    const first = since(use.name);
    if (!first || told.has(use.name)) continue;
    const conditions = file.conditions(func, use.span);
    const at = placeOf(func, use);
    const inverted = first.liburing === undefined ? undefined : conditions.map(positiveCheck).find((v) => v !== undefined && first.liburing! >= v);
    if (inverted !== undefined && !standsUnderIf(file, func, use.span)) {
      report({ at, message: `${use.name} came with liburing ${versionText(first.liburing!)}, but IO_URING_CHECK_VERSION() is true for versions OLDER than the one it names: the #if around this is the wrong way round.` });
    } else if (kernel !== undefined && first.kernel > kernel && !conditions.some(isVersionGuard) && !isProbed(file, func, use)) {
      report({ at, message: `${use.name} needs Linux ${versionText(first.kernel)}; the code has to run on ${versionText(kernel)}, which answers EINVAL. Ask for the feature first, or have another way.` });
    } else if (liburing !== undefined && file.includes('liburing.h') && first.liburing !== undefined && first.liburing > liburing && !conditions.some(isVersionGuard)) {
      report({ at, message: `${use.name} came with liburing ${versionText(first.liburing)}; the code has to build with ${versionText(liburing)}.` });
    } else continue;
    told.add(use.name);
  }
}

/** Names of the table that a function makes use of, not those it only asks about. */
function* usesIn(file: View, func: Func): Generator<Use> {
  const known = (name: string): boolean => since(name) !== undefined && !file.definesConstant(name) && !file.program.defines(name);
  const visit = function* (e: Expr, active: boolean): Generator<Use> {
    switch (e.kind) {
      case 'call':
        if (e.callee.kind === 'name' && known(e.name)) yield { name: e.name, span: e.nameSpan };
        // asking whether an operation is there, and printing its name
        if (/supported|probe|print|log|assert|str/i.test(e.name)) return;
        for (const a of e.args) yield* visit(a, true);
        return;
      case 'name':
        if (active && /^(?:IOSQE_|IORING_(?!CQE_|FEAT_|SQ_|CQ_)|IOU_PBUF_|SOCKET_URING_OP_)/.test(e.name) && known(e.name)) yield { name: e.name, span: e.span };
        return;
      case 'binary':
        // a test, or the clearing of a bit, works on every kernel
        if (e.op === '|' || e.op === '+') for (const c of childrenOf(e)) yield* visit(c, active);
        else for (const c of childrenOf(e)) yield* visit(c, false);
        return;
      case 'unary':
        yield* visit(e.operand, e.op !== '~' && active);
        return;
      case 'assign':
        yield* visit(e.value, e.op !== '&');
        return;
      case 'index': case 'lambda': return;
      default: for (const c of childrenOf(e)) yield* visit(c, e.kind === 'control' ? false : active);
    }
  };
  for (const s of statements(func.body)) {
    // values of `case` name what is told apart
    const own = s.kind === 'switch' ? [s.subject] : ownExpressions(s);
    for (const e of own) yield* visit(e, s.kind === 'declare' || s.kind === 'return');
  }
}

/** A condition that somebody wrote with features in mind. */
function isVersionGuard(condition: string): boolean {
  return /HAVE|HAS_|SUPPORT|WITH_|USE_|ENABLE|CONFIG|VERSION|IORING_|IOSQE_|URING|KERNEL/i.test(condition);
}
/** Tests of an answer, a feature, a version or an option. */
const ASKS = /opcode_supported|get_probe|register_probe|IORING_FEAT_|features\b|[=!]=\s*-?\s*\(?(?:EINVAL|EOPNOTSUPP|ENOSYS)|(?:EINVAL|EOPNOTSUPP|ENOSYS)\)?\s*[=!]=|case\s+-?\s*(?:EINVAL|EOPNOTSUPP|ENOSYS)|\buname\s*\(|kernel_?version|linux_version/i;
const CAPABILITY = /supp|\bhas|_has|have|\bcan_|_can_|feat|avail|enabl|probe|kernel|version|\buse_|_use_|uses|opt|flag|mode|cap/i;
/** Whether the function, or the file with its probe, asks before it uses. */
function isProbed(file: View, func: Func, use: Use): boolean {
  const { program } = file;
  if (program.mentions(func, ASKS)) return true;
  if (!/^IORING_SETUP_/.test(use.name) && program.functions(/opcode_supported|IORING_REGISTER_PROBE|register_probe|IORING_FEAT_/).length > 0) return true;
  for (const s of statements(func.body)) {
    if (s.kind !== 'if' || !s.test || s.span.start > use.span.start) continue;
    if (CAPABILITY.test(file.source(placeOf(func, s.test)))) return true;
  }
  return false;
}

/** `IO_URING_CHECK_VERSION(2, 4)` without a `!`: the version it names. */
function positiveCheck(condition: string): Version | undefined {
  const m = /^\(?\s*(?:defined\s*\(?\w+\)?\s*&&\s*)?IO_URING_CHECK_VERSION\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*\)?$/.exec(condition);
  return m ? Number(m[1]) * 1000 + Number(m[2]) : undefined;
}
/** `if (io_uring_check_version(2, 4)) new_function();` and `#if` the same way inside the function. */
function invertedChecks(file: View, func: Func, report: Report): void {
  for (const s of statements(func.body)) {
    if (s.kind !== 'if') continue;
    const check = s.test ? checkIn(file, s.test) : directiveCheck(file, func, s);
    if (!check) continue;
    const newer = firstNewer(file, s.then, check.version);
    if (!newer || firstNewer(file, s.otherwise, check.version)) continue;
    const name = s.test ? 'io_uring_check_version()' : 'IO_URING_CHECK_VERSION()';
    report({
      at: placeIn(func, check.span),
      message: `${name} is true for versions OLDER than the one it names, so ${newer} is used exactly where it is missing. Negate the test.`,
      fixes: [{ title: 'Negate the version test', edits: [insertion(func, check.span.start, '!')], safe: false }],
    });
  }
}
interface Check { version: Version; span: Span }
function checkIn(file: View, test: Expr): Check | undefined {
  const e = bare(test);
  if (e.kind === 'binary' && e.op === '&&') return checkIn(file, e.left) ?? checkIn(file, e.right);
  if (e.kind !== 'call' || !/^(?:io_uring_check_version|IO_URING_CHECK_VERSION)$/.test(e.name) || file.program.defines(e.name)) return undefined;
  const [major, minor] = e.args.map(bare);
  if (major?.kind !== 'int' || minor?.kind !== 'int') return undefined;
  return { version: Number(major.value) * 1000 + Number(minor.value), span: e.span };
}
function directiveCheck(file: View, func: Func, s: Stmt): Check | undefined {
  const m = /^#[ \t]*if[ \t]+(?:defined[ \t]*\(?\w+\)?[ \t]*&&[ \t]*)?(?=IO_URING_CHECK_VERSION)/.exec(file.source(placeOf(func, s)));
  if (!m) return undefined;
  const start = s.span.start + m[0].length;
  const text = /^IO_URING_CHECK_VERSION\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)/.exec(file.source(placeIn(func, { start, end: s.span.end })));
  return text ? { version: Number(text[1]) * 1000 + Number(text[2]), span: { start, end: start + text[0].length } } : undefined;
}
/** The first name in there that came with the version or later. */
function firstNewer(file: View, body: Stmt[], version: Version): string | undefined {
  for (const e of walk(body.flatMap(expressionsOf))) {
    if ((e.kind !== 'name' && e.kind !== 'call') || file.program.defines(e.name)) continue;
    const first = since(e.name)?.liburing;
    if (first !== undefined && first >= version && !/check_version/i.test(e.name)) return e.name;
  }
  return undefined;
}
/** Whether the `#if` around is inside the function, where the condition itself is underlined. */
function standsUnderIf(file: View, func: Func, at: Span): boolean {
  for (const s of statements(func.body)) if (s.kind === 'if' && !s.test && s.span.start <= at.start && at.end <= s.span.end && directiveCheck(file, func, s)) return true;
  return false;
}

/** `major >= 5 && minor >= 11`, which refuses 6.0; and its denial `major < 5 || minor < 11`. */
function halfComparisons(file: View, func: Func, report: Report): void {
  const inner = new Set<Expr>();
  for (const e of walkFunction(func)) {
    if (e.kind !== 'binary' || (e.op !== '&&' && e.op !== '||')) continue;
    const sides = [bare(e.left), bare(e.right)];
    // `major > 5 || (major == 5 && minor >= 11)` is right
    if (sides.some((s) => isCompare(file, s, /maj/i, e.op === '||' ? ['>', '>='] : ['<', '<=']))) for (const x of walk(sides)) inner.add(x);
    if (inner.has(e)) continue;
    const [major, minor] = e.op === '&&' ? [['>=', '>'], ['>=', '>']] : [['<', '<='], ['<', '<=']];
    const named = isCompare(file, sides[0]!, /maj/i, major!) && isCompare(file, sides[1]!, /min|patch/i, minor!);
    if (!(named || isOfRelease(file, func, sides, [major!, minor!])) || limit(file, sides[1]!) === 0n) continue;
    const [first, second] = [limit(file, sides[0]!)!, limit(file, sides[1]!)!];
    if (first < 2n || first > 9n) continue;
    report({ at: placeOf(func, e), message: `Versions are compared part by part: ${first + 1n}.0 counts as older than ${first}.${second}. Compare the second number only where the first ones are equal.` });
  }
}
function isCompare(file: View, e: Expr, name: RegExp, ops: string[]): e is Binary {
  if (e.kind !== 'binary' || !ops.includes(e.op) || limit(file, e) === undefined) return false;
  const left = bare(e.left);
  return left.kind === 'name' ? name.test(left.name) : left.kind === 'member' ? name.test(left.field) : left.kind === 'call' && name.test((left as Call).name);
}
/** `version[0] >= 5 && version[1] >= 5`, of what uname() says. */
function isOfRelease(file: View, func: Func, sides: Expr[], ops: string[][]): boolean {
  if (!file.program.mentions(func, /\buname\s*\(/)) return false;
  const parts = sides.map((side, i) => {
    const left = side.kind === 'binary' && ops[i]!.includes(side.op) && limit(file, side) !== undefined ? bare(side.left) : undefined;
    const index = left?.kind === 'index' && left.index ? bare(left.index) : undefined;
    const object = left?.kind === 'index' ? bare(left.object) : undefined;
    return index?.kind === 'int' && index.value === BigInt(i) && object?.kind === 'name' ? object.id : undefined;
  });
  return parts[0] !== undefined && parts[0] === parts[1];
}
function limit(file: View, e: Expr): bigint | undefined {
  const right = e.kind === 'binary' ? bare(e.right) : undefined;
  return right?.kind === 'int' ? right.value : right?.kind === 'name' && /^[A-Z][A-Z0-9_]*$/.test(right.name) ? constant(file.program.constantValue(right)) : undefined;
}
