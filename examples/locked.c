/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A counter in a file, and functions that run under its lock: four processes
 * count to 100 each, and not one turn is lost.
 *
 *	locked
 *
 * Exits with 1 if the total is not 400.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ipclock.h>

enum { PROCESSES = 4, TURNS = 100 };

static IPCLOCK_READ_LOCKED(long, total, (void), (), "total.lock", -1)
{
	FILE *f = fopen("total", "r");
	long n;

	if (!f)
		return errno == ENOENT ? 0 : -1; /* there is none yet */
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

/* What calls total() under the same lock: the lock is recursive. */
static IPCLOCK_WRITE_LOCKED(long, add, (long n), (n), "total.lock", -1)
{
	long sum = total();
	FILE *f;

	if (sum < 0)
		return -1;
	f = fopen("total", "w");
	if (!f)
		return -1;
	sum += n;
	fprintf(f, "%ld\n", sum);
	return fclose(f) == 0 ? sum : -1;
}

static int
count(void)
{
	int i;

	for (i = 0; i < TURNS; i++)
		if (add(1) < 0) {
			fprintf(stderr, "locked: %s\n", ipclock_locked_error() ? ipclock_message(NULL) : "total: cannot be written");
			return 1;
		}
	return 0;
}

int
main(void)
{
	int i;

	for (i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			_exit(count());
	while (wait(NULL) > 0)
		;
	printf("total %ld\n", total());
	return total() == (long)PROCESSES * TURNS ? 0 : 1;
}
