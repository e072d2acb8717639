/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What `ipclock run` holds while the command runs: a lock, or a relative of one. */
#ifndef IPCLOCK_CLI_HOLD_H
#define IPCLOCK_CLI_HOLD_H

#include <stdint.h>
#include <sys/types.h>

#include "cli.h"

struct hold;
struct wait;

/* A file each: hold_lock.c, hold_semaphore.c, hold_soft.c, hold_pidfile.c, hold_redis.c or hold_redis_none.c. */
struct hold_kind {
	int otherwise;       /* the status for an error of acquiring that has none of its own */

	bool sleeps;         /* it waits by pauses alone */

	/* An error, or 0. */
	int (*open)(struct hold *hold, struct ipclock_attr *attr);
	int (*acquire)(struct hold *hold, int timeout_ms); /* EINTR: a signal was caught while it waited */

	/* The descriptor for the command: it holds, after exec.  NULL: we do, beside the command. */
	int (*fd)(struct hold *hold);

	/* Why the last call has failed. */
	const char *(*message)(struct hold *hold);

	/* Proves that we live: 0, or the signal for the command since it was lost.  NULL: no need to. */
	int (*touch)(void *hold);

	/* The descriptor on which a loss is heard, as child_run() wants it. */
	int (*watch)(void *hold);

	/* Releases what is held, and frees. */
	void (*close)(struct hold *hold);
};

extern const struct hold_kind hold_lock, hold_semaphore, hold_soft, hold_pidfile, hold_redis;

struct hold {
	const struct hold_kind *kind;
	const struct options *options;
	struct wait *wait;       /* NULL: we do not wait */
	bool lost;               /* before it was released */
	union {
		struct ipclock_rw *rw;
		struct ipclock_sem *sem;
		struct ipclock_soft *soft;
		struct ipclock_pidfile *pidfile;
		struct ipclock_redis *redis;
	};
	union {
		unsigned slot;       /* of sem; not below jobs: none */
		int64_t touched_us;  /* soft */
		pid_t other;         /* of pidfile: who runs, or -1 */
	};
};

/* Both complain: 0, or a status. */
int hold_open(struct hold *hold, const struct options *options);
int hold_acquire(struct hold *hold);

/* Says that it is lost, and why. */
void hold_lose(struct hold *hold);

#endif
