/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * inotify(7) tells of the last close of each open file description, which is
 * how a crash ends one.  The kernel does so just before it removes the
 * description's locks.
 */
#include <config.h>

#include <sys/inotify.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "os_posix.h"
#include "os_watch.h"

#define NAME_SIZE 32

static void
name_of(const struct os_file *file, char *name)
{
	snprintf(name, NAME_SIZE, "/proc/self/fd/%d", file->fd);
}

/* Never descriptor 0 to 2. */
static int
make(struct os_watch *watch)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	watch->fd = fd;
	if (fd >= 0 && fd <= STDERR_FILENO) {
		watch->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(fd);
	}
	return watch->fd < 0 ? errno : 0;
}

/* Was there something? */
static bool
drain(const struct os_watch *watch)
{
	char events[1024];
	bool some = false;

	while (read(watch->fd, events, sizeof(events)) > 0)
		some = true;
	return some;
}

/*
 * A watch for one event: else they would pile up where nobody waits for the
 * next.  It is made once, since to end one takes the kernel milliseconds.
 */
int
ipclock__os_watch_arm(struct os_watch *watch, const struct os_file *file)
{
	char name[NAME_SIZE];
	int r = 0;

	if (watch->fd < 0)
		r = make(watch);
	if (r)
		return r;
	name_of(file, name);
	do
		r = inotify_add_watch(watch->fd, name, IN_CLOSE | IN_ONESHOT) < 0 ? errno : 0;
	while (r == 0 && drain(watch)); /* an old event, or the one */
	return r;
}

int
ipclock__os_watch_wait(struct os_watch *watch, int64_t until)
{
	struct pollfd events = { .fd = watch->fd, .events = POLLIN };
	struct timespec left = ipclock__os_time_left(until);
	int n = ppoll(&events, 1, &left, ipclock__os_signals_held());

	return n > 0 ? 0 : n == 0 ? ETIMEDOUT : errno;
}

void
ipclock__os_watch_close(struct os_watch *watch)
{
	int fd = watch->fd;

	watch->fd = -1; /* first: in the child of a fork in between the number may be another's */
	if (fd >= 0)
		close(fd);
}

void
ipclock__os_watch_ring(const struct os_file *file)
{
	char name[NAME_SIZE];
	int fd;

	name_of(file, name);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		close(fd);
}
