/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <ipclock-redis.h>

/* A new text, unless the file saw a newer token.  1: refused. */
static int
compare_and_write(FILE *file, uint64_t token, const char *text)
{
	uint64_t newest;

	if (fscanf(file, "%" SCNu64, &newest) == 1 && token < newest)
		return 1;
	rewind(file);
	if (ftruncate(fileno(file), 0) != 0)
		return -1;
	return fprintf(file, "%" PRIu64 "\n%s\n", token, text) < 0 ?
	    -1 : 0;
}

/*
 * The store, a file: the newest token that it saw, and a text.  It
 * compares and writes in one transaction, here under a lock of its
 * own, which the close releases.
 */
static int
store(const char *path, uint64_t token, const char *text)
{
	struct flock whole = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
	};
	int fd = open(path, O_RDWR | O_CREAT, 0666);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r+");
	int result = -1;

	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (fcntl(fd, F_SETLKW, &whole) == 0)
		result = compare_and_write(file, token, text);
	return fclose(file) != 0 ? -1 : result;
}

static struct ipclock_redis *
hold(const char *url, int lease_ms, uint64_t *token)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r = NULL;

	if (ipclock_redis_attr_new(&attr) != 0 ||
	    ipclock_redis_attr_set_lease(attr, lease_ms) != 0 ||
	    ipclock_redis_open(&r, url, "report", attr) != 0 ||
	    ipclock_redis_acquire_write(r, 10000) != 0 ||
	    ipclock_redis_token(r, token) != 0) {
		fprintf(stderr, "%s\n", ipclock_redis_message(NULL));
		exit(1);
	}
	ipclock_redis_attr_free(attr);
	return r;
}

static void
tell(uint64_t token, int result)
{
	printf("token %" PRIu64 ": %s\n", token,
	    result == 0 ? "stored" :
	    result == 1 ? "refused" : "failed");
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
	/* The first sleeps from here on: nobody renews its lease. */
	sleepy = hold(url, 200, &first);
	next = hold(url, 10000, &second);
	in_time = store("report", second, "all is well");
	late = store("report", first, "alone, thinks the sleeper");
	tell(second, in_time);
	tell(first, late);
	ipclock_redis_close(sleepy);
	ipclock_redis_close(next);
	return in_time == 0 && late == 1 ? 0 : 1;
}
