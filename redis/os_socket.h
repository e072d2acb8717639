/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * What hiredis does not do with a socket: to be closed on exec from its first
 * moment, known to a fork(2) from its first moment, and waited for until a time,
 * whatever signal handlers run.  Times are those of os_redis.h.
 */
#ifndef IPCLOCK_REDIS_OS_SOCKET_H
#define IPCLOCK_REDIS_OS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Connects to a path, or where that is NULL to a host and port.  *dialing is
 * the socket + 1, under the process lock, and 0 again after an error: an errno
 * value, ETIMEDOUT, or EHOSTUNREACH with *reason if the name leads nowhere.
 */
int ipclock__redis_os_dial(const char *path, const char *host, int port, int64_t until, int *dialing,
    const char **reason);

/* In a child, with the process lock: closes its copies of what names were looked up by. */
void ipclock__redis_os_forget_searches(void);

/* All of it, without SIGPIPE: 0, ETIMEDOUT, or an errno value. */
int ipclock__redis_os_send(int fd, const char *bytes, size_t length, int64_t until);

/* Is there something to read, before then? */
bool ipclock__redis_os_readable(int fd, int64_t until);

/* 1 to size bytes: 0, EAGAIN: nothing came in time, ECONNRESET at the end, or an errno value. */
int ipclock__redis_os_receive(int fd, char *bytes, size_t size, int64_t until, size_t *received);

#endif
