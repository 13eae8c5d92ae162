// SPDX-License-Identifier: MIT
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

bool target_prepare(struct target *target, char **command, const char *cwd, char **env)
{
	int news[2], gate[2];

	*target = (struct target){ .news = -1, .gate = -1 };
	if (pipe2(news, O_CLOEXEC) != 0)
		return false;
	if (pipe2(gate, O_CLOEXEC) != 0)
		goto no_gate;
	target->guardian = fork();
	if (target->guardian < 0)
		goto no_guardian;
	if (target->guardian == 0) {
		close(news[0]);
		close(gate[1]);
		guardian_run(news[1], gate[0], command, cwd, env);
	}
	close(news[1]);
	close(gate[0]);
	target->news = news[0];
	target->gate = gate[1];
	struct news first = target_news(target);
	if (first.kind != NEWS_PID) {
		errno = EAGAIN;
		return false;
	}
	target->pid = first.value;
	fcntl(target->news, F_SETFL, O_NONBLOCK);
	return true;

no_guardian:
	close(gate[0]);
	close(gate[1]);
no_gate:
	close(news[0]);
	close(news[1]);
	return false;
}

void target_start(struct target *target)
{
	(void)!write(target->gate, "g", 1);
}

struct news target_news(struct target *target)
{
	struct news news;
	ssize_t got;

	do
		got = read(target->news, &news, sizeof(news));
	while (got < 0 && errno == EINTR);
	if (got == sizeof(news))
		return news;
	return (struct news){ got < 0 && errno == EAGAIN ? NEWS_NONE : NEWS_ALL_GONE, 0 };
}

void target_end(struct target *target)
{
	if (target->gate >= 0)
		close(target->gate);
	target->gate = -1;
}

void target_wait(struct target *target)
{
	while (waitpid(target->guardian, NULL, 0) < 0 && errno == EINTR)
		;
	/* a guardian that was killed could not do its work */
	if (target->pid > 0 && kill(-target->pid, 0) == 0)
		kill(-target->pid, SIGKILL);
}
