/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * URL CHANNEL try|hold MILLISECONDS: our lock of portalocker's protocol; says
 * "held" or "busy", and holds until its input ends.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ipclock-redis.h>

static int
acquire(struct ipclock_redis *r, char **argv)
{
	uint64_t token;
	int error = ipclock_redis_acquire_write(r, atoi(argv[4]));

	if (error == EBUSY || error == ETIMEDOUT) {
		puts("busy");
		return 1;
	}
	if (error) {
		puts(ipclock_redis_message(r));
		return 2;
	}
	if (ipclock_redis_token(r, &token) != ENOTSUP || ipclock_redis_acquire_read(r, 0) != ENOTSUP)
		return 3;
	puts("held");
	fflush(stdout);
	while (strcmp(argv[3], "hold") == 0 && getchar() != EOF)
		;
	if (ipclock_redis_release(r) != 0) {
		puts(ipclock_redis_message(r));
		return 4;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r;
	int status;

	if (argc != 5 || ipclock_redis_attr_new(&attr) != 0)
		return 64;
	if (ipclock_redis_attr_set_protocol(attr, IPCLOCK_REDIS_PORTALOCKER) != 0 ||
	    ipclock_redis_attr_set_backoff(attr, 20, 50) != 0)
		return 64;
	if (ipclock_redis_open(&r, argv[1], "no channel", attr) != EINVAL ||
	    ipclock_redis_open(&r, argv[1], argv[2], attr) != 0) {
		puts(ipclock_redis_message(NULL));
		return 66;
	}
	ipclock_redis_attr_free(attr);
	status = ipclock_redis_start_renewing(r) == 0 ? acquire(r, argv) : 71;
	ipclock_redis_close(r);
	return status;
}
