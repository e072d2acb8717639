/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Names by a pattern; and the units of a semaphore against the fake system: which, how found, and nothing left. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <ipclock.h>

#include "layout.h"
#include "line.h"
#include "os_fake.h"
#include "pattern.h"
#include "slots.h"

static const char PATH[] = "/sem";
static struct lock_file model;
static struct slots slots;
static int other;

static void
in_child(struct lock_file *file)
{
	(void)file;
}

static void
set_up(void)
{
	fake_reset();
	fake_file(PATH, 0);
	other = fake_other(PATH);
	memset(&model, 0, sizeof(model));
	memset(&slots, 0, sizeof(slots));
	model.perm = NO_PERM;
	model.create = true;
	model.forked = in_child;
	ck_assert_int_eq(ipclock__lock_file_open(&model, PATH), 0);
	slots.count = 8;
	slots.first = LAYOUT_UNIT_BASE;
	slots.model = &model;
}

static void
tear_down(void)
{
	ipclock__slots_close(&slots);
	ipclock__lock_file_close(&model);
	ck_assert_int_eq(fake_open_files(), 0);
	ck_assert_int_eq(fake_locks(), 0);
	ck_assert_int_eq(fake_allocated(), 0);
}

static void
is(const char *pattern, unsigned number, const char *wanted)
{
	char text[32];

	ck_assert_msg(ipclock__pattern_format(pattern, "n", number, text, sizeof(text)) == 0, "%s", pattern);
	ck_assert_str_eq(text, wanted);
}

static void
is_bad(const char *pattern)
{
	char text[32];

	ck_assert_msg(ipclock__pattern_format(pattern, "n", 1, text, sizeof(text)) == EINVAL, "%s", pattern);
}

START_TEST(names_by_a_pattern)
{
	char text[9];

	is("{name}.{number:02d}.lock", 3, "n.03.lock");
	is("{name}.{number:02d}.lock", 123, "n.123.lock");
	is("{number}", 7, "7");
	is("{number:d}{name}{name}", 7, "7nn");
	is("{number:4}|{number:04}", 7, "   7|0007");
	is("{{{number}}}", 7, "{7}");
	is_bad("{}");
	is_bad("{name");
	is_bad("}");
	is_bad("{name:5}");
	is_bad("{numbers}");
	is_bad("{number:x}");
	is_bad("{number:999}");
	ck_assert_int_eq(ipclock__pattern_format("12345678", "", 0, text, sizeof(text)), 0);
	ck_assert_int_eq(ipclock__pattern_format("123456789", "", 0, text, sizeof(text)), ENAMETOOLONG);
	ck_assert(ipclock__pattern_counts("{number}", "n") && !ipclock__pattern_counts("{name}", "n"));
}
END_TEST

START_TEST(the_first_free_from_where_it_begins)
{
	unsigned slot;

	slots.next = 6;
	fake_lock(other, LAYOUT_UNIT_BASE + 6, 2, OS_EXCLUSIVE);
	fake_lock(other, LAYOUT_UNIT_BASE, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__slots_take(&slots, &slot), 0);
	ck_assert_uint_eq(slot, 1);
	ck_assert_int_eq(fake_locked(PATH, LAYOUT_UNIT_BASE + 1, NULL), OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__slots_give(&slots, 1), 0);
	ck_assert_int_eq(fake_locked(PATH, LAYOUT_UNIT_BASE + 1, NULL), OS_UNLOCKED);
	ck_assert_int_eq(ipclock__slots_give(&slots, 1), EPERM);
}
END_TEST

START_TEST(a_steady_pair_opens_nothing_and_asks_once)
{
	unsigned slot, opens, tries;

	ck_assert_int_eq(ipclock__slots_take(&slots, &slot), 0);
	ck_assert_int_eq(ipclock__slots_give(&slots, slot), 0);
	opens = fake_calls("open");
	tries = fake_calls("range_try");
	ck_assert_int_eq(ipclock__slots_take(&slots, &slot), 0);
	ck_assert_int_eq(ipclock__slots_give(&slots, slot), 0);
	ck_assert_uint_eq(fake_calls("open"), opens);
	ck_assert_uint_eq(fake_calls("range_try"), tries + 1);
}
END_TEST

START_TEST(counts_what_is_free)
{
	unsigned n;

	ck_assert_int_eq(ipclock__slots_free(&slots, 8, &n), 0);
	ck_assert_uint_eq(n, 8);
	ck_assert_uint_eq(fake_calls("range_query"), 1);
	fake_lock(other, LAYOUT_UNIT_BASE + 5, 1, OS_EXCLUSIVE);
	fake_lock(other, LAYOUT_UNIT_BASE + 2, 1, OS_EXCLUSIVE);
	fake_lock(other, LAYOUT_UNIT_BASE + 7, 9, OS_EXCLUSIVE);
	ck_assert_int_eq(ipclock__slots_free(&slots, 8, &n), 0);
	ck_assert_uint_eq(n, 5);
	ck_assert_int_eq(ipclock__slots_free(&slots, 1, &n), 0);
	ck_assert_uint_eq(n, 1);
	fake_lock(other, 0, 0, OS_EXCLUSIVE); /* as lockf does */
	ck_assert_int_eq(ipclock__slots_free(&slots, 8, &n), 0);
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(A_a_number_is_held_once_though_the_file_is_replaced)
{
	unsigned slot, i;

	for (i = 0; i < 8; i++)
		ck_assert_int_eq(ipclock__slots_take(&slots, &slot), 0);
	fake_replace(PATH);
	ck_assert_int_eq(ipclock__slots_take(&slots, &slot), EBUSY);
	ck_assert_int_eq(ipclock__slots_give(&slots, 3), 0);
	ck_assert_int_eq(ipclock__slots_take(&slots, &slot), 0);
	ck_assert_uint_eq(slot, 3);
	ck_assert_int_eq(fake_locked(PATH, LAYOUT_UNIT_BASE + 3, NULL), OS_EXCLUSIVE); /* of the new file */
	ck_assert_uint_eq(ipclock__slots_held(&slots), 8);
}
END_TEST

/* Whatever fails, wherever: nothing held, nothing left, and the next one works. */
START_TEST(B_any_call_may_fail)
{
	unsigned n, slot;
	int r;

	for (n = 1; n < 40; n++) {
		fake_fail("*", n, EIO);
		r = ipclock__slots_take(&slots, &slot);
		if (r == 0)
			ipclock__slots_give(&slots, slot);
		ck_assert_uint_eq(ipclock__slots_held(&slots), 0);
		ck_assert_int_eq(fake_locks(), 0);
		if (!fake_failed())
			break;
		ipclock__slots_close(&slots);
	}
	ck_assert(n > 3 && n < 40);
}
END_TEST

START_TEST(the_bytes_of_gates_and_units_do_not_overlap)
{
	struct place first, last;
	struct os_range whole;

	ipclock__place_gate(&first, 0);
	ipclock__place_gate(&last, LAYOUT_LAST_SEMAPHORE);
	whole = ipclock__place_whole_gate(&last);
	ck_assert(whole.start == last.line && whole.start + whole.len == last.exclusive.start + 1);
	ck_assert(whole.len - 1 <= INT64_MAX - whole.start);
	ck_assert(first.line >= LAYOUT_LINE_BASE + LAYOUT_LINE_LEN * (INT64_C(1) + LAYOUT_LAST_SLOT));
	ck_assert(first.exclusive.start == first.line + LAYOUT_LINE_LEN);
	ck_assert(LAYOUT_GATE_SPACING > LAYOUT_LINE_LEN);
	ck_assert(LAYOUT_UNIT_BASE + LAYOUT_UNIT_SPACING * (INT64_C(1) + LAYOUT_LAST_SEMAPHORE) <= LAYOUT_LINE_BASE);
	ck_assert(LAYOUT_UNIT_BASE > LAYOUT_LOCK_BASE + LAYOUT_LOCK_LEN * (INT64_C(1) + LAYOUT_LAST_SLOT));
}
END_TEST

/* ---- behind a head that does not move ---- */

static struct ipclock_sem *
sem_that_pauses(int max_ms)
{
	struct ipclock_attr *attr;
	struct ipclock_sem *sem;

	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, IPCLOCK_POLL), 0);
	ck_assert_int_eq(ipclock_attr_set_backoff(attr, 10, max_ms), 0);
	ck_assert_int_eq(ipclock_sem_open(&sem, PATH, 8, attr), 0);
	ipclock_attr_free(attr);
	ck_assert(fake_lock(other, LAYOUT_GATE_BASE + LAYOUT_LINE_LEN, 1, OS_EXCLUSIVE));
	return sem;
}

START_TEST(F_a_stopped_head_is_passed_after_about_a_second)
{
	static const int max_ms[] = { 1, 100, 200, 5000 }, most_ms[] = { 1316, 1316, 1616, 2016 };
	struct ipclock_sem *sem = sem_that_pauses(max_ms[_i]);
	unsigned slot;

	ck_assert_int_eq(ipclock_sem_acquire(sem, -1, &slot), 0);
	ck_assert_int_ge(fake_ms(), most_ms[_i] - 16);
	ck_assert_int_le(fake_ms(), most_ms[_i] + max_ms[_i]);
	ck_assert_int_eq(ipclock_sem_close(sem), 0);
}
END_TEST

/* It takes the slot within its pause of 100 ms, and another one comes free: no slot was free for long. */
static void
the_head_takes_it(void)
{
	ck_assert(fake_lock(other, LAYOUT_UNIT_BASE + 7, 1, OS_EXCLUSIVE));
}

static void
it_is_free(void)
{
	fake_unlock(other, LAYOUT_UNIT_BASE + 7, 1);
}

START_TEST(F_a_head_that_pauses_is_not_passed)
{
	struct ipclock_sem *sem = sem_that_pauses(100);
	unsigned slot;

	ck_assert(fake_lock(other, LAYOUT_UNIT_BASE, 8, OS_EXCLUSIVE));
	fake_at(1000, it_is_free);
	fake_at(1100, the_head_takes_it);
	ck_assert_int_eq(ipclock_sem_acquire(sem, 2500, &slot), ETIMEDOUT);
	ck_assert_int_eq(ipclock_sem_close(sem), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("slots");
	TCase *tcase = tcase_create("slots");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, names_by_a_pattern);
	tcase_add_test(tcase, the_first_free_from_where_it_begins);
	tcase_add_test(tcase, a_steady_pair_opens_nothing_and_asks_once);
	tcase_add_test(tcase, counts_what_is_free);
	tcase_add_test(tcase, A_a_number_is_held_once_though_the_file_is_replaced);
	tcase_add_test(tcase, B_any_call_may_fail);
	tcase_add_test(tcase, the_bytes_of_gates_and_units_do_not_overlap);
	tcase_add_loop_test(tcase, F_a_stopped_head_is_passed_after_about_a_second, 0, 4);
	tcase_add_test(tcase, F_a_head_that_pauses_is_not_passed);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
