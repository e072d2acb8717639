/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * cache FILE: prints what is in FILE, which is expensive to make.  Many may want it
 * at the same time, and one of them makes it: who finds no file takes the lock
 * on FILE.lock and looks again, for while it waited another has made it.
 *
 * Who finds the file takes no lock: it is put in place as a whole.  To have it
 * made anew, remove it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ipclock.h>

enum { TIMEOUT_MS = 60000 };

static int
complain(const char *message)
{
	fprintf(stderr, "cache: %s\n", message);
	return 1;
}

/* 0: printed, -1: there is no such file, 1: another error. */
static int
print(const char *path)
{
	FILE *file = fopen(path, "r");
	int c, failed;

	if (file == NULL)
		return errno == ENOENT ? -1 : complain(strerror(errno));
	while ((c = getc(file)) != EOF)
		putchar(c);
	failed = ferror(file);
	fclose(file);
	return failed || fflush(stdout) != 0 ? complain("cannot read or print it") : 0;
}

/* What takes long stands here. */
static int
make(int fd)
{
	static const char text[] = "the answer is 42\n";

	fputs("making it\n", stderr);
	return write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1 ? 0 : -1;
}

static int
make_file(const char *path)
{
	struct ipclock_replace *new;
	int failed = 0;

	if (ipclock_replace_open(&new, path, 0) != 0)
		return complain(ipclock_message(NULL));
	if (make(ipclock_replace_fd(new)) != 0)
		failed = complain("cannot make it");
	else if (ipclock_replace_commit(new) != 0)
		failed = complain(ipclock_replace_message(new));
	ipclock_replace_abort(new); /* which after a commit only frees */
	return failed;
}

static int
make_once(const char *path)
{
	char lock_path[4096];
	struct ipclock *lock;
	int result;

	snprintf(lock_path, sizeof(lock_path), "%s.lock", path);
	if (ipclock_open(&lock, lock_path, NULL) != 0)
		return complain(ipclock_message(NULL));
	if (ipclock_acquire(lock, TIMEOUT_MS) != 0)
		result = complain(ipclock_message(lock));
	else {
		result = print(path);
		if (result < 0)
			result = make_file(path) != 0 ? 1 : print(path);
	}
	ipclock_close(lock);
	return result;
}

int
main(int argc, char **argv)
{
	int result;

	if (argc != 2) {
		fprintf(stderr, "usage: cache FILE\n");
		return 2;
	}
	result = print(argv[1]);
	return result < 0 ? make_once(argv[1]) != 0 : result;
}
