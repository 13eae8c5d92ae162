// SPDX-License-Identifier: MIT
#include "process.h"
#include "target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define GRACE_MS 1000
#define TICK_MS 10

static void tell(int fd, enum news_kind kind, int value)
{
	struct news news = { kind, value };

	/* the loader may be gone */
	(void)!write(fd, &news, sizeof(news));
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The command's process: waits at the gate, then becomes the command. */
static _Noreturn void become(int news, int start, pid_t guardian, char **command, const char *cwd, char **env)
{
	char byte;

	setpgid(0, 0);
	while (read(start, &byte, 1) != 1)
		if (errno != EINTR)
			_exit(127);
	close(start);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!identity_of_caller()) {
		tell(news, NEWS_USER_FAILED, errno);
		_exit(127);
	}
	/* after the change of user, which clears it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guardian)
		_exit(127);
	for (; env && *env; env++)
		putenv(*env);
	if (cwd && chdir(cwd) != 0) {
		tell(news, NEWS_CWD_FAILED, errno);
		_exit(127);
	}
	execvp(command[0], command);
	tell(news, NEWS_EXEC_FAILED, errno);
	_exit(127);
}

/* Orphans of the command become our children (we are a subreaper), so our children are all there is to end. */
static void signal_children(int signal_number)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;

	if (!processes)
		return;
	while ((entry = readdir(processes))) {
		pid_t pid = atoi(entry->d_name);
		if (pid > 0 && process_parent(pid) == getpid())
			kill(pid, signal_number);
	}
	closedir(processes);
}

/* Collects the dead; tells the command's own end. False when no child is left. */
static bool reap(pid_t command, int news)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != command)
			continue;
		if (WIFSIGNALED(status))
			tell(news, NEWS_KILLED, WTERMSIG(status));
		else
			tell(news, NEWS_EXITED, WEXITSTATUS(status));
	}
	return pid == 0 || errno != ECHILD;
}

/* Ends the command's group, then whatever is left, until nothing is. */
static void end_all(pid_t command, int news)
{
	long deadline = now_ms() + GRACE_MS;

	kill(-command, SIGTERM);
	signal_children(SIGTERM);
	while (reap(command, news)) {
		if (now_ms() >= deadline) {
			kill(-command, SIGKILL);
			signal_children(SIGKILL);
		}
		poll(NULL, 0, TICK_MS);
	}
}

static void wake(int signal_number)
{
	(void)signal_number;
}

static void keep_descriptors(int news, int gate)
{
	int nothing = open("/dev/null", O_RDWR);

	/* the recording's pipe must end when the loader does */
	dup2(nothing, STDIN_FILENO);
	dup2(nothing, STDOUT_FILENO);
	for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
		if (fd != news && fd != gate)
			close(fd);
}

_Noreturn void guardian_run(int news, int gate, char **command, const char *cwd, char **env)
{
	pid_t self = getpid();
	int start[2];
	bool started = false;

	setsid();
	prctl(PR_SET_NAME, "ringlight-guard");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* taken only while polling, so that no end of a child goes unseen */
	sigset_t child, none;
	sigemptyset(&none);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = wake }, NULL);
	keep_descriptors(news, gate);
	if (pipe2(start, O_CLOEXEC) != 0)
		_exit(1);
	pid_t pid = fork();
	if (pid < 0)
		_exit(1);
	if (pid == 0) {
		close(start[1]);
		close(gate);
		become(news, start[0], self, command, cwd, env);
	}
	/* from both sides: whoever comes first */
	setpgid(pid, pid);
	close(start[0]);
	tell(news, NEWS_PID, pid);

	for (;;) {
		struct pollfd from_loader = { .fd = gate, .events = POLLIN };
		char byte;
		if (!reap(pid, news))
			break;
		if (ppoll(&from_loader, 1, NULL, &none) <= 0)
			continue;
		if (read(gate, &byte, 1) != 1) {
			end_all(pid, news);
			break;
		}
		if (!started) {
			(void)!write(start[1], "g", 1);
			close(start[1]);
			started = true;
		}
	}
	tell(news, NEWS_ALL_GONE, 0);
	_exit(0);
}
