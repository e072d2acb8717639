/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What hiredis does not do with a socket. */
#ifndef IPCLOCK_REDIS_OS_SOCKET_H
#define IPCLOCK_REDIS_OS_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/* Not for the commands that the program executes. */
void ipclock__redis_os_close_on_exec(int fd);

/* All of it, without SIGPIPE: 0, ETIMEDOUT after the socket's own timeout, or an errno value. */
int ipclock__redis_os_send(int fd, const char *bytes, size_t length);

/* Is there something to read within ms?  A signal ends the wait. */
bool ipclock__redis_os_readable(int fd, int ms);

#endif
