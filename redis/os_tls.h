/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * TLS over a socket of os_socket.h.  What waits ends at its time, and no call
 * raises SIGPIPE.  After an error *reason is a clause, or NULL.  A fork(2) finds
 * no thread of ours inside of the TLS library.
 */
#ifndef IPCLOCK_REDIS_OS_TLS_H
#define IPCLOCK_REDIS_OS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_tls;
struct os_tls_store;

/* Each may be NULL: the authorities that the system trusts, no certificate, the key is in the certificate's file. */
struct os_tls_files {
	const char *authorities;
	const char *certificate;
	const char *key;
	struct os_tls_store **read; /* what was read of them last, which is read again when they have changed; first NULL */
};

/* Is it built in at all?  Where it is not, make says ENOTSUP and nothing else is called. */
bool ipclock__redis_os_tls_built(void);

/* For a connection to host.  EINVAL: the files are of no use; ENOMEM. */
int ipclock__redis_os_tls_make(struct os_tls **tls, const char *host, const struct os_tls_files *files,
    const char **reason);

/* Sends nothing.  With the process lock. */
void ipclock__redis_os_tls_free(struct os_tls *tls);

/* With the process lock. */
void ipclock__redis_os_tls_store_free(struct os_tls_store *store);

/* Shakes hands; the certificate must be trusted, and host's: EACCES if not.  ETIMEDOUT, EPROTO, or of the socket. */
int ipclock__redis_os_tls_start(struct os_tls *tls, int fd, int64_t until, const char **reason);

/* As ipclock__redis_os_send(). */
int ipclock__redis_os_tls_send(struct os_tls *tls, int fd, const char *bytes, size_t length, int64_t until,
    const char **reason);

/*
 * 1 to size bytes, those that are here already first: after EAGAIN, nothing came
 * in time, poll(2) tells of all that comes.  ECONNRESET at the end.
 */
int ipclock__redis_os_tls_receive(struct os_tls *tls, int fd, char *bytes, size_t size, int64_t until, size_t *received,
    const char **reason);

#endif
