import { describe, expect, it } from 'vitest';
import type { Language } from '../../../src/protocol/analysis';
import { analyse } from './support';

async function families(text: string, language: Language = 'c'): Promise<Record<string, string[]>> {
  const out: Record<string, string[]> = {};
  for (const u of (await analyse(text, language)).usages) (out[u.family] ??= []).push(u.api);
  return out;
}

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
  it('methods on values whose type is known', async () => {
    const { 'io-uring-crate': found } = await families('fn f() -> R { let mut ring = io_uring::IoUring::new(8)?; ring.submit_and_wait(1)?; other.submit(); Ok(()) }', 'rust');
    expect(found).toEqual(['io_uring::IoUring::new', 'io_uring::IoUring::submit_and_wait']);
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
