/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_client.h"
#include "support.h"

static int
forever(void *lock)
{
	return ipclock_acquire(lock, IPCLOCK_FOREVER);
}

START_TEST(A_two_processes)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(ipclock_held(l), 0);
	ck_assert_int_eq(agent_do(&a, "release l"), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_held(l), 1);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	ck_assert_int_eq(agent_do(&a, "acquire l 30"), ETIMEDOUT);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

START_TEST(A_two_handles_in_one_process)
{
	struct ipclock *one = must_open(test_path, 0);
	struct ipclock *two = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_acquire(one, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_acquire(two, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(two, 20), ETIMEDOUT);
	ck_assert_int_eq(ipclock_release(one), 0);
	ck_assert_int_eq(ipclock_acquire(two, 0), 0);
	ck_assert_int_eq(ipclock_acquire(one, 0), EBUSY);
	ck_assert_int_eq(ipclock_close(two), 0);
	ck_assert_int_eq(ipclock_acquire(one, 0), 0);
	ck_assert_int_eq(ipclock_close(one), 0);
}
END_TEST

START_TEST(A_slots_are_independent)
{
	static const unsigned slots[] = { 0, 1, 2, 2097151 };
	struct ipclock *first[4], *second[4];
	struct ipclock_attr *attr = attr_with(0, NULL);
	int i;

	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(ipclock_attr_set_slot(attr, slots[i]), 0);
		ck_assert_int_eq(ipclock_open(&first[i], test_path, attr), 0);
		ck_assert_int_eq(ipclock_open(&second[i], test_path, attr), 0);
		ck_assert_int_eq(ipclock_acquire(first[i], 0), 0);
	}
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(ipclock_acquire(second[i], 0), EBUSY);
	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(ipclock_close(first[i]), 0);
		ck_assert_int_eq(ipclock_acquire(second[i], 0), 0);
	}
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(ipclock_close(second[i]), 0);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(A_is_the_exclusive_mode_of_rw)
{
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock_rw *rw = must_rw_open(test_path, 0);

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EBUSY);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ipclock_rw_close(rw);
	ipclock_close(l);
}
END_TEST

/* Through sqlite's eyes: what slot 0 holds, and which of sqlite's locks stop us. */
START_TEST(A_slot_0_is_made_of_sqlite_bytes)
{
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(agent_do(&a, "raw %s w 0x40000000 1", test_path), EAGAIN);
	ck_assert_int_eq(agent_do(&a, "raw %s w 0x40000001 1", test_path), EAGAIN);
	ck_assert_int_eq(agent_do(&a, "raw %s r 0x40000002 510", test_path), EAGAIN);
	ck_assert_int_eq(agent_do(&a, "raw %s w 0x40000200 1", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "raw %s w 0x3fffffff 1", test_path), 0);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	/* RESERVED: readers pass, writers do not. */
	ck_assert_int_eq(agent_do(&a, "raw %s w 0x40000001 1", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(agent_do(&a, "raw %s r 0x40000002 510", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "raw %s w 0x40000000 1", test_path), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	/* PENDING: no new reader. */
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), EBUSY);
	ck_assert_int_eq(agent_do(&a, "raw %s u 0x40000000 2", test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), test_windows() ? ENOTSUP : EBUSY);
	agent_end(&a);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), test_windows() ? ENOTSUP : 0);
	ipclock_rw_close(rw);
}
END_TEST

/* A sqlite writer holds RESERVED and must be able to commit while we wait. */
START_TEST(A_waiting_writer_holds_no_sqlite_byte)
{
	struct agent peer, a;

	agent_spawn(&peer);
	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 0x40000001 1", test_path), 0);
	agent_send(&a, "acquire l -1");
	await_line(test_path, 0, 1);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 0x40000000 1", test_path), 0);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 0x40000002 510", test_path), 0);
	ck_assert(!agent_answered(&a));
	ck_assert_int_eq(agent_do(&peer, "raw %s u 0 0", test_path), 0);
	ck_assert_int_eq(agent_answer(&a), 0);
	await_line(test_path, 0, 0);
	agent_end(&peer);
	agent_end(&a);
}
END_TEST

START_TEST(A_whole_file_peer)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent peer, a;

	agent_spawn(&peer);
	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 0 0", test_path), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(l, 30), ETIMEDOUT);
	agent_send(&a, "acquire l -1");
	agent_await_log(&a, IPCLOCK_LOG_DEBUG);
	ck_assert_int_eq(agent_do(&peer, "raw %s u 0 0", test_path), 0);
	ck_assert_int_eq(agent_answer(&a), 0);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 0 0", test_path), EAGAIN);
	ck_assert_int_eq(agent_do(&a, "release l"), 0);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 0 0", test_path), 0);
	agent_end(&peer);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

START_TEST(A_range_0_0_is_the_whole_file)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock *l;
	struct agent peer, a;

	agent_spawn(&peer);
	agent_spawn(&a);
	ck_assert_int_eq(ipclock_attr_set_range(attr, 0, 0), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 0 0", test_path), EAGAIN);
	ck_assert_int_eq(agent_do(&peer, "raw %s r 77 1", test_path), EAGAIN);
	ck_assert_int_eq(agent_do(&peer, "raw %s r 0x7fffffffffffffff 1", test_path), EAGAIN);
	ck_assert_int_eq(agent_do(&a, "open w %s range=0,0", test_path), 0);
	agent_send(&a, "acquire w -1");
	agent_await_log(&a, IPCLOCK_LOG_DEBUG);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_answer(&a), 0);
	ck_assert_int_eq(agent_do(&a, "release w"), 0);
	ck_assert_int_eq(agent_do(&peer, "raw %s w 77 1", test_path), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	agent_end(&peer);
	agent_end(&a);
	ipclock_close(l);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(A_ranges_that_overlap_exclude)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock *low, *high, *middle;

	ck_assert_int_eq(ipclock_attr_set_range(attr, 0, 10), 0);
	ck_assert_int_eq(ipclock_open(&low, test_path, attr), 0);
	ck_assert_int_eq(ipclock_attr_set_range(attr, 10, 10), 0);
	ck_assert_int_eq(ipclock_open(&high, test_path, attr), 0);
	ck_assert_int_eq(ipclock_attr_set_range(attr, 9, 2), 0);
	ck_assert_int_eq(ipclock_open(&middle, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(low, 0), 0);
	ck_assert_int_eq(ipclock_acquire(high, 0), 0);
	ck_assert_int_eq(ipclock_acquire(middle, 0), EBUSY);
	ck_assert_int_eq(ipclock_release(low), 0);
	ck_assert_int_eq(ipclock_acquire(middle, 0), EBUSY);
	ck_assert_int_eq(ipclock_release(high), 0);
	ck_assert_int_eq(ipclock_acquire(middle, 0), 0);
	ck_assert_int_eq(ipclock_acquire(low, 0), EBUSY);
	ipclock_close(low);
	ipclock_close(high);
	ipclock_close(middle);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(E_timeout_never_early)
{
	static const int times[] = { 1, 15, 120, 350 };
	struct ipclock *held = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock *poll = must_open(test_path, IPCLOCK_POLL);
	int i;

	ck_assert_int_eq(ipclock_acquire(held, 0), 0);
	for (i = 0; i < 4; i++) {
		long begin = now_ms();

		ck_assert_int_eq(ipclock_acquire(l, times[i]), ETIMEDOUT);
		ck_assert_int_ge(now_ms() - begin, times[i]);
		ck_assert_int_ge(ipclock_waited_ms(l), times[i]);
		ck_assert_int_ge(ipclock_attempts(l), 2);
		begin = now_ms();
		ck_assert_int_eq(ipclock_acquire(poll, times[i]), ETIMEDOUT);
		ck_assert_int_ge(now_ms() - begin, times[i]);
	}
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ipclock_close(poll);
	ipclock_close(l);
	ipclock_close(held);
}
END_TEST

START_TEST(E_timed_wait_is_granted)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	agent_send(&a, "acquire l %d", LONG_MS);
	await_line(test_path, 0, 1);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_answer(&a), 0);
	ck_assert_int_lt(agent_do(&a, "waited l"), LONG_MS);
	ck_assert_int_ge(agent_do(&a, "attempts l"), 2);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

START_TEST(E_one_try_is_one_attempt)
{
	struct ipclock *one = must_open(test_path, 0);
	struct ipclock *two = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_acquire(one, 0), 0);
	ck_assert_int_eq(ipclock_attempts(one), 1);
	ck_assert_int_eq(ipclock_acquire(two, 0), EBUSY);
	ck_assert_int_eq(ipclock_attempts(two), 1);
	ipclock_close(one);
	ipclock_close(two);
}
END_TEST

/* The first pause outlasts the deadline and frees the lock: the last try has it. */
static void
oversleep(void *ctx, int ms)
{
	struct ipclock *holder = ctx;

	nap_ms(ms + 60);
	if (ipclock_held(holder) && ipclock_release(holder) != 0)
		abort();
}

START_TEST(E_free_at_the_deadline_is_taken)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock *l;

	ck_assert_int_eq(ipclock_attr_set_sleep(attr, oversleep, holder), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 50), 0);
	ck_assert_int_eq(ipclock_held(l), 1);
	ipclock_close(l);
	ipclock_close(holder);
	ipclock_attr_free(attr);
}
END_TEST

/* Notes pauses without sleeping; the cancel callback ends the wait after so many. */
struct pauses {
	int n, want;
	int ms[64];
};

static void
note_pause(void *ctx, int ms)
{
	struct pauses *p = ctx;

	if (p->n < 64)
		p->ms[p->n++] = ms;
}

static int
enough(void *ctx)
{
	const struct pauses *p = ctx;

	return p->n >= p->want;
}

static void
collect(struct pauses *p, int step_ms, int max_ms, int jitter)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock *l;

	if (step_ms != 0)
		ck_assert_int_eq(ipclock_attr_set_backoff(attr, step_ms, max_ms), 0);
	ck_assert_int_eq(ipclock_attr_set_jitter(attr, jitter), 0);
	ck_assert_int_eq(ipclock_attr_set_sleep(attr, note_pause, p), 0);
	ck_assert_int_eq(ipclock_attr_set_cancel(attr, enough, p), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(in_thread(forever, l), ECANCELED);
	ck_assert_int_eq(ipclock_held(l), 0);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ipclock_close(l);
	ipclock_close(holder);
	ipclock_attr_free(attr);
}

START_TEST(E_pauses_grow_by_steps)
{
	struct pauses p = { .want = 13 };
	int i;

	collect(&p, 0, 0, 0);
	ck_assert_int_eq(p.n, 13);
	for (i = 0; i < 13; i++)
		ck_assert_int_eq(p.ms[i], i < 10 ? 10 * (i + 1) : 100);
}
END_TEST

START_TEST(E_pauses_as_asked_for)
{
	static const int want[] = { 7, 14, 20, 20, 20 };
	struct pauses p = { .want = 5 }, q = { .want = 5 };
	int i;

	collect(&p, 7, 20, 0);
	collect(&q, 50, 20, 0);
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(p.ms[i], want[i]);
		ck_assert_int_eq(q.ms[i], 50);
	}
}
END_TEST

START_TEST(E_pauses_jitter_within_percent)
{
	struct pauses p = { .want = 60 };
	int i, off = 0;

	collect(&p, 100, 100, 20);
	for (i = 0; i < 60; i++) {
		ck_assert_int_ge(p.ms[i], 80);
		ck_assert_int_le(p.ms[i], 120);
		off += p.ms[i] != 100;
	}
	ck_assert_int_gt(off, 0);
}
END_TEST

static int
cancel_now(void *ctx)
{
	(void)ctx;
	return 1;
}

START_TEST(G_cancel_callback)
{
	static const int times[] = { IPCLOCK_FOREVER, LONG_MS };
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock *l;
	struct agent a;
	int i;

	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	ck_assert_int_eq(ipclock_attr_set_cancel(attr, cancel_now, NULL), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(ipclock_acquire(l, times[i]), ECANCELED);
		ck_assert_int_eq(ipclock_held(l), 0);
		ck_assert_int_eq(line_length(test_path, 0), 0);
	}
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	agent_end(&a);
	ck_assert_int_eq(ipclock_acquire(l, IPCLOCK_FOREVER), 0);
	ipclock_close(l);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(no_letter_log_callback)
{
	static struct ear ear;
	struct ipclock_attr *attr = attr_with(0, &ear);
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l;
	struct thread t;

	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(atomic_load(&ear.lines[0]) + atomic_load(&ear.lines[1]) + atomic_load(&ear.lines[2]), 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 20), ETIMEDOUT);
	ck_assert_int_eq(atomic_load(&ear.lines[IPCLOCK_LOG_DEBUG]), 1);
	ck_assert_int_eq(atomic_load(&ear.lines[IPCLOCK_LOG_INFO]), 0);
	ck_assert_int_eq(atomic_load(&ear.lines[IPCLOCK_LOG_WARNING]), 1);
	ck_assert_ptr_nonnull(strstr(ear.last[IPCLOCK_LOG_WARNING], test_path));
	ck_assert_ptr_null(strchr(ear.last[IPCLOCK_LOG_WARNING], '\n'));
	thread_start(&t, forever, l);
	await_count(&ear.lines[IPCLOCK_LOG_DEBUG], 2, "a wait to begin");
	ck_assert_int_eq(ipclock_release(holder), 0);
	ck_assert_int_eq(thread_join(&t), 0);
	ck_assert_int_eq(atomic_load(&ear.lines[IPCLOCK_LOG_INFO]), 1);
	ck_assert_int_eq(atomic_load(&ear.lines[IPCLOCK_LOG_WARNING]), 1);
	ipclock_close(l);
	ipclock_close(holder);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(no_letter_messages)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock *none;

	ck_assert_str_eq(ipclock_message(l), "");
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert_ptr_nonnull(strstr(ipclock_message(l), test_path));
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), test_path));
	ck_assert_int_eq(ipclock_acquire(l, 40), ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(ipclock_message(l), test_path));
	ck_assert_ptr_nonnull(strstr(ipclock_message(l), "timed out after "));
	ck_assert_ptr_nonnull(strstr(ipclock_message(l), " ms"));
	ck_assert_int_eq(ipclock_release(l), EPERM);
	ck_assert_ptr_nonnull(strstr(ipclock_message(l), test_path));
	ck_assert_int_eq(ipclock_release(holder), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_str_eq(ipclock_message(l), "");
	ipclock_close(l);
	ipclock_close(holder);
	ck_assert_int_eq(ipclock_open(&none, test_file("no/such/dir"), NULL), ENOENT);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), test_file("no/such/dir")));
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), strerror(ENOENT)));
	ck_assert_ptr_null(strchr(ipclock_message(NULL), '\n'));
}
END_TEST

static int
fail_elsewhere(void *path)
{
	struct ipclock *none;

	if (ipclock_message(NULL)[0] != '\0')
		return -1;
	return ipclock_open(&none, path, NULL);
}

START_TEST(no_letter_messages_are_a_thread_s_own)
{
	struct ipclock *none;
	char here[256];

	snprintf(here, sizeof(here), "%s/here/x", test_dir);
	ck_assert_int_eq(ipclock_open(&none, here, NULL), ENOENT);
	ck_assert_int_eq(in_thread(fail_elsewhere, (void *)(uintptr_t)test_file("there/x")), ENOENT);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), here));
}
END_TEST

START_TEST(H_errno_is_left_alone)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock *l, *other, *none;
	int wait_ms;

#define SAME(call) do { errno = 12345; (void)(call); ck_assert_msg(errno == 12345, #call); } while (0)
	SAME(ipclock_open(&l, test_path, attr));
	SAME(ipclock_open(&other, test_path, NULL));
	SAME(ipclock_open(&none, test_file("no/such"), NULL));
	SAME(ipclock_open(&none, NULL, NULL));
	SAME(ipclock_open(&none, test_dir, NULL));
	SAME(ipclock_open_fd(&none, -1, NULL));
	SAME(ipclock_acquire(l, 0));
	SAME(ipclock_acquire(other, 0));
	SAME(ipclock_acquire(other, 15));
	SAME(ipclock_acquire(other, IPCLOCK_FOREVER));
	SAME(ipclock_acquire(other, -7));
	SAME(ipclock_start(other, 500));
	SAME(ipclock_step(other, &wait_ms));
	SAME(ipclock_pollfd(other));
	SAME((ipclock_cancel(other), 0));
	SAME(ipclock_step(other, NULL));
	SAME(ipclock_message(other));
	SAME(ipclock_strerror(ETIMEDOUT));
	SAME(ipclock_strerror(99999));
	SAME(ipclock_release(other));
	SAME(ipclock_fd(l));
	SAME(ipclock_path(l));
	SAME(ipclock_held(l));
	SAME(ipclock_attr_set_flags(attr, ~0u));
	SAME(ipclock_attr_set_slot(attr, ~0u));
	SAME(test_windows() || unlink(test_path) == 0 ? ipclock_release(l) : -1);
	SAME(ipclock_acquire(l, 0));
	SAME(ipclock_close(other));
	SAME(ipclock_close(l));
	SAME((ipclock_attr_free(attr), 0));
#undef SAME
}
END_TEST

START_TEST(no_letter_release_by_one_that_does_not_hold)
{
	struct ipclock *one = must_open(test_path, 0);
	struct ipclock *two = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_release(one), EPERM);
	ck_assert_int_eq(ipclock_acquire(one, 0), 0);
	ck_assert_int_eq(ipclock_release(two), EPERM);
	ck_assert_int_eq(ipclock_acquire(two, 0), EBUSY);
	ck_assert_int_eq(ipclock_release(two), EPERM);
	ck_assert_int_eq(ipclock_held(one), 1);
	ck_assert_int_eq(ipclock_release(one), 0);
	ck_assert_int_eq(ipclock_release(one), EPERM);
	ipclock_close(one);
	ipclock_close(two);
}
END_TEST

START_TEST(no_letter_deadlock_with_oneself)
{
	struct ipclock *one = must_open(test_path, 0);
	struct ipclock *two = must_open(test_path, 0);
	struct ipclock_rw *rw = must_rw_open(test_path, 0);

	ck_assert_int_eq(ipclock_acquire(one, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_acquire(one, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(one, 20), ETIMEDOUT);
	ck_assert_int_eq(ipclock_acquire(one, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_acquire(two, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_held(one), 1);
	ck_assert_int_eq(ipclock_start(two, IPCLOCK_FOREVER), EINPROGRESS);
	ck_assert_int_eq(ipclock_release(one), 0);
	ck_assert_int_eq(ipclock_acquire(two, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(two, IPCLOCK_FOREVER), EDEADLK);
	ipclock_cancel(two);
	ck_assert_int_eq(ipclock_acquire(two, IPCLOCK_FOREVER), 0);
	ipclock_rw_close(rw);
	ipclock_close(one);
	ipclock_close(two);
}
END_TEST

/* Another slot, another file, another thread: waiting there is no deadlock. */
START_TEST(no_letter_no_deadlock_seen_where_there_is_none)
{
	static struct ear ear;
	struct ipclock_attr *attr = attr_with(0, &ear);
	struct ipclock *one = must_open(test_path, 0);
	struct ipclock *file = must_open(test_file("other"), 0);
	struct ipclock *slot, *two;
	struct thread t;

	ck_assert_int_eq(ipclock_open(&two, test_path, attr), 0);
	ck_assert_int_eq(ipclock_attr_set_slot(attr, 1), 0);
	ck_assert_int_eq(ipclock_open(&slot, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(one, 0), 0);
	ck_assert_int_eq(ipclock_acquire(slot, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_acquire(file, IPCLOCK_FOREVER), 0);
	thread_start(&t, forever, two);
	await_count(&ear.lines[IPCLOCK_LOG_DEBUG], 1, "a wait to begin");
	ck_assert_int_eq(ipclock_release(one), 0);
	ck_assert_int_eq(thread_join(&t), 0);
	ipclock_close(one);
	ipclock_close(two);
	ipclock_close(slot);
	ipclock_close(file);
	ipclock_attr_free(attr);
}
END_TEST

static int
release(void *lock)
{
	return ipclock_release(lock);
}

static int
once(void *lock)
{
	return ipclock_acquire(lock, 0);
}

START_TEST(A_recursive_by_thread)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_RECURSIVE);
	struct ipclock *other = must_open(test_path, IPCLOCK_RECURSIVE);

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_acquire(l, 30), 0);
	ck_assert_int_eq(ipclock_acquire(other, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(other, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(in_thread(once, l), EBUSY);
	ck_assert_int_eq(in_thread(release, l), EPERM);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_held(l), 1);
	ck_assert_int_eq(ipclock_acquire(other, 0), EBUSY);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_held(l), 0);
	ck_assert_int_eq(ipclock_release(l), EPERM);
	ck_assert_int_eq(ipclock_acquire(other, 0), 0);
	ipclock_close(l);
	ipclock_close(other);
}
END_TEST

START_TEST(A_recursive_by_process)
{
	struct ipclock *l = must_open(test_path, IPCLOCK_RECURSIVE_PROCESS);
	struct ipclock *other = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(in_thread(once, l), 0);
	ck_assert_int_eq(in_thread(forever, l), 0);
	ck_assert_int_eq(in_thread(release, l), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_held(l), 1);
	ck_assert_int_eq(ipclock_acquire(other, 0), EBUSY);
	ck_assert_int_eq(in_thread(release, l), 0);
	ck_assert_int_eq(ipclock_release(l), EPERM);
	ck_assert_int_eq(ipclock_acquire(other, 0), 0);
	ipclock_close(l);
	ipclock_close(other);
}
END_TEST

/* Any thread may release a lock that is not recursive. */
START_TEST(A_release_by_another_thread)
{
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock *other = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(in_thread(release, l), 0);
	ck_assert_int_eq(ipclock_acquire(other, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_release(l), EPERM);
	ck_assert_int_eq(ipclock_release(other), 0);
	ck_assert_int_eq(in_thread(forever, l), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ipclock_close(l);
	ipclock_close(other);
}
END_TEST

/* Steps as an event loop does, until the wait is over. */
static int
step_to_the_end(struct ipclock *l)
{
	struct pollfd p = { .fd = ipclock_pollfd(l), .events = POLLIN };
	int wait_ms = -2;
	int error;

	while ((error = ipclock_step(l, &wait_ms)) == EINPROGRESS) {
		ck_assert_int_ge(wait_ms, 0);
		ck_assert_int_le(wait_ms, LONG_MS);
		poll(&p, p.fd >= 0, wait_ms);
	}
	return error;
}

START_TEST(A_start_and_step)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;

	ck_assert_int_eq(ipclock_start(l, 500), 0);
	ck_assert_int_eq(ipclock_held(l), 1);
	ck_assert_int_eq(ipclock_step(l, NULL), EINVAL);
	ck_assert_int_eq(ipclock_release(l), 0);
	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	ck_assert_int_eq(ipclock_start(l, 0), EBUSY);
	ck_assert_int_eq(ipclock_start(l, LONG_MS), EINPROGRESS);
	ck_assert_int_eq(ipclock_start(l, 0), EINPROGRESS);
	ck_assert_int_eq(ipclock_step(l, NULL), EINPROGRESS);
	ck_assert_int_eq(ipclock_held(l), 0);
	ck_assert_int_eq(ipclock_release(l), EPERM);
	ck_assert_int_eq(agent_do(&a, "release l"), 0);
	ck_assert_int_eq(step_to_the_end(l), 0);
	ck_assert_int_eq(ipclock_held(l), 1);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	agent_end(&a);
	ipclock_close(l);
}
END_TEST

START_TEST(E_started_wait_has_a_deadline)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	long begin = now_ms();

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_start(l, 130), EINPROGRESS);
	ck_assert_int_eq(step_to_the_end(l), ETIMEDOUT);
	ck_assert_int_ge(now_ms() - begin, 130);
	ck_assert_int_eq(ipclock_step(l, NULL), EINVAL);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ck_assert_ptr_nonnull(strstr(ipclock_message(l), test_path));
	ck_assert_int_eq(ipclock_start(l, 0), EBUSY);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

START_TEST(G_started_waits_leave_the_line)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	int fds, threads = thread_count();

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ipclock_cancel(l);
	ck_assert_int_eq(ipclock_step(l, NULL), EINVAL);
	(void)ipclock_pollfd(l);
	fds = fd_count();
	ck_assert_int_eq(ipclock_start(l, IPCLOCK_FOREVER), EINPROGRESS);
	await_line(test_path, 0, 1);
	ipclock_cancel(l);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ck_assert_int_eq(ipclock_step(l, NULL), ECANCELED);
	ck_assert_int_eq(fd_count(), fds);
	await_threads(threads);
	ck_assert_int_eq(ipclock_start(l, LONG_MS), EINPROGRESS);
	ck_assert_int_eq(ipclock_close(l), 0);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	await_threads(threads);
	ipclock_close(holder);
}
END_TEST

START_TEST(no_letter_pollfd_stays_the_same)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	int fd = ipclock_pollfd(l);

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_start(l, LONG_MS), EINPROGRESS);
	ck_assert_int_eq(ipclock_pollfd(l), fd);
	ipclock_release(holder);
	ck_assert_int_eq(step_to_the_end(l), 0);
	ck_assert_int_eq(ipclock_pollfd(l), fd);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

/* Whoever polls it all the time must not be woken for ever by a wait that is over. */
START_TEST(no_letter_pollfd_is_silent_after_the_end)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	struct pollfd told = { .fd = ipclock_pollfd(l), .events = POLLIN };

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_start(l, LONG_MS), EINPROGRESS);
	ck_assert_int_eq(ipclock_release(holder), 0);
	if (told.fd >= 0)
		ck_assert_int_eq(poll(&told, 1, LONG_MS), 1);
	ipclock_cancel(l);
	ck_assert_int_eq(poll(&told, told.fd >= 0, 0), 0);
	ck_assert_int_eq(ipclock_step(l, NULL), ECANCELED);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

START_TEST(C_open_fd)
{
	int fd = open(test_path, O_RDWR | O_CREAT, 0666);
	struct ipclock *l;
	struct agent a;

	ck_assert_int_eq(ipclock_open_fd(&l, fd, NULL), 0);
	ck_assert_ptr_null(ipclock_path(l));
	ck_assert_int_eq(ipclock_fd(l), fd);
	ck_assert_int_eq(ipclock_acquire(l, IPCLOCK_FOREVER), 0);
	agent_spawn(&a);
	ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
	ck_assert_int_eq(ipclock_acquire(l, 20), ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(ipclock_message(l), "timed out after "));
	ck_assert_int_eq(ipclock_close(l), 0);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	agent_end(&a);
	close(fd);
}
END_TEST

static atomic_int rang;
static struct ipclock *handler_lock;
static atomic_int handler_result;

static void
ring(int sig)
{
	(void)sig;
	atomic_fetch_add(&rang, 1);
	if (handler_lock != NULL) {
		int error = ipclock_acquire(handler_lock, 0);

		if (error == 0)
			error = ipclock_release(handler_lock);
		atomic_store(&handler_result, error);
	}
}

static void
handle_usr1(void)
{
	struct sigaction act = { .sa_handler = ring };

	ck_assert_int_eq(sigaction(SIGUSR1, &act, NULL), 0);
}

/* Rings until the wait heard it: the signal may come before the system call sleeps. */
static void
interrupt(struct thread *t, struct ear *ear, int lines)
{
	await_count(&ear->lines[IPCLOCK_LOG_DEBUG], lines, "a wait to begin");
	while (!atomic_load(&t->done)) {
		pthread_kill(t->id, SIGUSR1);
		nap_ms(5);
	}
}

static int
for_long(void *lock)
{
	return ipclock_acquire(lock, LONG_MS);
}

START_TEST(G_interruptible)
{
	static struct ear ear;
	struct ipclock_attr *attr = attr_with(IPCLOCK_INTERRUPTIBLE, &ear);
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l;
	struct thread t;

	handle_usr1();
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	thread_start(&t, forever, l);
	interrupt(&t, &ear, 1);
	ck_assert_int_eq(thread_join(&t), EINTR);
	thread_start(&t, for_long, l);
	interrupt(&t, &ear, 2);
	ck_assert_int_eq(thread_join(&t), EINTR);
	ck_assert_int_eq(ipclock_held(l), 0);
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ipclock_close(holder);
	ck_assert_int_eq(ipclock_acquire(l, IPCLOCK_FOREVER), 0);
	ipclock_close(l);
	ipclock_attr_free(attr);
}
END_TEST

/* A handler that tries another lock in the middle of waits, with a timeout and without. */
/* Called when the wait begins, by the thread that waits, before it sleeps. */
static void
raise_usr1(void *ctx, int level, const char *line)
{
	(void)ctx;
	(void)line;
	if (level == IPCLOCK_LOG_DEBUG)
		raise(SIGUSR1);
}

START_TEST(G_interrupted_before_it_sleeps)
{
	static const unsigned flags[] = { 0, IPCLOCK_UNFAIR, IPCLOCK_POLL };
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock_attr *attr;
	struct ipclock *l;
	size_t i;

	handle_usr1();
	ck_assert_int_eq(in_thread(once, holder), 0);
	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_log(attr, raise_usr1, NULL), 0);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(ipclock_attr_set_flags(attr, flags[i] | IPCLOCK_INTERRUPTIBLE), 0);
		ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
		ck_assert_int_eq(ipclock_acquire(l, 300), EINTR);
		ck_assert_int_eq(ipclock_acquire(l, IPCLOCK_FOREVER), EINTR);
		ck_assert_int_eq(line_length(test_path, 0), 0);
		ipclock_close(l);
	}
	ipclock_attr_free(attr);
	ipclock_close(holder);
}
END_TEST

START_TEST(E_signals_do_not_end_a_wait)
{
	static int (*const waits[])(void *) = { forever, for_long };
	static struct ear ear;
	struct ipclock_attr *attr = attr_with(0, &ear);
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l;
	struct thread t;
	int i, w;

	handle_usr1();
	handler_lock = must_open(test_file("another"), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	for (w = 0; w < 2; w++) {
		ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
		thread_start(&t, waits[w], l);
		await_count(&ear.lines[IPCLOCK_LOG_DEBUG], w + 1, "a wait to begin");
		for (i = 0; i < 20; i++) {
			int before = atomic_load(&rang);

			pthread_kill(t.id, SIGUSR1);
			await_count(&rang, before + 1, "the handler");
			ck_assert_int_eq(atomic_load(&handler_result), 0);
		}
		ck_assert(!atomic_load(&t.done));
		ck_assert_int_eq(ipclock_release(holder), 0);
		ck_assert_int_eq(thread_join(&t), 0);
		ck_assert_int_eq(ipclock_release(l), 0);
	}
	ipclock_close(holder);
	ipclock_close(l);
	ipclock_close(handler_lock);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(H_signals_and_timers_are_left_alone)
{
	struct sigaction before[32], after;
	sigset_t mask[2];
	struct ipclock *holder, *l;
	int sig;

	for (sig = 1; sig < 32; sig++)
		ck_assert_int_eq(sigaction(sig, NULL, &before[sig]), 0);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask[0]), 0);
	holder = must_open(test_path, 0);
	l = must_open(test_path, 0);
	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 40), ETIMEDOUT);
	ck_assert_int_eq(ipclock_start(l, LONG_MS), EINPROGRESS);
	ck_assert_int_eq((int)alarm(0), 0);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask[1]), 0);
	for (sig = 1; sig < 32; sig++) {
		ck_assert_int_eq(sigaction(sig, NULL, &after), 0);
		ck_assert(after.sa_handler == before[sig].sa_handler);
		ck_assert_int_eq(sigismember(&mask[0], sig), sigismember(&mask[1], sig));
	}
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

START_TEST(no_letter_version_and_strerror)
{
	static const int errors[] = { EBUSY, ETIMEDOUT, EDEADLK, EPERM, ECANCELED, EINTR, EINVAL, EINPROGRESS, ENOTSUP,
		ENOLCK, EACCES, EROFS, ENOENT, ELOOP, ESTALE, 0, -1, 99999 };
	size_t i;

	ck_assert_ptr_nonnull(strchr(ipclock_version(), '.'));
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		ck_assert_str_ne(ipclock_strerror(errors[i]), "");
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, A_two_processes);
	tcase_add_test(t, A_two_handles_in_one_process);
	tcase_add_test(t, A_slots_are_independent);
	tcase_add_test(t, A_is_the_exclusive_mode_of_rw);
	tcase_add_test(t, A_slot_0_is_made_of_sqlite_bytes);
	tcase_add_test(t, A_waiting_writer_holds_no_sqlite_byte);
	tcase_add_test(t, A_whole_file_peer);
	tcase_add_test(t, A_range_0_0_is_the_whole_file);
	tcase_add_test(t, A_ranges_that_overlap_exclude);
	tcase_add_test(t, A_recursive_by_thread);
	tcase_add_test(t, A_recursive_by_process);
	tcase_add_test(t, A_release_by_another_thread);
	tcase_add_test(t, A_start_and_step);
	tcase_add_test(t, C_open_fd);
	tcase_add_test(t, E_timeout_never_early);
	tcase_add_test(t, E_timed_wait_is_granted);
	tcase_add_test(t, E_one_try_is_one_attempt);
	tcase_add_test(t, E_free_at_the_deadline_is_taken);
	tcase_add_test(t, E_pauses_grow_by_steps);
	tcase_add_test(t, E_pauses_as_asked_for);
	tcase_add_test(t, E_pauses_jitter_within_percent);
	tcase_add_test(t, E_started_wait_has_a_deadline);
	tcase_add_test(t, E_signals_do_not_end_a_wait);
	tcase_add_test(t, G_cancel_callback);
	tcase_add_test(t, G_interruptible);
	tcase_add_test(t, G_interrupted_before_it_sleeps);
	tcase_add_test(t, G_started_waits_leave_the_line);
	tcase_add_test(t, H_errno_is_left_alone);
	tcase_add_test(t, H_signals_and_timers_are_left_alone);
	tcase_add_test(t, no_letter_log_callback);
	tcase_add_test(t, no_letter_messages);
	tcase_add_test(t, no_letter_messages_are_a_thread_s_own);
	tcase_add_test(t, no_letter_release_by_one_that_does_not_hold);
	tcase_add_test(t, no_letter_deadlock_with_oneself);
	tcase_add_test(t, no_letter_no_deadlock_seen_where_there_is_none);
	tcase_add_test(t, no_letter_pollfd_stays_the_same);
	tcase_add_test(t, no_letter_pollfd_is_silent_after_the_end);
	tcase_add_test(t, no_letter_version_and_strerror);
}

int
main(void)
{
	return test_main("process_lock", add);
}
