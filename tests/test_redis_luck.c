/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* libipclock-redis and bad luck: of the server, of connections, of holders and waiters. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "redis_server.h"
#include "support.h"

static atomic_int losses;

static void
count_loss(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&losses, 1);
}

/* A lock that is held, renewed by its thread, and tells of its loss. */
static struct ipclock_redis *
watched(int lease_ms)
{
	struct ipclock_redis *r = open_lease("lock", lease_ms);

	atomic_store(&losses, 0);
	ck_assert_int_eq(ipclock_redis_set_lost(r, count_loss, NULL), 0);
	ck_assert_int_eq(ipclock_redis_start_renewing(r), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	return r;
}

/* Said by each of them, once. */
static void
must_be_lost(struct ipclock_redis *r)
{
	uint64_t token;

	ck_assert_int_eq(ipclock_redis_held(r), 0);
	ck_assert_int_eq(ipclock_redis_token(r, &token), ESTALE);
	ck_assert_int_eq(ipclock_redis_release(r), ESTALE);
	ck_assert_int_eq(ipclock_redis_release(r), EPERM);
	ck_assert_int_eq(atomic_load(&losses), 1);
}

/* ---- holders and waiters ---- */

/* A child that holds until it is killed. */
static pid_t
spawn_holder(char mode)
{
	struct ipclock_redis *r;
	int pipes[2];
	char c;
	pid_t pid;

	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		r = open_lock();
		c = mode == 'W' ? ipclock_redis_acquire_write(r, 0) == 0 : ipclock_redis_acquire_read(r, 0) == 0;
		if (!c || write(pipes[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &c, 1), 1);
	close(pipes[0]);
	return pid;
}

static void
kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

START_TEST(B_a_killed_holder_is_taken_over)
{
	struct ipclock_redis *r = open_lock();
	pid_t one = spawn_holder('R'), other = spawn_holder('R');

	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	kill_child(one);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 20), ETIMEDOUT);
	kill_child(other);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, -1), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(B_a_killed_waiter_is_passed)
{
	struct ipclock_redis *holder = open_lock();
	int pipes[2];
	pid_t dead, last;

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	dead = spawn('W', 'd', pipes[1], -1);
	await_waiters(1);
	last = spawn('R', 'l', pipes[1], -1);
	await_waiters(2);
	kill_child(dead);
	await_waiters(1);
	ck_assert_int_eq(ipclock_redis_release(holder), 0);
	ck_assert_int_eq(child_result(last), 0);
	ipclock_redis_close(holder);
}
END_TEST

START_TEST(B_client_kill_of_a_holder)
{
	struct ipclock_redis *r = watched(NO_END), *other;

	server_do("CLIENT KILL TYPE normal");
	await_count(&losses, 1, "the loss to be told");
	must_be_lost(r);
	other = open_lock();
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	ipclock_redis_close(other);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(B_client_kill_without_a_thread)
{
	struct ipclock_redis *r = open_lock();

	ck_assert_int_eq(ipclock_redis_acquire_read(r, 0), 0);
	server_do("CLIENT KILL TYPE normal");
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	ck_assert_int_eq(ipclock_redis_held(r), 0);
	ck_assert_int_eq(ipclock_redis_acquire_read(r, 0), ESTALE);
	ck_assert_int_eq(ipclock_redis_acquire_read(r, 0), 0);
	ipclock_redis_close(r);
}
END_TEST

static int
listens(void *arg)
{
	(void)arg;
	return strcmp(server_do("PUBSUB CHANNELS"), "(nil)") != 0;
}

START_TEST(B_client_kill_of_waiters)
{
	struct ipclock_redis *holder = open_lock();
	int pipes[2];
	pid_t waiter;

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	waiter = spawn('W', 'w', pipes[1], -1);
	await_waiters(1);
	server_do("CLIENT KILL TYPE pubsub"); /* a deaf waiter asks by pauses */
	ck_assert_int_eq(ipclock_redis_release(holder), 0);
	ck_assert_int_eq(child_result(waiter), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	waiter = spawn('W', 'w', pipes[1], -1);
	await(listens, NULL, "a waiter to listen");
	server_do("CLIENT KILL TYPE normal");
	ck_assert_int_eq(child_result(waiter), ECONNRESET);
	ck_assert_int_eq(ipclock_redis_release(holder), ECONNRESET);
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	ipclock_redis_close(holder);
}
END_TEST

/* Holds with a short lease, and after being stopped says what it believes. */
static pid_t
spawn_sleeper(int *out)
{
	struct ipclock_redis *r;
	int pipes[2];
	char c = 'h';
	pid_t pid;

	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	if (pid != 0) {
		close(pipes[1]);
		*out = pipes[0];
		ck_assert_int_eq(read(*out, &c, 1), 1);
		return pid;
	}
	r = watched(300);
	if (write(pipes[1], &c, 1) != 1)
		_exit(1);
	while (ipclock_redis_held(r))
		nap_ms(1);
	_exit(ipclock_redis_release(r) == ESTALE && atomic_load(&losses) == 1 ? 0 : 2);
}

START_TEST(B_a_stopped_holder_loses)
{
	struct ipclock_redis *r = open_lock();
	int out, status;
	pid_t pid = spawn_sleeper(&out);

	kill(pid, SIGSTOP);
	ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, -1), 0);
	kill(pid, SIGCONT);
	ck_assert_int_eq(child_result(pid), 0);
	ck_assert_int_eq(ipclock_redis_held(r), 1);
	ck_assert_int_eq(ipclock_redis_renew(r), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(C_a_thread_keeps_the_lock)
{
	struct ipclock_redis *r = watched(150), *other = open_lock();

	ck_assert_int_eq(ipclock_redis_acquire_write(other, 900), ETIMEDOUT);
	ck_assert_int_eq(ipclock_redis_held(r), 1);
	ck_assert_int_eq(ipclock_redis_stop_renewing(r), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(other, -1), 0);
	ck_assert_int_eq(ipclock_redis_held(r), 0);
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	must_be_lost(r);
	ipclock_redis_close(r);
	ipclock_redis_close(other);
}
END_TEST

/* ---- the server ---- */

static void
restart(int persistent)
{
	struct ipclock_redis *r, *idle, *other;
	uint64_t token;

	server_end();
	server_start(persistent);
	idle = open_lock();
	r = watched(NO_END);
	token = token_of(r);
	server_kill(SIGKILL);
	server_start(persistent);
	await_count(&losses, 1, "the loss to be told");
	must_be_lost(r);
	ck_assert_int_eq(server_number("EXISTS " STATE), persistent);
	ck_assert_int_eq(ipclock_redis_acquire_write(idle, 0), 0);
	ck_assert(token_of(idle) > token);
	other = open_lock();
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), EBUSY);
	ipclock_redis_close(other);
	ipclock_redis_close(idle);
	ipclock_redis_close(r);
}

START_TEST(B_the_server_starts_anew_with_nothing)
{
	restart(0);
}
END_TEST

START_TEST(B_the_server_starts_anew_with_what_it_had)
{
	restart(1);
}
END_TEST

START_TEST(B_the_server_is_gone)
{
	struct ipclock_redis *r = watched(NO_END);

	server_kill(SIGKILL);
	await_count(&losses, 1, "the loss to be told");
	must_be_lost(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 100), ENOENT);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), ENOENT);
	ipclock_redis_close(r);
}
END_TEST

static struct ipclock_redis *
open_impatient(int lease_ms)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, lease_ms), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_timeouts(attr, 100, 100), 0);
	ck_assert_int_eq(ipclock_redis_open(&r, server_url(), "lock", attr), 0);
	ipclock_redis_attr_free(attr);
	return r;
}

START_TEST(B_the_server_stands_still)
{
	struct ipclock_redis *idle = open_impatient(NO_END), *r = watched(300);

	server_kill(SIGSTOP);
	ck_assert_int_eq(ipclock_redis_acquire_write(idle, 0), ETIMEDOUT);
	await_count(&losses, 1, "the loss to be told");
	must_be_lost(r);
	server_kill(SIGCONT);
	ck_assert_int_eq(ipclock_redis_acquire_write(idle, -1), 0);
	ipclock_redis_close(idle);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(no_letter_scripts_are_flushed)
{
	struct ipclock_redis *r = open_lock();

	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	server_do("SCRIPT FLUSH");
	ck_assert_int_eq(ipclock_redis_renew(r), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	server_do("SCRIPT FLUSH");
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(no_letter_no_memory)
{
	struct ipclock_redis *r = open_lock(), *other = open_lock();

	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	server_do("CONFIG SET maxmemory 1");
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 1000), ENOMEM);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(other), "OOM"));
	ck_assert_int_eq(ipclock_redis_renew(r), ENOMEM);
	ck_assert_int_eq(ipclock_redis_held(r), 1);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	server_do("CONFIG SET maxmemory 0");
	ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), 0);
	ipclock_redis_close(r);
	ipclock_redis_close(other);
}
END_TEST

START_TEST(no_letter_something_else_at_a_key)
{
	static const char *const keys[] = { STATE, HOLDERS, QUEUE, PLACES, FENCE };
	struct ipclock_redis *r = open_lock();
	int i;

	for (i = 0; i < 5; i++) {
		server_do("FLUSHALL");
		server_do("SET %s x", keys[i]);
		ck_assert_int_eq(ipclock_redis_acquire_write(r, 100), EPROTO);
		ck_assert_ptr_nonnull(strstr(ipclock_redis_message(r), "WRONGTYPE"));
		ck_assert_str_eq(server_do("GET %s", keys[i]), "x");
		ck_assert_int_eq(server_number("DBSIZE"), 1);
	}
	server_do("FLUSHALL");
	server_do("RPUSH " FENCE " x");
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 100), EPROTO);
	server_do("FLUSHALL");
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	server_do("FLUSHALL");
	ck_assert_int_eq(ipclock_redis_renew(r), ESTALE);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(A_names_of_any_bytes)
{
	static char longest[10241];
	static const char *const names[] = { "a b", "{", "}", "{}", "a}b", "a%7Db", "a{b", "\"'\\\n\t*?[",
		"\377\200\001", longest };
	struct ipclock_redis *r[10], *other;
	int i;

	memset(longest, 'x', 10240);
	for (i = 0; i < 10; i++) {
		r[i] = open_lease(names[i], NO_END);
		ck_assert_int_eq(ipclock_redis_acquire_write(r[i], 0), 0);
	}
	for (i = 0; i < 10; i++) {
		other = open_lease(names[i], NO_END);
		ck_assert_int_eq(ipclock_redis_acquire_write(other, 30), ETIMEDOUT);
		ck_assert_int_eq(ipclock_redis_release(r[i]), 0);
		ck_assert_int_eq(ipclock_redis_acquire_write(other, 0), 0);
		ipclock_redis_close(other);
		ipclock_redis_close(r[i]);
	}
	ck_assert_int_eq(server_number("EXISTS ipclock:{%%7B%%7D}:fence ipclock:{a%%257Db}:fence"), 2);
}
END_TEST

/* ---- rights ---- */

static int
open_as(struct ipclock_redis **r, const char *who)
{
	char url[400];

	snprintf(url, sizeof(url), "unix://%s@%s", who, server_url() + strlen("unix://"));
	return ipclock_redis_open(r, url, "lock", NULL);
}

START_TEST(no_letter_passwords)
{
	struct ipclock_redis *r;

	server_do("ACL SETUSER worker on >secret ~ipclock:* &ipclock:* +@all");
	ck_assert_int_eq(open_as(&r, "worker:wrong"), EACCES);
	ck_assert_ptr_null(r);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(NULL), "WRONGPASS"));
	ck_assert_int_eq(open_as(&r, "worker:secret"), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ipclock_redis_close(r);
}
END_TEST

/* Nothing may have been done by half. */
static void
refused(const char *command)
{
	struct ipclock_redis *r;

	server_do("ACL SETUSER worker reset on >secret ~ipclock:* &ipclock:* +@all -%s", command);
	ck_assert_int_eq(open_as(&r, "worker:secret"), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 100), EACCES);
	ck_assert_int_eq(ipclock_redis_held(r), 0);
	ipclock_redis_close(r);
}

START_TEST(no_letter_commands_refused)
{
	struct ipclock_redis *r, *holder = open_lock();
	pid_t pid;

	refused("@scripting");
	ck_assert_int_eq(server_number("EXISTS " STATE " " HOLDERS " " QUEUE " " PLACES), 0);
	server_do("ACL SETUSER worker reset on >secret ~other:* &ipclock:* +@all");
	ck_assert_int_eq(open_as(&r, "worker:secret"), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 100), EACCES);
	ipclock_redis_close(r);
	/* Who may neither load nor subscribe sends the text and asks by pauses. */
	server_do("ACL SETUSER worker reset on >secret ~ipclock:* &ipclock:* +@all -subscribe -script");
	ck_assert_int_eq(open_as(&r, "worker:secret"), 0);
	pid = spawn_holder('W');
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 200), ETIMEDOUT);
	kill_child(pid);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, -1), 0);
	ipclock_redis_close(r);
	ipclock_redis_close(holder);
}
END_TEST

/* ---- forks ---- */

static int
child_of_a_holder(void *arg)
{
	struct ipclock_redis *r = arg;
	uint64_t token;

	if (ipclock_redis_held(r) || ipclock_redis_release(r) != EPERM || ipclock_redis_token(r, &token) != EPERM)
		return 1;
	if (ipclock_redis_acquire_read(r, 0) != EBUSY)
		return 2;
	return ipclock_redis_close(r);
}

START_TEST(D_a_child_neither_holds_nor_frees)
{
	struct ipclock_redis *r = open_lock(), *with_thread;

	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ck_assert_int_eq(in_child(child_of_a_holder, r), 0);
	ck_assert_int_eq(ipclock_redis_held(r), 1);
	ck_assert_int_eq(ipclock_redis_renew(r), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	with_thread = watched(NO_END);
	ck_assert_int_eq(in_child(child_of_a_holder, with_thread), 0);
	ck_assert_int_eq(ipclock_redis_renew(with_thread), 0);
	ck_assert_int_eq(ipclock_redis_release(with_thread), 0);
	ck_assert_int_eq(atomic_load(&losses), 0);
	ipclock_redis_close(r);
	ipclock_redis_close(with_thread);
}
END_TEST

/* The child of the holder lives on; its copy of the socket must not. */
START_TEST(D_a_child_does_not_keep_its_parents_lock)
{
	struct ipclock_redis *r = open_lock();
	int pipes[2];
	pid_t pid, grandchild = 0;

	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
		grandchild = fork();
		if (grandchild == 0) {
			for (;;)
				pause();
		}
		if (write(pipes[1], &grandchild, sizeof(grandchild)) < 0)
			_exit(1);
		pause();
	}
	ck_assert_int_eq(read(pipes[0], &grandchild, sizeof(grandchild)), (int)sizeof(grandchild));
	kill_child(pid);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, -1), 0);
	kill(grandchild, SIGKILL);
	ipclock_redis_close(r);
}
END_TEST

static void
add_server(TCase *t)
{
	tcase_add_test(t, B_the_server_is_gone);
	tcase_add_test(t, B_the_server_stands_still);
	tcase_add_test(t, no_letter_scripts_are_flushed);
	tcase_add_test(t, no_letter_no_memory);
	tcase_add_test(t, no_letter_something_else_at_a_key);
	tcase_add_test(t, A_names_of_any_bytes);
	tcase_add_test(t, no_letter_passwords);
	tcase_add_test(t, no_letter_commands_refused);
}

static void
begin(void)
{
	server_start(0);
}

static void
add(TCase *t)
{
	if (!server_there()) {
		test_skip("libipclock-redis: no redis-server here");
		return;
	}
	tcase_add_checked_fixture(t, begin, server_end);
	tcase_add_test(t, B_a_killed_holder_is_taken_over);
	tcase_add_test(t, B_a_killed_waiter_is_passed);
	tcase_add_test(t, B_client_kill_of_a_holder);
	tcase_add_test(t, B_client_kill_without_a_thread);
	tcase_add_test(t, B_client_kill_of_waiters);
	tcase_add_test(t, B_a_stopped_holder_loses);
	tcase_add_test(t, C_a_thread_keeps_the_lock);
	add_server(t);
	tcase_add_test(t, B_the_server_starts_anew_with_nothing);
	tcase_add_test(t, B_the_server_starts_anew_with_what_it_had);
	tcase_add_test(t, D_a_child_neither_holds_nor_frees);
	tcase_add_test(t, D_a_child_does_not_keep_its_parents_lock);
}

int
main(void)
{
	return test_main("redis_luck", add);
}
