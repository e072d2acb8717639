/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The rules of opening a lock file, against the fake system. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lock_file.h"
#include "os_fake.h"

static const char PATH[] = "/dir/lock";
static struct lock_file file;
static const struct os_range range = { 0, 1 };

static void
forked(struct lock_file *f)
{
	(void)f;
}

static void
set_up(void)
{
	fake_reset();
	memset(&file, 0, sizeof(file));
	file.create = true;
	file.perm = NO_PERM;
	file.range = &range;
	file.forked = forked;
}

static void
expect_error(int error)
{
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), error);
	ck_assert_int_eq(fake_open_files(), 0);
	ck_assert_int_eq(fake_allocated(), 0);
}

START_TEST(an_existing_file_is_opened_without_creating)
{
	fake_file(PATH, 0);
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ck_assert_uint_eq(fake_calls("create"), 0);
	ipclock__lock_file_close(&file);
	ck_assert_int_eq(fake_open_files(), 0);
	ck_assert_int_eq(fake_allocated(), 0);
	ck_assert(fake_exists(PATH));
}
END_TEST

START_TEST(a_missing_file_is_made_but_not_with_nocreate)
{
	file.create = false;
	expect_error(ENOENT);
	ck_assert(!fake_exists(PATH));
	file.create = true;
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ipclock__lock_file_close(&file);
}
END_TEST

static void
somebody_makes_it(void)
{
	fake_before("create", NULL);
	fake_file(PATH, 0);
}

START_TEST(a_file_made_meanwhile_is_the_one_that_is_opened)
{
	fake_before("create", somebody_makes_it);
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ck_assert_uint_eq(fake_calls("open"), 2);
	ipclock__lock_file_close(&file);
}
END_TEST

/* There whenever we create it, gone whenever we open it. */
static void
make_it_before_create(void)
{
	if (!fake_exists(PATH))
		fake_file(PATH, 0);
	fake_fail("open", 1, ENOENT);
}

START_TEST(a_file_that_comes_and_goes_for_ever_is_given_up)
{
	fake_before("create", make_it_before_create);
	expect_error(ESTALE);
	ck_assert_uint_eq(fake_calls("create"), 100);
}
END_TEST

START_TEST(a_file_that_can_only_be_read_is_opened_for_reading)
{
	fake_file(PATH, FAKE_READ_ONLY);
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ck_assert_int_eq(file.read_only, EACCES);
	ck_assert_int_eq(ipclock__lock_file_ready(&file, false), 0);
	ck_assert_int_eq(ipclock__lock_file_ready(&file, true), EACCES);
	fake_fail("open", 1, EMFILE);
	ck_assert_int_eq(ipclock__lock_file_ready(&file, true), EMFILE);
	ck_assert_int_eq(ipclock__lock_file_ready(&file, true), EACCES);
	ck_assert_int_eq(fake_open_files(), 1);
	ipclock__lock_file_close(&file);
}
END_TEST

START_TEST(permission_given_later_is_used)
{
	fake_file(PATH, 0);
	fake_fail("open", 1, EACCES);
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ck_assert_int_eq(file.read_only, EACCES);
	ck_assert_int_eq(ipclock__lock_file_ready(&file, true), 0);
	ck_assert_int_eq(file.read_only, 0);
	ck_assert_int_eq(fake_open_files(), 1);
	ipclock__lock_file_close(&file);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_and_closed)
{
	fake_file(PATH, _i ? FAKE_FIFO : FAKE_DIRECTORY);
	expect_error(EINVAL);
}
END_TEST

START_TEST(a_link_is_refused)
{
	fake_file(PATH, FAKE_LINK);
	expect_error(ELOOP);
}
END_TEST

START_TEST(only_the_creator_sets_permissions)
{
	file.perm = 0640;
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ck_assert_int_eq(fake_permissions(PATH), 0640);
	ipclock__lock_file_close(&file);
	file.perm = 0600;
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ck_assert_int_eq(fake_permissions(PATH), 0640);
	ipclock__lock_file_close(&file);
}
END_TEST

START_TEST(parents_are_made_when_asked_for)
{
	fake_fail("create", 1, ENOENT);
	expect_error(ENOENT);
	file.make_parents = true;
	fake_fail("create", 1, ENOENT);
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ck_assert_uint_eq(fake_calls("make_directory"), 1);
	ck_assert(fake_exists("/dir"));
	ipclock__lock_file_close(&file);
}
END_TEST

START_TEST(a_replaced_or_removed_file_is_noticed)
{
	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ck_assert_int_eq(ipclock__lock_file_check(&file), 0);
	fake_replace(PATH);
	ck_assert_int_eq(ipclock__lock_file_check(&file), ESTALE);
	fake_remove(PATH);
	ck_assert_int_eq(ipclock__lock_file_check(&file), ESTALE);
	fake_fail("identify", 1, EACCES);
	ck_assert_int_eq(ipclock__lock_file_check(&file), EACCES);
	ipclock__lock_file_close(&file);
}
END_TEST

START_TEST(G_any_failure_leaves_nothing)
{
	static const char *const calls[] = { "open", "create", "alloc", "absolute", "set_mode", "make_directory", "at_fork" };
	unsigned n;

	for (n = 1; n < 4; n++) {
		set_up();
		file.perm = 0600;
		fake_fail(calls[_i], n, EIO);
		if (ipclock__lock_file_open(&file, PATH) == 0)
			ipclock__lock_file_close(&file);
		ck_assert_int_eq(fake_open_files(), 0);
		ck_assert_int_eq(fake_allocated(), 0);
	}
}
END_TEST

START_TEST(a_thread_holds_what_its_other_handle_locked)
{
	static const struct os_range elsewhere = { 1, 1 }, everything = { 0, 0 };
	struct lock_file other = { .create = true, .perm = NO_PERM, .range = &everything, .forked = forked };

	ck_assert_int_eq(ipclock__lock_file_open(&file, PATH), 0);
	ck_assert_int_eq(ipclock__lock_file_open(&other, PATH), 0);
	ck_assert(!ipclock__lock_file_held_by(&file, 2));
	other.writer = 2;
	ck_assert(ipclock__lock_file_held_by(&file, 2));
	ck_assert(!ipclock__lock_file_held_by(&file, 3));
	file.range = &elsewhere;
	ck_assert(ipclock__lock_file_held_by(&file, 2));
	other.range = &range;
	ck_assert(!ipclock__lock_file_held_by(&file, 2));
	ipclock__lock_file_close(&file);
	ipclock__lock_file_close(&other);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lock_file");
	TCase *tcase = tcase_create("lock_file");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, an_existing_file_is_opened_without_creating);
	tcase_add_test(tcase, a_missing_file_is_made_but_not_with_nocreate);
	tcase_add_test(tcase, a_file_made_meanwhile_is_the_one_that_is_opened);
	tcase_add_test(tcase, a_file_that_comes_and_goes_for_ever_is_given_up);
	tcase_add_test(tcase, a_file_that_can_only_be_read_is_opened_for_reading);
	tcase_add_test(tcase, permission_given_later_is_used);
	tcase_add_loop_test(tcase, what_is_no_regular_file_is_refused_and_closed, 0, 2);
	tcase_add_test(tcase, a_link_is_refused);
	tcase_add_test(tcase, only_the_creator_sets_permissions);
	tcase_add_test(tcase, parents_are_made_when_asked_for);
	tcase_add_test(tcase, a_replaced_or_removed_file_is_noticed);
	tcase_add_loop_test(tcase, G_any_failure_leaves_nothing, 0, 7);
	tcase_add_test(tcase, a_thread_holds_what_its_other_handle_locked);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
