/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* libipclock-redis with several servers: a primary and its replica, failover, nodes of a cluster. */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "redis_fake.h"
#include "redis_server.h"
#include "support.h"

#define NOBODY "redis://127.0.0.1:1"

static struct ipclock_redis_attr *
patient(int ms)
{
	struct ipclock_redis_attr *attr;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, NO_END), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_timeouts(attr, ms, ms), 0);
	return attr;
}

/* A list of two or three; b and c may be NULL. */
static int
try_open(struct ipclock_redis **r, int ms, const char *a, const char *b, const char *c)
{
	struct ipclock_redis_attr *attr = patient(ms);
	char list[300];
	int error;

	snprintf(list, sizeof(list), " %s%s%s%s%s", a, b ? "," : "", b ? b : "", c ? ", " : "", c ? c : "");
	error = ipclock_redis_open(r, list, "lock", attr);
	ipclock_redis_attr_free(attr);
	return error;
}

static struct ipclock_redis *
open_list(const char *a, const char *b, const char *c)
{
	struct ipclock_redis *r;
	int error = try_open(&r, LONG_MS, a, b, c);

	ck_assert_msg(error == 0, "%d: %s", error, ipclock_redis_message(NULL));
	return r;
}

/* ---- a primary, number 0, and its replica, 1 ---- */

static void
start_two(void)
{
	other_start(0, NULL);
	other_start(1, NULL);
	other_follow(1, 0);
}

/* It has all that the primary was told until now. */
static void
await_replica(void)
{
	other_do(0, "SET behind it");
	ck_assert_int_eq(other_number(0, "WAIT 1 0"), 1);
}

START_TEST(A_the_first_primary_is_used)
{
	struct ipclock_redis *one, *other, *third;

	start_two();
	one = open_list(other_url(0), other_url(1), NULL);
	other = open_list(other_url(1), other_url(0), NULL);
	third = open_list(NOBODY, other_url(1), other_url(0));
	ck_assert_int_eq(ipclock_redis_acquire_write(one, 0), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_acquire_read(third, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_release(one), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(third, 1000), 0);
	ipclock_redis_close(one);
	ipclock_redis_close(other);
	ipclock_redis_close(third);
}
END_TEST

START_TEST(no_letter_replicas_alone)
{
	struct ipclock_redis *r;

	start_two();
	ck_assert_int_eq(try_open(&r, LONG_MS, other_url(1), NULL, NULL), EROFS);
	ck_assert_str_eq(ipclock_redis_message(NULL), "open lock: the server is a replica");
	ck_assert_int_eq(try_open(&r, LONG_MS, NOBODY, other_url(1), NULL), EROFS);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(NULL), other_url(1) + strlen("redis://")));
	ck_assert_int_eq(try_open(&r, LONG_MS, other_url(1), NOBODY, NULL), ECONNREFUSED);
	/* Who may not ask finds out by the first script. */
	other_do(1, "ACL SETUSER default -info");
	r = open_list(other_url(1), NULL, NULL);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 1000), EROFS);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(r), "READONLY"));
	ipclock_redis_close(r);
}
END_TEST

START_TEST(B_failover)
{
	struct ipclock_redis *r, *other;
	uint64_t token;

	start_two();
	r = open_list(other_url(0), other_url(1), NULL);
	other = open_list(other_url(0), other_url(1), NULL);
	hold_watched(r);
	token = token_of(r);
	await_replica();
	other_kill(0, SIGKILL);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), EROFS);
	ck_assert_str_eq(other_do(1, "REPLICAOF NO ONE"), "OK");
	await_count(&losses, 1, "the loss to be told");
	must_be_lost(r);
	ck_assert_int_eq(other_number(1, "EXISTS " STATE), 1);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 1000), 0);
	ck_assert(token_of(other) > token);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ipclock_redis_close(other);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ipclock_redis_close(r);
}
END_TEST

/* The old primary comes back as a replica, or is made one, and its clients stay. */
START_TEST(B_a_primary_becomes_a_replica)
{
	struct ipclock_redis *r, *idle, *late;

	start_two();
	r = open_list(other_url(0), other_url(1), NULL);
	idle = open_list(other_url(0), other_url(1), NULL);
	late = open_list(other_url(0), other_url(1), NULL);
	ck_assert_int_eq(ipclock_redis_set_lost(r, count_loss, NULL), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(ipclock_redis_start_write(late, -1), EINPROGRESS);
	await_replica();
	ck_assert_str_eq(other_do(1, "REPLICAOF NO ONE"), "OK");
	other_follow(0, 1);
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	must_be_lost(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(idle, 1000), 0);
	ipclock_redis_cancel(late);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_release(idle), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(late, 0), 0);
	ipclock_redis_close(r);
	ipclock_redis_close(idle);
	ipclock_redis_close(late);
}
END_TEST

/* What stands still first in the list takes its share of the time, not all of it. */
START_TEST(E_a_frozen_server_leaves_time_for_the_next)
{
	struct ipclock_redis *r;

	start_two();
	ck_assert_int_eq(try_open(&r, 3600000, other_url(1), other_url(0), NULL), 0);
	other_kill(1, SIGSTOP);
	other_do(0, "CLIENT KILL TYPE normal");
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 1500), 0);
	ipclock_redis_close(r);
	ck_assert_int_eq(try_open(&r, 800, other_url(1), other_url(0), NULL), 0);
	ipclock_redis_close(r);
}
END_TEST

/* ---- a cluster ---- */

static void
set_id(char id[41], int node)
{
	snprintf(id, 41, "%s", other_do(node, "CLUSTER MYID"));
}

/* The number of the one that has the slot of the lock. */
static int
start_cluster(void)
{
	static const char *const enabled[] = { "--cluster-enabled", "yes", NULL };

	other_start(0, enabled);
	other_start(1, enabled);
	return cluster_of_two();
}

START_TEST(A_a_cluster_sends_us_to_its_node)
{
	int owner = start_cluster(), tries = 0;
	struct ipclock_redis *there = open_list(other_url(owner), NULL, NULL);
	struct ipclock_redis *sent = open_list(other_url(!owner), NULL, NULL);

	ck_assert_int_eq(ipclock_redis_acquire_write(sent, 0), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(there, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_renew(sent), 0);
	ck_assert_int_eq(ipclock_redis_start_write(there, -1), EINPROGRESS);
	ck_assert_int_eq(ipclock_redis_release(sent), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(sent, 0), EBUSY);
	while (ipclock_redis_step(there, NULL) == EINPROGRESS && tries++ < 4000)
		nap_ms(5);
	ck_assert_int_eq(ipclock_redis_held(there), 1);
	/* It stays with that node, and finds it again. */
	other_do(owner, "CLIENT KILL TYPE normal");
	ck_assert_int_eq(ipclock_redis_acquire_write(sent, 1000), 0);
	ipclock_redis_close(sent);
	ipclock_redis_close(there);
}
END_TEST

static void
begin_to_move(int from, int to, long slot)
{
	char id[41];

	set_id(id, from);
	ck_assert_str_eq(other_do(to, "CLUSTER SETSLOT %ld IMPORTING %s", slot, id), "OK");
	set_id(id, to);
	ck_assert_str_eq(other_do(from, "CLUSTER SETSLOT %ld MIGRATING %s", slot, id), "OK");
}

static void
move_keys(int from, int to)
{
	ck_assert_str_eq(other_do(from, "MIGRATE 127.0.0.1 %d %s 0 5000 KEYS " STATE " " HOLDERS " " QUEUE " " PLACES " "
	    FENCE, other_port(to), ""), "OK");
}

static void
have_moved(int from, int to, long slot)
{
	char id[41];

	set_id(id, to);
	ck_assert_str_eq(other_do(to, "CLUSTER SETSLOT %ld NODE %s", slot, id), "OK");
	ck_assert_str_eq(other_do(from, "CLUSTER SETSLOT %ld NODE %s", slot, id), "OK");
}

START_TEST(B_a_lock_moves_to_another_node)
{
	int from = start_cluster();
	long slot = other_number(0, "CLUSTER KEYSLOT " STATE);
	struct ipclock_redis *r = open_list(other_url(from), NULL, NULL), *other = open_list(other_url(from), NULL, NULL);
	uint64_t token;

	ck_assert_int_eq(ipclock_redis_set_lost(r, count_loss, NULL), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	token = token_of(r);
	begin_to_move(from, !from, slot);
	move_keys(from, !from);
	have_moved(from, !from, slot);
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	must_be_lost(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), 0);
	ck_assert(token_of(other) > token);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ipclock_redis_close(other);
	ipclock_redis_close(r);
}
END_TEST

/* A node that names no host means its own, which need not be that of the list. */
START_TEST(A_sent_on_without_a_host)
{
	int owner = start_cluster();
	char sent[60];
	struct fake fake = { .ask = sent, .odd_at = -1 };
	struct ipclock_redis *r;

	ck_assert_str_eq(other_do(!owner, "CONFIG SET cluster-preferred-endpoint-type unknown-endpoint"), "OK");
	snprintf(sent, sizeof(sent), "-MOVED 1 127.0.0.1:%d\r\n", other_port(!owner));
	fake_start(&fake);
	r = open_list(fake_url(), NULL, NULL);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(other_number(owner, "EXISTS " STATE), 1);
	ipclock_redis_close(r);
	fake_stop();
}
END_TEST

static int
count(void *n, const struct ipclock_redis_holder *holder)
{
	(void)holder;
	return ++*(int *)n, 0;
}

static int
holds_now(void *r)
{
	int error = ipclock_redis_step(r, NULL);

	ck_assert_msg(error == 0 || error == EINPROGRESS, "%s", ipclock_redis_message(r));
	return error == 0;
}

/* It is asked for where its keys are, which is not the slot's node yet. */
START_TEST(B_a_lock_is_on_its_way)
{
	int from = start_cluster(), told = 0;
	long slot = other_number(0, "CLUSTER KEYSLOT " STATE);
	struct ipclock_redis *r = open_list(other_url(from), NULL, NULL), *waiter = open_list(other_url(from), NULL, NULL);
	struct ipclock_redis *late = open_list(other_url(from), NULL, NULL);
	uint64_t token;

	ck_assert_int_eq(ipclock_redis_set_lost(r, count_loss, NULL), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(ipclock_redis_start_write(waiter, -1), EINPROGRESS);
	token = token_of(r);
	begin_to_move(from, !from, slot);
	move_keys(from, !from);
	ck_assert_int_eq(ipclock_redis_holders(late, count, &told), 0);
	ck_assert_int_eq(told, 2);
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	must_be_lost(r);
	/* The dead are cleared away there; then two keys are gone, and that node cannot know that there are none. */
	ck_assert_int_eq(ipclock_redis_acquire_write(late, 0), EAGAIN);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(late), "TRYAGAIN"));
	ck_assert_int_eq(ipclock_redis_start_write(late, -1), EINPROGRESS);
	have_moved(from, !from, slot);
	await(holds_now, late, "the lock");
	ck_assert(token_of(late) > token);
	ck_assert_int_eq(ipclock_redis_renew(late), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_release(late), 0);
	ipclock_redis_close(waiter);
	ipclock_redis_close(late);
	ipclock_redis_close(r);
}
END_TEST

/* Each sends us to the other: that ends. */
START_TEST(E_sent_in_a_circle)
{
	int owner = start_cluster();
	long slot = other_number(0, "CLUSTER KEYSLOT " STATE);
	struct ipclock_redis *r = open_list(other_url(owner), NULL, NULL);
	char id[41];

	set_id(id, !owner);
	ck_assert_str_eq(other_do(owner, "CLUSTER SETSLOT %ld NODE %s", slot, id), "OK");
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 5000), EAGAIN);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(r), "MOVED"));
	ipclock_redis_close(r);
}
END_TEST

static void
add(TCase *t)
{
	if (!server_there()) {
		test_skip("libipclock-redis with several servers: no redis-server here");
		return;
	}
	tcase_add_checked_fixture(t, NULL, server_end);
	tcase_add_test(t, A_the_first_primary_is_used);
	tcase_add_test(t, no_letter_replicas_alone);
	tcase_add_test(t, B_failover);
	tcase_add_test(t, B_a_primary_becomes_a_replica);
	tcase_add_test(t, E_a_frozen_server_leaves_time_for_the_next);
	tcase_add_test(t, A_a_cluster_sends_us_to_its_node);
	tcase_add_test(t, B_a_lock_moves_to_another_node);
	tcase_add_test(t, B_a_lock_is_on_its_way);
	tcase_add_test(t, A_sent_on_without_a_host);
	tcase_add_test(t, E_sent_in_a_circle);
}

int
main(void)
{
	return test_main("redis_servers", add);
}
