/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* For the loop examples: somebody else, who holds a lock for a while. */
#ifndef EXAMPLES_HOLDER_H
#define EXAMPLES_HOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <ipclock.h>

/* Another process takes the lock, and releases it ms milliseconds later.  Returns when it has it. */
static void
hold_elsewhere(const char *path, int ms)
{
	struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	struct ipclock *lock;
	int ends[2];
	char held;

	if (pipe(ends) != 0)
		exit(1);
	if (fork() == 0) {
		if (ipclock_open(&lock, path, NULL) != 0 || ipclock_acquire(lock, 0) != 0) {
			fprintf(stderr, "%s\n", ipclock_message(NULL));
			_exit(1);
		}
		if (write(ends[1], "h", 1) == 1)
			nanosleep(&pause, NULL);
		ipclock_close(lock);
		_exit(0);
	}
	close(ends[1]);
	if (read(ends[0], &held, 1) != 1)
		exit(1);
	close(ends[0]);
}

#endif
