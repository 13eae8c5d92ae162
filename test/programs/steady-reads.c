// steady-reads COUNT [DELAY_US]: COUNT reads of 512 bytes of its own file through io_uring, one at a time.
// Says on stdout how many it did and as whom, and returns 7 when a read failed.
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
  long count = argc > 1 ? atol(argv[1]) : 1;
  useconds_t delay = argc > 2 ? (useconds_t)atol(argv[2]) : 0;
  int fd = open("/proc/self/exe", O_RDONLY);
  struct io_uring ring;
  if (fd < 0 || io_uring_queue_init(8, &ring, 0) < 0) return 2;
  static char buffer[512];
  for (long i = 0; i < count; i++) {
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (!sqe) return 2;
    io_uring_prep_read(sqe, fd, buffer, sizeof buffer, (__u64)(i % 8) * 512);
    io_uring_sqe_set_data64(sqe, (__u64)i);
    struct io_uring_cqe *cqe;
    if (io_uring_submit_and_wait(&ring, 1) != 1 || io_uring_wait_cqe(&ring, &cqe) < 0) return 2;
    int result = cqe->res;
    io_uring_cqe_seen(&ring, cqe);
    if (result != sizeof buffer) return 7;
    if (delay) usleep(delay);
  }
  io_uring_queue_exit(&ring);
  printf("%ld reads as uid %d in %s, HOME %s, MARK %s\n", count, getuid(), getcwd(buffer, sizeof buffer), getenv("HOME"), getenv("MARK"));
  return 0;
}
