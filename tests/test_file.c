/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The lock file: what becomes of it, and what happens when it is pulled away. */

#include <config.h>

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_client.h"
#include "support.h"

static void
pull_away(void)
{
	ck_assert_int_eq(unlink(test_path), 0);
}

static void
move_away(void)
{
	ck_assert_int_eq(rename(test_path, test_file("moved")), 0);
}

static void
replace(void)
{
	const char *fresh = test_file("fresh");
	int fd = open(fresh, O_RDWR | O_CREAT, 0666);

	ck_assert_int_ge(fd, 0);
	close(fd);
	ck_assert_int_eq(rename(fresh, test_path), 0);
}

static void (*const changes[])(void) = { pull_away, move_away, replace };

#define CHANGES 3

/* Whether the handle holds the very file that the path names. */
static int
holds_the_path(struct ipclock *l)
{
	struct stat path, file;

	return ipclock_held(l) && stat(test_path, &path) == 0 && fstat(ipclock_fd(l), &file) == 0 &&
	    path.st_dev == file.st_dev && path.st_ino == file.st_ino;
}

START_TEST(A_file_changed_between_acquires)
{
	struct ipclock *one = must_open(test_path, 0);
	struct ipclock *two = must_open(test_path, 0);
	int fds = fd_count();
	int c;

	for (c = 0; c < CHANGES; c++) {
		ck_assert_int_eq(ipclock_acquire(one, 0), 0);
		ck_assert_int_eq(ipclock_release(one), 0);
		changes[c]();
		ck_assert_int_eq(ipclock_acquire(one, 0), 0);
		ck_assert(holds_the_path(one));
		ck_assert_int_eq(ipclock_acquire(two, 0), EBUSY);
		ck_assert_int_eq(ipclock_release(one), 0);
		ck_assert_int_eq(ipclock_acquire(two, 0), 0);
		ck_assert(holds_the_path(two));
		ck_assert_int_eq(ipclock_release(two), 0);
	}
	ck_assert_int_eq(fd_count(), fds);
	ipclock_close(one);
	ipclock_close(two);
}
END_TEST

/* Busy on a file that is no longer the lock is not busy. */
START_TEST(A_file_checked_before_busy)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent a;
	int c;

	for (c = 0; c < CHANGES; c++) {
		agent_spawn(&a);
		ck_assert_int_eq(agent_do(&a, "open l %s", test_path), 0);
		ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
		ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
		changes[c]();
		ck_assert_int_eq(ipclock_acquire(l, 0), 0);
		ck_assert(holds_the_path(l));
		ck_assert_int_eq(agent_do(&a, "release l"), 0);
		ck_assert_int_eq(agent_do(&a, "acquire l 0"), EBUSY);
		ck_assert_int_eq(ipclock_release(l), 0);
		ck_assert_int_eq(agent_do(&a, "acquire l 0"), 0);
		agent_end(&a);
	}
	ipclock_close(l);
}
END_TEST

/*
 * The file goes while one holds it and two wait; a third comes and makes the
 * new one.  The two must end up there, one after the other.
 */
static void
changed_while_waited_for(void (*change)(void), const char *timeout, unsigned flags)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent holder, a[2];
	int i, first;

	agent_spawn(&holder);
	ck_assert_int_eq(agent_do(&holder, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&holder, "acquire l 0"), 0);
	for (i = 0; i < 2; i++) {
		agent_spawn(&a[i]);
		ck_assert_int_eq(agent_do(&a[i], "open l %s flags=%u", test_path, flags), 0);
		agent_send(&a[i], "acquire l %s", timeout);
		await_line(test_path, 0, i + 1);
	}
	change();
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert(holds_the_path(l));
	ck_assert_int_eq(agent_do(&holder, "release l"), 0);
	/* Both see within a second or so that their file is gone. */
	await_line(test_path, 0, 2);
	ck_assert(!agent_answered(&a[0]) && !agent_answered(&a[1]));
	ck_assert_int_eq(ipclock_release(l), 0);
	while (!agent_answered(&a[0]) && !agent_answered(&a[1]))
		nap_ms(1);
	first = agent_answered(&a[0]) ? 0 : 1;
	ck_assert_int_eq(agent_answer(&a[first]), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
	ck_assert(!agent_answered(&a[1 - first]));
	ck_assert_int_eq(agent_do(&a[first], "release l"), 0);
	ck_assert_int_eq(agent_answer(&a[1 - first]), 0);
	agent_end(&holder);
	agent_end(&a[0]);
	agent_end(&a[1]);
	ipclock_close(l);
}

START_TEST(A_file_deleted_while_waited_for)
{
	changed_while_waited_for(pull_away, "-1", 0);
	changed_while_waited_for(pull_away, "20000", 0);
	changed_while_waited_for(pull_away, "-1", IPCLOCK_POLL);
}
END_TEST

START_TEST(A_file_renamed_while_waited_for)
{
	changed_while_waited_for(move_away, "-1", 0);
	changed_while_waited_for(move_away, "20000", 0);
}
END_TEST

START_TEST(A_file_replaced_while_waited_for)
{
	changed_while_waited_for(replace, "-1", 0);
	changed_while_waited_for(replace, "20000", 0);
}
END_TEST

/*
 * Nobody holds the new file: a waiter gets it although the old one stays held.
 * The first in line that waits for ever sleeps in the kernel until that one is
 * released, and then looks.
 */
static void
new_file_is_noticed(const char *timeout, unsigned flags, bool once_released)
{
	struct agent holder, waiter;

	agent_spawn(&holder);
	agent_spawn(&waiter);
	ck_assert_int_eq(agent_do(&holder, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&waiter, "open l %s flags=%u", test_path, flags), 0);
	ck_assert_int_eq(agent_do(&holder, "acquire l 0"), 0);
	agent_send(&waiter, "acquire l %s", timeout);
	await_line(test_path, 0, 1);
	replace();
	if (once_released)
		ck_assert_int_eq(agent_do(&holder, "release l"), 0);
	ck_assert_int_eq(agent_answer(&waiter), 0);
	if (!once_released)
		ck_assert_int_eq(agent_do(&holder, "release l"), 0);
	ck_assert_int_eq(agent_do(&holder, "acquire l 0"), EBUSY);
	agent_end(&holder);
	agent_end(&waiter);
}

START_TEST(A_new_file_is_noticed_for_ever)
{
	new_file_is_noticed("-1", 0, true);
}
END_TEST

START_TEST(E_new_file_is_noticed_with_a_timeout)
{
	new_file_is_noticed("19000", 0, false);
}
END_TEST

START_TEST(E_new_file_is_noticed_by_backoff)
{
	new_file_is_noticed("-1", IPCLOCK_POLL, false);
}
END_TEST

/* The wait was too short for a look once a second: there is one before ETIMEDOUT. */
START_TEST(E_new_file_is_noticed_at_the_deadline)
{
	struct ipclock *l = must_open(test_path, 0);
	struct agent holder;

	agent_spawn(&holder);
	ck_assert_int_eq(agent_do(&holder, "open l %s", test_path), 0);
	ck_assert_int_eq(agent_do(&holder, "acquire l 0"), 0);
	ck_assert_int_eq(ipclock_start(l, 150), EINPROGRESS);
	replace();
	nap_ms(160);
	ck_assert_int_eq(ipclock_step(l, NULL), 0);
	ck_assert(holds_the_path(l));
	agent_end(&holder);
	ipclock_close(l);
}
END_TEST

START_TEST(C_file_changed_while_held)
{
	struct ipclock *l = must_open(test_path, 0);
	int c;

	for (c = 0; c < CHANGES; c++) {
		ck_assert_int_eq(ipclock_acquire(l, 0), 0);
		changes[c]();
		ck_assert_int_eq(ipclock_held(l), 1);
		ck_assert_int_eq(ipclock_release(l), 0);
	}
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert(holds_the_path(l));
	ipclock_close(l);
}
END_TEST

/* Whoever trusts the path keeps to the file that it opened, with all who do. */
START_TEST(A_trust_path)
{
	struct ipclock *one = must_open(test_path, IPCLOCK_TRUST_PATH);
	struct ipclock *two = must_open(test_path, IPCLOCK_TRUST_PATH);

	pull_away();
	ck_assert_int_eq(ipclock_acquire(one, 0), 0);
	ck_assert_int_eq(ipclock_acquire(two, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(two, 20), ETIMEDOUT);
	ck_assert_int_ne(access(test_path, F_OK), 0);
	ck_assert_int_eq(ipclock_release(one), 0);
	ck_assert_int_eq(ipclock_acquire(two, 0), 0);
	ipclock_close(one);
	ipclock_close(two);
}
END_TEST

START_TEST(no_letter_nocreate)
{
	struct ipclock_attr *attr = attr_with(IPCLOCK_NOCREATE, NULL);
	struct ipclock *l;

	ck_assert_int_eq(ipclock_open(&l, test_path, attr), ENOENT);
	ck_assert_int_ne(access(test_path, F_OK), 0);
	ck_assert_int_eq(ipclock_close(must_open(test_path, 0)), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	pull_away();
	ck_assert_int_eq(ipclock_acquire(l, 0), ENOENT);
	ck_assert_int_eq(ipclock_held(l), 0);
	ck_assert_int_ne(access(test_path, F_OK), 0);
	ck_assert_int_eq(ipclock_close(must_open(test_path, 0)), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ipclock_close(l);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(A_relative_path_after_chdir)
{
	struct ipclock *l, *other;

	ck_assert_int_eq(chdir(test_dir), 0);
	l = must_open("lock", 0);
	other = must_open(test_path, 0);
	ck_assert(ipclock_path(l)[0] == '/' || ipclock_path(l)[1] == ':');
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_acquire(other, 0), EBUSY);
	ck_assert_int_eq(ipclock_release(l), 0);
	pull_away();
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert(holds_the_path(l));
	ck_assert_int_ne(access("/lock", F_OK), 0);
	ck_assert_int_eq(ipclock_acquire(other, 0), EBUSY);
	ipclock_close(l);
	ipclock_close(other);
}
END_TEST

/* The path through a directory that is a symlink, and a second hard link, are the same file. */
START_TEST(A_other_names_of_the_file)
{
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock *linked, *through;
	char path[256];

	ck_assert_int_eq(link(test_path, test_file("hard")), 0);
	ck_assert_int_eq(symlink(test_dir, test_file("dir")), 0);
	snprintf(path, sizeof(path), "%s/dir/lock", test_dir);
	linked = must_open(test_file("hard"), 0);
	through = must_open(path, 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_acquire(linked, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(through, 0), EBUSY);
	ck_assert_int_eq(ipclock_acquire(linked, IPCLOCK_FOREVER), EDEADLK);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_acquire(linked, 0), 0);
	ck_assert_int_eq(ipclock_acquire(through, 0), EBUSY);
	ipclock_close(l);
	ipclock_close(linked);
	ipclock_close(through);
}
END_TEST

static int
open_with_low_ones_closed(void *arg)
{
	struct ipclock *l;
	int fd;

	(void)arg;
	for (fd = 0; fd < 3; fd++)
		close(fd);
	if (ipclock_open(&l, test_path, NULL) != 0 || ipclock_acquire(l, 0) != 0)
		return 10;
	if (ipclock_fd(l) < 3 || (ipclock_pollfd(l) >= 0 && ipclock_pollfd(l) < 3))
		return 11;
	for (fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			return 12;
	pull_away();
	if (ipclock_release(l) != 0 || ipclock_acquire(l, 50) != 0 || ipclock_fd(l) < 3)
		return 13;
	return ipclock_close(l);
}

START_TEST(H_low_descriptors_are_not_taken)
{
	ck_assert_int_eq(in_child(open_with_low_ones_closed, NULL), 0);
}
END_TEST

START_TEST(C_descriptor_closes_on_exec)
{
	struct ipclock *l = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(fcntl(ipclock_fd(l), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(ipclock_release(l), 0);
	pull_away();
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(fcntl(ipclock_fd(l), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ipclock_close(l);
}
END_TEST

START_TEST(H_contents_are_left_alone)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct stat before, after;
	struct ipclock_rw *rw;
	struct ipclock *l;
	char text[6] = "";
	int fd = open(test_path, O_RDWR | O_CREAT, 0604);

	ck_assert_int_eq(write(fd, "data\n", 5), 5);
	ck_assert_int_eq(fchmod(fd, 0604), 0);
	ck_assert_int_eq(fstat(fd, &before), 0);
	ck_assert_int_eq(ipclock_attr_set_mode(attr, 0777), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_int_eq(ipclock_rw_open(&rw, test_path, attr), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 20), ETIMEDOUT);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), test_windows() ? ENOTSUP : 0);
	ck_assert_int_eq(ipclock_rw_close(rw), 0);
	ck_assert_int_eq(ipclock_close(l), 0);
	ck_assert_int_eq(stat(test_path, &after), 0);
	ck_assert(before.st_ino == after.st_ino && before.st_size == after.st_size);
	ck_assert(before.st_mode == after.st_mode && before.st_uid == after.st_uid);
	ck_assert(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
	ck_assert_int_eq(pread(fd, text, 5, 0), 5);
	ck_assert_str_eq(text, "data\n");
	close(fd);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(H_file_stays_and_stays_empty)
{
	struct ipclock *l = must_open(test_path, 0);
	struct stat st;

	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_close(l), 0);
	ck_assert_int_eq(stat(test_path, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
}
END_TEST

static unsigned
mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(H_permissions)
{
	struct ipclock_attr *attr = attr_with(0, NULL);
	struct ipclock *l;

	umask(077);
	ck_assert_int_eq(ipclock_attr_set_mode(attr, 0664), 0);
	ck_assert_int_eq(ipclock_open(&l, test_path, attr), 0);
	ck_assert_uint_eq(mode_of(test_path), 0664);
	pull_away();
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_uint_eq(mode_of(test_path), 0664);
	ipclock_close(l);
	umask(027);
	ipclock_close(must_open(test_file("plain"), 0));
	ck_assert_uint_eq(mode_of(test_file("plain")), 0640);
	ck_assert_int_eq(ipclock_open(&l, test_file("plain"), attr), 0);
	ck_assert_uint_eq(mode_of(test_file("plain")), 0640);
	ipclock_close(l);
	ck_assert_uint_eq(umask(022), 027);
	ipclock_attr_free(attr);
}
END_TEST

START_TEST(no_letter_mkdir)
{
	const char *deep = test_file("a/b/c/lock");
	struct ipclock *l;

	ck_assert_int_eq(ipclock_open(&l, deep, NULL), ENOENT);
	ck_assert_int_ne(access(test_file("a"), F_OK), 0);
	l = must_open(deep, IPCLOCK_MKDIR);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ipclock_close(l);
	ipclock_close(must_open(deep, IPCLOCK_MKDIR));
	ck_assert_int_eq(chdir(test_dir), 0);
	ipclock_close(must_open("d//e/./lock", IPCLOCK_MKDIR));
	ck_assert_int_eq(access(test_file("d/e/lock"), F_OK), 0);
	ipclock_close(must_open("alone", IPCLOCK_MKDIR));
}
END_TEST

/* A file of that name in the way of a directory. */
START_TEST(no_letter_mkdir_over_a_file)
{
	struct ipclock_attr *attr = attr_with(IPCLOCK_MKDIR, NULL);
	struct ipclock *l;
	char path[256];

	ipclock_close(must_open(test_path, 0));
	snprintf(path, sizeof(path), "%s/x/lock", test_path);
	/* Windows does not tell the two apart. */
	ck_assert_int_eq(ipclock_open(&l, path, attr), test_windows() ? ENOENT : ENOTDIR);
	ck_assert_int_eq(ipclock_open(&l, path, NULL), test_windows() ? ENOENT : ENOTDIR);
	ipclock_attr_free(attr);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, A_file_changed_between_acquires);
	tcase_add_test(t, A_file_checked_before_busy);
	tcase_add_test(t, A_file_deleted_while_waited_for);
	tcase_add_test(t, A_file_renamed_while_waited_for);
	tcase_add_test(t, A_file_replaced_while_waited_for);
	tcase_add_test(t, A_trust_path);
	tcase_add_test(t, A_relative_path_after_chdir);
	tcase_add_test(t, A_other_names_of_the_file);
	tcase_add_test(t, C_file_changed_while_held);
	tcase_add_test(t, C_descriptor_closes_on_exec);
	tcase_add_test(t, A_new_file_is_noticed_for_ever);
	tcase_add_test(t, E_new_file_is_noticed_with_a_timeout);
	tcase_add_test(t, E_new_file_is_noticed_by_backoff);
	tcase_add_test(t, E_new_file_is_noticed_at_the_deadline);
	tcase_add_test(t, H_low_descriptors_are_not_taken);
	tcase_add_test(t, H_contents_are_left_alone);
	tcase_add_test(t, H_file_stays_and_stays_empty);
	tcase_add_test(t, H_permissions);
	tcase_add_test(t, no_letter_nocreate);
	tcase_add_test(t, no_letter_mkdir);
	tcase_add_test(t, no_letter_mkdir_over_a_file);
}

int
main(void)
{
	return test_main("file", add);
}
