import { isGuard } from '../../api/names';
import { flagBits } from '../../idioms/flag-bits';
import { isDisk, O_DIRECT } from '../../idioms/fd-origin';
import { bare, ownExpressions, statements, walk, walkFunction, type Call, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import { SPEAKS_OF_DIRECT } from './direct-files';
import { openNoFallbackInRust } from './direct-open-no-fallback.rust';
import type { Rule, View } from '../rule';

/** Position of the flags. */
const OPENS = new Map([['open', 1], ['open64', 1], ['openat', 2], ['openat64', 2]]);
const FATAL = /^(?:abort|_?exit|_Exit|quick_exit|err|errx|verr|verrx|error|perror_exit|perror_and_die|terminate|(?:\w+_)?(?:die|fatal|panic|bail)(?:_\w+)?)$/i;

export const directOpenNoFallback: Rule = {
  info: {
    id: 'direct-open-no-fallback', languages: ['c', 'cpp', 'rust'], severity: 'hint', confidence: 'heuristic', cleanup: true,
    summary: 'The program gives up where a file system refuses O_DIRECT; an open without it would do.',
  },
  why: 'File systems without direct I/O refuse an open with O_DIRECT with EINVAL. The manual suggests to treat O_DIRECT as an option: open again without it when that is the error.',
  families: [],
  tokens: /\bopen/,
  check(file, func, report) {
    if (file.language === 'rust') return openNoFallbackInRust(file, func, report);
    if (func.damaged || !file.says(SPEAKS_OF_DIRECT) || file.program.mentions(func, /\bEINVAL\b/)) return;
    const flow = file.program.flow(func);
    flow?.replay((event, memory) => {
      if (event.kind !== 'call' || event.call.callee.kind !== 'name' || file.program.callee(event.call)) return;
      const { call } = event;
      const position = OPENS.get(call.name);
      const flags = position === undefined ? undefined : call.args[position];
      if (!flags || isDisk(call.args[position! - 1])) return;
      const bits = flagBits(flags, flow, memory);
      if ((bits.must & O_DIRECT) === 0n || bits.param !== undefined || bits.may < 0n) return;
      if (opensAgain(func, call) || !givesUp(file, func, call)) return;
      const word = [...walk([flags])].find((e) => e.kind === 'name' && e.name === 'O_DIRECT');
      report({
        at: placeOf(func, word ?? flags),
        message: 'File systems without direct I/O refuse this open with EINVAL, and the program gives up then. Open again without O_DIRECT when errno is EINVAL.',
      });
    });
  },
};

/** Another open in the function, of what may be the same file: a second try. */
function opensAgain(func: Func, call: Call): boolean {
  const path = (c: Call): Expr | undefined => { const e = c.args[OPENS.get(c.name)! - 1]; return e && bare(e); };
  const own = path(call);
  for (const e of walkFunction(func)) {
    if (e.kind !== 'call' || e === call || !OPENS.has(e.name)) continue;
    const other = path(e);
    // one has a name of its own in the source
    const elsewhere = (own?.kind === 'text') !== (other?.kind === 'text') || (own?.kind === 'text' && other?.kind === 'text' && own.value !== other.value);
    if (!elsewhere) return true;
  }
  return false;
}

/** The branch taken when the open failed ends the program. */
function givesUp(file: View, func: Func, call: Call): boolean {
  const holder = holderOf(func, call);
  for (const s of statements(func.body)) {
    if (s.span.end < call.span.start) continue;
    if (s.kind === 'if' && s.test && concerns(s.test, call, holder)) return ends(file, func, isFailure(s.test) ? s.then : s.otherwise);
    const guard = s.kind === 'expr' ? bare(s.expr) : undefined;
    if (guard?.kind === 'call' && guard !== call && isGuard(guard.name) && guard.args.some((a) => concerns(a, call, holder))) return true;
  }
  return false;
}
/** What the descriptor is assigned to. */
function holderOf(func: Func, call: Call): string | undefined {
  for (const s of statements(func.body)) {
    if (s.kind === 'declare' && s.init && bare(s.init) === call) return s.local.id;
    for (const e of walk(ownExpressions(s))) if (e.kind === 'assign' && bare(e.value) === call) return nameOf(e.target);
  }
  return undefined;
}
function nameOf(e: Expr): string | undefined {
  const inner = bare(e);
  return inner.kind === 'name' ? inner.id : inner.kind === 'member' ? `.${inner.field}` : undefined;
}
function concerns(test: Expr, call: Call, holder: string | undefined): boolean {
  return [...walk([test])].some((e) => e === call || (holder !== undefined && nameOf(e) === holder));
}
/** `fd < 0`, `fd == -1`; the others ask whether it worked. */
function isFailure(test: Expr): boolean {
  const e = bare(test);
  if (e.kind === 'unary' && e.op === '!') return !isFailure(e.operand);
  if (e.kind !== 'binary') return false;
  return e.op === '<' || e.op === '<=' || e.op === '==' || ((e.op === '||' || e.op === '&&') && isFailure(e.left));
}
function ends(file: View, func: Func, body: Stmt[]): boolean {
  return [...statements(body)].some((s) => s.kind === 'throw' || (s.kind === 'return' && func.name === 'main')
    || [...walk(ownExpressions(s))].some((e) => e.kind === 'call' && isFatal(file, e)));
}
function isFatal(file: View, call: Call): boolean {
  if (FATAL.test(call.name)) return true;
  const callee = file.program.callee(call);
  if (callee) return file.program.summary(callee)?.noReturn === true;
  return /\b(?:_?exit|abort)\s*\(/.test(file.program.macro(call.name) ?? '');
}
