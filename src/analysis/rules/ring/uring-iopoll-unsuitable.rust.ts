/** Rust: operations on a polled ring of the io-uring crate that cannot be polled for. */
import { declarationOf, plain } from '../../idioms/rust-code';
import { allQueued } from '../../idioms/rust-entries';
import { allSetUps, setUpOf } from '../../idioms/rust-uring';
import { walk, type Expr, type Func } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { rustTypes } from '../../usage/rust-types';
import type { Draft } from '../rule';

const POLLED = /^(?:Nop|Readv?|Writev?|ReadFixed|WriteFixed|ReadvFixed|WritevFixed|FilesUpdate|ProvideBuffers|RemoveBuffers|MsgRing\w+|UringCmd\w+)$/;
const TRANSFERS = /^(?:Read|Write)/;

export function iopollInRust(file: SourceFile, report: (draft: Draft) => void): void {
  if (!allSetUps(file).some((s) => s.options.has('setup_iopoll'))) return;
  for (const { entry, ring } of allQueued(file)) {
    const setUp = setUpOf(file, entry.func, ring);
    const option = setUp?.options.get('setup_iopoll');
    if (!option) continue;
    const related = [{ at: placeOf(setUp!.func, { span: option.nameSpan }), message: 'the ring is polled' }];
    if (!POLLED.test(entry.opcode)) {
      report({ at: placeOf(entry.func, entry.make), message: `A ring with setup_iopoll() takes reads and writes only: ${entry.opcode} completes with EINVAL. Use a second, ordinary ring for it.`, related });
    } else if (TRANSFERS.test(entry.opcode) && buffered(file, entry.func, entry.make.args[0])) {
      report({ at: placeOf(entry.func, entry.make), message: 'A ring with setup_iopoll() needs files opened with O_DIRECT: this one is not, and the request completes with EOPNOTSUPP.', related });
    }
  }
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
