/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent_client.h"
#include "support.h"

static int
forever(void *lock)
{
	return ipclock_acquire(lock, IPCLOCK_FOREVER);
}

static int
for_long(void *lock)
{
	return ipclock_acquire(lock, LONG_MS);
}

/*
 * Two numbers in a file that all share.  A writer changes them one after the
 * other, by a load and a store: any overlap loses an update, or a reader sees
 * them differ.
 */
struct counter {
	atomic_long one, two;
};

struct hammer {
	struct counter *counter;
	struct ipclock_rw *rw;
	int turns;
	int timeout_ms;
};

static void
step_counter(struct counter *c)
{
	atomic_store_explicit(&c->one, atomic_load_explicit(&c->one, memory_order_relaxed) + 1, memory_order_relaxed);
	sched_yield();
	atomic_store_explicit(&c->two, atomic_load_explicit(&c->two, memory_order_relaxed) + 1, memory_order_relaxed);
}

static int
hammer_write(void *arg)
{
	struct hammer *h = arg;
	int i, error;

	for (i = 0; i < h->turns; i++) {
		if ((error = ipclock_rw_acquire_write(h->rw, h->timeout_ms)) != 0)
			return error;
		step_counter(h->counter);
		if ((error = ipclock_rw_release_write(h->rw)) != 0)
			return error;
	}
	return 0;
}

static int
hammer_read(void *arg)
{
	struct hammer *h = arg;
	int i, error, torn;

	for (i = 0; i < h->turns; i++) {
		if ((error = ipclock_rw_acquire_read(h->rw, h->timeout_ms)) != 0)
			return error;
		torn = atomic_load_explicit(&h->counter->one, memory_order_relaxed) !=
		    atomic_load_explicit(&h->counter->two, memory_order_relaxed);
		if ((error = ipclock_rw_release_read(h->rw)) != 0)
			return error;
		if (torn)
			return 200;
	}
	return 0;
}

/* Classic locks, and Wine's, hand over within a process by backoff, in order, that is, slowly. */
static int
turns(int quick)
{
	return test_posix() || test_windows() ? quick / 10 : quick;
}

static struct counter *
the_counter(void)
{
	return test_shared(test_file("counter"), sizeof(struct counter));
}

/* So many threads, each third a reader, on one handle, or with a handle for each. */
static int
hammer_threads(struct hammer *common, int threads, int one_handle)
{
	struct hammer h[8];
	struct thread t[8];
	int i, result = 0;

	for (i = 0; i < threads; i++) {
		h[i] = *common;
		if (!one_handle || i == 0)
			h[i].rw = must_rw_open(test_path, 0);
		else
			h[i].rw = h[0].rw;
		thread_start(&t[i], i % 3 == 2 ? hammer_read : hammer_write, &h[i]);
	}
	for (i = 0; i < threads; i++) {
		int error = thread_join(&t[i]);

		result = result != 0 ? result : error;
	}
	for (i = 0; i < (one_handle ? 1 : threads); i++)
		ipclock_rw_close(h[i].rw);
	return result;
}

static void
hammer_both(int timeout_ms, int one_handle)
{
	struct hammer h = { .counter = the_counter(), .turns = turns(150), .timeout_ms = timeout_ms };

	atomic_store(&h.counter->one, 0);
	atomic_store(&h.counter->two, 0);
	ck_assert_int_eq(hammer_threads(&h, 6, one_handle), 0);
	ck_assert_int_eq(atomic_load(&h.counter->one), 4 * h.turns);
	ck_assert_int_eq(atomic_load(&h.counter->two), 4 * h.turns);
	ck_assert_int_eq(line_length(test_path, 0), 0);
}

START_TEST(A_threads_on_one_handle)
{
	hammer_both(IPCLOCK_FOREVER, 1);
	hammer_both(LONG_MS, 1);
}
END_TEST

START_TEST(A_threads_with_a_handle_each)
{
	hammer_both(IPCLOCK_FOREVER, 0);
	hammer_both(LONG_MS, 0);
}
END_TEST

static int
hammer_process(const char *timeout_ms)
{
	struct hammer h = { .counter = the_counter(), .turns = turns(100), .timeout_ms = atoi(timeout_ms) };

	return hammer_threads(&h, 3, 1);
}

START_TEST(A_threads_of_processes)
{
	struct counter *counter = the_counter();
	pid_t pid[4];
	int i;

	for (i = 0; i < 4; i++)
		pid[i] = test_spawn(hammer_process, i == 3 ? "20000" : "-1", NULL, 0);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(child_result(pid[i]), 0);
	ck_assert_int_eq(atomic_load(&counter->one), 4 * 2 * turns(100));
	ck_assert_int_eq(atomic_load(&counter->two), 4 * 2 * turns(100));
}
END_TEST

/* Grants in the order in which they came. */
struct turn {
	struct ipclock_rw *rw;
	int write, timeout_ms;
	int place;
};
static atomic_int granted;

static int
take_turn(void *arg)
{
	struct turn *turn = arg;
	int error = turn->write ? ipclock_rw_acquire_write(turn->rw, turn->timeout_ms) :
	    ipclock_rw_acquire_read(turn->rw, turn->timeout_ms);

	if (error != 0)
		return error;
	turn->place = atomic_fetch_add(&granted, 1);
	return turn->write ? ipclock_rw_release_write(turn->rw) : ipclock_rw_release_read(turn->rw);
}

#define TURNS 6

/* Write and read by turns, so that no two may be granted together. */
static void
order_in_a_handle(int timeout_ms, int hold_elsewhere)
{
	static struct ear ear;
	struct ipclock_attr *attr = attr_with(0, &ear);
	struct ipclock_rw *rw, *holder;
	struct turn queue[TURNS];
	struct thread t[TURNS];
	int i;

	memset(&ear, 0, sizeof(ear));
	atomic_store(&granted, 0);
	ck_assert_int_eq(ipclock_rw_open(&rw, test_path, attr), 0);
	holder = hold_elsewhere ? must_rw_open(test_path, 0) : rw;
	ck_assert_int_eq(ipclock_rw_acquire_write(holder, 0), 0);
	for (i = 0; i < TURNS; i++) {
		queue[i] = (struct turn){ .rw = rw, .write = i % 2, .timeout_ms = timeout_ms };
		thread_start(&t[i], take_turn, &queue[i]);
		await_count(&ear.lines[IPCLOCK_LOG_DEBUG], i + 1, "a wait to begin");
	}
	ck_assert_int_eq(ipclock_rw_release_write(holder), 0);
	for (i = 0; i < TURNS; i++) {
		ck_assert_int_eq(thread_join(&t[i]), 0);
		ck_assert_int_eq(queue[i].place, i);
	}
	if (hold_elsewhere)
		ipclock_rw_close(holder);
	ipclock_rw_close(rw);
	ipclock_attr_free(attr);
}

START_TEST(F_threads_of_a_handle)
{
	order_in_a_handle(IPCLOCK_FOREVER, 0);
	order_in_a_handle(LONG_MS, 0);
}
END_TEST

START_TEST(F_threads_of_a_handle_behind_another)
{
	order_in_a_handle(IPCLOCK_FOREVER, 1);
	order_in_a_handle(LONG_MS, 1);
}
END_TEST

/* Each thread of a handle has its own deadline, wherever in the handle it stands. */
START_TEST(E_threads_have_their_own_deadlines)
{
	static struct ear ear;
	struct ipclock_attr *attr = attr_with(0, &ear);
	struct ipclock *l;
	struct thread t;
	struct agent a;
	long begin;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	thread_start(&t, forever, l);
	await_count(&ear.lines[IPCLOCK_LOG_DEBUG], 1, "a wait to begin");
	begin = now_ms();
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(l, 80), ETIMEDOUT);
	ck_assert_int_ge(now_ms() - begin, 80);
	ck_assert(!atomic_load(&t.done));
	ck_assert_int_eq(agent_do(&a, "release l"), 0);
	ck_assert_int_eq(thread_join(&t), 0);
	agent_end(&a);
	ipclock_close(l);
	ipclock_attr_free(attr);
}
END_TEST

static int
write_forever(void *rw)
{
	return ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER);
}

static int
write_for_long(void *rw)
{
	return ipclock_rw_acquire_write(rw, LONG_MS);
}

static int
read_once(void *rw)
{
	return ipclock_rw_acquire_read(rw, 0);
}

/* A writer waits for the readers of its own handle, and holds off those who come after it. */
START_TEST(F_writer_behind_the_readers_of_its_handle)
{
	static int (*const waits[])(void *) = { write_forever, write_for_long };
	static const unsigned flags[] = { 0, IPCLOCK_POLL };
	int w, f;

	for (w = 0; w < 2; w++)
		for (f = 0; f < 2; f++) {
			struct ear ear = { .last = { "" } };
			struct ipclock_attr *attr = attr_with(flags[f], &ear);
			struct ipclock_rw *rw;
			struct thread t;

			ck_assert_int_eq(ipclock_rw_open(&rw, test_path, attr), 0);
			ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
			ck_assert_int_eq(in_thread(read_once, rw), 0);
			thread_start(&t, waits[w], rw);
			await_count(&ear.lines[IPCLOCK_LOG_DEBUG], 1, "a wait to begin");
			ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), EBUSY);
			ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
			ck_assert(!atomic_load(&t.done));
			ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
			ck_assert_int_eq(thread_join(&t), 0);
			ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), EBUSY);
			ipclock_rw_close(rw);
			ipclock_attr_free(attr);
		}
}
END_TEST

static int
read_forever(void *rw)
{
	return ipclock_rw_acquire_read(rw, IPCLOCK_FOREVER);
}

static int
read_for_long(void *rw)
{
	return ipclock_rw_acquire_read(rw, LONG_MS);
}

/* A handle reads, a writer elsewhere waits, a second thread of the handle waits behind it. */
static void
second_reader(int (*wait)(void *), int writer_dies)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct thread t;
	struct agent writer;

	agent_spawn(&writer);
	ck_assert_int_eq(agent_do(&writer, "rw_open rw %s", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	agent_send(&writer, "write rw -1");
	await_line(test_path, 0, 1);
	thread_start(&t, wait, rw);
	await_line(test_path, 0, 2);
	if (writer_dies) {
		agent_kill(&writer, SIGKILL);
		ck_assert_int_eq(thread_join(&t), 0);
		ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
		agent_spawn(&writer);
		ck_assert_int_eq(agent_do(&writer, "rw_open rw %s", test_path), 0);
		ck_assert_int_eq(agent_do(&writer, "write rw 0"), EBUSY);
	} else {
		ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
		ck_assert_int_eq(agent_answer(&writer), 0);
		ck_assert(!atomic_load(&t.done));
		ck_assert_int_eq(agent_do(&writer, "release_write rw"), 0);
		ck_assert_int_eq(thread_join(&t), 0);
		ck_assert_int_eq(agent_do(&writer, "write rw 0"), EBUSY);
	}
	ck_assert_int_eq(ipclock_rw_held(rw), 1);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(agent_do(&writer, "write rw 0"), 0);
	agent_end(&writer);
	ipclock_rw_close(rw);
}

START_TEST(F_second_reader_of_a_handle_behind_a_writer)
{
	second_reader(read_forever, 0);
	second_reader(read_for_long, 0);
}
END_TEST

START_TEST(B_second_reader_of_a_handle_behind_a_dead_writer)
{
	second_reader(read_forever, 1);
	second_reader(read_for_long, 1);
}
END_TEST

/* Waiters through other handles of the process are woken as those of other processes are. */
START_TEST(A_waits_through_another_handle)
{
	static int (*const waits[])(void *) = { forever, for_long };
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	struct thread t;
	int w;

	for (w = 0; w < 2; w++) {
		ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
		thread_start(&t, waits[w], l);
		await_line(test_path, 0, 1);
		ck_assert_int_eq(ipclock_release(holder), 0);
		ck_assert_int_eq(thread_join(&t), 0);
		ck_assert_int_eq(ipclock_acquire(holder, 0), EBUSY);
		ck_assert_int_eq(ipclock_release(l), 0);
	}
	ipclock_close(holder);
	ipclock_close(l);
}
END_TEST

static int
once(void *lock)
{
	return ipclock_acquire(lock, 0);
}

static int
release(void *lock)
{
	return ipclock_release(lock);
}

START_TEST(C_holder_s_thread_ends)
{
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock *other = must_open(test_path, 0);

	ck_assert_int_eq(in_thread(once, l), 0);
	ck_assert_int_eq(ipclock_held(l), 1);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(other, 0), EBUSY);
	ck_assert_int_eq(in_thread(release, l), 0);
	ck_assert_int_eq(ipclock_acquire(other, 0), 0);
	ipclock_close(l);
	ipclock_close(other);
}
END_TEST

/* A new thread may have the dead owner's pthread_t: it is not the owner. */
START_TEST(A_recursive_owner_s_thread_ends)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_RECURSIVE);
	struct ipclock *other = must_open(test_path, 0);
	int i;

	ck_assert_int_eq(in_thread(once, l), 0);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(in_thread(once, l), EBUSY);
		ck_assert_int_eq(in_thread(release, l), EPERM);
	}
	ck_assert_int_eq(ipclock_acquire(other, 0), EBUSY);
	ck_assert_int_eq(ipclock_close(l), 0);
	ck_assert_int_eq(ipclock_acquire(other, 0), 0);
	ipclock_close(other);
}
END_TEST

/* The same waits in a thread that is cancelled: they end by themselves, then it dies. */
struct victim {
	struct ipclock *lock;
	int timeout_ms;
	atomic_int result;
	pthread_t id;
};

static void *
be_cancelled(void *arg)
{
	struct victim *v = arg;

	atomic_store(&v->result, ipclock_acquire(v->lock, v->timeout_ms));
	pthread_testcancel();
	return NULL;
}

START_TEST(G_no_cancellation_inside)
{
	static const int times[] = { IPCLOCK_FOREVER, LONG_MS };
	struct ipclock *holder = must_open(test_path, 0);
	struct victim v = { .lock = must_open(test_path, 0) };
	void *end;
	int i;

	for (i = 0; i < 2; i++) {
		v.timeout_ms = times[i];
		atomic_store(&v.result, -1);
		ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
		ck_assert_int_eq(pthread_create(&v.id, NULL, be_cancelled, &v), 0);
		await_line(test_path, 0, 1);
		ck_assert_int_eq(pthread_cancel(v.id), 0);
		ck_assert_int_eq(ipclock_acquire(holder, 0), EBUSY);
		ck_assert_int_eq(atomic_load(&v.result), -1);
		ck_assert_int_eq(ipclock_release(holder), 0);
		ck_assert_int_eq(pthread_join(v.id, &end), 0);
		ck_assert_ptr_eq(end, PTHREAD_CANCELED);
		ck_assert_int_eq(atomic_load(&v.result), 0);
		ck_assert_int_eq(ipclock_acquire(holder, 0), EBUSY);
		ck_assert_int_eq(ipclock_release(v.lock), 0);
		ck_assert_int_eq(line_length(test_path, 0), 0);
	}
	ipclock_close(v.lock);
	ipclock_close(holder);
}
END_TEST

/* No thread stays after a timed wait, however it ended. */
START_TEST(G_no_thread_stays)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	struct thread t;
	int threads = thread_count();

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 150), ETIMEDOUT);
	await_threads(threads);
	thread_start(&t, for_long, l);
	await_line(test_path, 0, 1);
	ck_assert_int_eq(ipclock_release(holder), 0);
	ck_assert_int_eq(thread_join(&t), 0);
	await_threads(threads);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

/* Threads open, use and close handles of their own, all on one file. */
static int
open_and_close(void *arg)
{
	int i, error = 0;

	(void)arg;
	for (i = 0; i < 60 && error == 0; i++) {
		struct ipclock *l;

		if ((error = ipclock_open(&l, test_path, NULL)) != 0)
			break;
		if ((error = ipclock_acquire(l, LONG_MS)) == 0 && i % 2 == 0)
			error = ipclock_release(l);
		ipclock_close(l);
	}
	return error;
}

START_TEST(C_threads_open_and_close)
{
	struct thread t[4];
	int fds = fd_count();
	int i;

	for (i = 0; i < 4; i++)
		thread_start(&t[i], open_and_close, NULL);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(thread_join(&t[i]), 0);
	ck_assert_int_eq(fd_count(), fds);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, A_threads_on_one_handle);
	tcase_add_test(t, A_threads_with_a_handle_each);
	tcase_add_test(t, A_threads_of_processes);
	tcase_add_test(t, A_waits_through_another_handle);
	tcase_add_test(t, A_recursive_owner_s_thread_ends);
	tcase_add_test(t, C_holder_s_thread_ends);
	tcase_add_test(t, C_threads_open_and_close);
	tcase_add_test(t, E_threads_have_their_own_deadlines);
	tcase_add_test(t, F_threads_of_a_handle);
	tcase_add_test(t, F_threads_of_a_handle_behind_another);
	tcase_add_test(t, F_writer_behind_the_readers_of_its_handle);
	tcase_add_test(t, F_second_reader_of_a_handle_behind_a_writer);
	tcase_add_test(t, B_second_reader_of_a_handle_behind_a_dead_writer);
	tcase_add_test(t, G_no_cancellation_inside);
	tcase_add_test(t, G_no_thread_stays);
}

int
main(void)
{
	return test_main("threads", add);
}
