// SPDX-License-Identifier: MIT
/* aio-reads FILE SECONDS DEPTH: random O_DIRECT reads of 4 KiB through libaio, DEPTH in flight, one iocb a call. */
#include "measure.h"
#include <libaio.h>

static void submit(io_context_t context, struct file file, struct iocb *iocb, char *buffer)
{
	io_prep_pread(iocb, file.fd, buffer, BLOCK, random_offset(file));
	must(io_submit(context, 1, &iocb), "io_submit");
}

int main(int argc, char **argv)
{
	io_context_t context = NULL;
	uint64_t ops = 0;

	if (argc != 4)
		return 64;
	struct file file = open_file(argv[1], O_DIRECT);
	uint64_t length = atof(argv[2]) * 1e9;
	int depth = atoi(argv[3]);
	char *buffers = aligned((size_t)depth * BLOCK);
	struct iocb *iocbs = calloc(depth, sizeof(*iocbs));
	must(io_setup(depth, &context), "io_setup");

	struct stretch stretch = begin();
	for (int slot = 0; slot < depth; slot++)
		submit(context, file, &iocbs[slot], buffers + (size_t)slot * BLOCK);
	for (int left = depth; left > 0;) {
		struct io_event event;
		must(io_getevents(context, 1, 1, &event, NULL), "io_getevents");
		must_be_block((long)event.res);
		ops++;
		if (now_ns() - stretch.began >= length)
			left--;
		else
			submit(context, file, event.obj, event.obj->u.c.buf);
	}
	print_costs(stretch, ops);
	return finish();
}
