/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* libipclock-redis with a real redis-server. */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ipclock-redis.h>

#include "redis_server.h"
#include "support.h"

/* ---- one after the other ---- */

START_TEST(A_a_writer_excludes)
{
	struct ipclock_redis *a = open_lock(), *b = open_lock();

	ck_assert_int_eq(ipclock_redis_acquire_write(a, 0), 0);
	ck_assert_int_eq(ipclock_redis_held(a), 1);
	ck_assert_int_eq(ipclock_redis_acquire_write(b, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_acquire_read(b, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_held(b), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(a, 0), EDEADLK);
	ck_assert_int_eq(ipclock_redis_release(a), 0);
	ck_assert_int_eq(ipclock_redis_held(a), 0);
	ck_assert_int_eq(ipclock_redis_release(a), EPERM);
	ck_assert_int_eq(ipclock_redis_acquire_write(b, 0), 0);
	ipclock_redis_close(b);
	ck_assert_int_eq(ipclock_redis_acquire_write(a, 0), 0);
	ipclock_redis_close(a);
	ck_assert_int_eq(server_number("EXISTS " STATE " " QUEUE " ipclock:{lock}:holders ipclock:{lock}:places"), 0);
}
END_TEST

START_TEST(A_readers_share)
{
	struct ipclock_redis *a = open_lock(), *b = open_lock(), *w = open_lock();

	ck_assert_int_eq(ipclock_redis_acquire_read(a, 0), 0);
	ck_assert_int_eq(ipclock_redis_acquire_read(b, 0), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(w, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_release(a), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(w, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_release(b), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(w, 0), 0);
	ipclock_redis_close(a);
	ipclock_redis_close(b);
	ipclock_redis_close(w);
}
END_TEST

START_TEST(no_letter_tokens_grow)
{
	struct ipclock_redis *a = open_lock(), *b = open_lock();
	uint64_t last = 0;
	int i;

	ck_assert_int_eq(ipclock_redis_token(a, &last), EPERM);
	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(ipclock_redis_acquire_read(a, 0), 0);
		ck_assert(token_of(a) > last);
		last = token_of(a);
		ck_assert_int_eq(ipclock_redis_acquire_read(b, 0), 0);
		ck_assert(token_of(b) > last);
		last = token_of(b);
		ipclock_redis_release(a);
		ipclock_redis_release(b);
	}
	server_do("FLUSHALL");
	ck_assert_int_eq(ipclock_redis_acquire_write(a, 0), 0);
	ck_assert(token_of(a) > last);
	ipclock_redis_close(a);
	ipclock_redis_close(b);
}
END_TEST

START_TEST(no_letter_one_round_trip_each_way)
{
	struct ipclock_redis *r = open_lock();
	const char *stats;

	ck_assert_int_eq(ipclock_redis_acquire_write(r, 1000), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0); /* now it knows the scripts */
	server_do("CONFIG RESETSTAT");
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 1000), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	stats = server_do("INFO commandstats");
	ck_assert_ptr_nonnull(strstr(stats, "cmdstat_evalsha:calls=2,"));
	ck_assert_ptr_null(strstr(stats, "cmdstat_client"));
	ck_assert_ptr_null(strstr(stats, "cmdstat_script"));
	ipclock_redis_close(r);
}
END_TEST

START_TEST(no_letter_bad_arguments)
{
	struct ipclock_redis *r = open_lock(), *none;
	static char long_name[65538];

	memset(long_name, 'x', 65537);
	ck_assert_int_eq(ipclock_redis_open(&none, server_url(), long_name, NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_open(NULL, server_url(), "x", NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_open(&none, NULL, "x", NULL), EINVAL);
	ck_assert_ptr_null(none);
	ck_assert_int_eq(ipclock_redis_open(&none, server_url(), "", NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_open(&none, server_url(), NULL, NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_open(&none, "http://x", "x", NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_open(&none, "unix:///nowhere/at/all", "x", NULL), ENOENT);
	ck_assert_int_ne(ipclock_redis_message(NULL)[0], '\0');
	ck_assert_int_eq(ipclock_redis_acquire_read(r, -2), EINVAL);
	ck_assert_int_eq(ipclock_redis_acquire_read(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_redis_release(NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_token(r, NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_close(NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_held(NULL), 0);
	ck_assert_int_eq(ipclock_redis_holder_place(NULL), 0);
	ck_assert_int_eq(ipclock_redis_holder_writes(NULL), 0);
	ck_assert(ipclock_redis_holder_client(NULL) == 0 && ipclock_redis_holder_token(NULL) == 0);
	ck_assert_int_eq(ipclock_redis_renew(r), EPERM);
	ipclock_redis_close(r);
}
END_TEST

/* ---- waiting ---- */

START_TEST(E_a_wait_ends)
{
	struct ipclock_redis *a = open_lock(), *b = open_lock();

	ck_assert_int_eq(ipclock_redis_acquire_write(a, 0), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(b, 50), ETIMEDOUT);
	ck_assert_int_eq(ipclock_redis_acquire_read(b, 50), ETIMEDOUT);
	ck_assert_int_eq(server_number("ZCARD " QUEUE), 0);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(b), "read lock lock: timed out"));
	ipclock_redis_close(a);
	ipclock_redis_close(b);
}
END_TEST

START_TEST(F_in_order_of_arrival)
{
	static const char modes[] = "WRWRRW";
	struct ipclock_redis *holder = open_lock();
	pid_t pids[6];
	char got[7] = "";
	int pipes[2], i;

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	for (i = 0; i < 6; i++) {
		pids[i] = spawn(modes[i], (char)('a' + i), pipes[1], -1);
		await_waiters(i + 1);
	}
	ck_assert_int_eq(ipclock_redis_acquire_read(holder, 0), EDEADLK);
	ck_assert_int_eq(ipclock_redis_release(holder), 0);
	for (i = 0; i < 6; i++)
		ck_assert_int_eq(child_result(pids[i]), 0);
	ck_assert_int_eq(read(pipes[0], got, 6), 6);
	/* The readers d and e go together, in any order. */
	ck_assert_msg(strcmp(got, "abcdef") == 0 || strcmp(got, "abcedf") == 0, "%s", got);
	ipclock_redis_close(holder);
}
END_TEST

START_TEST(F_a_newcomer_does_not_pass)
{
	struct ipclock_redis *reader = open_lock(), *late = open_lock();
	int pipes[2];
	pid_t writer;
	char got;

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(ipclock_redis_acquire_read(reader, 0), 0);
	writer = spawn('W', 'w', pipes[1], -1);
	await_waiters(1);
	ck_assert_int_eq(ipclock_redis_acquire_read(late, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_acquire_read(late, 60), ETIMEDOUT);
	ck_assert_int_eq(ipclock_redis_release(reader), 0);
	ck_assert_int_eq(read(pipes[0], &got, 1), 1);
	ck_assert_int_eq(child_result(writer), 0);
	ck_assert_int_eq(ipclock_redis_acquire_read(late, -1), 0);
	ipclock_redis_close(reader);
	ipclock_redis_close(late);
}
END_TEST

/* ---- event loops ---- */

START_TEST(E_start_and_step)
{
	struct ipclock_redis *a = open_lock(), *b = open_lock();
	struct pollfd p = { .events = POLLIN };
	int wait_ms = -1, error;

	ck_assert_int_eq(ipclock_redis_step(b, &wait_ms), EINVAL);
	ck_assert_int_eq(ipclock_redis_start_read(b, 0), 0);
	ck_assert_int_eq(ipclock_redis_start_read(b, 0), EDEADLK);
	ck_assert_int_eq(ipclock_redis_start_write(a, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_start_write(a, -1), EINPROGRESS);
	ck_assert_int_eq(ipclock_redis_start_write(a, -1), EINPROGRESS);
	ck_assert_int_eq(ipclock_redis_acquire_write(a, 0), EINVAL);
	ck_assert_int_eq(ipclock_redis_step(a, NULL), EINPROGRESS);
	ck_assert_int_eq(ipclock_redis_held(a), 0);
	ck_assert_int_eq(ipclock_redis_release(b), 0);
	p.fd = ipclock_redis_pollfd(a);
	ck_assert_int_ge(p.fd, 0);
	while ((error = ipclock_redis_step(a, &wait_ms)) == EINPROGRESS) {
		ck_assert_int_gt(wait_ms, 0);
		p.fd = ipclock_redis_pollfd(a);
		poll(&p, 1, wait_ms);
	}
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(ipclock_redis_held(a), 1);
	ipclock_redis_close(a);
	ipclock_redis_close(b);
}
END_TEST

/* While it is held the socket tells of its end. */
START_TEST(B_pollfd_hears_of_a_loss)
{
	struct ipclock_redis *r = open_lock();
	struct pollfd p = { .events = POLLIN };

	ck_assert_int_eq(ipclock_redis_pollfd(r), -1);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(ipclock_redis_start_renewing(r), 0);
	ck_assert_int_eq(ipclock_redis_pollfd(r), -1);
	ck_assert_int_eq(ipclock_redis_stop_renewing(r), 0);
	p.fd = ipclock_redis_pollfd(r);
	ck_assert_int_ge(p.fd, 0);
	ck_assert_int_eq(ipclock_redis_renew(r), 0);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	server_do("CLIENT KILL TYPE normal");
	ck_assert_int_eq(poll(&p, 1, LONG_MS), 1);
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	ck_assert_int_eq(ipclock_redis_pollfd(r), -1);
	ipclock_redis_close(r);
}
END_TEST

/* The pauses here are longer than a test may last: only the server can wake them. */
START_TEST(E_the_server_wakes)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *a = open_lock(), *b;
	struct pollfd p = { .events = POLLIN };
	int error;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_backoff(attr, 600000, 600000), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, NO_END), 0);
	ck_assert_int_eq(ipclock_redis_open(&b, server_url(), "lock", attr), 0);
	ipclock_redis_attr_free(attr);
	ck_assert_int_eq(ipclock_redis_acquire_write(a, 0), 0);
	ck_assert_int_eq(ipclock_redis_start_read(b, -1), EINPROGRESS);
	p.fd = ipclock_redis_pollfd(b);
	ck_assert_int_eq(poll(&p, 1, LONG_MS), 1); /* now it listens */
	ck_assert_int_eq(ipclock_redis_step(b, NULL), EINPROGRESS);
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_int_eq(ipclock_redis_release(a), 0);
	ck_assert_int_eq(poll(&p, 1, LONG_MS), 1);
	error = ipclock_redis_step(b, NULL);
	ck_assert_int_eq(error, 0);
	ipclock_redis_close(a);
	ipclock_redis_close(b);
}
END_TEST

static int
step_in_a_child(void *arg)
{
	return ipclock_redis_step(arg, NULL) == ECANCELED && ipclock_redis_step(arg, NULL) == EINVAL ? 0 : 1;
}

START_TEST(G_a_cancelled_wait_leaves_the_line)
{
	struct ipclock_redis *a = open_lock(), *b = open_lock(), *c = open_lock();
	int fds = fd_count();

	ck_assert_int_eq(ipclock_redis_acquire_read(a, 0), 0);
	ck_assert_int_eq(ipclock_redis_start_write(b, -1), EINPROGRESS);
	ck_assert_int_eq(in_child(step_in_a_child, b), 0);
	ck_assert_int_eq(server_number("ZCARD " QUEUE), 1);
	ck_assert_int_eq(ipclock_redis_acquire_read(c, 0), EBUSY);
	ipclock_redis_cancel(b);
	ck_assert_int_eq(server_number("ZCARD " QUEUE), 0);
	ck_assert_int_eq(ipclock_redis_step(b, NULL), ECANCELED);
	ck_assert_int_eq(ipclock_redis_step(b, NULL), EINVAL);
	ck_assert_int_eq(ipclock_redis_acquire_read(c, 0), 0);
	ck_assert_int_eq(ipclock_redis_start_write(b, 30), EINPROGRESS);
	ipclock_redis_close(b);
	ck_assert_int_eq(server_number("ZCARD " QUEUE), 0);
	ipclock_redis_close(a);
	ipclock_redis_close(c);
	ck_assert_int_eq(fd_count(), fds - 3);
}
END_TEST

/* ---- many ---- */

#define CROWD 500

static void
await_grant(struct ipclock_redis *r)
{
	struct pollfd p = { .events = POLLIN };
	int wait_ms, error;

	while ((error = ipclock_redis_step(r, &wait_ms)) == EINPROGRESS) {
		p.fd = ipclock_redis_pollfd(r);
		poll(&p, 1, wait_ms);
	}
	ck_assert_msg(error == 0, "%s", ipclock_redis_message(r));
}

START_TEST(F_five_hundred_waiters)
{
	static struct ipclock_redis *crowd[CROWD];
	struct rlimit limit = { 4096, 4096 };
	struct ipclock_redis *r = open_lock();
	uint64_t last = 0;
	int i;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	for (i = 0; i < CROWD; i++) {
		crowd[i] = open_lock();
		ck_assert_int_eq(ipclock_redis_start_write(crowd[i], -1), EINPROGRESS);
	}
	ck_assert_int_eq(server_number("ZCARD " QUEUE), CROWD);
	ipclock_redis_close(r);
	for (i = 0; i < CROWD; i++) {
		if (i + 1 < CROWD) /* who comes next asks in vain */
			ck_assert_int_eq(ipclock_redis_step(crowd[i + 1], NULL), EINPROGRESS);
		await_grant(crowd[i]);
		ck_assert(token_of(crowd[i]) > last);
		last = token_of(crowd[i]);
		ipclock_redis_close(crowd[i]);
	}
	ck_assert_int_eq(server_number("ZCARD " QUEUE), 0);
}
END_TEST

static void
add_waits(TCase *t)
{
	tcase_add_test(t, E_start_and_step);
	tcase_add_test(t, E_the_server_wakes);
	tcase_add_test(t, B_pollfd_hears_of_a_loss);
	tcase_add_test(t, G_a_cancelled_wait_leaves_the_line);
	tcase_add_test(t, F_five_hundred_waiters);
}

static void
add_basics(TCase *t)
{
	tcase_add_test(t, A_a_writer_excludes);
	tcase_add_test(t, A_readers_share);
	tcase_add_test(t, no_letter_tokens_grow);
	tcase_add_test(t, no_letter_bad_arguments);
	tcase_add_test(t, no_letter_one_round_trip_each_way);
	tcase_add_test(t, E_a_wait_ends);
	tcase_add_test(t, F_in_order_of_arrival);
	tcase_add_test(t, F_a_newcomer_does_not_pass);
}

static void
add(TCase *t)
{
	if (!server_fixture(t, "libipclock-redis"))
		return;
	add_basics(t);
	add_waits(t);
}

int
main(void)
{
	return test_main("redis", add);
}
