/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * config_update FILE: counts up the number in a file, so that it survives a
 * crash at any point and no other count is lost.  A lock on FILE.lock is held
 * around reading and replacing: the file itself is another one after each.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <ipclock.h>

enum { TIMEOUT_MS = 10000 };

/* -1: what cannot be read is not to be overwritten. */
static long
read_count(const char *path)
{
	FILE *file = fopen(path, "r");
	long count;

	if (file == NULL)
		return errno == ENOENT ? 0 : -1;
	if (fscanf(file, "count %ld", &count) != 1)
		count = -1;
	fclose(file);
	return count;
}

/* fclose() closes the duplicate; its result says whether all was written. */
static int
write_count(struct ipclock_replace *r, long count)
{
	int fd = dup(ipclock_replace_fd(r));
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	int failed;

	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	failed = fprintf(file, "count %ld\n", count) < 0;
	return fclose(file) != 0 || failed ? -1 : 0;
}

static int
update(const char *path)
{
	struct ipclock_replace *r;
	long count = read_count(path);
	int failed = 1;

	if (count < 0) {
		fprintf(stderr, "%s: cannot read the count\n", path);
		return 1;
	}
	if (ipclock_replace_open(&r, path, 0) != 0) {
		fprintf(stderr, "%s\n", ipclock_message(NULL));
		return 1;
	}
	if (write_count(r, count + 1) != 0)
		perror(path);
	else if (ipclock_replace_commit(r) != 0)
		fprintf(stderr, "%s\n", ipclock_replace_message(r));
	else
		failed = 0;
	ipclock_replace_abort(r);
	return failed;
}

int
main(int argc, char **argv)
{
	char lock_path[4096];
	struct ipclock *lock;
	int failed = 1;

	if (argc != 2) {
		fprintf(stderr, "usage: config_update FILE\n");
		return 2;
	}
	snprintf(lock_path, sizeof(lock_path), "%s.lock", argv[1]);
	if (ipclock_open(&lock, lock_path, NULL) != 0) {
		fprintf(stderr, "%s\n", ipclock_message(NULL));
		return 1;
	}
	if (ipclock_acquire(lock, TIMEOUT_MS) == 0)
		failed = update(argv[1]);
	else
		fprintf(stderr, "%s\n", ipclock_message(lock));
	ipclock_close(lock);
	return failed;
}
