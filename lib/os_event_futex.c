/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * Events on Linux by futex(2): a word of memory, which a signal handler can
 * interrupt (a condition variable cannot), and eventfd(2) for those who poll.
 */

#include <config.h>

#include <sys/eventfd.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "os.h"
#include "os_posix.h"

/* A 32-bit system whose time_t is 64 bits wide has only the newer call. */
#if !defined(SYS_futex) || (defined(SYS_futex_time64) && defined(__USE_TIME_BITS64))
#define FUTEX SYS_futex_time64
#else
#define FUTEX SYS_futex
#endif

int
ipclock__os_event_at_fork(void)
{
	return 0;
}

void
ipclock__os_event_make(struct os_event *event)
{
	atomic_init(&event->set, 0);
	atomic_init(&event->fd, -1);
}

void
ipclock__os_event_free(struct os_event *event)
{
	int fd = atomic_exchange(&event->fd, -1);

	if (fd >= 0)
		close(fd);
}

/* An eventfd is full only after 2^64 - 2 sets: there is nothing to fail. */
static void
tell_fd(struct os_event *event)
{
	const uint64_t one = 1;
	int fd = atomic_load(&event->fd);

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return;
}

void
ipclock__os_event_set(struct os_event *event)
{
	atomic_store(&event->set, 1);
	syscall(FUTEX, &event->set, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	tell_fd(event);
}

void
ipclock__os_event_clear(struct os_event *event)
{
	uint64_t count;
	int fd = atomic_load(&event->fd);

	if (fd >= 0 && read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	atomic_exchange(&event->set, 0); /* a read too: what the setter did before is seen after */
}

/* futex(2) cannot let signals in as it goes to sleep, ppoll(2) can.  With no descriptor left it comes back often. */
static int
wait_letting_signals_in(struct os_event *event, int64_t until, const sigset_t *signals)
{
	struct pollfd wake = { .fd = ipclock__os_event_fd(event), .events = POLLIN };
	int64_t soon = ipclock__os_now() + 10 * OS_MS;
	struct timespec left;

	if (wake.fd < 0 && soon < until)
		until = soon;
	while (!atomic_load(&event->set)) {
		left = ipclock__os_time_left(until);
		switch (ppoll(&wake, 1, until == OS_NEVER ? NULL : &left, signals)) {
		case 0:
			return ETIMEDOUT;
		case -1:
			return errno;
		}
	}
	return 0;
}

int
ipclock__os_event_wait(struct os_event *event, int64_t until)
{
	const sigset_t *signals = ipclock__os_signals_held();
	struct timespec deadline = ipclock__os_timespec(until);
	int r = 0;

	if (signals)
		return wait_letting_signals_in(event, until, signals);
	while (!atomic_load(&event->set)) {
		/* the kernel's absolute time: FUTEX_WAIT would count from now */
		r = (int)syscall(FUTEX, &event->set, FUTEX_WAIT_BITSET_PRIVATE, 0, until == OS_NEVER ? NULL : &deadline,
		    NULL, FUTEX_BITSET_MATCH_ANY);
		if (r < 0 && (errno == ETIMEDOUT || errno == EINTR))
			return errno;
		if (r == 0 || errno == EAGAIN)
			continue;
		if (ipclock__os_now() >= until)
			return ETIMEDOUT;
		ipclock__os_sleep_until(ipclock__os_now() + 10 * OS_MS); /* an old kernel without this call */
	}
	return 0;
}

/* Never descriptor 0 to 2. */
static int
make_fd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), low = fd;

	if (fd >= 0 && fd <= STDERR_FILENO) {
		fd = fcntl(low, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		close(low);
	}
	return fd;
}

/* Made while nobody waits for it to be made; set before, it must be readable at once. */
int
ipclock__os_event_fd(struct os_event *event)
{
	int fd = atomic_load(&event->fd);

	if (fd >= 0)
		return fd;
	fd = make_fd();
	if (fd < 0)
		return -1;
	atomic_store(&event->fd, fd);
	if (atomic_load(&event->set))
		tell_fd(event);
	return fd;
}
