/** What the crates' functions and methods give back, as far as rules follow it. Types are full paths; tuples in parentheses. */

/** Paths under which a crate shows the same type. */
const SAME_TYPE: Record<string, string> = {
  'io_uring::squeue::SubmissionQueue': 'io_uring::SubmissionQueue',
  'io_uring::cqueue::CompletionQueue': 'io_uring::CompletionQueue',
  'io_uring::submit::Submitter': 'io_uring::Submitter',
};
export function canonical(path: string): string {
  return Object.hasOwn(SAME_TYPE, path) ? SAME_TYPE[path]! : path;
}

const RETURNS: Record<string, string> = {
  'io_uring::IoUring::builder': 'io_uring::Builder',
  'io_uring::IoUring::generic_builder': 'io_uring::Builder',
  'io_uring::IoUring::generic_new': 'io_uring::IoUring',
  'io_uring::Builder::build': 'io_uring::IoUring',
  'io_uring::IoUring::submitter': 'io_uring::Submitter',
  'io_uring::IoUring::submission': 'io_uring::SubmissionQueue',
  'io_uring::IoUring::submission_shared': 'io_uring::SubmissionQueue',
  'io_uring::IoUring::completion': 'io_uring::CompletionQueue',
  'io_uring::IoUring::completion_shared': 'io_uring::CompletionQueue',
  'io_uring::IoUring::split': '(io_uring::Submitter,io_uring::SubmissionQueue,io_uring::CompletionQueue)',
  'io_uring::CompletionQueue::next': 'io_uring::cqueue::Entry',
  'tokio_uring::builder': 'tokio_uring::Builder',
  'tokio_uring::fs::File::write_at': 'tokio_uring::UnsubmittedWrite',
  'tokio_uring::net::TcpStream::write': 'tokio_uring::UnsubmittedWrite',
  'tokio_uring::net::UnixStream::write': 'tokio_uring::UnsubmittedWrite',
  'tokio_uring::net::UdpSocket::write': 'tokio_uring::UnsubmittedWrite',
  'tokio_uring::net::UnixListener::accept': 'tokio_uring::net::UnixStream',
  'tokio::runtime::Builder::new_current_thread': 'tokio::runtime::Builder',
  'tokio::runtime::Builder::new_multi_thread': 'tokio::runtime::Builder',
  'tokio::runtime::Builder::build': 'tokio::runtime::Runtime',
  'monoio::RuntimeBuilder::build': 'monoio::Runtime',
};
const CONSTRUCTORS = new Set(['open', 'create', 'create_new', 'from_std', 'from_raw_fd', 'new', 'bind', 'connect', 'connect_addr', 'builder', 'build', 'default', 'unbound', 'options', 'with_capacity']);
/** Methods that give back what they are called on, or something that stands for it. */
const SAME = new Set([
  'unwrap', 'expect', 'clone', 'unwrap_or_else', 'map_err', 'context', 'with_context', 'as_ref', 'as_mut', 'as_deref', 'as_deref_mut', 'borrow', 'borrow_mut',
  'into_inner', 'to_owned', 'ok', 'ok_or', 'ok_or_else', 'by_ref', 'lock', 'get_mut', 'into_iter', 'iter', 'iter_mut', 'take', 'peekable', 'fuse', 'try_clone', 'unwrap_unchecked',
  'get_or_init', 'get_or_insert_with', 'write', 'read',
]);
/** Of {@link SAME}, those that are also methods of files and streams. */
const AMBIGUOUS = /^(?:write|read|take|iter|lock)$/;
const IO_TYPE = /(?:File|Stream|Socket|Listener|OpenOptions|Ring|Queue|Submitter)$/;

/** What the function at a full path returns. */
export function returnedBy(path: string): string | undefined {
  if (Object.hasOwn(RETURNS, path)) return RETURNS[path];
  const [, owner, name] = /^(.*)::(\w+)$/.exec(path) ?? [];
  if (owner === undefined || name === undefined) return undefined;
  // a tuple struct's name builds it
  if (/^[A-Z]/.test(name)) return path;
  if (CONSTRUCTORS.has(name) && /^[A-Z]/.test(owner.replace(/^.*::/, ''))) {
    if (/::OpenOptions$/.test(owner) && name === 'open') return owner.replace(/OpenOptions$/, 'File');
    if (/::(?:File|DmaFile|BufferedFile)$/.test(owner) && (name === 'options' || name === 'builder')) return owner.replace(/\w+$/, 'OpenOptions');
    if (/^io_uring::opcode::\w+$/.test(owner) && name === 'build') return 'io_uring::squeue::Entry';
    return owner;
  }
  return undefined;
}

/** What a method gives back. */
export function methodReturns(receiver: string, name: string): string | undefined {
  const known = returnedBy(`${receiver}::${name}`);
  if (known !== undefined) return known;
  if (/^io_uring::opcode::\w+$/.test(receiver)) return receiver;
  if (receiver === 'io_uring::squeue::Entry' && /^(?:flags|clear_flags|user_data|personality)$/.test(name)) return receiver;
  if (/::(?:OpenOptions|Builder|RuntimeBuilder|LocalExecutorBuilder|DmaStreamReaderBuilder)$/.test(receiver)) return receiver;
  if (name === 'accept' && /Listener$/.test(receiver)) {
    const stream = receiver.replace(/Listener$/, 'Stream');
    return receiver.startsWith('glommio::') ? stream : `(${stream},SocketAddr)`;
  }
  if (SAME.has(name) && !(AMBIGUOUS.test(name) && IO_TYPE.test(receiver))) return receiver;
  return undefined;
}
/** Methods of `Result` and `Option`, by which what they are called on goes on its way. */
const ADAPTERS = /^(?:unwrap\w*|expect(?:_err)?|ok|err|ok_or(?:_else)?|is_(?:ok|err|some|none)(?:_and)?|map(?:_err|_or|_or_else)?|and_then|or_else|inspect(?:_err)?|context|with_context)$/;
export function isAdapter(name: string): boolean {
  return ADAPTERS.test(name);
}
/** Whether a method's result stands for what it is called on. */
export function isTransparent(name: string): boolean {
  return SAME.has(name) && !AMBIGUOUS.test(name);
}
