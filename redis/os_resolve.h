/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The addresses of a host, by a time: those of a name in a thread, which is left alone if it takes longer. */
#ifndef IPCLOCK_REDIS_OS_RESOLVE_H
#define IPCLOCK_REDIS_OS_RESOLVE_H

#include <netdb.h>
#include <stdint.h>

/*
 * For freeaddrinfo().  An errno value: ETIMEDOUT, EHOSTUNREACH: it leads nowhere,
 * EAGAIN: there is no thread to be had; with *reason, or NULL.
 */
int ipclock__redis_os_resolve(const char *host, int port, int64_t until, struct addrinfo **list, const char **reason);

#endif
