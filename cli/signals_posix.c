/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

/* SIGTSTP: a stopped waiter would stand in everybody's way.  The others: the notice is erased first. */
static struct {
	int sig;
	bool ours;
	volatile sig_atomic_t caught;
	struct sigaction before;
} table[] = {
	{ .sig = SIGTSTP },
	{ .sig = SIGHUP },
	{ .sig = SIGINT },
	{ .sig = SIGQUIT },
	{ .sig = SIGTERM },
};
#define N_TABLE (sizeof(table) / sizeof(*table))

static int depth;
static sigset_t before_mask; /* while nothing is blocked but what the caller blocked */
static sigset_t before_defer;
void (*signals_undo)(void);

static void
handler(int sig)
{
	size_t i;

	for (i = 0; i < N_TABLE; i++)
		if (table[i].sig == sig)
			table[i].caught = 1;
}

void
signals_catch(void)
{
	struct sigaction action = { .sa_handler = handler };
	sigset_t set;
	size_t i;

	if (depth++ > 0)
		return;
	sigemptyset(&action.sa_mask);
	sigemptyset(&set);
	for (i = 0; i < N_TABLE; i++)
		sigaddset(&set, table[i].sig);
	sigprocmask(SIG_BLOCK, &set, &before_mask);
	for (i = 0; i < N_TABLE; i++) {
		sigaction(table[i].sig, NULL, &table[i].before);
		table[i].ours = table[i].before.sa_handler == SIG_DFL;
		table[i].caught = 0;
		if (table[i].ours)
			sigaction(table[i].sig, &action, NULL);
	}
}

bool
signals_caught(void)
{
	size_t i;

	for (i = 0; i < N_TABLE; i++)
		if (table[i].caught)
			return true;
	return false;
}

void
signals_release(void)
{
	size_t i;

	if (--depth > 0)
		return;
	for (i = 0; i < N_TABLE; i++)
		if (table[i].ours)
			sigaction(table[i].sig, &table[i].before, NULL);
	sigprocmask(SIG_SETMASK, &before_mask, NULL);
}

/* It is blocked here: what is raised comes when it no longer is. */
static void
suffer(int sig, const struct sigaction *before)
{
	struct sigaction ours;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigaction(sig, before, &ours);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(sig, &ours, NULL);
}

void
signals_raise(void)
{
	size_t i;

	for (i = 0; i < N_TABLE; i++)
		if (table[i].caught) {
			table[i].caught = 0;
			if (signals_undo != NULL && table[i].sig != SIGTSTP)
				signals_undo();
			suffer(table[i].sig, &table[i].before);
		}
}

void
signals_wait(int fd, int64_t us)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };
	struct timespec timeout = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };

	ppoll(&event, 1, &timeout, &before_mask);
}

int
signals_read(char *data, size_t size, size_t *n)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t got;

	do {
		signals_wait(-1, 0); /* where there is always something to read, they come nowhere else */
		if (signals_caught())
			signals_raise();
		while (ppoll(&input, 1, NULL, &before_mask) < 0 && errno == EINTR)
			if (signals_caught())
				signals_raise();
		got = read(STDIN_FILENO, data, size);
	} while (got < 0 && (errno == EAGAIN || errno == EINTR));
	*n = got > 0 ? (size_t)got : 0;
	return got < 0 ? errno : 0;
}

void
signals_defer(void)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &before_defer);
}

void
signals_undefer(void)
{
	sigprocmask(SIG_SETMASK, &before_defer, NULL);
}
