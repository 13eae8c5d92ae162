/** Which transfers go to files that are open with O_DIRECT. */
import { flagState, O_DIRECT, originsOf, type Origin } from '../../idioms/fd-origin';
import { parameterIn, transfersOf, type Operand, type Transfer } from '../../idioms/transfers';
import { sameList } from '../../memo';
import { statements, walk, walkFunction, ownExpressions, type Expr, type Func, type Stmt } from '../../model';
import { placeOf } from '../../source-file';
import type { View } from '../rule';

/** Files without the word have nothing to do with direct I/O, nor have helpers in other files that they call. */
export const SPEAKS_OF_DIRECT = /direct/i;

/** The opens behind a transfer, when the file is direct on all ways, or (`sometimes`) on some where it depends. */
export interface DirectFile { opens: Origin[]; sometimes: boolean }

/** Undefined where the file may be anything. `own`: what is wrong lies in the function itself, whoever calls it. */
export function directFile(file: View, t: Transfer, own: boolean): DirectFile | undefined {
  const origins = originsOf(file, t.fd.flow, t.fd.expr, t.fd.memory);
  if (origins) return judged(origins);
  return own ? callersFile(file, t.fd) : undefined;
}
function judged(origins: Origin[]): DirectFile | undefined {
  const states = origins.map((o) => (o.kind === 'file' || o.kind === 'device' ? flagState(o, O_DIRECT) : 'unknown'));
  if (states.includes('unknown') || states.every((s) => s === 'off')) return undefined;
  // one file, tried both ways; otherwise members of different structs go by the same name
  if (states.includes('off') && origins.some((o) => o.call?.within !== origins[0]!.call?.within || !samePath(o.path, origins[0]!.path))) return undefined;
  return { opens: origins.filter((_, i) => states[i] !== 'off'), sometimes: states.some((s) => s !== 'on') };
}

function samePath(a: Expr | undefined, b: Expr | undefined): boolean {
  if (a?.kind === 'text') return b?.kind === 'text' && a.value === b.value;
  if (a?.kind === 'name') return b?.kind === 'name' && a.id === b.id;
  if (a?.kind === 'index') return b?.kind === 'index' && samePath(a.object, b.object);
  if (a?.kind === 'member') return b?.kind === 'member' && a.field === b.field && samePath(a.object, b.object);
  return a?.kind === 'call' && b?.kind === 'call' && a.name === b.name && a.args.length === b.args.length && a.args.every((x, i) => samePath(x, b.args[i])) && (a.callee.kind !== 'member' || samePath(a.callee, b.callee));
}

/** A descriptor that is a parameter: what a caller in the file hands over counts. */
function callersFile(file: View, fd: Operand): DirectFile | undefined {
  const { func } = fd.flow;
  const i = parameterIn(fd);
  if (i < 0) return undefined;
  const { program } = file;
  const opens = program.memo.derived(func, `direct files in parameter ${i}`, () => {
    const out: Origin[] = [];
    for (const caller of program.users(func)) {
      if (caller === func) continue;
      const flow = program.flow(caller);
      flow?.replay((event, memory) => {
        if (event.kind !== 'call' || program.callee(event.call) !== func || !event.call.args[i]) return;
        const found = originsOf(file, flow, event.call.args[i], memory);
        const direct = found && judged(found);
        if (direct && !direct.sometimes) out.push(...direct.opens);
      });
    }
    return out;
  }, sameList);
  return opens.length ? { opens, sometimes: false } : undefined;
}

/**
 * Code that knows: it looks for EINVAL behind its transfers, or a branch on a variable or option about direct I/O leads to
 * something else where the file may be either.
 */
export function isPreparedForRefusal(file: View, func: Func, t: Transfer, direct: DirectFile): boolean {
  if (file.program.mentions(func, /\bEINVAL\b|InvalidInput/)) {
    const first = Math.min(...transfersOf(file, func).map((x) => x.call.span.start), t.call.span.start);
    for (const e of walkFunction(func)) if (e.kind === 'name' && /\bEINVAL$/.test(e.name) && e.span.start > first) return true;
  }
  if (!direct.sometimes || !file.program.mentions(func, /direct|align/i)) return false;
  return [...statements(func.body)].some((s) => s.kind === 'if' && s.test !== undefined && /direct|align/i.test(file.source(placeOf(func, s.test))) && doesMore([...s.then, ...s.otherwise]));
}
/** More than putting flags together. */
function doesMore(body: Stmt[]): boolean {
  return [...statements(body)].some((s) => s.kind === 'return' || s.kind === 'goto' || [...walk(ownExpressions(s))].some((e) => e.kind === 'call' && !/^(?:open(?:at|64)?|perror|f?printf|close)$/.test(e.name)));
}
