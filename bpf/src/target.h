// SPDX-License-Identifier: MIT
/*
 * The command that is traced. A small guardian process stands between it and us: it starts the command, and when
 * we end, even by SIGKILL, it ends the command and everything the command started.
 */
#ifndef RINGLIGHT_TARGET_H
#define RINGLIGHT_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

enum news_kind {
	NEWS_NONE,
	NEWS_PID,		/* the command's process is there and waits */
	NEWS_EXEC_FAILED,	/* errno */
	NEWS_CWD_FAILED,	/* errno */
	NEWS_USER_FAILED,	/* errno: could not become the user behind sudo */
	NEWS_EXITED,		/* exit code */
	NEWS_KILLED,		/* signal */
	NEWS_ALL_GONE,		/* nothing of the command is left */
};

struct news {
	enum news_kind kind;
	int value;
};

struct target {
	pid_t guardian, pid;
	int news;		/* read end; readable when target_news has something */
	int gate;		/* the command starts with the first byte; the guardian ends it all at its end */
};

/* Starts the guardian and, behind its gate, the command's process. False with errno. */
bool target_prepare(struct target *target, char **command, const char *cwd, char **env);
void target_start(struct target *target);
/* What happened since; NEWS_NONE when nothing did. NEWS_ALL_GONE too when the guardian is gone. */
struct news target_news(struct target *target);
/* Asks for the end of the command and all it started: SIGTERM, a second's grace, SIGKILL. Does not wait. */
void target_end(struct target *target);
/* Waits for the guardian; only after NEWS_ALL_GONE. */
void target_wait(struct target *target);

/* The guardian's part, in a process of its own. */
_Noreturn void guardian_run(int news, int gate, char **command, const char *cwd, char **env);
/* Becomes the user who called sudo, if one did: ids, groups, HOME. False with errno. */
bool identity_of_caller(void);

#endif
