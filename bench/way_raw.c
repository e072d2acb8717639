/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 *	raw-ofd    F_OFD_SETLKW on a byte
 *	raw-same   the calls that the library makes for its defaults on slot 0, without the library
 *	raw-flock  flock(2)
 */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "way_raw.h"

struct raw {
	int fd, kind;
	off_t byte;
	char *path;
};

void *
raw_open(const struct way *way, const char *path, unsigned slot)
{
	struct raw *r = must_allocate(sizeof(*r));

	r->fd = must_open_file(path);
	r->kind = way->kind;
	r->byte = (off_t)slot;
	r->path = realpath(path, NULL);
	if (r->path == NULL)
		die(path);
	return r;
}

static void
range(const struct raw *r, int command, int type, off_t start, off_t len)
{
	struct flock f = { .l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	if (fcntl(r->fd, command, &f) != 0)
		die("fcntl");
}

/* Is there a line?  Lock.  Is it still that file?  A reader looks for a writer, too. */
static void
same(const struct raw *r, int write)
{
	struct stat s;

	range(r, F_OFD_GETLK, F_WRLCK, (off_t)1 << 62, (off_t)1 << 40);
	if (!write)
		range(r, F_OFD_GETLK, F_RDLCK, 1 << 30, 1);
	range(r, F_OFD_SETLKW, write ? F_WRLCK : F_RDLCK, (1 << 30) + (write ? 0 : 2), write ? 512 : 510);
	if (lstat(r->path, &s) != 0)
		die(r->path);
}

void
raw_acquire(void *lock, int write)
{
	struct raw *r = lock;

	if (r->kind == RAW_OFD)
		range(r, F_OFD_SETLKW, write ? F_WRLCK : F_RDLCK, r->byte, 1);
	else if (r->kind == RAW_SAME)
		same(r, write);
	else if (flock(r->fd, write ? LOCK_EX : LOCK_SH) != 0)
		die("flock");
}

void
raw_release(void *lock, int write)
{
	struct raw *r = lock;

	(void)write;
	if (r->kind == RAW_OFD)
		range(r, F_OFD_SETLK, F_UNLCK, r->byte, 1);
	else if (r->kind == RAW_SAME)
		range(r, F_OFD_SETLK, F_UNLCK, 1 << 30, 512);
	else if (flock(r->fd, LOCK_UN) != 0)
		die("flock");
}

void
raw_close(void *lock)
{
	struct raw *r = lock;

	close(r->fd);
	free(r->path);
	free(r);
}

const struct way raw_ways[] = {
	{ .name = WAY_RAW, RAW_ROW, .shares = 1, .kind = RAW_OFD },
	{ .name = "raw-same", RAW_ROW, .shares = 1, .kind = RAW_SAME },
	{ .name = "raw-flock", RAW_ROW, .shares = 1, .kind = RAW_FLOCK },
	{ .name = NULL },
};
