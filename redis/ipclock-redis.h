/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * libipclock-redis: a reader-writer lock for many machines, on a Redis or
 * Valkey server.
 *
 *	struct ipclock_redis *r;
 *	uint64_t token;
 *
 *	if (ipclock_redis_open(&r, "redis://localhost", "report", NULL) == 0) {
 *		if (ipclock_redis_acquire_write(r, 2000) == 0) {
 *			ipclock_redis_token(r, &token);
 *			...	the store refuses a token older than the newest it saw
 *			ipclock_redis_release(r);
 *		}
 *		ipclock_redis_close(r);
 *	}
 *
 * Each function that returns int returns 0 or a positive errno value, but
 * ipclock_redis_held() and ipclock_redis_pollfd(), and leaves errno as it was. A lock here is a lease: it
 * can be lost while it is held.  Who must not act on a lost lock gives the
 * token to the store, and the store compares.  ipclock-redis(7) says what is
 * promised and what is not.
 *
 * Threads: a handle belongs to one thread at a time.
 * Fork: the child holds nothing through its parent's handles; release says
 * EPERM, and an acquire connects anew.
 */
#ifndef IPCLOCK_REDIS_H
#define IPCLOCK_REDIS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ipclock_redis;
struct ipclock_redis_attr;

/* ---- options: copied at open; NULL in their place means the defaults ---- */

/* Makes an object with the defaults.  EINVAL, ENOMEM. */
int ipclock_redis_attr_new(struct ipclock_redis_attr **attr);

/* Frees it.  NULL is allowed. */
void ipclock_redis_attr_free(struct ipclock_redis_attr *attr);

/*
 * For how long a grant holds where it is not renewed, and how long a place in
 * the line is kept for a waiter that is not heard of: 100 to 86400000.  Default
 * 10000.  EINVAL beyond.
 */
int ipclock_redis_attr_set_lease(struct ipclock_redis_attr *attr, int lease_ms);

/*
 * How often a waiter asks when nothing wakes it: after step_ms, 2 * step_ms ...
 * max_ms, max_ms.  Default 50 and 1000.  EINVAL for a step below 1 or a maximum
 * below 0; step_ms >= max_ms means max_ms = step_ms.
 */
int ipclock_redis_attr_set_backoff(struct ipclock_redis_attr *attr, int step_ms, int max_ms);

/* Each pause is made longer or shorter at random by up to percent, 0 to 100.  Default 0. */
int ipclock_redis_attr_set_jitter(struct ipclock_redis_attr *attr, int percent);

/* How long to wait for a connection, and for an answer: each 1 or more.  Default 2000 and 2000. */
int ipclock_redis_attr_set_timeouts(struct ipclock_redis_attr *attr, int connect_ms, int command_ms);

/*
 * What the names of the keys begin with.  Default "ipclock:".  Every program
 * that shares a lock uses the same.  EINVAL for NULL, for a brace, and beyond
 * 200 bytes.
 */
int ipclock_redis_attr_set_prefix(struct ipclock_redis_attr *attr, const char *prefix);

/*
 * Who we are where the URL names no password; the user may be NULL, for the
 * server's default user, and a user in the URL comes first.  Both are copied;
 * a password of NULL takes them back.  EINVAL: a user alone.  ENOMEM.
 */
int ipclock_redis_attr_set_auth(struct ipclock_redis_attr *attr, const char *user, const char *password);

/*
 * For rediss:// URLs.  ca_file: PEM, the authorities that are trusted, and no
 * others; NULL: those that OpenSSL trusts by default, or by SSL_CERT_FILE and
 * SSL_CERT_DIR in the environment.  cert_file and key_file, PEM: who we are, where
 * the server asks that; a key of NULL is in cert_file.  Copied; read at open, and
 * for later connections when they have changed.  EINVAL: a key alone.  ENOTSUP:
 * built without TLS.  ENOMEM.
 */
int ipclock_redis_attr_set_tls(struct ipclock_redis_attr *attr, const char *ca_file, const char *cert_file,
    const char *key_file);

/* How a lock is kept: programs share it only by the same protocol. */
#define IPCLOCK_REDIS_LEASE       0 /* the default */
#define IPCLOCK_REDIS_PORTALOCKER 1 /* of Python's portalocker 2: writers only, no token, no order, no lease */

/*
 * With IPCLOCK_REDIS_PORTALOCKER the lock's name is the channel, 1 to 256
 * printable characters of ASCII but no space, without a prefix; it is held as
 * long as the connection lasts, and the holder must answer pings within a
 * second: by ipclock_redis_start_renewing(), or a call on the handle that often.
 * EINVAL for another.
 */
int ipclock_redis_attr_set_protocol(struct ipclock_redis_attr *attr, int protocol);

/* ---- the lock ---- */

/*
 * Connects to the server; locks nothing.  url is
 *
 *	redis://[[user][:password]@]host[:port][/db]
 *	rediss://[[user][:password]@]host[:port][/db]
 *	unix://[[user][:password]@]/path/of/socket[?db=n]
 *
 * where rediss is by TLS, the server's certificate being checked, and that it is
 * host's; with %XX for bytes that mean something in a URL; or up to 16 of them with
 * commas or blanks between, which are the servers of one deployment, a primary
 * and its replicas or nodes of a cluster: the first that answers and is a
 * primary is used, now and at each new connection.  name is any text of 1 to
 * 65536 bytes.
 *
 * EINVAL	url, name or attr make no sense, or a file of set_tls is of no use
 * EROFS		no server but replicas
 * ENOTSUP	rediss://, where the library was built without TLS
 * EACCES	the server refused user, password or a command; its certificate is not trusted, or not host's
 * EPROTO	the server's answer cannot be understood, or TLS fails
 * ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENOENT, EIO ... no connection
 * ENOMEM
 */
int ipclock_redis_open(struct ipclock_redis **r, const char *url, const char *name,
    const struct ipclock_redis_attr *attr);

/*
 * Acquires.  Writers exclude all, readers share; they are served in order of
 * arrival.  timeout_ms: -1 waits for ever, 0 asks once, n waits that long.  A
 * server that does not answer holds up a call with a time n to no more than a
 * quarter of a second beyond it, the others by the times of set_timeouts.
 *
 * 0		held
 * EBUSY	timeout_ms 0: somebody holds it, or waits for it
 * ETIMEDOUT	waited timeout_ms in vain; or the server did not answer
 * EDEADLK	this handle holds it already
 * ESTALE	what this handle held was lost since the last call; nothing is held now, and the next call acquires
 * EACCES	the server's ACL refuses a command
 * EROFS		the server is a replica
 * EAGAIN	the server is loading its data, busy with a script, or moves the lock to another node; or there
 *		is no thread to be had, to look up its name
 * EPROTO	there is something else at the keys, or the server answers what cannot be understood
 * EINVAL	timeout_ms below -1, or a wait is started
 * ENOMEM	here, or on the server
 * ENOTSUP	to read by IPCLOCK_REDIS_PORTALOCKER
 * EIO, ECONNREFUSED, ECONNRESET ... the connection is broken
 * After an error no more is held than before, and the caller may try again.
 */
int ipclock_redis_acquire_read(struct ipclock_redis *r, int timeout_ms);
int ipclock_redis_acquire_write(struct ipclock_redis *r, int timeout_ms);

/*
 * Releases.  EPERM: nothing is held.  ESTALE: it was lost before, or with the
 * connection; another may have held it meanwhile.  Another error: the server
 * could not be told, and the lock is free there when its lease ends or the
 * connection is seen dead.  After any of them nothing is held.
 */
int ipclock_redis_release(struct ipclock_redis *r);

/*
 * 1 while the lock is held and its lease, by the clock here, lasts; else 0.
 * Asks nobody: the end of the connection is heard by the thread that renews, or
 * by the next call.
 */
int ipclock_redis_held(struct ipclock_redis *r);

/*
 * The fencing token of what is held: a number greater than that of each grant
 * of this lock before.  EPERM: nothing is held.  ESTALE: it was lost.  ENOTSUP:
 * IPCLOCK_REDIS_PORTALOCKER has none.
 */
int ipclock_redis_token(struct ipclock_redis *r, uint64_t *token);

/*
 * Renews the lease, which then lasts for its full time from now; to be called
 * at a third of it by who has no thread for that.  EPERM: nothing is held.
 * ESTALE: it was lost.  Another error: not renewed, but held until the lease
 * ends; try again.
 */
int ipclock_redis_renew(struct ipclock_redis *r);

/*
 * Starts a thread that renews at a third of the lease whatever is held, and
 * hears at once when the connection ends; stop or close ends it.  A child of
 * fork(2) starts its own.  EAGAIN, EMFILE, ENFILE: there is no thread to be had.
 */
int ipclock_redis_start_renewing(struct ipclock_redis *r);
int ipclock_redis_stop_renewing(struct ipclock_redis *r);

/*
 * Called once for each lock that is lost, by the thread that renews or by the
 * call that finds out, with no lock of the library held; it may use held() and
 * token() of this handle, and nothing else of it.  NULL: nobody is called.
 */
int ipclock_redis_set_lost(struct ipclock_redis *r, void (*lost)(void *ctx), void *ctx);

/*
 * Waiting in an event loop: start, then step whenever pollfd is readable or
 * wait_ms is over, until step says something else than EINPROGRESS.  They
 * return what acquire returns, or EINPROGRESS; start where a wait is started
 * already says EINPROGRESS and changes nothing; step where there is none EINVAL,
 * after cancel and in the child of a fork(2) ECANCELED.  A step makes a few
 * round trips at most.
 */
int ipclock_redis_start_read(struct ipclock_redis *r, int timeout_ms);
int ipclock_redis_start_write(struct ipclock_redis *r, int timeout_ms);

/* With EINPROGRESS *wait_ms is the time until the next step is due at the latest; it may be NULL. */
int ipclock_redis_step(struct ipclock_redis *r, int *wait_ms);

/*
 * The socket on which the server wakes a started wait, or -1: only wait_ms counts.
 * While a lock is held that no thread renews, the one with whose end it is lost:
 * when that is readable, renew says whether it was.  It may change with each call.
 */
int ipclock_redis_pollfd(struct ipclock_redis *r);

/* Ends a started wait and leaves the line.  Does nothing where none was started. */
void ipclock_redis_cancel(struct ipclock_redis *r);

/*
 * Calls each for every holder, and then for every one that waits, in order of
 * place, until each returns something else than 0.  It is a look at a moment,
 * good for people, not for decisions.  each must not use this handle.  EINVAL:
 * NULL.  ENOTSUP: IPCLOCK_REDIS_PORTALOCKER; and what acquire says of the server.
 */
struct ipclock_redis_holder;
int ipclock_redis_holders(struct ipclock_redis *r, int (*each)(void *ctx, const struct ipclock_redis_holder *holder),
    void *ctx);

/* The server's id of the connection: see CLIENT LIST. */
int64_t ipclock_redis_holder_client(const struct ipclock_redis_holder *holder);

/* 1: exclusive, 0: shared. */
int ipclock_redis_holder_writes(const struct ipclock_redis_holder *holder);

/* 0: it holds the lock; n, 1 or more: it waits as the nth. */
int ipclock_redis_holder_place(const struct ipclock_redis_holder *holder);

/* The fencing token of who holds; 0 of who waits. */
uint64_t ipclock_redis_holder_token(const struct ipclock_redis_holder *holder);

/*
 * What failed last through this handle, as a sentence; "" if the last call
 * succeeded.  NULL: the calling thread's last failure, for a failed open too.
 * Valid until this thread's next call.
 */
const char *ipclock_redis_message(struct ipclock_redis *r);

/* Releases what is held, frees the handle.  0, or EINVAL for NULL. */
int ipclock_redis_close(struct ipclock_redis *r);

#ifdef __cplusplus
}
#endif

#endif
