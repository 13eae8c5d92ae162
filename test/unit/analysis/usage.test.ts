import { describe, expect, it } from 'vitest';
import type { Language } from '../../../src/protocol/analysis';
import { analyse } from './support';

async function families(text: string, language: Language = 'c'): Promise<Record<string, string[]>> {
  const out: Record<string, string[]> = {};
  for (const u of (await analyse(text, language)).usages) (out[u.family] ??= []).push(u.api);
  return out;
}

/** The calls and constants of each family, behind its headers. */
const SURFACE: readonly (readonly [family: string, headers: readonly string[], names: readonly string[]])[] = [
  ['posix-aio', ['aio.h'], ['aio_read', 'aio_write', 'aio_fsync', 'aio_error', 'aio_return', 'aio_suspend', 'aio_cancel', 'lio_listio', 'aio_init', 'aio_read64', 'lio_listio64', 'LIO_READ', 'LIO_WRITE', 'LIO_NOP', 'LIO_WAIT', 'LIO_NOWAIT', 'AIO_CANCELED', 'AIO_NOTCANCELED', 'AIO_ALLDONE']],
  ['libaio', ['libaio.h'], ['io_setup', 'io_destroy', 'io_submit', 'io_getevents', 'io_pgetevents', 'io_cancel', 'io_queue_init', 'io_queue_release', 'io_queue_run', 'io_prep_pread', 'io_prep_pwrite', 'io_prep_preadv', 'io_prep_pwritev', 'io_prep_preadv2', 'io_prep_pwritev2', 'io_prep_poll', 'io_prep_fsync', 'io_prep_fdsync', 'io_poll', 'io_fsync', 'io_fdsync', 'io_set_callback', 'io_set_eventfd', 'IO_CMD_PREAD']],
  ['raw-aio', ['linux/aio_abi.h', 'sys/syscall.h'], ['SYS_io_setup', 'SYS_io_submit', 'SYS_io_getevents', 'SYS_io_pgetevents', 'SYS_io_destroy', 'SYS_io_cancel', '__NR_io_setup', 'IOCB_CMD_PREAD', 'IOCB_FLAG_RESFD', 'IOCB_FLAG_IOPRIO']],
  ['liburing', ['liburing.h'], ['io_uring_queue_init', 'io_uring_queue_exit', 'io_uring_get_sqe', 'io_uring_prep_read', 'io_uring_sqe_set_data', 'io_uring_submit', 'io_uring_wait_cqe', 'io_uring_peek_cqe', 'io_uring_cqe_seen', 'io_uring_cq_advance', 'io_uring_register_files', 'io_uring_unregister_files', 'io_uring_buf_ring_add', 'io_uring_recvmsg_validate', 'io_uring_enable_rings', 'io_uring_ring_dontfork', 'io_uring_get_probe', 'io_uring_opcode_supported', 'io_uring_check_version', '__io_uring_get_cqe']],
  ['raw-io-uring', ['linux/io_uring.h', 'sys/syscall.h'], ['__NR_io_uring_setup', '__NR_io_uring_enter', '__NR_io_uring_register', 'SYS_io_uring_setup', 'IORING_OFF_SQ_RING', 'IORING_OFF_CQ_RING', 'IORING_OFF_SQES', 'IORING_OP_READ', 'IORING_SETUP_SQPOLL', 'IORING_ENTER_GETEVENTS', 'IORING_REGISTER_FILES', 'IORING_FEAT_NODROP', 'IORING_CQE_F_MORE', 'IOSQE_IO_LINK']],
  ['epoll', ['sys/epoll.h'], ['epoll_create1', 'epoll_ctl', 'epoll_wait', 'epoll_pwait2', 'EPOLLIN', 'EPOLLET', 'EPOLLONESHOT']],
];

describe('usages in C and C++', () => {
  it('libaio behind its header', async () => {
    expect(await families('#include <libaio.h>\nint f(io_context_t c, struct iocb **l) { return io_submit(c, 1, l); }')).toEqual({ libaio: ['io_context_t', 'iocb', 'io_submit'] });
  });
  it('not without it', async () => {
    expect(await families('#include <stdio.h>\nint io_submit(int); int f(void) { return io_submit(1); }')).toEqual({});
  });
  it('not what the file defines itself, and no comment or string', async () => {
    expect(await families('#include <libaio.h>\nint io_submit(int x) { return x; }\n/* io_setup(1) */ const char *s = "io_destroy"; int f(void) { return io_submit(1); }')).toEqual({});
  });
  it('a project header that may include it, with a name nobody else has', async () => {
    expect(await families('#include "aio-engine.h"\nvoid f(struct iocb *c) { io_prep_pread(c, 0, 0, 0, 0); }')).toEqual({ libaio: ['iocb', 'io_prep_pread'] });
  });
  it('liburing calls, types and flags', async () => {
    expect(await families('#include <liburing.h>\nint f(struct io_uring *r) { return io_uring_queue_init(8, r, IORING_SETUP_SQPOLL); }'))
      .toEqual({ liburing: ['io_uring', 'io_uring_queue_init', 'IORING_SETUP_SQPOLL'] });
  });
  it('raw io_uring: only the kernel\'s header, own wrappers', async () => {
    expect(await families('#include <linux/io_uring.h>\n#include <sys/syscall.h>\nint io_uring_setup(unsigned n, struct io_uring_params *p) { return syscall(__NR_io_uring_setup, n, p); }\nint f(struct io_uring_params *p) { p->flags = IORING_SETUP_SQPOLL; return io_uring_setup(1, p); }'))
      .toEqual({ 'raw-io-uring': ['io_uring_params', '__NR_io_uring_setup', 'io_uring_params', 'IORING_SETUP_SQPOLL'] });
  });
  it('system call numbers', async () => {
    expect(await families('#include <unistd.h>\n/* io_uring */ long f(void *p) { return syscall(426, 3, p) + syscall(SYS_io_submit, p); }'))
      .toEqual({ 'raw-io-uring': ['__NR_io_uring_enter'], 'raw-aio': ['SYS_io_submit'] });
  });
  it('types of the kernel that requests take, behind liburing only', async () => {
    const code = 'int g(void) { return syscall(SYS_io_setup, 1); }\nvoid f(struct __kernel_timespec *t, struct open_how *h, struct futex_waitv *v);';
    expect(await families(`#include <liburing.h>\n${code}`)).toEqual({ 'raw-aio': ['SYS_io_setup'], liburing: ['__kernel_timespec', 'open_how', 'futex_waitv'] });
    expect(await families(`#include <linux/openat2.h>\n${code}`)).toEqual({ 'raw-aio': ['SYS_io_setup'] });
  });
  for (const language of ['c', 'cpp'] as const) for (const [family, headers, names] of SURFACE) {
    it(`${language}: every call and constant of ${family}`, async () => {
      const uses = names.map((n, i) => (/^(?:SYS|__NR)_/.test(n) ? `long f${i}(void) { return syscall(${n}, 0); }` : /^[A-Z]/.test(n) ? `int f${i}(int x) { return x & ${n}; }` : `int f${i}(void *p) { return (int)(long)${n}(p); }`));
      const found = await families(`${headers.map((h) => `#include <${h}>\n`).join('')}${uses.join('\n')}`, language);
      expect(found).toEqual({ [family]: names });
    });
  }
  it('an open, and a question to a device, that is about direct I/O', async () => {
    const { neighbours } = await analyse('#include <libaio.h>\n#include <fcntl.h>\nvoid f(int d) { open("a", O_RDONLY); open("b",\n O_RDONLY | O_DIRECT); fcntl(d, F_SETFL, 0); ioctl(d, BLKSSZGET, &d); io_setup(1, 0); }', 'c');
    expect(neighbours.map((u) => u.api)).toEqual(['open', 'O_DIRECT', 'ioctl', 'BLKSSZGET']);
  });
  it('direct I/O and readiness', async () => {
    const direct = ['O_DIRECT', '__O_DIRECT', 'STATX_DIOALIGN', 'statx', 'RWF_NOWAIT', 'RWF_DSYNC', 'RWF_HIPRI', 'preadv2', 'pwritev2', 'posix_memalign', 'aligned_alloc', 'memalign', 'valloc', 'BLKSSZGET'];
    const ready = ['poll', 'ppoll', 'select', 'eventfd', 'timerfd_create', 'signalfd', 'O_NONBLOCK', 'SOCK_NONBLOCK'];
    const use = (n: string) => (/^_*[A-Z]/.test(n) ? `x |= ${n};` : `${n}(x);`);
    const headers = ['liburing.h', 'fcntl.h', 'poll.h', 'sys/select.h', 'sys/eventfd.h', 'sys/timerfd.h', 'sys/signalfd.h', 'sys/socket.h'];
    const { neighbours } = await analyse(`${headers.map((h) => `#include <${h}>\n`).join('')}void f(int x) { io_uring_submit(0); ${[...direct, ...ready].map(use).join(' ')} }`);
    expect(neighbours.filter((n) => n.family === 'direct-io').map((n) => n.api)).toEqual(direct);
    expect(neighbours.filter((n) => n.family === 'readiness').map((n) => n.api)).toEqual(ready);
  });
  it('POSIX AIO and epoll', async () => {
    expect(await families('#include <aio.h>\n#include <sys/epoll.h>\nint f(struct aiocb *c, int e) { epoll_wait(e, 0, 0, EPOLLIN); return aio_read(c); }', 'cpp'))
      .toEqual({ 'posix-aio': ['aiocb', 'aio_read'], epoll: ['epoll_wait', 'EPOLLIN'] });
  });
});

describe('usages in Rust', () => {
  it('through use, renamed and nested', async () => {
    expect(await families('use tokio_uring::{fs::{File, OpenOptions as OO}, net};\nasync fn f() { let a = File::open("x").await; let o = OO::new(); net::TcpStream::connect(x).await; }', 'rust')).toEqual({
      'tokio-uring': ['tokio_uring::fs::File', 'tokio_uring::fs::OpenOptions', 'tokio_uring::net', 'tokio_uring::fs::File::open', 'tokio_uring::fs::OpenOptions::new', 'tokio_uring::net::TcpStream::connect'],
    });
  });
  it('through a re-export and a name for a type', async () => {
    const { 'io-uring-crate': found } = await families('pub use io_uring as uring;\nuse uring::IoUring as Ring;\ntype R = Ring;\nfn f(r: &mut R) { r.submit(); }', 'rust');
    expect(found).toEqual(['io_uring', 'io_uring::IoUring', 'io_uring::IoUring', 'io_uring::IoUring', 'io_uring::IoUring', 'io_uring::IoUring::submit']);
  });
  it('methods on values whose type is known', async () => {
    const { 'io-uring-crate': found } = await families('fn f() -> R { let mut ring = io_uring::IoUring::new(8)?; ring.submit_and_wait(1)?; other.submit(); Ok(()) }', 'rust');
    expect(found).toEqual(['io_uring::IoUring::new', 'io_uring::IoUring::submit_and_wait']);
  });
  it('what an operation of tokio-uring is before it is submitted, and what a listener accepts', async () => {
    const { 'tokio-uring': found } = await families('use tokio_uring::{fs::File, net::UnixListener};\nasync fn f(file: File, l: UnixListener) { file.write_at(b, 0).submit().await; let s = l.accept().await.unwrap(); s.write(b).submit().await; }', 'rust');
    expect(found!.slice(4)).toEqual(['tokio_uring::fs::File::write_at', 'tokio_uring::UnsubmittedWrite::submit', 'tokio_uring::net::UnixListener::accept', 'tokio_uring::net::UnixStream::write', 'tokio_uring::UnsubmittedWrite::submit']);
  });
  it('not the ways of a Result', async () => {
    const { tokio: found } = await families('use tokio::fs::File;\nasync fn f() { let file = File::open("x").await.map_err(e).unwrap(); file.sync_all().await.expect("x"); }', 'rust');
    expect(found).toEqual(['tokio::fs::File', 'tokio::fs::File::open', 'tokio::fs::File::sync_all']);
  });
  it('not a module or variable of the same name', async () => {
    expect(await families('mod glommio { pub fn f() {} }\nfn g() { let tokio = 1; h(tokio); crate::glommio::f(); }', 'rust')).toEqual({});
  });
  it('tokio, monoio, glommio, compio, attributes and libc', async () => {
    expect(Object.keys(await families('#[tokio::main]\nasync fn main() { monoio::spawn(a); glommio::timer::sleep(d); compio_fs::File::open(p); unsafe { libc::epoll_wait(e, v, 1, 0); libc::syscall(libc::SYS_io_uring_setup, 1); } }', 'rust')).sort())
      .toEqual(['compio', 'epoll', 'glommio', 'monoio', 'raw-io-uring', 'tokio']);
  });
});

it('a file without any token is not parsed', async () => {
  expect(await analyse('int main(void) { return 0; }')).toEqual({ findings: [], usages: [], neighbours: [], parsed: false });
});
