/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The line and the lock against the fake system: which bytes, in which order, and nothing left. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "layout.h"
#include "line.h"
#include "os_fake.h"

static const char PATH[] = "/lock";
static struct place place;
static struct os_file file;
static struct line line;
static int other;

static void
open_line(enum os_mode mode, unsigned how)
{
	enum os_kind kind;

	fake_reset();
	fake_file(PATH, 0);
	other = fake_other(PATH);
	ck_assert_int_eq(ipclock__os_open(&file, &kind, PATH, how), 0);
	ipclock__place_slot(&place, 3, true);
	ipclock__line_make(&line, &file, &place, mode);
	line.takes_number = true;
}

static void
set_up(void)
{
	open_line(OS_EXCLUSIVE, OS_READ | OS_WRITE);
}

static bool
other_locks_all(enum os_mode mode)
{
	struct os_range range = ipclock__place_range_of(&place, mode);

	return fake_lock(other, range.start, range.len, mode);
}

START_TEST(the_bytes_are_those_of_the_layout)
{
	struct os_range range;

	ipclock__place_slot(&place, 0, true);
	range = ipclock__place_range_of(&place, OS_EXCLUSIVE);
	ck_assert(range.start == 0x40000000 && range.len == 512);
	range = ipclock__place_range_of(&place, OS_SHARED);
	ck_assert(range.start == 0x40000002 && range.len == 510);
	ck_assert(place.line == INT64_C(1) << 62 && place.looks_first);
	ipclock__place_slot(&place, LAYOUT_LAST_SLOT, true);
	range = ipclock__place_range_of(&place, OS_EXCLUSIVE);
	ck_assert(range.start == 0x40000000 + INT64_C(512) * 2097151 && !place.looks_first);
	ck_assert(place.line == (INT64_C(1) << 62) + (INT64_C(1) << 40) * 2097151);
	ck_assert(place.line <= INT64_MAX - LAYOUT_LINE_LEN);
}
END_TEST

START_TEST(a_free_lock_is_taken_in_two_calls_and_no_number)
{
	ck_assert_int_eq(ipclock__line_look(&line), 0);
	ck_assert_uint_eq(fake_calls("range_query") + fake_calls("range_try"), 2);
	ck_assert_int_eq(fake_locks(), 1);
	ck_assert_int_eq(fake_locked(PATH, place.exclusive.start, NULL), OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__place_unlock(&place, &file), 0);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(a_writer_takes_an_even_number_and_waits_for_the_lock)
{
	other_locks_all(OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.number == place.line && line.can_sleep);
	ck_assert(line.next.start == place.exclusive.start && line.next_mode == OS_EXCLUSIVE);
	ck_assert_int_eq(fake_locked(PATH, place.line, NULL), OS_EXCLUSIVE);
	fake_unlock(other, 0, 0);
	ck_assert_int_eq(ipclock__line_look(&line), 0);
	ck_assert_int_eq(fake_locked(PATH, place.line, NULL), OS_UNLOCKED);
}
END_TEST

START_TEST(a_reader_takes_an_odd_number)
{
	open_line(OS_SHARED, OS_READ | OS_WRITE);
	other_locks_all(OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.number == place.line + 1);
	ck_assert_int_eq(fake_locked(PATH, place.line + 1, NULL), OS_EXCLUSIVE);
}
END_TEST

START_TEST(F_a_newcomer_stands_behind_the_last_though_the_lock_is_free)
{
	int third = fake_other(PATH);

	fake_lock(other, place.line + 4, 1, OS_EXCLUSIVE);
	fake_lock(third, place.line + 7, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.number == place.line + 8);
	ck_assert(line.next.start == place.line + 7 && line.next.len == 1 && line.next_mode == OS_SHARED);
	fake_unlock(third, 0, 0);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.next.start == place.line + 4);
	fake_unlock(other, 0, 0);
	ck_assert_int_eq(ipclock__line_look(&line), 0);
	ck_assert_int_eq(fake_locks(), 1);
}
END_TEST

START_TEST(F_a_single_try_respects_the_line_and_takes_no_number)
{
	line.takes_number = false;
	fake_lock(other, place.line, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(following_gives_the_byte_before_back)
{
	fake_lock(other, place.line, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	fake_unlock(other, 0, 0);
	ck_assert_int_eq(ipclock__os_range_try(&file, line.next, line.next_mode), 0);
	ck_assert_int_eq(ipclock__line_follow(&line), EBUSY);
	ck_assert_int_eq(fake_locked(PATH, place.line, NULL), OS_UNLOCKED);
	ck_assert_int_eq(ipclock__line_look(&line), 0);
}
END_TEST

START_TEST(G_leaving_gives_back_the_number_and_the_byte_before)
{
	fake_lock(other, place.line, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	fake_unlock(other, 0, 0);
	ck_assert_int_eq(ipclock__os_range_try(&file, line.next, line.next_mode), 0);
	ck_assert_int_eq(fake_locks(), 2);
	ipclock__line_leave(&line);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

static void
somebody_takes_the_number(void)
{
	fake_before("range_try", NULL);
	fake_lock(other, place.line, 1, OS_EXCLUSIVE);
}

START_TEST(a_number_taken_by_a_quicker_one_is_looked_for_again)
{
	struct os_range range = place.exclusive;
	int third = fake_other(PATH);

	fake_lock(third, range.start, range.len, OS_EXCLUSIVE);
	line.takes_number = false;
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	line.takes_number = true;
	fake_lock(third, place.line + 2, 1, OS_EXCLUSIVE);
	fake_before("range_try", somebody_takes_the_number);
	fake_unlock(third, place.line + 2, 1);
	fake_lock(third, place.line + 1, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.number == place.line + 2);
}
END_TEST

static void
somebody_stands_above(void)
{
	if (fake_locked(PATH, place.line, NULL) == OS_UNLOCKED || fake_locked(PATH, place.line + 1, NULL))
		return;
	fake_before("range_query", NULL);
	fake_lock(other, place.line + 1, 1, OS_EXCLUSIVE);
}

START_TEST(F_a_number_below_one_that_was_taken_meanwhile_is_given_back)
{
	int third = fake_other(PATH);

	fake_lock(third, place.exclusive.start, 512, OS_EXCLUSIVE);
	fake_before("range_query", somebody_stands_above);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.number == place.line + 2);
	ck_assert_int_eq(fake_locked(PATH, place.line, NULL), OS_UNLOCKED);
}
END_TEST

START_TEST(a_whole_file_lock_is_waited_for_directly)
{
	fake_lock(other, 0, 0, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.number == NO_NUMBER && line.can_sleep);
	ck_assert(line.next.start == place.exclusive.start);
	fake_unlock(other, 0, 0);
	ck_assert_int_eq(ipclock__line_look(&line), 0);
}
END_TEST

START_TEST(a_whole_file_reader_is_shared_with)
{
	open_line(OS_SHARED, OS_READ | OS_WRITE);
	fake_lock(other, 0, 0, OS_SHARED);
	ck_assert_int_eq(ipclock__line_look(&line), 0);
}
END_TEST

START_TEST(I_without_room_for_a_line_there_is_the_lock_alone)
{
	fake_refuse_offsets(INT64_C(1) << 62);
	ck_assert_int_eq(ipclock__line_look(&line), 0);
	ck_assert(place.refused && place.line == NO_LINE);
}
END_TEST

START_TEST(I_a_lock_that_cannot_be_is_an_error)
{
	fake_refuse_offsets(0);
	ck_assert_int_eq(ipclock__line_look(&line), ENOTSUP);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(a_full_line_is_waited_for_without_a_number)
{
	fake_lock(other, place.line + LAYOUT_LINE_LEN - 1, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.number == NO_NUMBER && !line.can_sleep);
	fake_unlock(other, 0, 0);
	ck_assert_int_eq(ipclock__line_look(&line), 0);
}
END_TEST

/* Behind it stands the next slot's line, which is nobody's business here. */
START_TEST(the_last_number_of_a_line_can_be_had)
{
	open_line(OS_SHARED, OS_READ | OS_WRITE);
	fake_lock(other, place.line + LAYOUT_LINE_LEN - 2, 1, OS_EXCLUSIVE);
	fake_lock(fake_other(PATH), place.line + LAYOUT_LINE_LEN, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.number == place.line + LAYOUT_LINE_LEN - 1 && line.can_sleep);
	fake_unlock(other, 0, 0);
	ck_assert_int_eq(ipclock__line_look(&line), 0);
}
END_TEST

START_TEST(a_descriptor_that_cannot_write_takes_its_number_shared)
{
	open_line(OS_SHARED, OS_READ);
	other_locks_all(OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert_int_eq(fake_locked(PATH, line.number, NULL), OS_SHARED);
}
END_TEST

/* On Windows. */
START_TEST(F_where_one_may_it_takes_its_number_exclusively)
{
	open_line(OS_SHARED, OS_READ);
	file.access |= OS_ANY_LOCK;
	other_locks_all(OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert_int_eq(fake_locked(PATH, line.number, NULL), OS_EXCLUSIVE);
}
END_TEST

START_TEST(behind_a_shared_number_there_is_no_sleep)
{
	fake_lock(other, place.line + 1, 1, OS_SHARED);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.number == place.line + 2 && !line.can_sleep);
}
END_TEST

START_TEST(a_descriptor_that_cannot_read_waits_exclusively)
{
	open_line(OS_EXCLUSIVE, OS_WRITE);
	fake_lock(other, place.line, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert_int_eq(line.next_mode, OS_EXCLUSIVE);
}
END_TEST

static void
open_sqlite_reader(void)
{
	open_line(OS_SHARED, OS_READ | OS_WRITE);
	ipclock__place_slot(&place, 0, true);
}

START_TEST(A_a_reader_waits_for_sqlites_pending_byte)
{
	open_sqlite_reader();
	fake_lock(other, 0x40000000, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.next.start == 0x40000000 && line.next.len == 1 && line.next_mode == OS_SHARED);
	fake_unlock(other, 0, 0);
	ck_assert_int_eq(ipclock__os_range_try(&file, line.next, line.next_mode), 0);
	ipclock__line_leave(&line);
	ck_assert_int_eq(fake_locks(), 0);
}
END_TEST

START_TEST(A_a_reader_waits_for_the_lock_of_a_writer_that_has_all)
{
	open_sqlite_reader();
	fake_lock(other, 0x40000000, 512, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	ck_assert(line.next.start == 0x40000002 && line.next.len == 510);
}
END_TEST

START_TEST(no_byte_of_sqlites_is_held_while_waiting)
{
	int64_t byte;

	open_sqlite_reader();
	line.mode = OS_EXCLUSIVE;
	fake_lock(other, 0x40000001, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__line_look(&line), EBUSY);
	for (byte = 0x40000000; byte < 0x40000200; byte++)
		if (byte != 0x40000001)
			ck_assert_int_eq(fake_locked(PATH, byte, NULL), OS_UNLOCKED);
}
END_TEST

static void
look_and_leave(void)
{
	if (ipclock__line_look(&line) == 0)
		ipclock__place_unlock(&place, &file);
	ipclock__line_leave(&line);
}

START_TEST(G_any_failure_leaves_nothing)
{
	static const char *const calls[] = { "range_try", "range_query" };
	unsigned n;

	for (n = 1; n < 12; n++) {
		set_up();
		if (_i & 2)
			other_locks_all(OS_EXCLUSIVE);
		if (_i & 4)
			fake_lock(other, place.line, 3, OS_EXCLUSIVE);
		fake_fail(calls[_i & 1], n, EIO);
		look_and_leave();
		ck_assert_int_eq(fake_locks(), 0);
		if (!fake_failed())
			return;
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("line");
	TCase *tcase = tcase_create("line");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, the_bytes_are_those_of_the_layout);
	tcase_add_test(tcase, a_free_lock_is_taken_in_two_calls_and_no_number);
	tcase_add_test(tcase, a_writer_takes_an_even_number_and_waits_for_the_lock);
	tcase_add_test(tcase, a_reader_takes_an_odd_number);
	tcase_add_test(tcase, F_a_newcomer_stands_behind_the_last_though_the_lock_is_free);
	tcase_add_test(tcase, F_a_single_try_respects_the_line_and_takes_no_number);
	tcase_add_test(tcase, following_gives_the_byte_before_back);
	tcase_add_test(tcase, G_leaving_gives_back_the_number_and_the_byte_before);
	tcase_add_test(tcase, a_number_taken_by_a_quicker_one_is_looked_for_again);
	tcase_add_test(tcase, F_a_number_below_one_that_was_taken_meanwhile_is_given_back);
	tcase_add_test(tcase, a_whole_file_lock_is_waited_for_directly);
	tcase_add_test(tcase, a_whole_file_reader_is_shared_with);
	tcase_add_test(tcase, I_without_room_for_a_line_there_is_the_lock_alone);
	tcase_add_test(tcase, I_a_lock_that_cannot_be_is_an_error);
	tcase_add_test(tcase, a_full_line_is_waited_for_without_a_number);
	tcase_add_test(tcase, the_last_number_of_a_line_can_be_had);
	tcase_add_test(tcase, a_descriptor_that_cannot_write_takes_its_number_shared);
	tcase_add_test(tcase, F_where_one_may_it_takes_its_number_exclusively);
	tcase_add_test(tcase, behind_a_shared_number_there_is_no_sleep);
	tcase_add_test(tcase, a_descriptor_that_cannot_read_waits_exclusively);
	tcase_add_test(tcase, A_a_reader_waits_for_sqlites_pending_byte);
	tcase_add_test(tcase, A_a_reader_waits_for_the_lock_of_a_writer_that_has_all);
	tcase_add_test(tcase, no_byte_of_sqlites_is_held_while_waiting);
	tcase_add_loop_test(tcase, G_any_failure_leaves_nothing, 0, 8);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
