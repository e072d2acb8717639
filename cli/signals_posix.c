/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"
#include "signals_posix.h"

/* The others end a process, or, SIGTSTP, make a waiter stand in everybody's way. */
static const int left_alone[] = { SIGKILL, SIGSTOP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGURG, SIGWINCH };
#define N_LEFT_ALONE (sizeof(left_alone) / sizeof(*left_alone))

enum { NOT_CAUGHT, CAUGHT, CAUGHT_ALONE };

static struct {
	bool ours;
	volatile sig_atomic_t caught;
	struct sigaction before;
} table[NSIG];

static int depth;
static sigset_t before_mask; /* while nothing is blocked but what the caller blocked */
static sigset_t before_defer;
void (*signals_undo)(void);

/* A key on the terminal and its end reach a whole group of processes, kill(1) one. */
static void
handler(int sig, siginfo_t *info, void *context)
{
	bool sent = info->si_code == SI_USER || info->si_code == SI_QUEUE;
	bool to_group = !sent && (sig == SIGHUP || sig == SIGINT || sig == SIGQUIT);
	bool by_us = sent && info->si_pid == getpid(); /* a pipe that nobody reads */

	(void)context;
	table[sig].caught = to_group || by_us ? CAUGHT : CAUGHT_ALONE;
}

static bool
is_ours(int sig)
{
	size_t i;

	for (i = 0; i < N_LEFT_ALONE; i++)
		if (left_alone[i] == sig)
			return false;
	return sigaction(sig, NULL, &table[sig].before) == 0 && table[sig].before.sa_handler == SIG_DFL;
}

void
signals_catch(void)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	sigset_t set;
	int sig;

	if (depth++ > 0)
		return;
	sigemptyset(&action.sa_mask);
	sigemptyset(&set);
	for (sig = 1; sig < NSIG; sig++) {
		table[sig].ours = is_ours(sig);
		table[sig].caught = NOT_CAUGHT;
		if (table[sig].ours)
			sigaddset(&set, sig);
	}
	sigprocmask(SIG_BLOCK, &set, &before_mask);
	for (sig = 1; sig < NSIG; sig++)
		if (table[sig].ours)
			sigaction(sig, &action, NULL);
}

bool
signals_caught(void)
{
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		if (table[sig].caught)
			return true;
	return false;
}

void
signals_release(void)
{
	int sig;

	if (--depth > 0)
		return;
	for (sig = 1; sig < NSIG; sig++)
		if (table[sig].ours)
			sigaction(sig, &table[sig].before, NULL);
	sigprocmask(SIG_SETMASK, &before_mask, NULL);
}

void
signals_release_all(void)
{
	depth = 1;
	signals_release();
}

void
signals_mask(sigset_t *mask)
{
	*mask = before_mask;
}

/* It is blocked here: what is raised comes when it no longer is. */
static void
suffer(int sig)
{
	struct sigaction ours;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigaction(sig, &table[sig].before, &ours);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(sig, &ours, NULL);
}

int
signals_next(bool *alone)
{
	int sig;

	for (sig = 1; sig < NSIG; sig++) {
		if (!table[sig].caught)
			continue;
		*alone = table[sig].caught == CAUGHT_ALONE;
		table[sig].caught = NOT_CAUGHT;
		if (sig != SIGTSTP)
			return sig;
		suffer(sig);
	}
	return 0;
}

void
signals_raise(void)
{
	bool alone;
	int sig;

	while ((sig = signals_next(&alone)) != 0) {
		if (signals_undo != NULL)
			signals_undo();
		suffer(sig);
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
