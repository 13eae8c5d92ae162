/** Whatever the inventory can recognise has a hover. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { apiDoc } from '../../../src/analysis/api-docs';
import { sinceKernel } from '../../../src/analysis/api/versions';
import { DIRECT_IO_FIELDS, LIBAIO_FIELDS, POSIX_AIO_FIELDS, RAW_AIO_FIELDS, URING_FIELDS } from '../../../src/analysis/docs/fields';
import type { Language, Surface } from '../../../src/protocol/analysis';
import { analyse } from './support';

/** The names of the families, as the catalogue of the API surface has them. */
const C: Record<string, { include: string; names: string[]; types: string[] }> = {
  'posix-aio': {
    include: '<aio.h>', types: ['aiocb', 'aioinit', 'aiocb64'],
    names: 'aio_read aio_write aio_fsync aio_error aio_return aio_suspend aio_cancel lio_listio aio_init aio_read64 aio_write64 lio_listio64 LIO_READ LIO_WRITE LIO_NOP LIO_WAIT LIO_NOWAIT AIO_CANCELED AIO_NOTCANCELED AIO_ALLDONE'.split(' '),
  },
  libaio: {
    include: '<libaio.h>', types: ['io_context_t', 'iocb', 'io_event', 'io_callback_t'],
    names: 'io_setup io_destroy io_submit io_getevents io_pgetevents io_cancel io_queue_init io_queue_release io_queue_run io_prep_pread io_prep_pwrite io_prep_preadv io_prep_pwritev io_prep_preadv2 io_prep_pwritev2 io_prep_poll io_prep_fsync io_prep_fdsync io_poll io_fsync io_fdsync io_set_callback io_set_eventfd IO_CMD_PREAD IO_CMD_PWRITE IO_CMD_FSYNC IO_CMD_FDSYNC IO_CMD_POLL IO_CMD_NOOP IO_CMD_PREADV IO_CMD_PWRITEV'.split(' '),
  },
  'raw-aio': {
    include: '<linux/aio_abi.h>', types: ['aio_context_t', 'iocb', 'io_event'],
    names: ['SYS_', '__NR_'].flatMap((p) => 'io_setup io_submit io_getevents io_pgetevents io_destroy io_cancel'.split(' ').map((n) => p + n))
      .concat('IOCB_CMD_PREAD IOCB_CMD_PWRITE IOCB_CMD_FSYNC IOCB_CMD_FDSYNC IOCB_CMD_POLL IOCB_CMD_PREADV IOCB_CMD_PWRITEV IOCB_FLAG_RESFD IOCB_FLAG_IOPRIO'.split(' ')),
  },
  epoll: {
    include: '<sys/epoll.h>', types: ['epoll_event', 'epoll_data_t'],
    names: 'epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 EPOLLIN EPOLLOUT EPOLLPRI EPOLLERR EPOLLHUP EPOLLRDHUP EPOLLET EPOLLONESHOT EPOLLEXCLUSIVE EPOLLWAKEUP EPOLL_CTL_ADD EPOLL_CTL_MOD EPOLL_CTL_DEL EPOLL_CLOEXEC'.split(' '),
  },
};
const RUST: Record<string, string> = {
  tokio: 'fs::File fs::OpenOptions fs::read fs::write fs::copy fs::read_to_string task::spawn_blocking io::copy io::AsyncReadExt io::AsyncWriteExt io::BufWriter select time::timeout runtime::Runtime::block_on main test io::unix::AsyncFd',
  tokio_uring: 'start builder uring_builder spawn no_op fs::File fs::OpenOptions fs::remove_file fs::rename fs::create_dir fs::create_dir_all fs::remove_dir fs::symlink fs::statx fs::File::open fs::File::create fs::File::from_std fs::File::read_at fs::File::readv_at fs::File::read_exact_at fs::File::read_fixed_at fs::File::write_at fs::File::writev_at fs::File::write_all_at fs::File::write_fixed_at fs::File::sync_all fs::File::sync_data fs::File::fallocate fs::File::close net::TcpListener net::TcpStream net::UdpSocket net::UnixListener net::UnixStream BufResult UnsubmittedOneshot UnsubmittedWrite buf::IoBuf buf::IoBufMut buf::BoundedBuf buf::BoundedBufMut buf::Slice buf::fixed::FixedBuf buf::fixed::FixedBufPool buf::fixed::FixedBufRegistry Runtime',
  io_uring: 'IoUring IoUring::new IoUring::builder IoUring::split IoUring::submission IoUring::completion IoUring::submission_shared IoUring::completion_shared IoUring::submitter IoUring::submit IoUring::submit_and_wait IoUring::params Builder::setup_sqpoll Builder::setup_iopoll Builder::setup_single_issuer Builder::dontfork Submitter::submit Submitter::submit_with_args Submitter::enter Submitter::register_buffers Submitter::unregister_files squeue::SubmissionQueue::push squeue::SubmissionQueue::push_multiple squeue::SubmissionQueue::sync squeue::SubmissionQueue::need_wakeup squeue::SubmissionQueue::is_full squeue::SubmissionQueue::len cqueue::CompletionQueue::next cqueue::CompletionQueue::fill cqueue::CompletionQueue::overflow cqueue::CompletionQueue::is_empty cqueue::more cqueue::notif cqueue::buffer_select cqueue::sock_nonempty cqueue::buffer_more opcode::Read opcode::Write opcode::Readv opcode::ReadFixed opcode::Recv opcode::RecvMulti opcode::AcceptMulti opcode::SendZc opcode::Timeout opcode::LinkTimeout opcode::AsyncCancel opcode::OpenAt opcode::Close opcode::ProvideBuffers types::Fd types::Fixed types::Timespec types::OpenHow types::SubmitArgs types::DestinationSlot types::CancelBuilder types::RecvMsgOut types::BufRingEntry squeue::Entry squeue::Entry128 squeue::Flags squeue::PushError cqueue::Entry cqueue::Entry32 Probe register::Restriction',
  monoio: 'main test start RuntimeBuilder RuntimeBuilder::new RuntimeBuilder::enable_timer RuntimeBuilder::with_entries RuntimeBuilder::build IoUringDriver FusionDriver LegacyDriver spawn select time::sleep time::timeout time::interval fs::File fs::read fs::write fs::rename fs::remove_file io::Canceller io::Splitable io::AsyncReadRent io::AsyncWriteRent io::AsyncReadRentExt io::AsyncWriteRentExt io::CancelableAsyncReadRent io::copy io::splice BufResult buf::IoBuf buf::IoBufMut buf::IoVecBuf',
  glommio: 'LocalExecutor LocalExecutorBuilder LocalExecutorPoolBuilder spawn_local io::DmaFile io::BufferedFile io::ImmutableFile io::OpenOptions io::DmaStreamReaderBuilder io::DmaStreamWriterBuilder io::DmaFile::open io::DmaFile::create io::DmaFile::read_at io::DmaFile::read_at_aligned io::DmaFile::write_at io::DmaFile::alloc_dma_buffer io::DmaFile::fdatasync io::DmaFile::close net::TcpListener net::TcpStream net::UdpSocket net::UnixStream timer::Timer timer::sleep io::DmaBuffer io::ReadResult GlommioError Placement',
  compio: 'main runtime::Runtime runtime::spawn runtime::spawn_blocking fs::File fs::OpenOptions fs::read fs::write io::AsyncRead io::AsyncReadAt io::AsyncReadExt io::AsyncWrite io::AsyncWriteAt io::AsyncWriteExt net::TcpListener net::TcpStream net::UdpSocket net::UnixStream driver::op::ReadAt BufResult buf::IoBuf buf::IoBufMut buf::IoVectoredBuf',
};
const FAMILY_OF_CRATE: Record<string, Surface> = { tokio: 'tokio', tokio_uring: 'tokio-uring', io_uring: 'io-uring-crate', monoio: 'monoio', glommio: 'glommio', compio: 'compio' };

async function recognised(text: string, language: Language): Promise<{ family: string; api: string }[]> {
  const { usages, neighbours } = await analyse(text, language);
  return [...usages, ...neighbours];
}
/** Names that liburing's or the kernel's header on this machine gives to calls, flags and types. */
function headerNames(header: string, pattern: RegExp): string[] {
  const text = readFileSync(header, 'utf8').replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '');
  return [...new Set(text.match(pattern) ?? [])];
}

describe.each(Object.entries(C))('%s', (family, { include, names, types }) => {
  it.each(['c', 'cpp'] as const)('every name is recognised in %s, and has a hover', async (language) => {
    const uses = [...names.map((n) => `x(${n});`), ...types.map((t, i) => `struct ${t} *t${i};`)].join('\n');
    const found = await recognised(`#include ${include}\n#include <unistd.h>\nvoid f(void) {\n${uses}\n}\n`, language);
    for (const name of [...names, ...types]) {
      expect(found, name).toContainEqual(expect.objectContaining({ family, api: name }));
      expect(apiDoc(family as Surface, name)?.does, name).toMatch(/\w/);
    }
  });
});

describe('liburing and the kernel\'s header', () => {
  const calls = headerNames('/usr/include/liburing.h', /\bio_uring_[a-z0-9_]+(?= ?\()/g);
  const flags = headerNames('/usr/include/liburing/io_uring.h', /\bIO(?:RING|SQE)_[A-Z0-9_]*[A-Z0-9]\b/g).filter((n) => n !== 'IORING_RESTRICTION_LAST' && !/_$/.test(n));
  it('every call has a hover, with its first kernel for every preparation', () => {
    expect(calls.length).toBeGreaterThan(150);
    for (const name of calls) {
      expect(apiDoc('liburing', name)?.does, name).toMatch(/\w/);
      if (name.startsWith('io_uring_prep_') && name !== 'io_uring_prep_rw') expect(apiDoc('liburing', name)!.since, name).toMatch(/^Linux \d/);
    }
  });
  it('every flag and opcode has a hover, as does every name of the version table', () => {
    expect(flags.length).toBeGreaterThan(150);
    for (const name of flags) expect(apiDoc('raw-io-uring', name)?.does, name).toMatch(/\w/);
    for (const opcode of flags.filter((n) => /^IORING_OP_(?!LAST)/.test(n))) expect(sinceKernel(opcode), opcode).toBeDefined();
  });
  it('types', () => {
    for (const name of headerNames('/usr/include/liburing/io_uring.h', /(?<=^struct )io_[a-z_]+/gm).filter((n) => !n.includes('notification'))) expect(apiDoc('raw-io-uring', name)?.does, name).toMatch(/\w/);
  });
  it('raw system calls by name and by number', async () => {
    const found = await recognised('#include <sys/syscall.h>\n#define NR 427\nvoid f(void) { syscall(__NR_io_uring_setup, 1); syscall(SYS_io_uring_enter, 1); syscall(425, 1); syscall(NR, 1); }\n/* io_uring */', 'c');
    expect(found.map((u) => u.api)).toEqual(['__NR_io_uring_setup', 'SYS_io_uring_enter', '__NR_io_uring_setup', '__NR_io_uring_register']);
    for (const u of found) expect(apiDoc('raw-io-uring', u.api)?.does).toMatch(/\w/);
  });
});

describe.each(Object.entries(RUST))('crate %s', (crate, names) => {
  it('every path is recognised, and has a hover', async () => {
    const paths = names.split(' ').map((n) => `${crate}::${n}`);
    const found = await recognised(`fn f() {\n${paths.map((p) => `let x = ${p};`).join('\n')}\n}\n`, 'rust');
    for (const api of paths) {
      expect(found, api).toContainEqual(expect.objectContaining({ family: FAMILY_OF_CRATE[crate], api }));
      expect(apiDoc(FAMILY_OF_CRATE[crate]!, api)?.does, api).toMatch(/\w/);
    }
  });
});

describe('fields', () => {
  it.each([[LIBAIO_FIELDS, 'libaio'], [RAW_AIO_FIELDS, 'raw-aio'], [POSIX_AIO_FIELDS, 'posix-aio'], [URING_FIELDS, 'liburing'], [DIRECT_IO_FIELDS, 'direct-io']] as const)('%# have hovers', (fields, family) => {
    for (const api of Object.keys(fields)) expect(apiDoc(family, api)?.does, api).toMatch(/\w/);
  });
  it('of liburing and the kernel are ones that the headers have', () => {
    const header = ['/usr/include/liburing.h', '/usr/include/liburing/io_uring.h', '/usr/include/liburing/compat.h', '/usr/include/libaio.h', '/usr/include/linux/aio_abi.h', '/usr/include/aio.h', '/usr/include/linux/time_types.h', '/usr/include/linux/openat2.h', '/usr/include/linux/futex.h'].filter((f) => existsSync(f)).map((f) => readFileSync(f, 'utf8')).join('\n');
    for (const api of [LIBAIO_FIELDS, RAW_AIO_FIELDS, POSIX_AIO_FIELDS, URING_FIELDS].flatMap((f) => Object.keys(f))) {
      if (!api.startsWith('futex_waitv.')) expect(header, api).toMatch(new RegExp(`\\b${api.replace(/^.*\./, '')}\\b`));
    }
  });
});

describe('beside asynchronous I/O', () => {
  it('direct I/O and readiness, in C and Rust', async () => {
    const c = await recognised('#include <fcntl.h>\n#include <poll.h>\n#include <sys/eventfd.h>\nint f(struct pollfd *p) { int fd = open("x", O_RDONLY | O_DIRECT); void *b; posix_memalign(&b, 512, 512); int poll_count = eventfd(0, EFD_CLOEXEC); return poll(p, 1, 0) + poll_count + fd; }', 'c');
    expect(c.map((u) => [u.family, u.api])).toEqual([['readiness', 'pollfd'], ['direct-io', 'open'], ['direct-io', 'O_DIRECT'], ['direct-io', 'posix_memalign'], ['readiness', 'eventfd'], ['readiness', 'EFD_CLOEXEC'], ['readiness', 'poll']]);
    const rust = await recognised('fn f() { o.custom_flags(libc::O_DIRECT); unsafe { libc::poll(p, 1, 0) }; }', 'rust');
    expect(rust.map((u) => [u.family, u.api])).toEqual([['direct-io', 'libc::O_DIRECT'], ['readiness', 'libc::poll']]);
    for (const u of [...c, ...rust]) expect(apiDoc(u.family as Surface, u.api)?.does, u.api).toMatch(/\w/);
  });
});

describe('what only looks like an API', () => {
  it.each([
    ['a project\'s own aio.h', '#include "block/aio.h"\nvoid f(void) { aio_cancel(1); aio_read(2); }'],
    ['a method and a scoped function', '#include <libaio.h>\nstruct D { void io_submit(); };\nvoid f(D *d) { d->io_submit(); Disk::io_submit(1); }'],
    ['a variable of a type\'s name', '#include <libaio.h>\nvoid f(void) { int iocb = 1; x(iocb); }'],
    ['a local of a call\'s name', '#include <libaio.h>\nvoid f(int io_submit) { x(io_submit); }'],
    ['a function of the kernel\'s own', '#include <linux/io_uring.h>\nint io_uring_cmd_done(void);\nvoid f(void) { io_uring_cmd_done(); }'],
    ['somebody\'s function with the prefix', '#include "mine.h"\nvoid f(void) { io_uring_backend_open_all(); }'],
    ['comments and strings', '#include <liburing.h>\n/* io_uring_submit(r) */\nconst char *s = "io_uring_submit";'],
  ])('%s', async (_, text) => expect(await recognised(text, 'cpp')).toEqual([]));
  it('macros over the APIs count, where they are used', async () => {
    const found = await recognised('#include <liburing.h>\n#define SUBMIT(r) io_uring_submit(r)\n#define FLAGS IORING_SETUP_SQPOLL\n#define NAME "io_uring_submit"\nvoid f(struct io_uring *r) { SUBMIT(r); io_uring_queue_init(8, r, FLAGS); puts(NAME); }', 'c');
    expect(found.map((u) => u.api)).toEqual(['io_uring', 'io_uring_submit', 'io_uring_queue_init', 'IORING_SETUP_SQPOLL']);
  });
});
