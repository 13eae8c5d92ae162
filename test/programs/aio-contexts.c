// SPDX-License-Identifier: MIT
/* aio-contexts COUNT FILE: so many aio contexts, all at once; then a read through each, and its event. */
#include "support.h"
#include <libaio.h>

int main(int argc, char **argv)
{
	static char buffer[512];

	if (argc != 3)
		return 64;
	int count = atoi(argv[1]);
	int fd = must(open(argv[2], O_CREAT | O_RDWR, 0600), argv[2]);
	must(pwrite(fd, buffer, sizeof(buffer), 0), "pwrite");
	io_context_t *contexts = calloc(count, sizeof(*contexts));
	for (int i = 0; i < count; i++)
		must(io_setup(1, &contexts[i]), "io_setup");
	for (int i = 0; i < count; i++) {
		struct iocb iocb, *iocbs[] = { &iocb };
		struct io_event event;
		io_prep_pread(&iocb, fd, buffer, sizeof(buffer), 0);
		must(io_submit(contexts[i], 1, iocbs), "io_submit");
		must(io_getevents(contexts[i], 1, 1, &event, NULL), "io_getevents");
	}
	printf("{\"pid\":%d,\"ops\":{\"PREAD\":%d}}\n", getpid(), count);
	return 0;
}
