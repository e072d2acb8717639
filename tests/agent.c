/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A second process that obeys: one command a line on descriptor 0, one answer a
 * line on 1 (a number, then perhaps words), what the log callback hears on 3 or on
 * what its argument names (a level, then the line).  NAME is a handle, made by the
 * open commands.
 *
 *	open NAME PATH [OPTION...]     rw_open NAME PATH [OPTION...]
 *	    OPTION: flags=N slot=N range=START,LEN protocol=flock
 *	acquire|read|write NAME MS     start|start_read|start_write NAME MS
 *	release|release_read|release_write|downgrade|upgrade NAME
 *	step|cancel|held|fd|attempts|waited|message|close NAME
 *	raw PATH r|w|u START LEN       a lock of the system's, one try: EAGAIN
 *	fork        the child obeys from here on; answers its pid
 *	daemon      twice, and the parents exit; answers the last one's pid
 *	pass NAME   clears FD_CLOEXEC
 *	exec        becomes a fresh copy of this program
 *	pid, exit
 *
 * An answer is an errno value of the library's, or what was asked for.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ipclock.h>

#include "agent_os.h"

#define HANDLES 8
#define WORDS   8

struct handle {
	char name[16];
	struct ipclock *lock;
	struct ipclock_rw *rw;
};

static struct handle handles[HANDLES];
static const char *words = "";

static struct handle *
find(const char *name)
{
	int i;

	for (i = 0; i < HANDLES; i++)
		if (handles[i].name[0] != '\0' && strcmp(handles[i].name, name) == 0)
			return &handles[i];
	fprintf(stderr, "agent: no handle %s\n", name);
	exit(2);
}

static struct handle *
fresh(const char *name)
{
	int i;

	for (i = 0; i < HANDLES; i++)
		if (handles[i].name[0] == '\0') {
			snprintf(handles[i].name, sizeof(handles[i].name), "%s", name);
			return &handles[i];
		}
	fprintf(stderr, "agent: too many handles\n");
	exit(2);
}

static void
hear(void *ctx, int level, const char *line)
{
	char text[1024];

	(void)ctx;
	snprintf(text, sizeof(text) - 1, "%d %s", level, line);
	strcat(text, "\n");
	agent_log(text, (int)strlen(text));
}

static void
option(struct ipclock_attr *attr, const char *word)
{
	long long start, len;
	unsigned n;

	if (sscanf(word, "flags=%u", &n) == 1)
		ipclock_attr_set_flags(attr, n);
	else if (sscanf(word, "slot=%u", &n) == 1)
		ipclock_attr_set_slot(attr, n);
	else if (sscanf(word, "range=%lld,%lld", &start, &len) == 2)
		ipclock_attr_set_range(attr, start, len);
	else if (strcmp(word, "protocol=flock") == 0)
		ipclock_attr_set_protocol(attr, IPCLOCK_FLOCK);
	else
		exit(2);
}

static struct ipclock_attr *
options(int argc, char **argv)
{
	struct ipclock_attr *attr;
	int i;

	if (ipclock_attr_new(&attr) != 0)
		exit(2);
	ipclock_attr_set_log(attr, hear, NULL);
	for (i = 3; i < argc; i++)
		option(attr, argv[i]);
	return attr;
}

static long
do_open(int argc, char **argv)
{
	struct ipclock_attr *attr = options(argc, argv);
	struct handle *h = fresh(argv[1]);
	int error = argv[0][0] == 'r' ? ipclock_rw_open(&h->rw, argv[2], attr) : ipclock_open(&h->lock, argv[2], attr);

	if (error != 0)
		h->name[0] = '\0';
	ipclock_attr_free(attr);
	return error;
}

/* Commands on a handle: a row for the process lock, one for the reader-writer lock. */
static const struct {
	const char *name;
	int (*lock)(struct ipclock *, int);
	int (*rw)(struct ipclock_rw *, int);
} timed[] = {
	{ "acquire", ipclock_acquire, NULL },
	{ "read", NULL, ipclock_rw_acquire_read },
	{ "write", NULL, ipclock_rw_acquire_write },
	{ "start", ipclock_start, NULL },
	{ "start_read", NULL, ipclock_rw_start_read },
	{ "start_write", NULL, ipclock_rw_start_write },
};

static const struct {
	const char *name;
	int (*lock)(struct ipclock *);
	int (*rw)(struct ipclock_rw *);
} plain[] = {
	{ "release", ipclock_release, NULL },
	{ "release_read", NULL, ipclock_rw_release_read },
	{ "release_write", NULL, ipclock_rw_release_write },
	{ "downgrade", NULL, ipclock_rw_downgrade },
	{ "upgrade", NULL, ipclock_rw_try_upgrade },
	{ "held", ipclock_held, ipclock_rw_held },
	{ "fd", ipclock_fd, ipclock_rw_fd },
};

static const struct {
	const char *name;
	long (*lock)(struct ipclock *);
	long (*rw)(struct ipclock_rw *);
} counts[] = {
	{ "attempts", ipclock_attempts, ipclock_rw_attempts },
	{ "waited", ipclock_waited_ms, ipclock_rw_waited_ms },
};

static long
do_step(struct handle *h)
{
	static char due[32];
	int wait_ms = -2;
	int error = h->lock != NULL ? ipclock_step(h->lock, &wait_ms) : ipclock_rw_step(h->rw, &wait_ms);

	snprintf(due, sizeof(due), "%d", wait_ms);
	words = due;
	return error;
}

static long
do_cancel(struct handle *h)
{
	if (h->lock != NULL)
		ipclock_cancel(h->lock);
	else
		ipclock_rw_cancel(h->rw);
	return 0;
}

static long
do_message(struct handle *h)
{
	words = h->lock != NULL ? ipclock_message(h->lock) : ipclock_rw_message(h->rw);
	return 0;
}

static long
do_close(struct handle *h)
{
	int error = h->lock != NULL ? ipclock_close(h->lock) : ipclock_rw_close(h->rw);

	*h = (struct handle){ .lock = NULL };
	return error;
}

static long
do_pass(struct handle *h)
{
	return agent_pass(h->lock != NULL ? ipclock_fd(h->lock) : ipclock_rw_fd(h->rw));
}

static const struct {
	const char *name;
	long (*fn)(struct handle *);
} others[] = {
	{ "step", do_step },
	{ "cancel", do_cancel },
	{ "message", do_message },
	{ "close", do_close },
	{ "pass", do_pass },
};

static long
obey_handle(int argc, char **argv)
{
	struct handle *h = find(argv[1]);
	int ms = argc > 2 ? atoi(argv[2]) : 0;
	size_t i;

	for (i = 0; i < sizeof(timed) / sizeof(timed[0]); i++)
		if (strcmp(argv[0], timed[i].name) == 0)
			return h->lock != NULL ? timed[i].lock(h->lock, ms) : timed[i].rw(h->rw, ms);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (strcmp(argv[0], plain[i].name) == 0)
			return h->lock != NULL ? plain[i].lock(h->lock) : plain[i].rw(h->rw);
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (strcmp(argv[0], counts[i].name) == 0)
			return h->lock != NULL ? counts[i].lock(h->lock) : counts[i].rw(h->rw);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(argv[0], others[i].name) == 0)
			return others[i].fn(h);
	fprintf(stderr, "agent: what is %s?\n", argv[0]);
	exit(2);
}

static long
obey(int argc, char **argv)
{
	if (strcmp(argv[0], "exit") == 0)
		exit(0);
	if (strcmp(argv[0], "pid") == 0)
		return agent_pid();
	if (strcmp(argv[0], "fork") == 0)
		return agent_fork();
	if (strcmp(argv[0], "daemon") == 0)
		return agent_daemon();
	if (strcmp(argv[0], "exec") == 0)
		agent_exec();
	if (argc > 4 && strcmp(argv[0], "raw") == 0)
		return agent_raw(argv[1], argv[2][0], strtoll(argv[3], NULL, 0), strtoll(argv[4], NULL, 0));
	if (argc > 2 && (strcmp(argv[0], "open") == 0 || strcmp(argv[0], "rw_open") == 0))
		return do_open(argc, argv);
	if (argc > 1)
		return obey_handle(argc, argv);
	fprintf(stderr, "agent: what is %s?\n", argv[0]);
	exit(2);
}

int
main(int argc, char **argv)
{
	char line[1024];
	char *word[WORDS];
	long answer;
	int n;

	agent_begin(argc, argv);
	/* Unread input in a buffer would be lost by exec and be read twice after fork. */
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		for (n = 0; n < WORDS && (word[n] = strtok(n == 0 ? line : NULL, " \n")) != NULL; n++)
			;
		if (n == 0)
			continue;
		words = "";
		answer = obey(n, word);
		printf("%ld %s\n", answer, words);
		fflush(stdout);
	}
	return 0;
}
