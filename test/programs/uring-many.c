// SPDX-License-Identifier: MIT
/*
 * uring-many FILE COUNT: COUNT each of many kinds of operations, and how many completions each kind had: chains of open, read
 * and close; connections and messages through multishot requests; timeouts that fire, are cancelled, or cancel; waits on
 * futexes; zero-copy sends; registered buffers and files; an eventfd that completions signal.
 */
#include "support.h"
#include <arpa/inet.h>
#include <liburing.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define MOST_OPS 64
#define BLOCK 4096
/* younger than some liburings */
#define OP_FUTEX_WAIT 51
#define OP_FUTEX_WAKE 52
#define FUTEX2_SIZE 2
#define FUTEX2_MINE 128

static struct io_uring ring;
static int done[MOST_OPS], notifications, cancelled, timed_out;

/* A request, whose user_data says what it is. */
static struct io_uring_sqe *sqe(int op)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring);

	if (!entry)
		exit(70);
	memset(entry, 0, sizeof(*entry));
	entry->user_data = op;
	return entry;
}

static void submit(void)
{
	must(io_uring_submit(&ring), "io_uring_submit");
}

/* Takes `count` completions, not counting notifications; the result of the last. */
static int reap(int count)
{
	int result = 0;

	while (count > 0) {
		struct io_uring_cqe *cqe;
		must(io_uring_wait_cqe(&ring, &cqe), "io_uring_wait_cqe");
		if (cqe->flags & IORING_CQE_F_NOTIF) {
			notifications++;
		} else {
			result = cqe->res;
			done[cqe->user_data & (MOST_OPS - 1)]++;
			cancelled += result == -ECANCELED;
			timed_out += result == -ETIME;
			count--;
		}
		io_uring_cqe_seen(&ring, cqe);
	}
	return result;
}

#define PREPARE(op, name, ...) do { struct io_uring_sqe *e = sqe(op); io_uring_prep_##name(e, __VA_ARGS__); e->user_data = op; } while (0)

static void chains(const char *path, int count)
{
	static char block[BLOCK];
	int none[1] = { -1 };

	must(io_uring_register_files(&ring, none, 1), "io_uring_register_files");
	for (int i = 0; i < count; i++) {
		struct io_uring_sqe *entry = sqe(IORING_OP_OPENAT);
		io_uring_prep_openat_direct(entry, AT_FDCWD, path, O_RDONLY, 0, 0);
		entry->user_data = IORING_OP_OPENAT;
		entry->flags |= IOSQE_IO_LINK;
		entry = sqe(IORING_OP_READ);
		io_uring_prep_read(entry, 0, block, BLOCK, 0);
		entry->user_data = IORING_OP_READ;
		entry->flags |= IOSQE_FIXED_FILE | IOSQE_IO_LINK;
		entry = sqe(IORING_OP_CLOSE);
		io_uring_prep_close_direct(entry, 0);
		entry->user_data = IORING_OP_CLOSE;
		submit();
		must(reap(3), "chain");
	}
}

static void fixed(int fd, int count)
{
	struct iovec vector = { aligned(BLOCK), BLOCK };

	must(io_uring_register_buffers(&ring, &vector, 1), "io_uring_register_buffers");
	for (int i = 0; i < count; i++) {
		PREPARE(IORING_OP_READ_FIXED, read_fixed, fd, vector.iov_base, BLOCK, 0, 0);
		submit();
		must(reap(1), "read_fixed");
	}
}

static int listening(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = must(socket(AF_INET, SOCK_STREAM, 0), "socket");

	*address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	must(bind(fd, (struct sockaddr *)address, size), "bind");
	must(listen(fd, 128), "listen");
	must(getsockname(fd, (struct sockaddr *)address, &size), "getsockname");
	return fd;
}

/* COUNT connections through one accept, COUNT messages through one receive, COUNT sends without a copy. */
static void network(int count)
{
	struct sockaddr_in address;
	int listener = listening(&address), client = -1, server = -1;

	PREPARE(IORING_OP_ACCEPT, multishot_accept, listener, NULL, NULL, 0);
	submit();
	for (int i = 0; i < count; i++) {
		if (client >= 0) {
			close(client);
			close(server);
		}
		client = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
		must(connect(client, (struct sockaddr *)&address, sizeof(address)), "connect");
		server = must(reap(1), "accept");
	}
	PREPARE(IORING_OP_ASYNC_CANCEL, cancel64, IORING_OP_ACCEPT, 0);
	submit();
	reap(2);

	static char buffers[64 * 64], message[64];
	PREPARE(IORING_OP_PROVIDE_BUFFERS, provide_buffers, buffers, 64, 64, 1, 0);
	submit();
	must(reap(1), "provide_buffers");
	struct io_uring_sqe *entry = sqe(IORING_OP_RECV);
	io_uring_prep_recv_multishot(entry, server, NULL, 0, 0);
	entry->user_data = IORING_OP_RECV;
	entry->flags |= IOSQE_BUFFER_SELECT;
	entry->buf_group = 1;
	submit();
	for (int i = 0; i < count; i++) {
		must(write(client, message, sizeof(message)), "write");
		must(reap(1), "recv");
	}
	PREPARE(IORING_OP_ASYNC_CANCEL, cancel64, IORING_OP_RECV, 0);
	submit();
	reap(2);

	for (int i = 0; i < count; i++) {
		PREPARE(IORING_OP_SEND_ZC, send_zc, server, message, sizeof(message), 0, 0);
		submit();
		must(reap(1), "send_zc");
		must(read(client, buffers, sizeof(message)), "read");
	}
	/* the last notifications may come late */
	while (notifications < count) {
		struct io_uring_cqe *cqe;
		must(io_uring_wait_cqe(&ring, &cqe), "io_uring_wait_cqe");
		notifications += !!(cqe->flags & IORING_CQE_F_NOTIF);
		io_uring_cqe_seen(&ring, cqe);
	}
}

static void timers(int count)
{
	struct __kernel_timespec soon = { .tv_nsec = 1000000 }, late = { .tv_sec = 100 };
	int silent[2];
	char byte;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, silent), "socketpair");
	for (int i = 0; i < count; i++) {
		PREPARE(IORING_OP_TIMEOUT, timeout, &soon, 0, 0);
		submit();
		reap(1);
		PREPARE(IORING_OP_TIMEOUT, timeout, &late, 0, 0);
		submit();
		PREPARE(IORING_OP_TIMEOUT_REMOVE, timeout_remove, IORING_OP_TIMEOUT, 0);
		submit();
		reap(2);
		struct io_uring_sqe *entry = sqe(IORING_OP_RECV);
		io_uring_prep_recv(entry, silent[0], &byte, 1, 0);
		entry->user_data = IORING_OP_RECV;
		entry->flags |= IOSQE_IO_LINK;
		PREPARE(IORING_OP_LINK_TIMEOUT, link_timeout, &soon, 0);
		submit();
		reap(2);
	}
}

static void futexes(int count)
{
	static uint32_t word;

	for (int i = 0; i < count; i++) {
		struct io_uring_sqe *entry = sqe(OP_FUTEX_WAIT);
		entry->opcode = OP_FUTEX_WAIT;
		entry->fd = FUTEX2_SIZE | FUTEX2_MINE;
		entry->addr = (uintptr_t)&word;
		entry->addr2 = 0;
		entry->addr3 = ~0u;
		submit();
		entry = sqe(OP_FUTEX_WAKE);
		entry->opcode = OP_FUTEX_WAKE;
		entry->fd = FUTEX2_SIZE | FUTEX2_MINE;
		entry->addr = (uintptr_t)&word;
		entry->addr2 = 1;
		entry->addr3 = ~0u;
		submit();
		reap(2);
	}
}

static void signalled(int count)
{
	int event = must(eventfd(0, 0), "eventfd");
	uint64_t value;

	must(io_uring_register_eventfd(&ring, event), "io_uring_register_eventfd");
	for (int i = 0; i < count; i++) {
		PREPARE(IORING_OP_FADVISE, fadvise, event, 0, 0, POSIX_FADV_NORMAL);
		submit();
		reap(1);
		must(read(event, &value, sizeof(value)), "read");
	}
	must(io_uring_unregister_eventfd(&ring), "io_uring_unregister_eventfd");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 64;
	int count = atoi(argv[2]), fd = must(open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600), argv[1]);
	must(write(fd, aligned(BLOCK), BLOCK), "write");
	must(io_uring_queue_init(64, &ring, 0), "io_uring_queue_init");
	chains(argv[1], count);
	fixed(fd, count);
	network(count);
	timers(count);
	if (io_uring_opcode_supported(io_uring_get_probe_ring(&ring), OP_FUTEX_WAIT))
		futexes(count);
	signalled(count);
	printf("{\"pid\":%d,\"notifications\":%d,\"cancelled\":%d,\"timed_out\":%d,\"ops\":{", getpid(), notifications, cancelled, timed_out);
	const char *comma = "";
	for (int op = 0; op < MOST_OPS; op++) {
		if (done[op]) {
			printf("%s\"%d\":%d", comma, op, done[op]);
			comma = ",";
		}
	}
	printf("}}\n");
	fflush(stdout);
	io_uring_queue_exit(&ring);
	return 0;
}
