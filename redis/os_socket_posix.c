/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "os_socket.h"

void
ipclock__redis_os_close_on_exec(int fd)
{
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int
ipclock__redis_os_send(int fd, const char *bytes, size_t length)
{
	ssize_t n;

	for (; length > 0; bytes += n, length -= (size_t)n) {
		n = send(fd, bytes, length, MSG_NOSIGNAL);
		if (n >= 0)
			continue;
		if (errno != EINTR)
			return errno == EAGAIN || errno == EWOULDBLOCK ? ETIMEDOUT : errno == EPIPE ? ECONNRESET : errno;
		n = 0;
	}
	return 0;
}

bool
ipclock__redis_os_readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) > 0;
}
