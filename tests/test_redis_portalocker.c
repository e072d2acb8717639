/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The protocol "portalocker" and bad luck; what it shares with Python's is in redis_peers.sh. */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "redis_server.h"
#include "support.h"

enum { FLOOD = 5000 };

static struct ipclock_redis *
open_channel(void)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_protocol(attr, IPCLOCK_REDIS_PORTALOCKER), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_backoff(attr, 5, 20), 0);
	ck_assert_int_eq(ipclock_redis_open(&r, server_url(), "chan", attr), 0);
	ipclock_redis_attr_free(attr);
	return r;
}

/* One that is held and answers pings. */
static struct ipclock_redis *
watched(void)
{
	struct ipclock_redis *r = open_channel();

	hold_watched(r);
	return r;
}

/* A child that waits for the lock, over errors too, says 'h', and holds until it is killed. */
static pid_t
spawn_waiter(int *out)
{
	struct ipclock_redis *r;
	int pipes[2];
	pid_t pid;

	ck_assert_int_eq(pipe(pipes), 0);
	*out = pipes[0];
	pid = fork();
	if (pid != 0) {
		close(pipes[1]);
		return pid;
	}
	r = open_channel();
	if (ipclock_redis_start_renewing(r) != 0)
		_exit(1);
	while (ipclock_redis_acquire_write(r, -1) != 0)
		nap_ms(1);
	if (write(pipes[1], "h", 1) != 1)
		_exit(2);
	for (;;)
		pause();
}

static void
must_say(int fd, char letter)
{
	char c = 0;

	ck_assert_int_eq(read(fd, &c, 1), 1);
	ck_assert_int_eq(c, letter);
}

/* Its connection for what it is told; that of a holder has a name. */
static int
one_waits(void *arg)
{
	(void)arg;
	return strstr(server_do("CLIENT LIST TYPE pubsub"), " name= ") != NULL;
}

/* ---- forks ---- */

START_TEST(D_a_child_neither_holds_nor_frees)
{
	child_must_not_hold(open_channel(), open_channel());
}
END_TEST

static int
nobody_holds(void *arg)
{
	(void)arg;
	return strcmp(server_do("PUBSUB NUMSUB chan"), "0") == 0;
}

/* The child of the holder lives on, and must not keep its socket. */
START_TEST(D_a_child_does_not_keep_its_parents_lock)
{
	struct ipclock_redis *r = open_channel();
	pid_t grandchild, pid = spawn_family(r, &grandchild);

	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	end_child(pid);
	await(nobody_holds, NULL, "the lock to be free"); /* before a waiter would kill who is silent */
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	kill(grandchild, SIGKILL);
	ipclock_redis_close(r);
}
END_TEST

/* ---- the server ---- */

START_TEST(B_the_server_starts_anew)
{
	struct ipclock_redis *r = watched(), *idle = open_channel();
	int out;
	pid_t waiter = spawn_waiter(&out);

	await(one_waits, NULL, "a waiter");
	server_kill(SIGKILL);
	await_count(&losses, 1, "the loss to be told");
	ck_assert_int_eq(ipclock_redis_acquire_write(idle, 0), ENOENT);
	server_start(0);
	must_say(out, 'h');
	must_be_lost(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_acquire_write(idle, 0), EBUSY);
	end_child(waiter);
	ck_assert_int_eq(ipclock_redis_acquire_write(idle, LONG_MS), 0);
	ipclock_redis_close(r);
	ipclock_redis_close(idle);
}
END_TEST

START_TEST(B_client_kill_of_a_holder)
{
	struct ipclock_redis *r = watched(), *other = open_channel();

	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), EBUSY);
	server_do("CLIENT KILL TYPE pubsub");
	await_count(&losses, 1, "the loss to be told");
	must_be_lost(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_release(other), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ipclock_redis_close(r);
	ipclock_redis_close(other);
}
END_TEST

/* Without a thread the next call says so. */
START_TEST(B_client_kill_without_a_thread)
{
	struct ipclock_redis *r = open_channel();

	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	server_do("CLIENT KILL TYPE pubsub");
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	ck_assert_int_eq(ipclock_redis_held(r), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), ESTALE);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	server_do("CLIENT KILL TYPE normal"); /* by which it would answer */
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), ESTALE);
	await(nobody_holds, NULL, "the lock to be free");
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ipclock_redis_close(r);
}
END_TEST

/* Anybody who may publish can ping; a call ends all the same, and the rest is for the next. */
START_TEST(E_a_flood_of_pings)
{
	struct ipclock_redis *r = open_channel();
	struct pollfd p = { .events = POLLIN };
	uint64_t token;
	int i;

	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	for (i = 0; i < FLOOD; i++)
		ck_assert_int_eq(server_number("PUBLISH chan x"), 1);
	ck_assert_int_eq(ipclock_redis_token(r, &token), ENOTSUP);
	p.fd = ipclock_redis_pollfd(r);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(B_a_stopped_holder_is_killed_by_who_waits)
{
	struct ipclock_redis *r = open_channel();
	int out, status;
	pid_t holder = spawn_waiter(&out);

	must_say(out, 'h');
	ck_assert_int_eq(kill(holder, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(holder, &status, WUNTRACED), holder);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, LONG_MS), 0);
	end_child(holder);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ipclock_redis_close(r);
}
END_TEST

/* ---- a crowd ---- */

enum { CROWD = 6, TURNS = 25 };

static int
take_turns(atomic_int *inside)
{
	struct ipclock_redis *r = open_channel();
	int i, error, met = 0;

	if (ipclock_redis_start_renewing(r) != 0)
		return 1;
	for (i = 0; i < TURNS; i++) {
		error = ipclock_redis_acquire_write(r, -1);
		if (error != 0)
			return 2;
		met += atomic_fetch_add(inside, 1) > 0;
		nap_ms(1);
		atomic_fetch_sub(inside, 1);
		if (ipclock_redis_release(r) != 0)
			return 3;
	}
	ipclock_redis_close(r);
	return met == 0 ? 0 : 4;
}

START_TEST(A_never_two_of_a_crowd)
{
	atomic_int *inside = mmap(NULL, sizeof(*inside), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[CROWD];
	int i;

	ck_assert(inside != MAP_FAILED);
	for (i = 0; i < CROWD; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(take_turns(inside));
	}
	for (i = 0; i < CROWD; i++)
		ck_assert_int_eq(child_result(pids[i]), 0);
	ck_assert_int_eq(atomic_load(inside), 0);
	ck_assert_str_eq(server_do("PUBSUB NUMSUB chan"), "0");
}
END_TEST

static void
add(TCase *t)
{
	if (!server_fixture(t, "libipclock-redis, protocol portalocker"))
		return;
	tcase_set_timeout(t, 60);
	tcase_add_test(t, D_a_child_neither_holds_nor_frees);
	tcase_add_test(t, D_a_child_does_not_keep_its_parents_lock);
	tcase_add_test(t, B_the_server_starts_anew);
	tcase_add_test(t, B_client_kill_of_a_holder);
	tcase_add_test(t, B_client_kill_without_a_thread);
	tcase_add_test(t, B_a_stopped_holder_is_killed_by_who_waits);
	tcase_add_test(t, A_never_two_of_a_crowd);
	tcase_add_test(t, E_a_flood_of_pings);
}

int
main(void)
{
	return test_main("redis_portalocker", add);
}
