/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <ipclock-redis.h>

/*
 * The store, a file: the newest token that it saw, and a text.  It compares and
 * writes in one transaction, here under a lock of its own.  1: refused.
 */
static int
store(const char *path, uint64_t token, const char *text)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CREAT, 0666);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r+");
	uint64_t newest;
	int result = 1;

	if (file == NULL || fcntl(fd, F_SETLKW, &whole) != 0)
		return -1;
	if (fscanf(file, "%" SCNu64, &newest) != 1 || token >= newest) {
		rewind(file);
		result = ftruncate(fd, 0) != 0 || fprintf(file, "%" PRIu64 "\n%s\n", token, text) < 0 ? -1 : 0;
	}
	return fclose(file) != 0 ? -1 : result;
}

static struct ipclock_redis *
hold(const char *url, int lease_ms, uint64_t *token)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r = NULL;

	if (ipclock_redis_attr_new(&attr) != 0 || ipclock_redis_attr_set_lease(attr, lease_ms) != 0 ||
	    ipclock_redis_open(&r, url, "report", attr) != 0 || ipclock_redis_acquire_write(r, 10000) != 0 ||
	    ipclock_redis_token(r, token) != 0) {
		fprintf(stderr, "%s\n", ipclock_redis_message(NULL));
		exit(1);
	}
	ipclock_redis_attr_free(attr);
	return r;
}

int
main(void)
{
	const char *url = getenv("REDIS_URL");
	struct ipclock_redis *sleepy, *next;
	uint64_t first, second;
	int late, in_time;

	if (url == NULL)
		url = "redis://localhost";
	sleepy = hold(url, 200, &first); /* and sleeps now: nobody renews its lease */
	next = hold(url, 10000, &second);
	in_time = store("report", second, "all is well");
	late = store("report", first, "nobody else is here, thinks the sleeper");
	printf("token %" PRIu64 ": %s\n", second, in_time == 0 ? "stored" : "failed");
	printf("token %" PRIu64 ": %s\n", first, late == 1 ? "refused" : "stored");
	ipclock_redis_close(sleepy);
	ipclock_redis_close(next);
	return in_time == 0 && late == 1 ? 0 : 1;
}
