/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* libipclock-redis with several servers: a primary and its replica, failover, nodes of a cluster. */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "redis_server.h"
#include "support.h"

#define NOBODY "redis://127.0.0.1:1"

static atomic_int losses;

static void
count_loss(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&losses, 1);
}

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

static int
is_in_step(void *replica)
{
	return strstr(other_do(*(int *)replica, "INFO replication"), "master_link_status:up") != NULL;
}

static void
follow(int replica, int primary)
{
	ck_assert_str_eq(other_do(replica, "REPLICAOF 127.0.0.1 %d", other_port(primary)), "OK");
	await(is_in_step, &replica, "a replica in step");
}

static void
start_two(void)
{
	other_start(0, NULL);
	other_start(1, NULL);
	follow(1, 0);
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

static void
must_be_lost(struct ipclock_redis *r)
{
	uint64_t token;

	ck_assert_int_eq(ipclock_redis_held(r), 0);
	ck_assert_int_eq(ipclock_redis_token(r, &token), ESTALE);
	ck_assert_int_eq(ipclock_redis_release(r), ESTALE);
	ck_assert_int_eq(atomic_load(&losses), 1);
}

START_TEST(B_failover)
{
	struct ipclock_redis *r, *other;
	uint64_t token;

	start_two();
	r = open_list(other_url(0), other_url(1), NULL);
	other = open_list(other_url(0), other_url(1), NULL);
	ck_assert_int_eq(ipclock_redis_set_lost(r, count_loss, NULL), 0);
	ck_assert_int_eq(ipclock_redis_start_renewing(r), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
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
	follow(0, 1);
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

static int
state_is_ok(void *node)
{
	return strstr(other_do(*(int *)node, "CLUSTER INFO"), "cluster_state:ok") != NULL;
}

static void
set_id(char id[41], int node)
{
	snprintf(id, 41, "%s", other_do(node, "CLUSTER MYID"));
}

static int
knows_two(void *node)
{
	return strstr(other_do(*(int *)node, "CLUSTER INFO"), "cluster_known_nodes:2") != NULL;
}

/* Of two nodes; the one that has the slot of the lock. */
static int
start_cluster(void)
{
	static const char *const enabled[] = { "--cluster-enabled", "yes", NULL };
	int i, nodes[2] = { 0, 1 };
	long slot;

	for (i = 0; i < 2; i++)
		other_start(i, enabled);
	other_do(0, "CLUSTER ADDSLOTSRANGE 0 8191");
	other_do(1, "CLUSTER ADDSLOTSRANGE 8192 16383");
	other_do(1, "CLUSTER SET-CONFIG-EPOCH 2");
	other_do(0, "CLUSTER MEET 127.0.0.1 %d %s", other_port(1), other_do(1, "CONFIG GET cluster-port"));
	for (i = 0; i < 2; i++) {
		await(knows_two, &nodes[i], "the nodes to meet");
		await(state_is_ok, &nodes[i], "a cluster");
	}
	slot = other_number(0, "CLUSTER KEYSLOT " STATE);
	ck_assert_int_ge(slot, 0);
	return slot > 8191;
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
move_the_lock(int from, int to, long slot)
{
	char ids[2][41];
	int i;

	for (i = 0; i < 2; i++)
		set_id(ids[i], i);
	ck_assert_str_eq(other_do(to, "CLUSTER SETSLOT %ld IMPORTING %s", slot, ids[from]), "OK");
	ck_assert_str_eq(other_do(from, "CLUSTER SETSLOT %ld MIGRATING %s", slot, ids[to]), "OK");
	ck_assert_str_eq(other_do(from, "MIGRATE 127.0.0.1 %d %s 0 5000 KEYS " STATE " " HOLDERS " " FENCE,
	    other_port(to), ""), "OK");
	ck_assert_str_eq(other_do(to, "CLUSTER SETSLOT %ld NODE %s", slot, ids[to]), "OK");
	ck_assert_str_eq(other_do(from, "CLUSTER SETSLOT %ld NODE %s", slot, ids[to]), "OK");
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
	move_the_lock(from, !from, slot);
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	must_be_lost(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), 0);
	ck_assert(token_of(other) > token);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ipclock_redis_close(other);
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
	tcase_add_test(t, E_sent_in_a_circle);
}

int
main(void)
{
	return test_main("redis_servers", add);
}
