/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/*
 * The whole library but the OS file, through its public calls, on the fake
 * system: every pause and deadline to the millisecond, in no time.
 */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ipclock.h>

#include "layout.h"
#include "os_fake.h"

#define LOCK INT64_C(0x40000000)
#define LINE (INT64_C(1) << 62)

static const char PATH[] = "/lock";
static struct ipclock_attr *attr;
static struct ipclock_rw *rw;
static int other;
static int pauses[64], paused;

static void
set_up(void)
{
	fake_reset();
	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	other = fake_other(PATH);
	paused = 0;
}

static void
open_rw(unsigned flags)
{
	ck_assert_int_eq(ipclock_attr_set_flags(attr, flags), 0);
	ck_assert_int_eq(ipclock_rw_open(&rw, PATH, attr), 0);
}

/* G: nothing is left, whatever the test did. */
static void
tear_down(void)
{
	if (rw)
		ck_assert_int_eq(ipclock_rw_close(rw), 0);
	rw = NULL;
	ipclock_attr_free(attr);
	ck_assert_int_eq(fake_locks(), 0);
	ck_assert_int_eq(fake_open_files(), 0);
	ck_assert_int_eq(fake_allocated(), 0);
	ck_assert_int_eq(fake_helpers(), 0);
}

static bool
other_writes(void)
{
	return fake_lock(other, LOCK, 512, OS_EXCLUSIVE);
}

static void
other_leaves(void)
{
	fake_unlock(other, 0, 0);
}

static void
note_pause(void *ctx, int ms)
{
	(void)ctx;
	pauses[paused++] = ms;
	fake_pass_until(fake_ms() + ms);
}

/* ---- E: time ---- */

START_TEST(E_a_timeout_ends_at_its_millisecond)
{
	open_rw(_i ? IPCLOCK_POLL : 0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 250), ETIMEDOUT);
	ck_assert_int_eq(fake_ms(), 250);
	ck_assert_int_eq(ipclock_rw_waited_ms(rw), 250);
	ck_assert_str_eq(ipclock_rw_message(rw), "write lock /lock: timed out after 250 ms; held by pid 1000 (write)");
	ck_assert_str_eq(ipclock_message(NULL), ipclock_rw_message(rw));
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(E_a_lock_that_comes_free_at_the_deadline_is_taken)
{
	open_rw(_i & 1 ? IPCLOCK_POLL : 0);
	other_writes();
	fake_at(250, other_leaves);
	ck_assert_int_eq(_i & 2 ? ipclock_rw_acquire_read(rw, 250) : ipclock_rw_acquire_write(rw, 250), 0);
	ck_assert_int_le(fake_ms(), 250);
	ck_assert_int_eq(fake_locks(), 1);
}
END_TEST

static void
other_has_removed_it(void)
{
	fake_remove(PATH);
	other_leaves();
}

/* It has all of the file locked, and holds nothing. */
START_TEST(E_who_removes_the_file_is_not_taken_for_a_holder)
{
	open_rw(IPCLOCK_UNLINK);
	fake_lock(other, 0, 0, OS_EXCLUSIVE);
	fake_at(_i ? 51 : 1, other_has_removed_it);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, _i ? 50 : 0), 0);
	ck_assert_int_le(fake_ms(), _i ? 52 : 2);
	ck_assert(fake_exists(PATH));
	ck_assert_int_eq(fake_locks(), 1);
}
END_TEST

START_TEST(E_who_keeps_all_of_the_file_is_a_holder)
{
	open_rw(IPCLOCK_UNLINK);
	fake_lock(other, 0, 0, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EBUSY);
	ck_assert_int_le(fake_ms(), 3);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 50), ETIMEDOUT);
	ck_assert_int_le(fake_ms(), 56);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(E_what_the_helper_gets_while_it_is_stopped_is_ours)
{
	open_rw(0);
	other_writes();
	fake_at_stop(other_leaves);
	ck_assert_int_eq(_i ? ipclock_rw_acquire_read(rw, 100) : ipclock_rw_acquire_write(rw, 100), 0);
	ck_assert_int_eq(fake_ms(), 100);
	ck_assert_int_eq(fake_locks(), 1);
}
END_TEST

static int
yes_after_50_ms(void *ctx)
{
	(void)ctx;
	return fake_ms() >= 50;
}

START_TEST(G_what_the_helper_gets_while_it_is_cancelled_is_given_back)
{
	ipclock_attr_set_cancel(attr, yes_after_50_ms, NULL);
	open_rw(0);
	other_writes();
	fake_at_stop(other_leaves);
	ck_assert_int_eq(_i ? ipclock_rw_acquire_read(rw, 1000) : ipclock_rw_acquire_write(rw, 1000), ECANCELED);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(E_one_try_does_not_wait)
{
	open_rw(0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EBUSY);
	ck_assert_int_eq(fake_ms(), 0);
	ck_assert_int_eq(ipclock_rw_attempts(rw), 1);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(E_granted_after_a_wait)
{
	static const unsigned flags[] = { 0, IPCLOCK_POLL, IPCLOCK_UNFAIR, IPCLOCK_TRUST_PATH };

	open_rw(flags[_i]);
	other_writes();
	fake_at(70, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 500), 0);
	ck_assert_int_ge(fake_ms(), 70);
	ck_assert_int_le(fake_ms(), 100);
	ck_assert_int_eq(ipclock_rw_waited_ms(rw), fake_ms());
	ck_assert_int_eq(fake_locks(), 1);
}
END_TEST

START_TEST(a_wait_for_ever_sleeps_in_the_kernel)
{
	open_rw(0);
	other_writes();
	fake_at(70000, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(fake_ms(), 70000);
	ck_assert_uint_eq(fake_calls("range_wait"), 1);
	ck_assert_uint_eq(fake_calls("sleep") + fake_calls("event_wait"), 0);
}
END_TEST

START_TEST(E_a_kernel_with_deadlines_needs_no_helper)
{
	fake_wait_ends(true);
	open_rw(0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 250), ETIMEDOUT);
	ck_assert_int_eq(fake_ms(), 250);
	fake_at(2000, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, _i ? 5000 : IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(fake_ms(), 2000);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	fake_lock(other, LINE, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, _i ? 5000 : IPCLOCK_FOREVER), 0);
	ck_assert_int_le(fake_ms(), 3150);
	ck_assert_uint_eq(fake_calls("helper_start") + fake_calls("sleep"), 0);
}
END_TEST

START_TEST(E_no_timeout_is_too_long)
{
	open_rw(_i ? IPCLOCK_POLL : 0);
	other_writes();
	fake_at(3000, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 2147483647), 0);
	ck_assert_int_le(fake_ms(), 3100);
}
END_TEST

/* ---- pauses ---- */

START_TEST(the_pauses_are_linear)
{
	static const int expected[] = { 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 100, 100, 100, 100, 100, 100, 100, 50 };
	size_t i;

	ipclock_attr_set_sleep(attr, note_pause, NULL);
	open_rw(0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 1300), ETIMEDOUT);
	ck_assert_int_eq(paused, sizeof(expected) / sizeof(expected[0]));
	for (i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		ck_assert_int_eq(pauses[i], expected[i]);
	ck_assert_int_eq(fake_ms(), 1300);
	ck_assert_uint_eq(fake_calls("helper_start") + fake_calls("sleep"), 0);
}
END_TEST

START_TEST(no_helper_to_be_had_means_backoff)
{
	open_rw(0);
	other_writes();
	fake_fail("helper_start", 1, EAGAIN);
	fake_at(35, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 500), 0);
	ck_assert_int_le(fake_ms(), 60);
}
END_TEST

START_TEST(a_file_system_without_a_queue_means_backoff)
{
	fake_queue(false);
	open_rw(0);
	other_writes();
	fake_at(35, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(fake_ms(), 60);
	ck_assert_uint_eq(fake_calls("helper_start") + fake_calls("range_wait"), 0);
	ck_assert_int_eq(ipclock_rw_pollfd(rw), -1);
}
END_TEST

static void
queue_goes(void)
{
	fake_queue(false);
}

/* As Wine's does, of which the first wait tells that it is none. */
START_TEST(a_queue_that_is_none_is_found_out_once)
{
	open_rw(0);
	other_writes();
	fake_fail("range_wait", 1, EDEADLK);
	fake_at(5, queue_goes);
	fake_at(35, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), 0);
	ck_assert_uint_eq(fake_calls("range_wait"), 1);
}
END_TEST

START_TEST(a_cancel_callback_is_asked_each_pause)
{
	ipclock_attr_set_cancel(attr, yes_after_50_ms, NULL);
	open_rw(0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, _i ? 10000 : IPCLOCK_FOREVER), ECANCELED);
	ck_assert_int_ge(fake_ms(), 50);
	ck_assert_int_le(fake_ms(), 60);
}
END_TEST

/* ---- F: turn ---- */

START_TEST(F_a_stopped_waiter_is_passed_once_the_lock_is_free)
{
	open_rw(0);
	fake_lock(other, LINE, 1, OS_EXCLUSIVE);
	if (_i & 4)
		fake_fail("helper_start", 1, EAGAIN);
	ck_assert_int_eq(_i & 1 ? ipclock_rw_acquire_read(rw, _i & 2 ? -1 : 9000) :
	    ipclock_rw_acquire_write(rw, _i & 2 ? -1 : 9000), 0);
	ck_assert_int_ge(fake_ms(), 1000);
	ck_assert_int_le(fake_ms(), 1150);
	ck_assert_int_eq(fake_locks(), 1);
}
END_TEST

static void
head_takes_it(void)
{
	fake_unlock(other, LINE, 1);
	ck_assert(fake_lock(other, LOCK, 512, OS_EXCLUSIVE));
}

/* Free at the look of the first second, and taken by the one before us at the end of its longest pause. */
START_TEST(F_who_pauses_beside_a_queue_is_not_taken_for_stopped)
{
	open_rw(0);
	fake_lock(other, LINE, 1, OS_EXCLUSIVE);
	fake_at(1095, head_takes_it);
	fake_at(1200, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 9000), 0);
	ck_assert_int_ge(fake_ms(), 1200);
}
END_TEST

START_TEST(F_who_pauses_is_not_taken_for_stopped)
{
	fake_queue(false);
	open_rw(0);
	fake_lock(other, LINE, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), 0);
	ck_assert_int_ge(fake_ms(), 2000);
	ck_assert_int_le(fake_ms(), 2200);
}
END_TEST

START_TEST(F_a_writer_that_waits_for_readers_is_not_passed_by_a_reader)
{
	open_rw(0);
	fake_lock(other, LOCK + 2, 510, OS_SHARED);
	fake_lock(fake_other(PATH), LINE, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 5000), ETIMEDOUT);
	ck_assert_int_eq(fake_ms(), 5000);
}
END_TEST

START_TEST(F_unfair_skips_the_line)
{
	open_rw(IPCLOCK_UNFAIR);
	fake_lock(other, LINE, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
}
END_TEST

START_TEST(F_a_second_reader_of_one_handle_looks_at_the_line)
{
	open_rw(0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	fake_lock(other, LINE, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 1500), ETIMEDOUT);
	fake_at(fake_ms() + 70, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 500), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(fake_locks(), 1);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

/* ---- the file ---- */

static void
replace(void)
{
	fake_replace(PATH);
}

START_TEST(A_a_replaced_file_is_left_for_the_new_one)
{
	open_rw(0);
	fake_replace(PATH);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(fake_locked(PATH, LOCK, NULL), OS_EXCLUSIVE);
	ck_assert_int_eq(fake_open_files(), 1);
}
END_TEST

START_TEST(A_a_try_on_an_old_file_is_made_on_the_new_one)
{
	open_rw(0);
	other_writes();
	fake_replace(PATH);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(fake_locked(PATH, LOCK, NULL), OS_EXCLUSIVE);
}
END_TEST

START_TEST(A_a_waiter_notices_a_new_file_within_a_second)
{
	open_rw(_i ? IPCLOCK_POLL : 0);
	other_writes();
	fake_at(300, replace);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 5000), 0);
	ck_assert_int_le(fake_ms(), 1100);
	ck_assert_int_eq(fake_locked(PATH, LOCK, NULL), OS_EXCLUSIVE);
}
END_TEST

START_TEST(A_a_lock_granted_on_an_old_file_does_not_count)
{
	int newer;

	open_rw(0);
	other_writes();
	fake_at(100, replace);
	fake_at(200, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), 0);
	ck_assert_int_ne(fake_locked(PATH, LOCK, &newer), OS_UNLOCKED);
	ck_assert_int_lt(newer, 1000);
}
END_TEST

START_TEST(trusted_paths_are_not_looked_at)
{
	open_rw(IPCLOCK_TRUST_PATH);
	fake_replace(PATH);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_uint_eq(fake_calls("identify"), 0);
}
END_TEST

START_TEST(a_file_replaced_for_ever_is_given_up)
{
	open_rw(0);
	fake_before("identify", replace);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), ESTALE);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(A_readers_of_an_old_file_leave_before_the_handle_moves)
{
	open_rw(0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	fake_replace(PATH);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_start_read(rw, 1000), EINPROGRESS);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), 0);
	ck_assert_int_eq(fake_locked(PATH, LOCK + 2, NULL), OS_SHARED);
}
END_TEST

/* ---- start and step ---- */

START_TEST(a_started_wait_is_told_by_its_descriptor)
{
	int wait_ms;

	open_rw(0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_pollfd(rw), 99);
	ck_assert_int_eq(ipclock_rw_start_write(rw, 700), EINPROGRESS);
	ck_assert_int_eq(ipclock_rw_start_write(rw, 0), EINPROGRESS);
	ck_assert_int_eq(ipclock_rw_step(rw, &wait_ms), EINPROGRESS);
	ck_assert_int_eq(wait_ms, 700);
	fake_at(300, other_leaves);
	fake_pass_until(400);
	ck_assert_int_eq(ipclock_rw_step(rw, &wait_ms), 0);
	ck_assert_int_eq(wait_ms, 0);
	ck_assert_int_eq(ipclock_rw_held(rw), 1);
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), EINVAL);
}
END_TEST

START_TEST(F_a_started_wait_that_nobody_steps_gives_the_lock_to_others)
{
	open_rw(0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_pollfd(rw), 99);
	ck_assert_int_eq(ipclock_rw_start_write(rw, _i ? 9000 : -1), EINPROGRESS);
	fake_at(300, other_leaves);
	fake_pass_until(1299);
	ck_assert_int_gt(fake_locks(), 0);
	fake_pass_until(1300);
	ck_assert_int_eq(fake_locks(), 0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), EINPROGRESS);
	ck_assert_int_eq(ipclock_rw_held(rw), 0);
	other_leaves();
	fake_pass_until(1400);
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), 0);
	ck_assert_int_eq(ipclock_rw_held(rw), 1);
}
END_TEST

START_TEST(a_started_wait_without_a_descriptor_goes_by_pauses)
{
	int wait_ms;

	open_rw(IPCLOCK_POLL);
	other_writes();
	ck_assert_int_eq(ipclock_rw_start_write(rw, 100), EINPROGRESS);
	ck_assert_int_eq(ipclock_rw_step(rw, &wait_ms), EINPROGRESS);
	ck_assert_int_eq(wait_ms, 10);
	fake_pass_until(5);
	ck_assert_int_eq(ipclock_rw_step(rw, &wait_ms), EINPROGRESS);
	ck_assert_int_eq(wait_ms, 5);
	fake_pass_until(10);
	ck_assert_int_eq(ipclock_rw_step(rw, &wait_ms), EINPROGRESS);
	ck_assert_int_eq(wait_ms, 20);
	fake_pass_until(100);
	ck_assert_int_eq(ipclock_rw_step(rw, &wait_ms), ETIMEDOUT);
}
END_TEST

START_TEST(G_cancel_and_close_leave_nothing)
{
	open_rw(_i & 1 ? IPCLOCK_POLL : 0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_start_write(rw, -1), EINPROGRESS);
	fake_pass_until(50);
	ck_assert_int_gt(fake_locks(), 0);
	if (_i & 2)
		return; /* the close is tear_down's */
	ipclock_rw_cancel(rw);
	ck_assert_int_eq(fake_locks(), 0);
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), ECANCELED);
	ck_assert_int_eq(ipclock_rw_start_write(rw, 0), EBUSY);
	ipclock_rw_cancel(rw);
}
END_TEST

START_TEST(start_waits_where_acquire_would_be_a_deadlock)
{
	open_rw(0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 100), ETIMEDOUT);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_start_write(rw, IPCLOCK_FOREVER), EINPROGRESS);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), 0);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
}
END_TEST

/* ---- signals ---- */

START_TEST(a_signal_ends_a_wait_only_when_it_may)
{
	static const char *const sleeps[] = { "event_wait", "sleep", "range_wait" };
	static const char *const interrupted[] = { "event_wait", "sleep", "event_wait" };
	static const unsigned flags[] = { 0, IPCLOCK_POLL, 0 };
	int timeout = _i == 2 ? IPCLOCK_FOREVER : 300;

	open_rw(flags[_i]);
	other_writes();
	fake_at(100, other_leaves);
	fake_fail(sleeps[_i], 1, EINTR);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, timeout), 0);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_close(rw), 0);
	open_rw(flags[_i] | IPCLOCK_INTERRUPTIBLE);
	other_writes();
	fake_fail(interrupted[_i], 1, EINTR);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, timeout), EINTR);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

/* ---- errors ---- */

START_TEST(I_no_such_locks_is_said)
{
	fake_refuse_offsets(0);
	open_rw(0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, _i ? 0 : -1), ENOTSUP);
}
END_TEST

static char logged[8][256];
static int levels[8], lines;

static void
note_line(void *ctx, int level, const char *line)
{
	(void)ctx;
	snprintf(logged[lines % 8], sizeof(logged[0]), "%s", line);
	levels[lines++ % 8] = level;
}

START_TEST(I_a_file_system_without_room_for_a_line_is_warned_of_once)
{
	int i;

	ipclock_attr_set_log(attr, note_line, NULL);
	fake_refuse_offsets(LINE);
	open_rw(0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 20), ETIMEDOUT);
	ck_assert_int_eq(lines, 3);
	ck_assert_int_eq(levels[1], IPCLOCK_LOG_WARNING);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(ipclock_rw_acquire_write(rw, 20), ETIMEDOUT);
	ck_assert_int_eq(lines, 7);
}
END_TEST

START_TEST(the_log_hears_of_waits)
{
	ipclock_attr_set_log(attr, note_line, NULL);
	open_rw(0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 20), 0);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(lines, 0);
	other_writes();
	fake_at(5, other_leaves);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 20), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_str_eq(logged[0], "read lock /lock: waiting");
	ck_assert_int_eq(levels[0], IPCLOCK_LOG_DEBUG);
	ck_assert_str_eq(logged[1], "read lock /lock: granted after 5 ms");
	ck_assert_int_eq(levels[1], IPCLOCK_LOG_INFO);
	other_writes();
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 20), ETIMEDOUT);
	ck_assert_str_eq(logged[3], "read lock /lock: timed out after 20 ms");
	ck_assert_int_eq(levels[3], IPCLOCK_LOG_WARNING);
}
END_TEST

START_TEST(a_kernel_that_will_not_unlock_is_overruled)
{
	open_rw(0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	fake_fail_twice("range_unlock", ENOLCK); /* once may be a bad moment */
	ck_assert_int_eq(ipclock_rw_release_write(rw), ENOLCK);
	ck_assert_int_eq(fake_locks(), 0);
	ck_assert_int_eq(ipclock_rw_held(rw), 0);
	ck_assert_int_eq(fake_open_files(), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
}
END_TEST

START_TEST(what_a_file_server_has_forgotten_is_opened_anew)
{
	int error = _i ? ESTALE : EIO;

	open_rw(0);
	fake_fail_twice("range_try", error); /* the second is no shortcut */
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), error);
	ck_assert_int_eq(fake_open_files(), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
}
END_TEST

START_TEST(a_failed_conversion_keeps_what_was_held)
{
	open_rw(0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	fake_lock(other, LOCK + 2, 510, OS_SHARED);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), EBUSY);
	other_leaves();
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), EPERM);
	fake_fail("range_try", 1, ENOLCK);
	ck_assert_int_eq(ipclock_rw_downgrade(rw), ENOLCK);
	ck_assert(!fake_lock(other, LOCK + 2, 510, OS_SHARED));
	ck_assert_int_eq(ipclock_rw_downgrade(rw), 0);
	ck_assert(fake_lock(other, LOCK + 2, 510, OS_SHARED));
	ck_assert(!fake_lock(other, LOCK, 512, OS_EXCLUSIVE));
	ck_assert_int_eq(ipclock_rw_release_write(rw), EPERM);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
}
END_TEST

/* Whatever fails, wherever: an error or the lock, and nothing left behind. */
START_TEST(G_any_failure_leaves_nothing)
{
	static const int errors[] = { EIO, ENOLCK, ENOMEM, EINTR };
	static const unsigned flags[] = { 0, IPCLOCK_POLL, IPCLOCK_INTERRUPTIBLE, IPCLOCK_RECURSIVE };
	unsigned n;
	int r;

	for (n = 1; n < 40; n++) {
		ipclock_attr_free(attr);
		set_up();
		ck_assert_int_eq(ipclock_attr_set_flags(attr, flags[_i & 3] | (_i & 128 ? IPCLOCK_UNLINK : 0)), 0);
		if (ipclock_rw_open(&rw, PATH, attr))
			continue;
		if (_i & 4)
			other_writes();
		if (_i & 8)
			fake_lock(other, LINE, 1, OS_EXCLUSIVE);
		fake_at(30, other_leaves);
		fake_fail("*", n, errors[_i >> 5 & 3]);
		r = _i & 16 ? ipclock_rw_acquire_read(rw, 60) : ipclock_rw_acquire_write(rw, 60);
		if (r == 0)
			r = _i & 16 ? ipclock_rw_release_read(rw) : ipclock_rw_release_write(rw);
		fake_fail("*", 0, 0);
		ck_assert_int_eq(ipclock_rw_held(rw), 0);
		ck_assert_int_eq(fake_locks(), 0);
		ck_assert_int_eq(fake_helpers(), 0);
		ck_assert_int_eq(ipclock_rw_close(rw), 0);
		ck_assert_int_eq(fake_open_files(), 0);
	}
	rw = NULL;
}
END_TEST

START_TEST(A_the_bytes_of_a_range_are_plain)
{
	int owner;

	ck_assert_int_eq(ipclock_attr_set_range(attr, 0, 0), 0);
	open_rw(0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(fake_locked(PATH, 0, &owner), OS_EXCLUSIVE);
	ck_assert_int_eq(fake_locked(PATH, LINE, &owner), OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_downgrade(rw), 0);
	ck_assert_int_eq(fake_locked(PATH, 0, &owner), OS_SHARED);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(recursion_counts)
{
	open_rw(_i ? IPCLOCK_RECURSIVE : IPCLOCK_RECURSIVE_PROCESS);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_downgrade(rw), EBUSY);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(fake_locked(PATH, LOCK, NULL), OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_release_write(rw), EPERM);
	ck_assert_int_eq(fake_locked(PATH, LOCK, NULL), OS_UNLOCKED);
	ck_assert_int_eq(fake_locked(PATH, LOCK + 2, NULL), OS_SHARED);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	fake_lock(other, LINE, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), EPERM);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(A_an_upgrade_is_safe_from_a_reader_of_the_same_handle_in_line)
{
	int i;

	open_rw(0);
	ck_assert_int_eq(ipclock_rw_pollfd(rw), 99);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	fake_lock(other, LINE, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_start_read(rw, _i ? -1 : 9000), EINPROGRESS);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), 0);
	if (_i & 1)
		fake_replace(PATH);
	for (i = 1; i < 6; i++) {
		fake_pass_until(500 * i);
		ck_assert_int_eq(ipclock_rw_step(rw, NULL), EINPROGRESS);
	}
	ck_assert(!fake_lock(other, LOCK + 2, 510, OS_SHARED));
	other_leaves();
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), 0);
	ck_assert_int_eq(fake_locked(PATH, LOCK + 2, NULL), OS_SHARED);
}
END_TEST

static int
cancel_it(void *ctx)
{
	(void)ctx;
	if (fake_ms() >= 50)
		ipclock_rw_cancel(rw);
	return 0;
}

START_TEST(G_a_cancel_from_within_a_step_leaves_nothing)
{
	ipclock_attr_set_cancel(attr, cancel_it, NULL);
	open_rw(0);
	other_writes();
	ck_assert_int_eq(ipclock_rw_start_write(rw, -1), EINPROGRESS);
	fake_pass_until(60);
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), ECANCELED);
	ck_assert_int_eq(fake_locks(), 0);
	ck_assert_int_eq(ipclock_rw_step(rw, NULL), ECANCELED);
}
END_TEST

START_TEST(a_write_that_cannot_become_a_read_goes_on)
{
	open_rw(IPCLOCK_RECURSIVE);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	fake_fail("range_unlock", 1, ENOLCK);
	ck_assert_int_eq(ipclock_rw_release_write(rw), ENOLCK);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(fake_locked(PATH, LOCK, NULL), OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(G_a_number_that_cannot_be_given_back_costs_the_lock_not_the_line)
{
	struct os_file file;
	enum os_kind kind;

	ck_assert_int_eq(ipclock__os_open(&file, &kind, PATH, OS_READ | OS_WRITE), 0);
	ck_assert_int_eq(ipclock_rw_open_fd(&rw, file.fd, attr), 0);
	other_writes();
	fake_at(5, other_leaves);
	fake_fail("range_unlock", 1, ENOLCK);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 100), ENOLCK);
	ck_assert_int_eq(ipclock_rw_held(rw), 0);
	ck_assert_int_eq(fake_locks(), 0);
	ck_assert_int_eq(ipclock_rw_close(rw), 0);
	rw = NULL;
	ipclock__os_close(&file);
}
END_TEST

static TCase *
time_and_pauses(void)
{
	TCase *tcase = tcase_create("time and pauses");

	tcase_add_loop_test(tcase, E_a_timeout_ends_at_its_millisecond, 0, 2);
	tcase_add_loop_test(tcase, E_a_lock_that_comes_free_at_the_deadline_is_taken, 0, 4);
	tcase_add_loop_test(tcase, E_who_removes_the_file_is_not_taken_for_a_holder, 0, 2);
	tcase_add_test(tcase, E_who_keeps_all_of_the_file_is_a_holder);
	tcase_add_loop_test(tcase, E_what_the_helper_gets_while_it_is_stopped_is_ours, 0, 2);
	tcase_add_loop_test(tcase, G_what_the_helper_gets_while_it_is_cancelled_is_given_back, 0, 2);
	tcase_add_test(tcase, E_one_try_does_not_wait);
	tcase_add_loop_test(tcase, E_granted_after_a_wait, 0, 4);
	tcase_add_test(tcase, a_wait_for_ever_sleeps_in_the_kernel);
	tcase_add_loop_test(tcase, E_a_kernel_with_deadlines_needs_no_helper, 0, 2);
	tcase_add_loop_test(tcase, E_no_timeout_is_too_long, 0, 2);
	tcase_add_test(tcase, the_pauses_are_linear);
	tcase_add_test(tcase, no_helper_to_be_had_means_backoff);
	tcase_add_test(tcase, a_file_system_without_a_queue_means_backoff);
	tcase_add_test(tcase, a_queue_that_is_none_is_found_out_once);
	tcase_add_loop_test(tcase, a_cancel_callback_is_asked_each_pause, 0, 2);
	tcase_add_loop_test(tcase, a_signal_ends_a_wait_only_when_it_may, 0, 3);
	return tcase;
}

/* Two release different slots at once: each is in the other's way until the second has unlocked. */
START_TEST(H_the_later_of_two_releases_removes_the_file)
{
	open_rw(IPCLOCK_UNLINK);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert(fake_lock(other, LOCK + 512, 512, OS_EXCLUSIVE));
	fake_before("range_unlock", other_leaves);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert(!fake_exists(PATH));
	ck_assert_int_eq(fake_open_files(), 0);
}
END_TEST

START_TEST(H_a_file_that_cannot_be_removed_stays_and_is_free)
{
	static const char *const calls[] = { "unlink", "identify" };

	open_rw(IPCLOCK_UNLINK);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	fake_fail(calls[_i], 1, EACCES);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert(fake_failed());
	ck_assert(fake_exists(PATH));
	ck_assert(other_writes());
}
END_TEST

static TCase *
turn_and_file(void)
{
	TCase *tcase = tcase_create("turn and file");

	tcase_add_loop_test(tcase, F_a_stopped_waiter_is_passed_once_the_lock_is_free, 0, 8);
	tcase_add_test(tcase, F_who_pauses_beside_a_queue_is_not_taken_for_stopped);
	tcase_add_test(tcase, F_who_pauses_is_not_taken_for_stopped);
	tcase_add_test(tcase, F_a_writer_that_waits_for_readers_is_not_passed_by_a_reader);
	tcase_add_test(tcase, F_unfair_skips_the_line);
	tcase_add_test(tcase, F_a_second_reader_of_one_handle_looks_at_the_line);
	tcase_add_test(tcase, A_a_replaced_file_is_left_for_the_new_one);
	tcase_add_test(tcase, A_a_try_on_an_old_file_is_made_on_the_new_one);
	tcase_add_loop_test(tcase, A_a_waiter_notices_a_new_file_within_a_second, 0, 2);
	tcase_add_test(tcase, A_a_lock_granted_on_an_old_file_does_not_count);
	tcase_add_test(tcase, trusted_paths_are_not_looked_at);
	tcase_add_test(tcase, a_file_replaced_for_ever_is_given_up);
	tcase_add_test(tcase, A_readers_of_an_old_file_leave_before_the_handle_moves);
	tcase_add_test(tcase, H_the_later_of_two_releases_removes_the_file);
	tcase_add_loop_test(tcase, H_a_file_that_cannot_be_removed_stays_and_is_free, 0, 2);
	return tcase;
}

static TCase *
steps_and_errors(void)
{
	TCase *tcase = tcase_create("steps and errors");

	tcase_add_test(tcase, a_started_wait_is_told_by_its_descriptor);
	tcase_add_loop_test(tcase, F_a_started_wait_that_nobody_steps_gives_the_lock_to_others, 0, 2);
	tcase_add_test(tcase, a_started_wait_without_a_descriptor_goes_by_pauses);
	tcase_add_loop_test(tcase, G_cancel_and_close_leave_nothing, 0, 4);
	tcase_add_test(tcase, start_waits_where_acquire_would_be_a_deadlock);
	tcase_add_loop_test(tcase, I_no_such_locks_is_said, 0, 2);
	tcase_add_test(tcase, I_a_file_system_without_room_for_a_line_is_warned_of_once);
	tcase_add_test(tcase, the_log_hears_of_waits);
	tcase_add_test(tcase, a_kernel_that_will_not_unlock_is_overruled);
	tcase_add_loop_test(tcase, what_a_file_server_has_forgotten_is_opened_anew, 0, 2);
	tcase_add_test(tcase, a_failed_conversion_keeps_what_was_held);
	tcase_add_loop_test(tcase, G_any_failure_leaves_nothing, 0, 256);
	tcase_add_test(tcase, A_the_bytes_of_a_range_are_plain);
	tcase_add_loop_test(tcase, A_an_upgrade_is_safe_from_a_reader_of_the_same_handle_in_line, 0, 2);
	tcase_add_test(tcase, G_a_cancel_from_within_a_step_leaves_nothing);
	tcase_add_test(tcase, a_write_that_cannot_become_a_read_goes_on);
	tcase_add_test(tcase, G_a_number_that_cannot_be_given_back_costs_the_lock_not_the_line);
	tcase_add_loop_test(tcase, recursion_counts, 0, 2);
	return tcase;
}

int
main(void)
{
	TCase *tcases[] = { time_and_pauses(), turn_and_file(), steps_and_errors() };
	Suite *suite = suite_create("attempt");
	SRunner *runner;
	size_t i;
	int failed;

	for (i = 0; i < sizeof(tcases) / sizeof(tcases[0]); i++) {
		tcase_add_checked_fixture(tcases[i], set_up, tear_down);
		suite_add_tcase(suite, tcases[i]);
	}
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
