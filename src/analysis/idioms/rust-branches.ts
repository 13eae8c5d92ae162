/** The branch of a completion loop that an entry's completions take, told by the constant in its user data. */
import { isWithin, statements, walk, walkFunction, type Expr, type Func, type Span, type Stmt } from '../model';
import { placeOf, type SourceFile } from '../source-file';
import { declarationOf, plain, rustCalls } from './rust-code';
import type { Entry } from './rust-uring';

/** `others`: the branches beside it, of other tokens. */
interface Branch { func: Func; body: Stmt[]; span: Span; others: Span[] }

const FLAGS = /^io_uring::cqueue::(?:Entry::flags|more|notif|sock_nonempty|buffer_more)$/;
const SPEAKS = /\bflags\b|\bmore\b|notif/i;

/** The only branch for an entry's completions, where it is certain that no flag is looked at on the way through it. */
export function blindBranch(file: SourceFile, entry: Entry): Branch | undefined {
  const token = tokenOf(entry);
  const branches = token === undefined ? [] : file.program.functions(new RegExp(`\\b${token}\\b`)).flatMap((f) => (f.damaged ? [] : branchesFor(file, f, token)));
  const [branch] = branches;
  if (branches.length !== 1 || !branch?.body.length || SPEAKS.test(file.source(placeOf(branch.func, branch)))) return undefined;
  const called = new Set([...walkFunction(branch.func)].flatMap((e) => (e.kind === 'call' && isWithin(e.span, branch.span) ? [e.name] : [])));
  for (const f of file.program.functions(SPEAKS)) {
    if (f === branch.func) continue;
    // a function that the branch calls, or that leads to it, may look
    if (called.has(f.name) || isInside(f, branch.func) || [...walkFunction(f)].some((e) => e.kind === 'call' && e.name === branch.func.name)) return undefined;
  }
  const looks = rustCalls(file, branch.func).filter((c) => FLAGS.test(c.path));
  return looks.every((c) => branch.others.some((o) => isWithin(c.call.span, o))) ? branch : undefined;
}
function isInside(func: Func, outer: Func): boolean {
  for (let f: Func | undefined = func; f; f = f.parent) if (f === outer) return true;
  return false;
}

/** The one constant in `.user_data(…)`. */
function tokenOf(entry: Entry): string | undefined {
  const given = entry.methods.filter((m) => m.name === 'user_data' && m.args.length === 1);
  let value = given.length === 1 ? given[0]!.args[0] : undefined;
  if (value && plain(value).kind === 'name') value = declarationOf(entry.func, (plain(value) as { id: string }).id)?.statement.init ?? value;
  const names = value ? [...walk([value])].flatMap((e) => (e.kind === 'name' && /(?:^|::)[A-Z]\w*$/.test(e.name) ? [e.name.replace(/^.*::/, '')] : [])) : [];
  return names.length === 1 ? names[0] : undefined;
}

function branchesFor(file: SourceFile, func: Func, token: string): Branch[] {
  if (!rustCalls(file, func).some((c) => c.path.startsWith('io_uring::cqueue::Entry::'))) return [];
  const isToken = (e: Expr): boolean => plain(e).kind === 'name' && (plain(e) as { name: string }).name.replace(/^.*::/, '') === token;
  return [...statements(func.body)].flatMap((s): Branch[] => {
    if (s.kind === 'switch') {
      const own = s.cases.filter((c) => (c.pattern ?? '').split('|').some((p) => p.trim().replace(/^.*::/, '') === token));
      return own.map((c) => ({ func, body: c.body, span: around(c.body, s.span), others: s.cases.filter((o) => o !== c && o.body.length > 0).map((o) => around(o.body, s.span)) }));
    }
    if (s.kind !== 'if' || !s.test || s.test.kind !== 'binary' || s.test.op !== '==' || !(isToken(s.test.left) || isToken(s.test.right))) return [];
    return [{ func, body: s.then, span: around(s.then, s.span), others: s.otherwise.length ? [around(s.otherwise, s.span)] : [] }];
  });
}
function around(body: Stmt[], fallback: Span): Span {
  return body.length ? { start: body[0]!.span.start, end: body[body.length - 1]!.span.end } : fallback;
}
