/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * libipclock-redis and a system that finds names slowly, badly or not at all: getaddrinfo(3) is the test's own, which
 * the library calls in place of the system's.
 */

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "redis_server.h"

#define SHORT_MS 50
#define AT_ONCE  16 /* MOST_SEARCHES of redis/os_resolve_posix.c */

static atomic_int searched, slow, found; /* found: of slow ones, how many have come back */

static int
find_here(struct addrinfo **list, const char *service)
{
	struct {
		struct addrinfo info;
		struct sockaddr_in address;
	} *made = calloc(1, sizeof(*made));

	made->address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(service)) };
	made->info = (struct addrinfo){ .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_addrlen = sizeof(made->address),
		.ai_addr = (struct sockaddr *)&made->address };
	*list = &made->info;
	return 0;
}

int
getaddrinfo(const char *host, const char *service, const struct addrinfo *wanted, struct addrinfo **list)
{
	struct in_addr address;

	if (inet_pton(AF_INET, host, &address) == 1)
		return find_here(list, service);
	if (wanted->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	atomic_fetch_add(&searched, 1);
	if (strcmp(host, "none") == 0)
		return EAI_NONAME;
	if (strcmp(host, "memory") == 0)
		return EAI_MEMORY;
	errno = EMFILE;
	if (strcmp(host, "system") == 0)
		return EAI_SYSTEM;
	if (!atomic_load(&slow))
		return find_here(list, service);
	while (atomic_load(&slow))
		nap_ms(1);
	find_here(list, service);
	atomic_fetch_add(&found, 1);
	return 0;
}

void
freeaddrinfo(struct addrinfo *list)
{
	free(list);
}

static int
try_name(struct ipclock_redis **r, const char *host, int ms)
{
	struct ipclock_redis_attr *attr;
	char url[100];
	int error;

	snprintf(url, sizeof(url), "redis://%s:%d", host, other_port(0));
	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, NO_END), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_timeouts(attr, ms, LONG_MS), 0);
	error = ipclock_redis_open(r, url, "lock", attr);
	ipclock_redis_attr_free(attr);
	return error;
}

static struct ipclock_redis *
open_name(const char *host)
{
	struct ipclock_redis *r;
	int error = try_name(&r, host, NO_END);

	ck_assert_msg(error == 0, "%d: %s", error, ipclock_redis_message(NULL));
	return r;
}

static void
begin(void)
{
	other_start(0, NULL);
}

START_TEST(no_letter_names_and_addresses)
{
	int threads = thread_count();
	struct ipclock_redis *r = open_name("name"), *numeric = open_name("127.0.0.1");

	ck_assert_int_eq(atomic_load(&searched), 1); /* not for the address */
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(numeric, 0), EBUSY);
	ipclock_redis_close(r);
	ipclock_redis_close(numeric);
	await_threads(threads);
	ck_assert_int_eq(try_name(&r, "none", LONG_MS), EHOSTUNREACH);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(NULL), gai_strerror(EAI_NONAME)));
	ck_assert_int_eq(try_name(&r, "memory", LONG_MS), ENOMEM);
	ck_assert_int_eq(try_name(&r, "system", LONG_MS), EMFILE);
}
END_TEST

/* What is not found ends no wait but the library's own. */
START_TEST(E_a_name_that_is_not_found)
{
	struct ipclock_redis *r = open_name("name"), *none;
	int fds, threads = thread_count();

	other_do(0, "CLIENT KILL TYPE normal");
	fds = fd_count();
	atomic_store(&slow, 1);
	ck_assert_int_eq(try_name(&none, "name", SHORT_MS), ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(NULL), "not found in time"));
	ck_assert_int_eq(ipclock_redis_acquire_write(r, SHORT_MS), ETIMEDOUT);
	atomic_store(&slow, 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, LONG_MS), 0);
	await_count(&found, 2, "what was looked for");
	await_threads(threads);
	ck_assert_int_eq(fd_count(), fds);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(E_many_names_that_are_not_found)
{
	struct ipclock_redis *none, *r;
	int i, threads = thread_count();

	atomic_store(&slow, 1);
	for (i = 0; i <= AT_ONCE; i++)
		ck_assert_int_eq(try_name(&none, "name", 1), ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(NULL), "too many"));
	ck_assert_int_eq(thread_count(), threads + AT_ONCE);
	ipclock_redis_close(open_name("127.0.0.1"));
	atomic_store(&slow, 0);
	await_count(&found, AT_ONCE, "what was looked for");
	await_threads(threads);
	r = open_name("name");
	ipclock_redis_close(r);
}
END_TEST

static int
open_in_a_child(void *fds)
{
	if (fd_count() != *(int *)fds)
		return 1;
	atomic_store(&slow, 0);
	ipclock_redis_close(open_name("name"));
	return fd_count() != *(int *)fds;
}

static int
open_in_a_thread(void *r)
{
	return try_name(r, "name", LONG_MS);
}

/* A child has none of the threads, and none of their descriptors. */
START_TEST(D_a_child_beside_searches)
{
	struct ipclock_redis *none, *r;
	int fds = fd_count();
	struct thread thread;

	atomic_store(&slow, 1);
	ck_assert_int_eq(try_name(&none, "name", 1), ETIMEDOUT);
	thread_start(&thread, open_in_a_thread, &r);
	await_count(&searched, 2, "a search");
	ck_assert_int_eq(in_child(open_in_a_child, &fds), 0);
	atomic_store(&slow, 0);
	ck_assert_int_eq(thread_join(&thread), 0);
	ipclock_redis_close(r);
}
END_TEST

static void
add(TCase *t)
{
	if (!server_there()) {
		test_skip("libipclock-redis and names: no redis-server here");
		return;
	}
	tcase_add_checked_fixture(t, begin, server_end);
	tcase_add_test(t, no_letter_names_and_addresses);
	tcase_add_test(t, E_a_name_that_is_not_found);
	tcase_add_test(t, E_many_names_that_are_not_found);
	tcase_add_test(t, D_a_child_beside_searches);
}

int
main(void)
{
	return test_main("redis_names", add);
}
