/** Rust: operations and set-up options of the io-uring crate that are newer than the oldest kernel to support. */
import { sinceKernel } from '../../api/versions';
import { hasAttribute } from '../../idioms/rust-code';
import { allEntries } from '../../idioms/rust-entries';
import { allSetUps } from '../../idioms/rust-uring';
import type { Func, Span } from '../../model';
import { placeOf, type SourceFile } from '../../source-file';
import { versionText, type Version } from '../../target';
import type { Draft } from '../rule';

/** Names of the table for operations that are not called like the kernel's. */
const NAMES: Record<string, string> = {
  Readv: 'IORING_OP_READV', Writev: 'IORING_OP_WRITEV', RecvMsgMulti: 'IORING_RECV_MULTISHOT', RecvMulti: 'IORING_RECV_MULTISHOT', AcceptMulti: 'IORING_ACCEPT_MULTISHOT',
  TimeoutUpdate: 'IORING_TIMEOUT_UPDATE', SetSockOpt: 'SOCKET_URING_OP_SETSOCKOPT', SendMsg: 'IORING_OP_SENDMSG', RecvMsg: 'IORING_OP_RECVMSG', OpenAt: 'IORING_OP_OPENAT',
  OpenAt2: 'IORING_OP_OPENAT2', RenameAt: 'IORING_OP_RENAMEAT', UnlinkAt: 'IORING_OP_UNLINKAT', MkDirAt: 'IORING_OP_MKDIRAT', SymlinkAt: 'IORING_OP_SYMLINKAT',
  LinkAt: 'IORING_OP_LINKAT', FGetXattr: 'IORING_OP_FGETXATTR', FSetXattr: 'IORING_OP_FSETXATTR', GetXattr: 'IORING_OP_GETXATTR', SetXattr: 'IORING_OP_SETXATTR',
  MsgRingData: 'IORING_OP_MSG_RING', MsgRingSendFd: 'io_uring_prep_msg_ring_fd', AsyncCancel2: 'IORING_ASYNC_CANCEL_ANY', UringCmd16: 'IORING_OP_URING_CMD',
  UringCmd80: 'IORING_OP_URING_CMD', SendMsgZc: 'IORING_OP_SENDMSG_ZC', ReadMulti: 'IORING_OP_READ_MULTISHOT', FutexWaitV: 'IORING_OP_FUTEX_WAITV', WaitId: 'IORING_OP_WAITID',
  SendBundle: 'IORING_RECVSEND_BUNDLE', RecvBundle: 'IORING_RECVSEND_BUNDLE', RecvMultiBundle: 'IORING_RECVSEND_BUNDLE',
};
const OPTIONS: Record<string, string> = { setup_sqpoll_cpu: 'SQ_AFF' };
/** Someone asks before using. */
const ASKS = /register_probe|is_supported|Probe::new|is_feature_|\bE(?:INVAL|OPNOTSUPP|NOSYS)\b|InvalidInput|Unsupported|uname|kernel_version|KernelVersion/;

export function newerInRust(file: SourceFile, report: (draft: Draft) => void): void {
  const { kernel } = file.target;
  if (kernel === undefined || ASKS.test(file.text)) return;
  const told = new Set<string>();
  const tell = (func: Func, span: Span, name: string, key: string): void => {
    const first = sinceKernel(key);
    if (first === undefined || first <= kernel || hasAttribute(func, /^cfg\b(?!\(test\))/) || told.has(`${func.name} ${name}`)) return;
    told.add(`${func.name} ${name}`);
    report({ at: placeOf(func, { span }), message: message(name, first, kernel) });
  };
  for (const e of allEntries(file)) {
    tell(e.func, e.make.callee.span, `opcode::${e.opcode}`, operation(e.opcode));
    for (const m of e.methods) if (e.opcode === 'PollAdd' && m.name === 'multi') tell(e.func, m.nameSpan, 'PollAdd::multi', 'IORING_POLL_ADD_MULTI');
  }
  for (const s of allSetUps(file)) {
    for (const [name, call] of s.options) if (name.startsWith('setup_')) tell(s.func, call.nameSpan, name, `IORING_SETUP_${OPTIONS[name] ?? name.slice('setup_'.length).toUpperCase()}`);
  }
}
function message(name: string, first: Version, target: Version): string {
  return `${name} needs Linux ${versionText(first)}; the code has to run on ${versionText(target)}, which answers EINVAL. Ask with a Probe first, or have another way.`;
}
/** `SendZc` → `IORING_OP_SEND_ZC` */
function operation(opcode: string): string {
  return Object.hasOwn(NAMES, opcode) ? NAMES[opcode]! : `IORING_OP_${opcode.replace(/(?<=[a-z0-9])(?=[A-Z])/g, '_').toUpperCase()}`;
}
