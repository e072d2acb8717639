/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* What locked bytes mean, and what happens when memory runs out while they are told. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include <ipclock.h>

#include "layout.h"
#include "os_fake.h"

#define MOST 64

static struct {
	long pid;
	int writes, place;
	unsigned slot;
} seen[MOST];
static int n;

static int
see(void *ctx, const struct ipclock_holder *holder)
{
	(void)ctx;
	ck_assert_int_lt(n, MOST);
	seen[n].pid = ipclock_holder_pid(holder);
	seen[n].writes = ipclock_holder_writes(holder);
	seen[n].slot = ipclock_holder_slot(holder);
	seen[n++].place = ipclock_holder_place(holder);
	return 0;
}

static int
look(void)
{
	n = 0;
	return ipclock_holders("/lock", NULL, see, NULL);
}

static int
other(int64_t start, int64_t len, enum os_mode mode)
{
	int owner = fake_other("/lock");

	ck_assert(fake_lock(owner, start, len, mode));
	return owner;
}

static void
setup(void)
{
	fake_reset();
	fake_file("/lock", 0);
}

static void
is(int i, long pid, int writes, int place)
{
	ck_assert_int_lt(i, n);
	ck_assert_int_eq(seen[i].pid, pid);
	ck_assert_int_eq(seen[i].writes, writes);
	ck_assert_int_eq(seen[i].place, place);
}

/* Told in any order, listed by number; even numbers write. */
START_TEST(numbers_are_places)
{
	int last = other(LAYOUT_LINE_BASE + 1001, 1, OS_EXCLUSIVE);
	int first = other(LAYOUT_LINE_BASE + 4, 1, OS_EXCLUSIVE);
	int second = other(LAYOUT_LINE_BASE + 7, 1, OS_SHARED); /* a descriptor that can only read */
	int holder = other(LAYOUT_LOCK_BASE + 2, 510, OS_SHARED);

	other(LAYOUT_LINE_BASE + LAYOUT_LINE_LEN, 1, OS_EXCLUSIVE); /* slot 1 */
	other(LAYOUT_LOCK_BASE + 512, 512, OS_EXCLUSIVE);
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(n, 4);
	is(0, holder, 0, 0);
	is(1, first, 1, 1);
	is(2, second, 0, 2);
	is(3, last, 0, 3);
}
END_TEST

/* What the list shows once more than there is was there when it changed, and at no second look. */
START_TEST(a_list_that_tears)
{
	int holder = other(LAYOUT_LOCK_BASE, 512, OS_EXCLUSIVE), waiter = other(LAYOUT_LINE_BASE + 4, 1, OS_EXCLUSIVE);

	fake_tear_list();
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(n, 2);
	is(0, holder, 1, 0);
	is(1, waiter, 1, 1);
}
END_TEST

/* SQLite's looks at the first byte hold nothing; its byte for those who will write does. */
START_TEST(first_bytes)
{
	int owner;

	other(LAYOUT_LOCK_BASE, 1, OS_SHARED);
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(n, 0);
	owner = other(LAYOUT_LOCK_BASE + 1, 1, OS_EXCLUSIVE);
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(n, 1);
	is(0, owner, 1, 0);
}
END_TEST

START_TEST(whole_file)
{
	int owner = other(0, 0, OS_EXCLUSIVE);

	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(n, 1);
	is(0, owner, 1, 0);
}
END_TEST

/* Where the system has no list: somebody. */
START_TEST(no_list)
{
	int owner = other(LAYOUT_LOCK_BASE, 512, OS_EXCLUSIVE);

	fake_fail("claims", 1, ENOTSUP);
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(n, 1);
	is(0, owner, 1, 0);
	ck_assert_int_eq(fake_open_files(), 0);
}
END_TEST

/* ---- a semaphore ---- */

#define GATE(n) (LAYOUT_GATE_BASE + LAYOUT_GATE_SPACING * (n) + LAYOUT_LINE_LEN)
#define LINE(n) (LAYOUT_GATE_BASE + LAYOUT_GATE_SPACING * (n))
#define UNIT(n) (LAYOUT_UNIT_BASE + LAYOUT_UNIT_SPACING * (n))

static int
look_at_semaphore(unsigned number)
{
	struct ipclock_attr *attr;
	int r = ipclock_attr_new(&attr);

	n = 0;
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(ipclock_attr_set_slot(attr, number), 0);
	r = ipclock_sem_holders("/lock", attr, see, NULL);
	ipclock_attr_free(attr);
	return r;
}

/* The head has the gate; another has its number; and what lies beside is another's. */
START_TEST(slots_and_their_line)
{
	int third = other(LINE(1) + 8, 1, OS_EXCLUSIVE), second = other(LINE(1) + 2, 1, OS_EXCLUSIVE);
	int head = other(GATE(1), 1, OS_EXCLUSIVE), two = other(UNIT(1) + 7, 2, OS_EXCLUSIVE);
	int last = other(UNIT(1) + 4095, 1, OS_EXCLUSIVE), one = other(UNIT(1) + 3, 1, OS_EXCLUSIVE);

	ck_assert(fake_lock(one, UNIT(1) + 9, 1, OS_EXCLUSIVE));
	other(UNIT(1) + 4096, 1, OS_EXCLUSIVE); /* beyond all slots */
	other(UNIT(2), 1, OS_EXCLUSIVE);
	other(UNIT(0), 4096, OS_EXCLUSIVE);
	other(GATE(0), 1, OS_EXCLUSIVE);
	other(LINE(2), 1, OS_EXCLUSIVE);
	other(LAYOUT_LOCK_BASE, 512, OS_EXCLUSIVE);
	ck_assert_int_eq(look_at_semaphore(1), 0);
	ck_assert_int_eq(n, 8);
	is(0, one, 1, 0);
	is(1, two, 1, 0);
	is(2, two, 1, 0);
	is(3, one, 1, 0);
	is(4, last, 1, 0);
	is(5, head, 1, 1);
	is(6, second, 1, 2);
	is(7, third, 1, 3);
	ck_assert_uint_eq(seen[0].slot, 3);
	ck_assert_uint_eq(seen[1].slot, 7);
	ck_assert_uint_eq(seen[2].slot, 8);
	ck_assert_uint_eq(seen[3].slot, 9);
	ck_assert_uint_eq(seen[4].slot, 4095);
	ck_assert_uint_eq(seen[5].slot, 0);
	ck_assert_int_eq(fake_allocated(), 0);
}
END_TEST

/* Whoever locks the whole file is told with the lock, and all slots once is enough. */
START_TEST(slots_under_a_lock_of_the_whole_file)
{
	other(0, 0, OS_EXCLUSIVE);
	ck_assert_int_eq(look_at_semaphore(0), 0);
	ck_assert_int_eq(n, 0);
}
END_TEST

START_TEST(slots_without_a_list)
{
	int owner = other(UNIT(0) + 5, 1, OS_EXCLUSIVE);

	fake_fail("claims", 1, ENOTSUP);
	ck_assert_int_eq(look_at_semaphore(0), 0);
	ck_assert_int_eq(n, 1);
	is(0, owner, 1, 0);
	ck_assert_uint_eq(seen[0].slot, 5);
	ck_assert_int_eq(fake_open_files(), 0);
}
END_TEST

START_TEST(slots_that_are_none)
{
	struct ipclock_attr *attr;

	ck_assert_int_eq(look_at_semaphore(LAYOUT_LAST_SEMAPHORE), 0);
	ck_assert_int_eq(look_at_semaphore(LAYOUT_LAST_SEMAPHORE + 1), EINVAL);
	ck_assert_int_eq(ipclock_sem_holders(NULL, NULL, see, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_holders("", NULL, see, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_holders("/lock", NULL, NULL, NULL), EINVAL);
	ck_assert_int_eq(ipclock_sem_holders("/none", NULL, see, NULL), ENOENT);
	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_range(attr, 0, 1), 0);
	ck_assert_int_eq(ipclock_sem_holders("/lock", attr, see, NULL), EINVAL);
	ipclock_attr_free(attr);
	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_protocol(attr, IPCLOCK_FLOCK), 0);
	ck_assert_int_eq(ipclock_sem_holders("/lock", attr, see, NULL), EINVAL);
	ipclock_attr_free(attr);
	ck_assert_int_eq(n, 0);
}
END_TEST

START_TEST(every_failure)
{
	unsigned nth;
	int i, r;

	for (i = 0; i < 20; i++)
		other(LAYOUT_LINE_BASE + 2 * i, 1, OS_EXCLUSIVE);
	for (nth = 1;; nth++) {
		fake_fail("alloc", nth, ENOMEM);
		r = look();
		if (!fake_failed())
			break;
		ck_assert_int_eq(r, ENOMEM);
		ck_assert_int_eq(n, 0);
		ck_assert_int_eq(fake_allocated(), 0);
	}
	ck_assert_uint_gt(nth, 2);
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(n, 20);
	ck_assert_int_eq(fake_allocated(), 0);
	fake_fail("claims", 1, EMFILE);
	ck_assert_int_eq(look(), EMFILE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("claims");
	TCase *t = tcase_create("claims");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, numbers_are_places);
	tcase_add_test(t, a_list_that_tears);
	tcase_add_test(t, first_bytes);
	tcase_add_test(t, whole_file);
	tcase_add_test(t, no_list);
	tcase_add_test(t, slots_and_their_line);
	tcase_add_test(t, slots_under_a_lock_of_the_whole_file);
	tcase_add_test(t, slots_without_a_list);
	tcase_add_test(t, slots_that_are_none);
	tcase_add_test(t, every_failure);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
