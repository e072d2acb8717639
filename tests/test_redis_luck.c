/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* libipclock-redis and bad luck: of the server, of connections, of holders and waiters. */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "redis_fake.h"
#include "redis_server.h"
#include "support.h"

/* A lock that is held, renewed by its thread, and tells of its loss. */
static struct ipclock_redis *
watched(int lease_ms)
{
	struct ipclock_redis *r = open_lease("lock", lease_ms);

	hold_watched(r);
	return r;
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

START_TEST(B_a_killed_holder_is_taken_over)
{
	struct ipclock_redis *r = open_lock();
	pid_t one = spawn_holder('R'), other = spawn_holder('R');

	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), EBUSY);
	end_child(one);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 20), ETIMEDOUT);
	end_child(other);
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
	end_child(dead);
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
	ck_assert_int_eq(ipclock_redis_release(holder), ESTALE); /* it may have been another's meanwhile */
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
	struct ipclock_redis *r = watched(900), *other = open_lock();

	ck_assert_int_eq(ipclock_redis_acquire_write(other, 2700), ETIMEDOUT);
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
open_patient(int lease_ms, int command_ms)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_lease(attr, lease_ms), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_timeouts(attr, command_ms, command_ms), 0);
	ck_assert_int_eq(ipclock_redis_open(&r, server_url(), "lock", attr), 0);
	ipclock_redis_attr_free(attr);
	return r;
}

static int
release_in_a_thread(void *arg)
{
	return ipclock_redis_release(arg);
}

/* Before the answer: it may have been lost long before. */
START_TEST(B_the_server_dies_during_a_release)
{
	struct ipclock_redis *r = watched(NO_END);
	struct thread thread;

	ck_assert_int_eq(ipclock_redis_stop_renewing(r), 0);
	server_kill(SIGSTOP);
	thread_start(&thread, release_in_a_thread, r);
	nap_ms(100); /* so that it usually waits for the answer */
	server_kill(SIGKILL);
	ck_assert_int_eq(thread_join(&thread), ESTALE);
	ck_assert_int_eq(atomic_load(&losses), 1);
	ck_assert_int_eq(ipclock_redis_release(r), EPERM);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(B_the_server_stands_still)
{
	struct ipclock_redis *idle = open_patient(NO_END, 1000), *r = watched(300);

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

/* Where nothing but the deadline, or the end of the lease, ends the wait for an answer. */
START_TEST(E_no_wait_beyond_its_time)
{
	struct ipclock_redis *idle = open_patient(NO_END, NO_END), *brief = open_patient(300, NO_END);
	struct ipclock_redis *r = open_patient(300, NO_END);

	atomic_store(&losses, 0);
	ck_assert_int_eq(ipclock_redis_set_lost(r, count_loss, NULL), 0);
	ck_assert_int_eq(ipclock_redis_start_renewing(r), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	server_kill(SIGSTOP);
	await_count(&losses, 1, "the loss to be told");
	must_be_lost(r);
	ck_assert_int_eq(ipclock_redis_acquire_write(idle, 50), ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(ipclock_redis_message(idle), "does not answer"));
	ck_assert_int_eq(ipclock_redis_acquire_write(idle, 50), ETIMEDOUT); /* not even a new connection */
	ck_assert_int_eq(ipclock_redis_acquire_write(brief, 0), ETIMEDOUT);
	server_kill(SIGCONT);
	ck_assert_int_eq(ipclock_redis_acquire_write(brief, -1), 0);
	ipclock_redis_close(brief);
	ipclock_redis_close(idle);
	ipclock_redis_close(r);
}
END_TEST

/* The server grants what nobody waits for any more. */
START_TEST(B_a_grant_is_not_heard)
{
	struct ipclock_redis *deaf = open_patient(NO_END, 1000), *r = open_lock();

	server_kill(SIGSTOP);
	ck_assert_int_eq(ipclock_redis_acquire_write(deaf, 0), ETIMEDOUT);
	ck_assert_int_eq(ipclock_redis_held(deaf), 0);
	server_kill(SIGCONT);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, LONG_MS), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(deaf, 0), EBUSY);
	ipclock_redis_close(deaf);
	ipclock_redis_close(r);
}
END_TEST

static void
ignore(int sig)
{
	(void)sig;
}

static void
signal_each_ms(int ms)
{
	struct sigaction action = { .sa_handler = ignore };
	struct itimerval time = { { 0, ms * 1000 }, { 0, ms * 1000 } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &time, NULL);
}

START_TEST(E_signals_do_not_lengthen_a_wait)
{
	struct ipclock_redis *r = open_patient(NO_END, 800);

	server_kill(SIGSTOP);
	signal_each_ms(20);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, -1), ETIMEDOUT);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, -1), ETIMEDOUT);
	signal_each_ms(0);
	server_kill(SIGCONT);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, -1), 0);
	ipclock_redis_close(r);
}
END_TEST

START_TEST(E_signals_do_not_end_a_release)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r;
	int i;

	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_attr_set_protocol(attr, IPCLOCK_REDIS_PORTALOCKER), 0);
	ck_assert_int_eq(ipclock_redis_open(&r, server_url(), "lock", attr), 0);
	ipclock_redis_attr_free(attr);
	signal_each_ms(1);
	for (i = 0; i < 300; i++) {
		ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
		ck_assert_int_eq(ipclock_redis_release(r), 0);
	}
	signal_each_ms(0);
	ipclock_redis_close(r);
}
END_TEST

static int
keeps_its_place(void *r)
{
	ck_assert_int_eq(ipclock_redis_step(r, NULL), EINPROGRESS);
	return server_number("ZCARD " PLACES) == 1;
}

static int
holds_now(void *r)
{
	int error = ipclock_redis_step(r, NULL);

	ck_assert_msg(error == 0 || error == EINPROGRESS, "%s", ipclock_redis_message(r));
	return error == 0;
}

/* Keys that end may be evicted one by one. */
START_TEST(no_letter_an_evicted_key)
{
	struct ipclock_redis *holder = open_lock(), *silent = open_lock(), *r = open_lock();

	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	ck_assert_int_eq(ipclock_redis_start_write(silent, -1), EINPROGRESS);
	ck_assert_int_eq(ipclock_redis_start_write(r, LONG_MS), EINPROGRESS);
	server_do("DEL " PLACES);
	await(keeps_its_place, r, "one that keeps its place");
	ck_assert_int_eq(ipclock_redis_release(holder), 0);
	await(holds_now, r, "the one behind a place without an end");
	server_do("DEL " STATE);
	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), EBUSY);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ipclock_redis_close(silent);
	ipclock_redis_close(holder);
	ipclock_redis_close(r);
}
END_TEST

enum { MANY = 30, FEW = 12, FLOOD = 5000 };

/* A child in which many wait, until it is killed. */
static pid_t
spawn_many(void)
{
	pid_t pid = fork();
	int i;

	if (pid != 0)
		return pid;
	for (i = 0; i < MANY; i++)
		if (ipclock_redis_start_write(open_lock(), -1) != EINPROGRESS)
			_exit(1);
	for (;;)
		pause();
}

/* Who finds many dead before it clears them away a few at a step. */
START_TEST(B_many_waiters_are_killed)
{
	struct ipclock_redis *holder = open_lock(), *r = open_lock();
	const char *calls;
	pid_t pid;

	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	pid = spawn_many();
	await_waiters(MANY);
	end_child(pid);
	server_do("CONFIG RESETSTAT");
	ck_assert_int_eq(ipclock_redis_start_write(r, -1), EINPROGRESS);
	calls = strstr(server_do("INFO commandstats"), "cmdstat_evalsha:calls=");
	ck_assert(calls && atoi(calls + strlen("cmdstat_evalsha:calls=")) <= FEW);
	ck_assert_int_eq(ipclock_redis_release(holder), 0);
	await(holds_now, r, "the only one that lives");
	ipclock_redis_close(holder);
	ipclock_redis_close(r);
}
END_TEST

/* Anybody who may publish can tell a waiter to ask; a step ends all the same. */
START_TEST(E_a_flood_of_news)
{
	struct ipclock_redis *holder = open_lock(), *r = open_lock();
	struct pollfd p = { .events = POLLIN };
	char channel[100];
	int i;

	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	ck_assert_int_eq(ipclock_redis_start_write(r, -1), EINPROGRESS);
	await(listens, NULL, "a waiter to listen");
	snprintf(channel, sizeof(channel), "%s", server_do("PUBSUB CHANNELS"));
	for (i = 0; i < FLOOD; i++)
		ck_assert_int_eq(server_number("PUBLISH %s x", channel), 1);
	ck_assert_int_eq(ipclock_redis_step(r, NULL), EINPROGRESS);
	p.fd = ipclock_redis_pollfd(r);
	ck_assert_int_eq(poll(&p, 1, 0), 1);
	ck_assert_int_eq(ipclock_redis_release(holder), 0);
	await(holds_now, r, "the lock");
	ipclock_redis_close(holder);
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
	static const char *const fences[] = { "9007199254740992", "1e300", "nan", "-1", "0x10" };
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
	for (i = 0; i < 5; i++) {
		server_do("SET " FENCE " %s", fences[i]);
		ck_assert_int_eq(ipclock_redis_acquire_write(r, 100), EPROTO);
		ck_assert_str_eq(server_do("GET " FENCE), fences[i]);
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

/* ---- answers that no server here gives ---- */

#define SHA "0123456789012345678901234567890123456789"

static int
acquire_of(struct fake *fake, const char *answer)
{
	struct ipclock_redis *r;
	int error;

	fake->odd = answer;
	fake_count();
	ck_assert_int_eq(ipclock_redis_open(&r, fake_url(), "lock", NULL), 0);
	error = ipclock_redis_acquire_write(r, 0);
	ipclock_redis_close(r);
	return error;
}

#define REDIS_6 "-ERR Error running script (call to f_" SHA "): @user_script:12: @user_script: 12: "

START_TEST(no_letter_strange_answers)
{
	static const struct {
		const char *answer;
		int error;
	} strange[] = {
		{ REDIS_6 "-MISCONF Redis is configured to save RDB snapshots\r\n", EIO },
		{ REDIS_6 "-OOM command not allowed when used memory > 'maxmemory'.\r\n", ENOMEM },
		{ REDIS_6 "Wrong number of args\r\n", EPROTO },
		{ "-LOADING Redis is loading the dataset in memory\r\n", EAGAIN },
		{ "-ASK 1 nowhere\r\n", EAGAIN },
		{ "-MOVED 1 nowhere\r\n", EAGAIN },
		{ "-\r\n", EPROTO },
		{ "?\r\n", EPROTO },
		{ ":1\r\n", EPROTO },
		{ "$-1\r\n", EPROTO },
		{ "*0\r\n", EPROTO },
		{ "*2\r\n:1\r\n$-1\r\n", EPROTO },
		{ "*2\r\n:1\r\n$1\r\n0\r\n", EPROTO },
		{ "*4\r\n:0\r\n:0\r\n:0\r\n$-1\r\n", EPROTO },
		{ "*3\r\n:0\r\n:9223372036854775807\r\n:9223372036854775807\r\n", EBUSY },
		{ "*3\r\n:0\r\n:-9223372036854775807\r\n:-9223372036854775807\r\n", EBUSY },
		{ "*5\r\n:0\r\n:0\r\n:0\r\n$1\r\nx\r\n$0\r\n\r\n", EBUSY },
	};
	struct fake fake = { .ask = ":0\r\n", .odd_at = 3 }; /* behind CLIENT ID, INFO and SCRIPT LOAD */
	size_t i;
	int error;

	fake_start(&fake);
	for (i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		error = acquire_of(&fake, strange[i].answer);
		ck_assert_msg(error == strange[i].error, "%s: %d", strange[i].answer, error);
	}
	fake_stop();
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

START_TEST(no_letter_a_password_beside_the_url)
{
	struct ipclock_redis_attr *attr;
	struct ipclock_redis *r;
	char url[400];

	server_do("ACL SETUSER worker on >secret ~ipclock:* &ipclock:* +@all");
	server_do("CONFIG SET requirepass master");
	snprintf(url, sizeof(url), "unix://worker@%s", server_url() + strlen("unix://"));
	ck_assert_int_eq(ipclock_redis_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_redis_open(&r, server_url(), "lock", attr), EACCES);
	ck_assert_int_eq(ipclock_redis_open(&r, url, "lock", attr), EINVAL);
	ck_assert_int_eq(ipclock_redis_attr_set_auth(attr, "worker", "secret"), 0);
	ck_assert_int_eq(ipclock_redis_open(&r, server_url(), "lock", attr), 0);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ipclock_redis_close(r);
	ck_assert_int_eq(ipclock_redis_attr_set_auth(attr, NULL, "secret"), 0);
	ck_assert_int_eq(ipclock_redis_open(&r, url, "lock", attr), 0);
	ipclock_redis_close(r);
	ck_assert_int_eq(ipclock_redis_open(&r, server_url(), "lock", attr), EACCES);
	ck_assert_int_eq(ipclock_redis_attr_set_auth(attr, NULL, "master"), 0);
	ck_assert_int_eq(ipclock_redis_open(&r, server_url(), "lock", attr), 0);
	ipclock_redis_attr_free(attr);
	server_do("CLIENT KILL TYPE normal"); /* it logs in again */
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
	end_child(pid);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, -1), 0);
	ipclock_redis_close(r);
	ipclock_redis_close(holder);
}
END_TEST

/* ---- forks ---- */

START_TEST(D_a_child_neither_holds_nor_frees)
{
	child_must_not_hold(open_lock(), open_lock());
}
END_TEST

/* The child of the holder lives on; its copy of the socket must not. */
START_TEST(D_a_child_does_not_keep_its_parents_lock)
{
	struct ipclock_redis *r = open_lock();
	pid_t grandchild, pid = spawn_family(r, &grandchild);

	end_child(pid);
	ck_assert_int_eq(ipclock_redis_acquire_write(r, -1), 0);
	kill(grandchild, SIGKILL);
	ipclock_redis_close(r);
}
END_TEST

static int
child_beside_a_thread(void *arg)
{
	int error = ipclock_redis_release(arg) == EPERM ? 0 : 1;

	return ipclock_redis_close(arg) == 0 ? error : 2;
}

START_TEST(D_children_of_a_process_that_renews)
{
	struct ipclock_redis *r = watched(100);
	int i;

	for (i = 0; i < 200; i++)
		ck_assert_int_eq(in_child(child_beside_a_thread, r), 0);
	ipclock_redis_close(r);
}
END_TEST

/* A process without its standard descriptors gets none of them as a socket that is never closed. */
START_TEST(D_a_daemon_without_descriptors)
{
	struct ipclock_redis *r;

	close(0);
	r = open_lock();
	ck_assert_int_eq(ipclock_redis_acquire_write(r, 0), 0);
	ipclock_redis_close(r);
	ck_assert_int_eq(fcntl(0, F_GETFD), -1);
}
END_TEST

static int
wait_in_a_thread(void *arg)
{
	return ipclock_redis_acquire_write(arg, LONG_MS);
}

static int
child_beside_a_waiter(void *arg)
{
	return ipclock_redis_acquire_write(arg, 0) == EBUSY ? ipclock_redis_close(arg) : 1;
}

START_TEST(D_a_child_of_a_process_that_waits)
{
	struct ipclock_redis *holder = open_lock(), *r = open_lock();
	struct thread thread;

	ck_assert_int_eq(ipclock_redis_acquire_write(holder, 0), 0);
	thread_start(&thread, wait_in_a_thread, r);
	await_waiters(1);
	ck_assert_int_eq(in_child(child_beside_a_waiter, r), 0);
	ck_assert_int_eq(ipclock_redis_release(holder), 0);
	ck_assert_int_eq(thread_join(&thread), 0);
	ck_assert_int_eq(ipclock_redis_release(r), 0);
	ipclock_redis_close(holder);
	ipclock_redis_close(r);
}
END_TEST

static int
open_in_a_thread(void *arg)
{
	struct ipclock_redis *r = open_lock();

	(void)arg;
	return ipclock_redis_close(r);
}

static int
more_fds(void *n)
{
	return fd_count() > *(int *)n;
}

static int
count_in_a_child(void *arg)
{
	(void)arg;
	return fd_count();
}

/* The server does not answer yet: the connection is half made. */
START_TEST(D_a_child_keeps_no_socket_on_its_way)
{
	int fds = fd_count();
	struct thread thread;

	server_kill(SIGSTOP);
	thread_start(&thread, open_in_a_thread, NULL);
	await(more_fds, &fds, "a socket");
	ck_assert_int_eq(in_child(count_in_a_child, NULL), fds);
	server_kill(SIGCONT);
	ck_assert_int_eq(thread_join(&thread), 0);
}
END_TEST

static void
add_forks(TCase *t)
{
	tcase_add_test(t, D_a_child_neither_holds_nor_frees);
	tcase_add_test(t, D_a_child_does_not_keep_its_parents_lock);
	tcase_add_test(t, D_children_of_a_process_that_renews);
	tcase_add_test(t, D_a_child_of_a_process_that_waits);
	tcase_add_test(t, D_a_daemon_without_descriptors);
	tcase_add_test(t, D_a_child_keeps_no_socket_on_its_way);
}

static void
add_server(TCase *t)
{
	tcase_add_test(t, E_no_wait_beyond_its_time);
	tcase_add_test(t, B_a_grant_is_not_heard);
	tcase_add_test(t, E_signals_do_not_lengthen_a_wait);
	tcase_add_test(t, E_signals_do_not_end_a_release);
	tcase_add_test(t, no_letter_an_evicted_key);
	tcase_add_test(t, B_many_waiters_are_killed);
	tcase_add_test(t, E_a_flood_of_news);
	tcase_add_test(t, no_letter_a_password_beside_the_url);
	tcase_add_test(t, B_the_server_is_gone);
	tcase_add_test(t, B_the_server_dies_during_a_release);
	tcase_add_test(t, B_the_server_stands_still);
	tcase_add_test(t, no_letter_scripts_are_flushed);
	tcase_add_test(t, no_letter_no_memory);
	tcase_add_test(t, no_letter_strange_answers);
	tcase_add_test(t, no_letter_something_else_at_a_key);
	tcase_add_test(t, A_names_of_any_bytes);
	tcase_add_test(t, no_letter_passwords);
	tcase_add_test(t, no_letter_commands_refused);
}

static void
add(TCase *t)
{
	if (!server_fixture(t, "libipclock-redis and bad luck"))
		return;
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
	add_forks(t);
}

int
main(void)
{
	return test_main("redis_luck", add);
}
