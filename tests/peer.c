/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * A peer that calls the system itself, for tests/interop.py.
 *
 *	peer KIND PATH [START LEN]
 *
 * KIND: lockf, flock-sh, flock-ex, or classic-read, classic-write, ofd-read,
 * ofd-write with a range.  One command a line, one answer a line: "try" is
 * answered by "held" or "busy", "release" by "free".
 */

#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Where the system has none, the peer is refused. */
#ifndef F_OFD_SETLK
#define F_OFD_SETLK (-1)
#endif

static const char *kind;
static int fd;
static struct flock range = { .l_whence = SEEK_SET };

static int
lock(void)
{
	if (strcmp(kind, "lockf") == 0)
		return lockf(fd, F_TLOCK, 0);
	if (strcmp(kind, "flock-sh") == 0)
		return flock(fd, LOCK_SH | LOCK_NB);
	if (strcmp(kind, "flock-ex") == 0)
		return flock(fd, LOCK_EX | LOCK_NB);
	range.l_type = strstr(kind, "-read") != NULL ? F_RDLCK : F_WRLCK;
	return fcntl(fd, strncmp(kind, "ofd", 3) == 0 ? F_OFD_SETLK : F_SETLK, &range);
}

static int
unlock(void)
{
	if (strcmp(kind, "lockf") == 0)
		return lockf(fd, F_ULOCK, 0);
	if (strncmp(kind, "flock", 5) == 0)
		return flock(fd, LOCK_UN);
	range.l_type = F_UNLCK;
	return fcntl(fd, strncmp(kind, "ofd", 3) == 0 ? F_OFD_SETLK : F_SETLK, &range);
}

static const char *
obey(const char *command)
{
	if (strcmp(command, "try\n") == 0) {
		if (lock() == 0)
			return "held";
		return errno == EAGAIN || errno == EACCES ? "busy" : strerror(errno);
	}
	return unlock() == 0 ? "free" : strerror(errno);
}

int
main(int argc, char **argv)
{
	char line[16];

	if (argc != 3 && argc != 5)
		return 2;
	kind = argv[1];
	if (argc == 5) {
		range.l_start = (off_t)strtoll(argv[3], NULL, 0);
		range.l_len = (off_t)strtoll(argv[4], NULL, 0);
	}
	fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd == -1)
		return 2;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		puts(obey(line));
		fflush(stdout);
	}
	return 0;
}
