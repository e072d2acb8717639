/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* How long the pid file waits for another instance's pid, and what ends that; and what fails in the middle. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ipclock.h>

#include "layout.h"
#include "os_fake.h"
#include "os_pidfile.h"

/* ---- a file with contents, behind lib/os_pidfile.h ---- */

static struct {
	char text[32];
	int write_error;
	int unlink_error;
	int reads;
	bool closed;
} file;

long
ipclock__os_pid(void)
{
	return 42;
}

int
ipclock__os_check(const struct os_file *f)
{
	return f->fd < 0 || file.closed ? EBADF : 0;
}

void
ipclock__os_pidfile_read(const struct os_file *f, char *text, size_t size)
{
	(void)f;
	file.reads++;
	snprintf(text, size, "%s", file.text);
}

int
ipclock__os_pidfile_write(const struct os_file *f, const char *text)
{
	(void)f;
	if (file.write_error)
		return file.write_error;
	snprintf(file.text, sizeof(file.text), "%s", text);
	return 0;
}

int
ipclock__os_pidfile_remove(struct os_file *f, const char *path)
{
	(void)f;
	if (!file.unlink_error)
		fake_remove(path);
	return file.unlink_error;
}

/* ---- another instance ---- */

static struct ipclock_pidfile *p;
static pid_t other;
static int owner;

static int
open_it(void)
{
	return ipclock_pidfile_open(&p, "/pid", 0644, &other);
}

static void
held_by_other(void)
{
	owner = fake_other("/pid");
	ck_assert(fake_lock(owner, LAYOUT_LOCK_BASE, LAYOUT_LOCK_LEN, OS_EXCLUSIVE));
}

static void
other_writes(void)
{
	snprintf(file.text, sizeof(file.text), "812\n");
}

static void
other_goes(void)
{
	fake_unlock(owner, LAYOUT_LOCK_BASE, LAYOUT_LOCK_LEN);
}

static void
setup(void)
{
	memset(&file, 0, sizeof(file));
	fake_reset();
	fake_file("/pid", 0);
}

START_TEST(nobody_there)
{
	snprintf(file.text, sizeof(file.text), "812\n");
	ck_assert_int_eq(open_it(), 0);
	ck_assert_int_eq(other, -1);
	ck_assert_str_eq(file.text, "");
	ck_assert_int_eq(ipclock_pidfile_write(p), 0);
	ck_assert_str_eq(file.text, "42\n");
	ck_assert_int_eq(ipclock_pidfile_remove(p), 0);
	ck_assert(!fake_exists("/pid"));
	ck_assert_int_eq(fake_ms(), 0);
}
END_TEST

START_TEST(has_written)
{
	held_by_other();
	other_writes();
	ck_assert_int_eq(open_it(), EEXIST);
	ck_assert_int_eq(other, 812);
	ck_assert_int_eq(fake_ms(), 0);
	ck_assert_str_eq(file.text, "812\n");
}
END_TEST

START_TEST(never_writes)
{
	held_by_other();
	ck_assert_int_eq(open_it(), EEXIST);
	ck_assert_int_eq(other, -1);
	ck_assert_int_eq(fake_ms(), 100);
	ck_assert_int_eq(file.reads, 5);
}
END_TEST

START_TEST(writes_soon)
{
	held_by_other();
	fake_at(25, other_writes);
	ck_assert_int_eq(open_it(), EEXIST);
	ck_assert_int_eq(other, 812);
	ck_assert_int_eq(fake_ms(), 30);
}
END_TEST

START_TEST(goes_soon)
{
	held_by_other();
	fake_at(55, other_goes);
	ck_assert_int_eq(open_it(), 0);
	ck_assert_int_eq(other, -1);
	ck_assert_int_eq(fake_ms(), 60);
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
}
END_TEST

/* G: whatever fails in open, nothing is left; what fails in remove leaves the handle. */
START_TEST(G_failures)
{
	int fails[] = { EIO, ENOSPC }, i;

	for (i = 0; i < 2; i++) {
		file.write_error = fails[i];
		ck_assert_int_eq(open_it(), fails[i]);
		ck_assert_ptr_null(p);
		ck_assert_str_ne(ipclock_message(NULL), "");
		ck_assert_int_eq(fake_open_files(), 0);
		ck_assert_int_eq(fake_locks(), 0);
		ck_assert_int_eq(fake_allocated(), 0);
	}
	file.write_error = 0;
	ck_assert_int_eq(open_it(), 0);
	file.unlink_error = EACCES;
	ck_assert_int_eq(ipclock_pidfile_remove(p), EACCES);
	file.unlink_error = ENOENT;
	ck_assert_int_eq(ipclock_pidfile_remove(p), ESTALE);
	ck_assert_int_eq(fake_locks(), 1);
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
	ck_assert_int_eq(fake_open_files(), 0);
	ck_assert_int_eq(fake_allocated(), 0);
}
END_TEST

/* The n-th call of the system fails, for every n. */
START_TEST(G_every_failure)
{
	unsigned nth;
	int r;

	for (nth = 1;; nth++) {
		setup();
		fake_fail("*", nth, ENOMEM);
		r = open_it();
		if (!fake_failed())
			break;
		if (r == 0)
			ck_assert_int_eq(ipclock_pidfile_close(p), 0);
		ck_assert_int_eq(fake_open_files(), 0);
		ck_assert_int_eq(fake_locks(), 0);
		ck_assert_int_eq(fake_allocated(), 0);
	}
	ck_assert_uint_gt(nth, 3);
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(ipclock_pidfile_close(p), 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("pid_wait");
	TCase *t = tcase_create("pid_wait");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, nobody_there);
	tcase_add_test(t, has_written);
	tcase_add_test(t, never_writes);
	tcase_add_test(t, writes_soon);
	tcase_add_test(t, goes_soon);
	tcase_add_test(t, G_failures);
	tcase_add_test(t, G_every_failure);
	suite_add_tcase(suite, t);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_VERBOSE);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
