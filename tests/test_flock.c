/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* IPCLOCK_FLOCK: the same calls over flock(2), for programs of that family. */

#include <config.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_client.h"
#include "support.h"

static struct ipclock_attr *
flock_attr(unsigned flags)
{
	struct ipclock_attr *attr;

	ck_assert_int_eq(ipclock_attr_new(&attr), 0);
	ck_assert_int_eq(ipclock_attr_set_protocol(attr, IPCLOCK_FLOCK), 0);
	ck_assert_int_eq(ipclock_attr_set_flags(attr, flags), 0);
	return attr;
}

static struct ipclock_rw *
open_flock(const char *path, unsigned flags)
{
	struct ipclock_attr *attr = flock_attr(flags);
	struct ipclock_rw *rw;

	ck_assert_int_eq(ipclock_rw_open(&rw, path, attr), 0);
	ipclock_attr_free(attr);
	return rw;
}

/* The peer: what flock(2) itself says on a description of its own. */
static int
raw(int fd, int operation)
{
	return flock(fd, operation | LOCK_NB) == 0 ? 0 : errno;
}

START_TEST(A_excludes_and_shares_with_flock)
{
	struct ipclock_rw *rw = open_flock(test_path, 0);
	int fd = open(test_path, O_RDWR);

	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(raw(fd, LOCK_SH), EWOULDBLOCK);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(raw(fd, LOCK_SH), 0);
	ck_assert_int_eq(raw(fd, LOCK_UN), 0);
	ck_assert_int_eq(raw(fd, LOCK_EX), EWOULDBLOCK);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	ck_assert_int_eq(raw(fd, LOCK_EX), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 30), ETIMEDOUT);
	close(fd);
	ipclock_rw_close(rw);
}
END_TEST

START_TEST(A_two_handles_exclude_each_other)
{
	struct ipclock_rw *a = open_flock(test_path, 0), *b = open_flock(test_path, 0);

	ck_assert_int_eq(ipclock_rw_acquire_write(a, 0), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(b, 0), EBUSY);
	ck_assert_int_eq(ipclock_rw_acquire_write(b, IPCLOCK_FOREVER), EDEADLK);
	ipclock_rw_close(a);
	ck_assert_int_eq(ipclock_rw_acquire_write(b, 0), 0);
	ipclock_rw_close(b);
}
END_TEST

START_TEST(I_the_families_do_not_mix)
{
	struct ipclock_rw *rw = open_flock(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);

	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, IPCLOCK_FOREVER), 0);
	ck_assert_int_eq(ipclock_release(l), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EBUSY);
	ipclock_close(l);
	ipclock_rw_close(rw);
}
END_TEST

static void
wait_for_agent(const char *command, const char *release)
{
	struct agent holder, waiter;

	agent_spawn(&holder);
	agent_spawn(&waiter);
	ck_assert_int_eq(agent_do(&holder, "rw_open h %s protocol=flock", test_path), 0);
	ck_assert_int_eq(agent_do(&waiter, "rw_open w %s protocol=flock", test_path), 0);
	ck_assert_int_eq(agent_do(&holder, "write h 0"), 0);
	agent_send(&waiter, "%s", command);
	agent_await_log(&waiter, IPCLOCK_LOG_DEBUG);
	ck_assert(!agent_answered(&waiter));
	ck_assert_int_eq(agent_do(&holder, "%s", release), 0);
	ck_assert_int_eq(agent_answer(&waiter), 0);
	agent_end(&holder);
	agent_end(&waiter);
}

START_TEST(E_a_wait_ends_with_the_release)
{
	wait_for_agent("write w -1", "release_write h");
	wait_for_agent("write w 20000", "release_write h");
	wait_for_agent("read w 20000", "release_write h");
}
END_TEST

START_TEST(no_letter_no_conversion)
{
	struct ipclock_rw *rw = open_flock(test_path, 0);
	int fd = open(test_path, O_RDONLY);

	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_downgrade(rw), ENOTSUP);
	ck_assert_int_eq(raw(fd, LOCK_SH), EWOULDBLOCK);
	ck_assert_int_eq(ipclock_rw_release_write(rw), 0);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), ENOTSUP);
	ck_assert_int_eq(raw(fd, LOCK_EX), EWOULDBLOCK);
	ck_assert_int_eq(raw(fd, LOCK_SH), 0);
	ck_assert_int_eq(ipclock_rw_release_read(rw), 0);
	close(fd);
	ipclock_rw_close(rw);
}
END_TEST

START_TEST(no_letter_a_directory_can_be_locked)
{
	struct ipclock_rw *rw = open_flock(test_dir, 0);
	int fd = open(test_dir, O_RDONLY | O_DIRECTORY);

	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 1000), 0);
	ck_assert_int_eq(raw(fd, LOCK_EX), EWOULDBLOCK);
	close(fd);
	ipclock_rw_close(rw);
}
END_TEST

static int
lock_what_can_only_be_read(void *arg)
{
	struct ipclock_rw *rw;
	int r = setuid(65534) != 0;

	(void)arg;
	if (r == 0)
		r = ipclock_rw_open(&rw, test_path, flock_attr(0));
	return r ? r : ipclock_rw_acquire_write(rw, 0);
}

START_TEST(no_letter_reading_is_enough_to_write_lock)
{
	int fd = open(test_path, O_RDWR | O_CREAT, 0444);

	ck_assert_int_eq(fchmod(fd, 0444), 0);
	ck_assert_int_eq(chmod(test_dir, 0755), 0);
	close(fd);
	ck_assert_int_eq(in_child(lock_what_can_only_be_read, NULL), 0);
}
END_TEST

START_TEST(A_a_replaced_file_is_left)
{
	struct ipclock_rw *rw = open_flock(test_path, 0);
	struct stat now, locked;

	ck_assert_int_eq(unlink(test_path), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(stat(test_path, &now), 0);
	ck_assert_int_eq(fstat(ipclock_rw_fd(rw), &locked), 0);
	ck_assert(now.st_ino == locked.st_ino);
	ipclock_rw_close(rw);
}
END_TEST

static int
child_of_a_holder(void *arg)
{
	struct ipclock_rw *rw = arg;

	if (ipclock_rw_release_write(rw) != EPERM || ipclock_rw_acquire_write(rw, 0) != EBUSY)
		return 1;
	return ipclock_rw_close(rw);
}

START_TEST(D_a_child_neither_holds_nor_frees)
{
	struct ipclock_rw *rw = open_flock(test_path, 0);
	int fd = open(test_path, O_RDWR);

	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(in_child(child_of_a_holder, rw), 0);
	ck_assert_int_eq(raw(fd, LOCK_EX), EWOULDBLOCK);
	close(fd);
	ipclock_rw_close(rw);
}
END_TEST

START_TEST(no_letter_a_callers_descriptor)
{
	struct ipclock_attr *attr = flock_attr(0);
	int fd = open(test_path, O_RDWR | O_CREAT, 0600), other = open(test_path, O_RDONLY);
	struct ipclock_rw *rw;

	ck_assert_int_eq(ipclock_rw_open_fd(&rw, fd, attr), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), 0);
	ck_assert_int_eq(raw(other, LOCK_SH), EWOULDBLOCK);
	ck_assert_int_eq(ipclock_rw_close(rw), 0);
	ck_assert_int_eq(raw(other, LOCK_SH), 0);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
	ipclock_attr_free(attr);
	close(fd);
	close(other);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, A_excludes_and_shares_with_flock);
	tcase_add_test(t, A_two_handles_exclude_each_other);
	tcase_add_test(t, I_the_families_do_not_mix);
	tcase_add_test(t, E_a_wait_ends_with_the_release);
	tcase_add_test(t, no_letter_no_conversion);
	tcase_add_test(t, no_letter_a_directory_can_be_locked);
	if (getuid() == 0)
		tcase_add_test(t, no_letter_reading_is_enough_to_write_lock);
	else
		test_skip("a lock file that can only be read: needs another user");
	tcase_add_test(t, A_a_replaced_file_is_left);
	tcase_add_test(t, D_a_child_neither_holds_nor_frees);
	tcase_add_test(t, no_letter_a_callers_descriptor);
}

int
main(void)
{
	return test_main("flock", add);
}
