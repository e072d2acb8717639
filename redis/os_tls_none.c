/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <errno.h>

#include "os_tls.h"

bool
ipclock__redis_os_tls_built(void)
{
	return false;
}

int
ipclock__redis_os_tls_make(struct os_tls **tls, const char *host, const struct os_tls_files *files, const char **reason)
{
	(void)host;
	(void)files;
	*tls = NULL;
	*reason = NULL;
	return ENOTSUP;
}

void
ipclock__redis_os_tls_free(struct os_tls *tls)
{
	(void)tls;
}

void
ipclock__redis_os_tls_store_free(struct os_tls_store *store)
{
	(void)store;
}

int
ipclock__redis_os_tls_start(struct os_tls *tls, int fd, int64_t until, const char **reason)
{
	(void)tls;
	(void)fd;
	(void)until;
	*reason = NULL;
	return ENOTSUP;
}

int
ipclock__redis_os_tls_send(struct os_tls *tls, int fd, const char *bytes, size_t length, int64_t until,
    const char **reason)
{
	(void)bytes;
	(void)length;
	return ipclock__redis_os_tls_start(tls, fd, until, reason);
}

int
ipclock__redis_os_tls_receive(struct os_tls *tls, int fd, char *bytes, size_t size, int64_t until, size_t *received,
    const char **reason)
{
	(void)bytes;
	(void)size;
	*received = 0;
	return ipclock__redis_os_tls_start(tls, fd, until, reason);
}
