/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A lock for machines that share a directory: a lease, a heartbeat between
 * the pieces of the work, and what to do when the lock was lost all the same.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <ipclock.h>

enum { LEASE_MS = 30000, TIMEOUT_MS = 5000, PIECES = 3 };

static void
complain(void *ctx)
{
	fprintf(stderr, "%s was lost: somebody else works there now\n", (const char *)ctx);
}

static int
work(struct ipclock_soft *soft)
{
	int piece, error = 0;

	for (piece = 1; piece <= PIECES && error == 0; piece++) {
		printf("piece %d of process %ld\n", piece, (long)getpid());
		error = ipclock_soft_touch(soft);
	}
	return error;
}

int
main(void)
{
	struct ipclock_soft *soft;
	int error;

	if (ipclock_soft_open(&soft, "soft.lock", NULL) != 0) {
		fprintf(stderr, "%s\n", ipclock_message(NULL));
		return 1;
	}
	ipclock_soft_set_lease(soft, LEASE_MS, complain, (void *)ipclock_soft_path(soft));
	error = ipclock_soft_acquire(soft, TIMEOUT_MS);
	if (error == 0) {
		printf("got it\n");
		error = work(soft);
		if (error != ESTALE)
			error = ipclock_soft_release(soft);
	}
	if (error != 0)
		fprintf(stderr, "%s\n", ipclock_soft_message(soft));
	ipclock_soft_close(soft);
	return error != 0;
}
