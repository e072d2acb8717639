/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <string.h>

#include "waiting.h"

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
static sigset_t before_mask;
void (*signals_undo)(void);

static void
handler(int sig)
{
	size_t i;

	for (i = 0; i < N_TABLE; i++)
		if (table[i].sig == sig)
			table[i].caught = 1;
}

const sigset_t *
signals_catch(void)
{
	struct sigaction action = { .sa_handler = handler };
	sigset_t set;
	size_t i;

	if (depth++ > 0)
		return &before_mask;
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
	return &before_mask;
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
