/** A big C file full of liburing and libaio calls, of the shapes real engines have: helpers, queues, loops, error paths. */

const HEAD = `#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libaio.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH 64
#define BLOCK 4096
#define OPEN_FLAGS (O_RDWR | O_CREAT)

enum mode { MODE_READ, MODE_WRITE = 4, MODE_SYNC };

struct request { struct iocb cb; struct iovec vec; void *buffer; int fd; enum mode mode; };
struct queue { struct io_uring ring; io_context_t aio; int fd; unsigned depth; struct request *requests; };

extern void trace(unsigned long value);

static struct io_uring_sqe *queue_sqe(struct queue *q)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->ring);
	if (!sqe) {
		io_uring_submit(&q->ring);
		sqe = io_uring_get_sqe(&q->ring);
	}
	return sqe;
}

static int queue_write(struct queue *q, struct request *r, off_t offset)
{
	struct iocb *list[1] = { &r->cb };
	io_prep_pwrite(&r->cb, r->fd, r->buffer, BLOCK, offset);
	r->cb.data = r;
	int n = io_submit(q->aio, 1, list);
	if (n < 0)
		return n;
	return n == 1 ? 0 : -EAGAIN;
}
`;

/** Each gives one function; `n` makes its name. */
const SHAPES: ((n: number) => string)[] = [
  (n) => `
static int read_blocks_${n}(struct queue *q, int fd, char *buffer, unsigned count)
{
	unsigned queued = 0;
	for (unsigned i = 0; i < count; i++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&q->ring);
		if (!sqe) {
			int rc = io_uring_submit(&q->ring);
			if (rc < 0)
				return rc;
			sqe = io_uring_get_sqe(&q->ring);
			if (!sqe)
				return -EBUSY;
		}
		io_uring_prep_read(sqe, fd, buffer + (size_t)i * BLOCK, BLOCK, (off_t)i * BLOCK);
		io_uring_sqe_set_data64(sqe, i);
		queued++;
	}
	int rc = io_uring_submit_and_wait(&q->ring, queued);
	return rc < 0 ? rc : (int)queued;
}
`,
  (n) => `
static int reap_${n}(struct queue *q, unsigned wanted)
{
	struct io_uring_cqe *cqe;
	unsigned done = 0;
	while (done < wanted) {
		int rc = io_uring_wait_cqe(&q->ring, &cqe);
		if (rc == -EINTR)
			continue;
		if (rc < 0)
			goto failed;
		struct request *r = io_uring_cqe_get_data(cqe);
		if (cqe->res < 0) {
			fprintf(stderr, "request: %s\\n", strerror(-cqe->res));
			io_uring_cqe_seen(&q->ring, cqe);
			goto failed;
		}
		switch (r->mode) {
		case MODE_READ:
			trace((unsigned long)cqe->res);
			break;
		case MODE_WRITE:
			if (queue_write(q, r, (off_t)done * BLOCK) < 0)
				goto failed;
			break;
		default:
			break;
		}
		io_uring_cqe_seen(&q->ring, cqe);
		done++;
	}
	return (int)done;
failed:
	trace(${n});
	return -1;
}
`,
  (n) => `
int copy_${n}(struct queue *q, const char *from, const char *to)
{
	int in = open(from, O_RDONLY);
	if (in < 0)
		return -errno;
	int out = open(to, OPEN_FLAGS, 0644);
	if (out < 0) {
		close(in);
		return -errno;
	}
	struct io_uring_sqe *sqe = queue_sqe(q);
	io_uring_prep_splice(sqe, in, -1, out, -1, BLOCK * DEPTH, 0);
	sqe->flags |= IOSQE_IO_LINK;
	sqe->user_data = ${n};
	sqe = io_uring_get_sqe(&q->ring);
	io_uring_prep_fsync(sqe, out, IORING_FSYNC_DATASYNC);
	io_uring_submit(&q->ring);
	int rc = reap_${n - 1}(q, 2);
	close(in);
	close(out);
	return rc;
}
`,
  (n) => `
static int flush_${n}(struct queue *q, struct request *requests, int count)
{
	struct iocb *list[DEPTH];
	struct io_event events[DEPTH];
	int fd = open("data.${n}", O_WRONLY | O_CREAT, 0600);
	if (fd < 0)
		return -errno;
	for (int i = 0; i < count && i < DEPTH; i++) {
		struct request *r = &requests[i];
		if (posix_memalign(&r->buffer, BLOCK, BLOCK))
			return -ENOMEM;
		io_prep_pwrite(&r->cb, fd, r->buffer, BLOCK, (long long)i * BLOCK);
		r->cb.data = r;
		list[i] = &r->cb;
	}
	int submitted = io_submit(q->aio, count, list);
	if (submitted < 0)
		return submitted;
	int got = io_getevents(q->aio, submitted, DEPTH, events, NULL);
	for (int i = 0; i < got; i++) {
		struct request *r = events[i].data;
		if ((long)events[i].res < 0 || events[i].res != BLOCK)
			trace(events[i].res);
		free(r->buffer);
	}
	close(fd);
	return got;
}
`,
  (n) => `
int run_${n}(struct queue *q, struct request *r)
{
	int rc = io_uring_queue_init(DEPTH, &q->ring, IORING_SETUP_CLAMP);
	if (rc < 0)
		return rc;
	q->depth = DEPTH;
	q->fd = r->fd;
	rc = read_blocks_${n - 4}(q, r->fd, r->buffer, q->depth);
	if (rc > 0)
		rc = reap_${n - 3}(q, (unsigned)rc);
	if (rc >= 0 && queue_write(q, r, 0) == 0)
		rc = flush_${n - 1}(q, r, 1);
	io_uring_queue_exit(&q->ring);
	return rc;
}
`,
];

/** C source of at least `lines` lines. */
export function denseC(lines: number): string {
  let text = HEAD;
  let count = text.split('\n').length - 1;
  for (let n = 0; count < lines; n++) {
    const piece = SHAPES[n % SHAPES.length]!(n);
    text += piece;
    count += piece.split('\n').length - 1;
  }
  return text;
}
