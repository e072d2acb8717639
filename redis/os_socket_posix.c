/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <config.h>

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "os_redis.h"
#include "os_resolve.h"
#include "os_socket.h"

#define CROWDED_MS 5 /* between two tries where a socket's queue is full */
#define FIRST_FD   3 /* hiredis before 1.0 does not close 0 */

#ifndef SOCK_CLOEXEC
#define SOCK_CLOEXEC 0
#endif

/* 0: it was too late. */
static int
await(int fd, short events, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = events };
	int r;

	for (;;) {
		r = poll(&p, 1, ipclock__os_redis_milliseconds_until(until));
		if (r > 0 || (r < 0 && errno != EINTR) || (r == 0 && ipclock__os_redis_now() >= until))
			return r > 0;
	}
}

bool
ipclock__redis_os_readable(int fd, int64_t until)
{
	return await(fd, POLLIN, until);
}

int
ipclock__redis_os_send(int fd, const char *bytes, size_t length, int64_t until)
{
	ssize_t n;

	while (length > 0) {
		n = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			bytes += n;
			length -= (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (!await(fd, POLLOUT, until))
				return ETIMEDOUT;
		} else if (errno != EINTR)
			return errno == EPIPE ? ECONNRESET : errno;
	}
	return 0;
}

int
ipclock__redis_os_receive(int fd, char *bytes, size_t size, int64_t until, size_t *received)
{
	ssize_t n;

	while (await(fd, POLLIN, until)) {
		n = recv(fd, bytes, size, MSG_DONTWAIT);
		if (n > 0) {
			*received = (size_t)n;
			return 0;
		}
		if (n == 0)
			return ECONNRESET;
		if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)
			return errno;
	}
	return EAGAIN;
}

/* ---- connecting ---- */

static int
new_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), other;

	if (fd < 0 || fd >= FIRST_FD)
		return fd;
	other = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD);
	close(fd);
	return other;
}

static int
make_socket(int family, int *dialing)
{
	int fd, error = 0;

	ipclock__os_redis_process_lock();
	fd = new_socket(family);
	if (fd < 0)
		error = errno;
	else {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		*dialing = fd + 1;
	}
	ipclock__os_redis_process_unlock();
	return error;
}

static void
unmake_socket(int *dialing)
{
	ipclock__os_redis_process_lock();
	close(*dialing - 1);
	*dialing = 0;
	ipclock__os_redis_process_unlock();
}

/* A connect that was begun goes on behind a signal; a path whose queue is full says so at once. */
static int
reach(int fd, const struct sockaddr *address, socklen_t length, int64_t until)
{
	int error = 0;
	socklen_t size = sizeof(error);

	while (connect(fd, address, length) < 0) {
		if (errno == EINPROGRESS || errno == EINTR || errno == EALREADY) {
			if (!await(fd, POLLOUT, until))
				return ETIMEDOUT;
			return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
		}
		if (errno == EISCONN)
			return 0;
		if (errno != EAGAIN)
			return errno;
		if (ipclock__os_redis_now() >= until)
			return ETIMEDOUT;
		ipclock__os_redis_sleep_until(ipclock__os_redis_now() + CROWDED_MS * OS_MS);
	}
	return 0;
}

static int
dial(const struct sockaddr *address, socklen_t length, int64_t until, int *dialing)
{
	const int on = 1;
	int fd, flags, error = make_socket(address->sa_family, dialing);

	if (error)
		return error;
	fd = *dialing - 1;
	flags = fcntl(fd, F_GETFL);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	if (address->sa_family != AF_UNIX) {
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	}
	error = reach(fd, address, length, until);
	fcntl(fd, F_SETFL, flags);
	if (error)
		unmake_socket(dialing);
	return error;
}

static int
dial_path(const char *path, int64_t until, int *dialing, const char **reason)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		*reason = "the path of the socket is too long for this system";
		return ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	return dial((const struct sockaddr *)&address, sizeof(address), until, dialing);
}

/* Each of its addresses has its share of the time. */
static int
dial_each(const struct addrinfo *at, int64_t until, int *dialing)
{
	const struct addrinfo *other;
	int64_t now = ipclock__os_redis_now(), share;
	int left, error = EHOSTUNREACH;

	for (; at; at = at->ai_next) {
		for (left = 0, other = at; other; other = other->ai_next)
			left++;
		share = until == OS_NEVER ? OS_NEVER : now + (until - now) / left;
		error = dial(at->ai_addr, at->ai_addrlen, share, dialing);
		if (error == 0)
			break;
		now = ipclock__os_redis_now();
	}
	return error;
}

int
ipclock__redis_os_dial(const char *path, const char *host, int port, int64_t until, int *dialing, const char **reason)
{
	struct addrinfo *list;
	int error;

	*reason = NULL;
	if (path)
		return dial_path(path, until, dialing, reason);
	error = ipclock__redis_os_resolve(host, port, until, &list, reason);
	if (error)
		return error;
	error = dial_each(list, until, dialing);
	freeaddrinfo(list);
	return error;
}
