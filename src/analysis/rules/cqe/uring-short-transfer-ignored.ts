import { prepName } from '../../idioms/sqe-preps';
import { operandOf } from '../../idioms/tested';
import { isCqeField } from '../../idioms/declared-type';
import { bare, ownExpressions, statements, walk, walkFunction, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import type { Rule, View } from '../rule';

const TRANSFERS = /^(?:read|write|send|recv|readv|writev|read_fixed|write_fixed|send_zc)$/;
const SIZE = /^(?:len|length|size|count|nbytes|bytes|n?bytes_?(?:left|todo|wanted)?|bs|block_?size|chunk\w*|\w+_(?:len|length|size))$/i;
/** Messages, whole records, and transfers that the kernel completes. */
const WHOLE = /MSG_WAITALL|SOCK_DGRAM|SOCK_SEQPACKET|O_DIRECT|recvmsg|sendmsg|eventfd|timerfd|signalfd/;

export const uringShortTransferIgnored: Rule = {
  info: {
    id: 'uring-short-transfer-ignored', languages: ['c', 'cpp'], severity: 'hint', confidence: 'heuristic',
    summary: 'A transfer that is no error is taken to be complete; it may have moved less than asked for.',
  },
  why: 'Reads, writes, sends and receives may end early, just like their system calls: at the end of a file, on a full disk or socket buffer, after a signal. What is missing has to be queued again.',
  families: ['liburing'],
  check(file, func, report) {
    if (func.damaged || !file.program.mentions(func, /\bres(?:ult)?\b/) || file.program.mentions(func, WHOLE)) return;
    for (const { test, progress } of assumed(file, func)) report({
      at: placeOf(func, progress),
      message: 'The whole length is counted, though the request may have moved less: add its result instead, and queue the rest again.',
      related: [{ at: placeOf(func, test), message: 'only the sign is looked at' }],
    });
  },
};

/** Progress by the length that was asked for, behind a test that looks at the result's sign only. */
function* assumed(file: View, func: Func): Generator<{ test: Expr; progress: Expr }> {
  const copies = new Set(handedResults(file, func));
  for (const s of statements(func.body)) if (s.kind === 'declare' && s.init && isResult(file, func, bare(s.init), copies)) copies.add(s.local.id);
  for (const e of walkFunction(func)) if (e.kind === 'assign' && e.op === '=' && e.target.kind === 'name' && isResult(file, func, bare(e.value), copies)) copies.add(e.target.id);
  const isRes = (e: Expr): boolean => isResult(file, func, bare(e), copies);
  // every use of the result is a test of its sign, or tells of an error
  const signs = [...walkFunction(func)].filter((e) => e.kind === 'binary' && isSign(e, isRes));
  if (!signs.length || !uses(file, func, isRes, signs)) return;
  if (!transfersHere(file, func)) return;
  for (const s of statements(func.body)) {
    if (s.kind !== 'if' || !s.test || !signs.includes(bare(s.test) as never)) continue;
    const tested = operandOf(s.test)!;
    const success = tested.op === '>=' || tested.op === '>' ? s.then : leaves(s.then) ? behind(func, s) : s.otherwise;
    const progress = success.flatMap((x) => (x.kind === 'expr' ? [x.expr] : x.kind === 'block' ? x.body.flatMap((b) => (b.kind === 'expr' ? [b.expr] : [])) : [])).find(byLength);
    if (progress) yield { test: s.test, progress };
  }
}
/** Parameters that some caller hands the result of a completion. */
function handedResults(file: View, func: Func): string[] {
  return func.params.filter((p, i) => !p.pointer && file.program.users(func).some((f) => [...walkFunction(f)].some((e) => e.kind === 'call' && e.name === func.name && e.args[i] && isCqeField(file, f, e.args[i], 'res')))).map((p) => p.id);
}
function isResult(file: View, func: Func, e: Expr, copies: Set<string>): boolean {
  if (e.kind === 'name') return copies.has(e.id);
  return isCqeField(file, func, e, 'res');
}
function isSign(e: Expr, isRes: (e: Expr) => boolean): boolean {
  const tested = operandOf(e);
  return tested !== undefined && e.kind === 'binary' && isRes(tested.operand) && (tested.with === 0n || tested.with === 'error');
}
function uses(file: View, func: Func, isRes: (e: Expr) => boolean, signs: Expr[]): boolean {
  const accounted = new Set<Expr>();
  for (const s of signs) for (const e of walk([s])) accounted.add(e);
  for (const e of walkFunction(func)) {
    if (e.kind === 'call' && /printf$|^strerror|perror|log|err/i.test(e.name)) for (const x of walk(e.args)) accounted.add(x);
    // a copy is what its uses are
    if (e.kind === 'assign' && e.op === '=' && e.target.kind === 'name' && isRes(e.value)) for (const x of walk([e])) accounted.add(x);
  }
  for (const s of statements(func.body)) {
    if (s.kind === 'declare' && s.init && isRes(s.init)) for (const x of walk([s.init])) accounted.add(x);
    // an error that is handed on
    if (s.kind === 'if' && s.test && signs.includes(bare(s.test))) {
      for (const r of statements(failing(s))) for (const x of walk(ownExpressions(r))) accounted.add(x);
    }
  }
  return ![...walkFunction(func)].some((e) => isRes(e) && !accounted.has(e) && !(e.kind === 'name' && file.source(placeOf(func, e)) === ''));
}
function failing(s: Extract<Stmt, { kind: 'if' }>): Stmt[] {
  const tested = operandOf(s.test!);
  return tested && (tested.op === '<' || tested.op === '<=') ? s.then : s.otherwise;
}
function leaves(body: Stmt[]): boolean {
  const last = body.at(-1);
  return last?.kind === 'block' ? leaves(last.body) : last !== undefined && /^(?:return|continue|break|goto|throw)$/.test(last.kind);
}
/** The statements that follow one in its list. */
function behind(func: Func, s: Stmt): Stmt[] {
  const lists = [func.body, ...[...statements(func.body)].flatMap((x) => (x.kind === 'if' ? [x.then, x.otherwise] : x.kind === 'loop' || x.kind === 'block' ? [x.body] : x.kind === 'switch' ? x.cases.map((c) => c.body) : []))];
  const list = lists.find((l) => l.includes(s));
  return list ? list.slice(list.indexOf(s) + 1) : [];
}
/** `offset += length` */
function byLength(e: Expr): boolean {
  if (e.kind !== 'assign' || (e.op !== '+' && e.op !== '-')) return false;
  const value = bare(e.value);
  return SIZE.test(value.kind === 'name' ? value.name : value.kind === 'member' ? value.field : '');
}
/** The requests whose completions come here move data: they are prepared in the file, if any are. */
function transfersHere(file: View, func: Func): boolean {
  const { program } = file;
  const ops = (f: Func): string => program.memo.derived(f, 'prepared transfers', () => [...walkFunction(f)].flatMap((e) => (e.kind === 'call' ? prepName(e.name) ?? [] : [])).join(' '));
  const own = ops(func);
  const all = own || program.memo.derived(program, 'prepared transfers', () => program.gather('transfers of functions', (f) => ops(f).split(' ').filter(Boolean)).join(' '));
  return !all || all.split(' ').some((op) => TRANSFERS.test(op));
}
