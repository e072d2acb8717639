/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * getaddrinfo(3) takes as long as it likes and cannot be ended.  So a thread calls
 * it, which owns its search as soon as nobody waits for it any more; the library
 * is not unloaded below it.  What changes of a search does so under the process
 * lock, so that a child can close what is open for it.
 */

#include <config.h>

#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os_redis.h"
#include "os_resolve.h"
#include "os_socket.h"

#define MOST_SEARCHES 16 /* at once, the ones left alone included */

struct search {
	struct os_redis_thread thread; /* which rings when it is done */
	struct search **slot;
	struct addrinfo *list;
	int failure;                   /* of getaddrinfo() */
	int error;                     /* for EAI_SYSTEM */
	bool done;
	bool alone;                    /* nobody waits */
	char service[12];
	char host[];
};

static struct search *searches[MOST_SEARCHES];

void
ipclock__redis_os_forget_searches(void)
{
	int i;

	for (i = 0; i < MOST_SEARCHES; i++)
		if (searches[i]) {
			ipclock__os_redis_thread_forget(&searches[i]->thread);
			searches[i] = NULL;
		}
}

static int
look_up(const char *host, const char *service, int flags, struct addrinfo **list)
{
	struct addrinfo wanted = { .ai_flags = flags, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };

	*list = NULL;
	return getaddrinfo(host, service, &wanted, list);
}

static void
discard(struct search *s)
{
	*s->slot = NULL;
	if (s->list)
		freeaddrinfo(s->list);
	free(s);
}

static void
run(void *arg)
{
	struct search *s = arg;

	s->failure = look_up(s->host, s->service, 0, &s->list);
	s->error = errno;
	ipclock__os_redis_process_lock();
	s->done = true;
	if (s->alone) {
		ipclock__os_redis_thread_forget(&s->thread);
		discard(s);
	} else
		ipclock__os_redis_thread_ring(&s->thread);
	ipclock__os_redis_process_unlock();
}

static struct search *
make(const char *host, const char *service)
{
	struct search *s = calloc(1, sizeof(*s) + strlen(host) + 1);

	if (!s)
		return NULL;
	strcpy(s->host, host);
	strcpy(s->service, service);
	return s;
}

/* With the process lock. */
static int
start(struct search *s, const char **reason)
{
	int i, error;

	for (i = 0; i < MOST_SEARCHES && searches[i]; i++)
		;
	if (i == MOST_SEARCHES) {
		*reason = "too many names are being looked up";
		return ETIMEDOUT;
	}
	s->slot = &searches[i];
	error = ipclock__os_redis_thread_start(&s->thread, run, s);
	if (error)
		*reason = "no thread to look up a name";
	else
		*s->slot = s;
	return error;
}

static int
begin(struct search *s, const char **reason)
{
	int error;

	ipclock__os_redis_process_lock();
	error = start(s, reason);
	ipclock__os_redis_process_unlock();
	if (error)
		free(s);
	return error;
}

static int
judge(int failure, int error, const char **reason)
{
	if (failure == 0)
		return 0;
	if (failure == EAI_SYSTEM)
		return error;
	*reason = gai_strerror(failure);
	return failure == EAI_MEMORY ? ENOMEM : EHOSTUNREACH;
}

/* What was found, or ETIMEDOUT.  A thread that is done has nothing left to do but to end. */
static int
end(struct search *s, struct addrinfo **list, const char **reason)
{
	int error = ETIMEDOUT;

	ipclock__os_redis_process_lock();
	if (s->done) {
		ipclock__os_redis_thread_join(&s->thread);
		error = judge(s->failure, s->error, reason);
		*list = s->list;
		s->list = NULL;
		discard(s);
	} else {
		*reason = "the server's name is not found in time";
		s->alone = true;
		ipclock__os_redis_thread_leave(&s->thread);
	}
	ipclock__os_redis_process_unlock();
	return error;
}

int
ipclock__redis_os_resolve(const char *host, int port, int64_t until, struct addrinfo **list, const char **reason)
{
	char service[12];
	struct search *s;
	int error;

	snprintf(service, sizeof(service), "%d", port);
	if (look_up(host, service, AI_NUMERICHOST, list) == 0)
		return 0;
	s = make(host, service);
	error = s ? begin(s, reason) : ENOMEM;
	if (error)
		return error;
	ipclock__redis_os_readable(s->thread.bell[0], until);
	return end(s, list, reason);
}
