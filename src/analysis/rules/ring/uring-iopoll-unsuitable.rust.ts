/** Rust: operations on a polled ring of the io-uring crate that cannot be polled for. */
import { declarationOf, plain } from '../../idioms/rust-code';
import { allEntries, allQueued } from '../../idioms/rust-entries';
import { allSetUps, pushesOf, setUpOf } from '../../idioms/rust-uring';
import { walk, walkFunction, type Expr, type Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { rustTypes } from '../../usage/rust-types';
import type { Draft } from '../rule';

const POLLED = /^(?:Nop|Readv?|Writev?|ReadFixed|WriteFixed|ReadvFixed|WritevFixed|FilesUpdate|ProvideBuffers|RemoveBuffers|MsgRing\w+|UringCmd\w+)$/;
const TRANSFERS = /^(?:Read|Write)/;

export function iopollInRust(file: SourceFile, report: (draft: Draft) => void): void {
  if (!allSetUps(file).some((s) => s.options.has('setup_iopoll'))) return;
  builtForTheOnlyRing(file, report);
  for (const { entry, ring } of allQueued(file)) {
    const setUp = setUpOf(file, entry.func, ring);
    const option = setUp?.options.get('setup_iopoll');
    if (!option) continue;
    const related = [{ at: placeOf(setUp!.func, { span: option.nameSpan }), message: 'the ring is polled' }];
    if (!POLLED.test(entry.opcode)) {
      report({ at: placeOf(entry.func, entry.make), message: refused(entry.opcode), related });
    } else if (TRANSFERS.test(entry.opcode) && buffered(file, entry.func, entry.make.args[0])) {
      report({ at: placeOf(entry.func, entry.make), message: 'A ring with setup_iopoll() needs files opened with O_DIRECT: this one is not, and the request completes with EOPNOTSUPP.', related });
    }
  }
}

/** Entries that a function of the file builds and others push, where there is one ring they can go to. */
function builtForTheOnlyRing(file: SourceFile, report: (draft: Draft) => void): void {
  const setUps = allSetUps(file);
  const [only] = setUps;
  const option = only?.options.get('setup_iopoll');
  if (setUps.length !== 1 || !only || !option || only.open) return;
  const queued = new Set(allQueued(file).map((q) => q.entry.make));
  for (const entry of allEntries(file)) {
    if (queued.has(entry.make) || POLLED.test(entry.opcode) || entry.func === only.func || !isUsedHere(file, entry.func)) continue;
    report({ at: placeOf(entry.func, entry.make), message: refused(entry.opcode), related: [{ at: placeOf(only.func, { span: option.nameSpan }), message: 'the ring is polled' }] });
  }
}
/** A function of this file alone, called where entries are pushed. */
function isUsedHere(file: SourceFile, func: Func): boolean {
  if (/^pub\b/.test(file.source(placeOf(func, func)))) return false;
  return file.program.functions(new RegExp(`\\b${func.name}\\s*\\(`)).some((f) => f !== func && pushesOf(file, f).length > 0 && [...walkFunction(f)].some((e) => e.kind === 'call' && e.name === func.name));
}
function refused(opcode: string): string {
  return `A ring with setup_iopoll() takes reads and writes only: ${opcode} completes with EINVAL. Use a second, ordinary ring for it.`;
}

/** The descriptor of a file opened in this function, by flags that are in sight, without O_DIRECT. */
function buffered(file: SourceFile, func: Func, fd: Expr | undefined): boolean {
  if (!fd) return false;
  for (const e of walk([fd, ...held(func, fd)])) {
    if (e.kind !== 'call' || e.name !== 'as_raw_fd' || e.callee.kind !== 'member') continue;
    const of = plain(e.callee.object);
    const init = of.kind === 'name' ? declarationOf(func, of.id)?.statement.init : undefined;
    if (!init) return false;
    const types = rustTypes(file.facts);
    const opens = [...walk([init])].filter((x) => x.kind === 'call' && /^std::fs::(?:File::(?:open|create)|OpenOptions::open)$/.test(types.pathOf(x, func) ?? ''));
    const [open] = opens;
    if (open?.kind !== 'call' || opens.length > 1) return false;
    // options that are kept in a variable may ask for anything
    const options = open.callee.kind === 'member' ? [...walk([open.callee.object])] : [];
    return !options.some((x) => (x.kind === 'call' && x.name === 'custom_flags') || (x.kind === 'name' && x.id.includes('~')));
  }
  return false;
}
/** What variables in an expression were made from. */
function held(func: Func, e: Expr): Expr[] {
  return [...walk([e])].flatMap((x) => {
    const init = x.kind === 'name' ? declarationOf(func, x.id)?.statement.init : undefined;
    return init ? [init] : [];
  });
}
