/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* Bad input and bad luck: the error, a message, and nothing kept (promise G). */

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_client.h"
#include "support.h"

#define NOBODY 65534

/* Fails with this error and a message, and leaves no descriptor; *lock is NULL or untouched, never half made. */
static void
refuse(const char *path, const struct ipclock_attr *attr, int error)
{
	struct ipclock *l = NULL;
	struct ipclock_rw *rw = NULL;
	int fds = fd_count();

	ck_assert_int_eq(ipclock_open(&l, path, attr), error);
	ck_assert_str_ne(ipclock_message(NULL), "");
	ck_assert_ptr_null(l);
	ck_assert_int_eq(ipclock_rw_open(&rw, path, attr), error);
	ck_assert_str_ne(ipclock_message(NULL), "");
	ck_assert_ptr_null(rw);
	ck_assert_int_eq(fd_count(), fds);
}

START_TEST(G_paths)
{
	static char longest[PATH_MAX + 100];

	refuse(NULL, NULL, EINVAL);
	refuse("", NULL, EINVAL);
	memset(longest, 'x', sizeof(longest) - 1);
	refuse(longest, NULL, EINVAL);
	longest[0] = '/';
	refuse(longest, NULL, EINVAL);
	refuse(test_dir, NULL, EINVAL);
	refuse("/", NULL, EINVAL);
	refuse("/dev/null", NULL, EINVAL);
	refuse(test_file("no/such"), NULL, ENOENT);
	ck_assert_int_eq(mkfifo(test_file("fifo"), 0666), 0);
	refuse(test_file("fifo"), NULL, EINVAL);
	ck_assert_int_eq(symlink("lock", test_file("link")), 0);
	refuse(test_file("link"), NULL, ELOOP);
	ck_assert_int_eq(ipclock_close(must_open(test_path, 0)), 0);
	refuse(test_file("link"), NULL, ELOOP);
}
END_TEST

/* A name of 256 bytes in a path that is not too long. */
START_TEST(G_name_too_long)
{
	struct ipclock *l;
	char path[512];
	size_t n;

	n = (size_t)snprintf(path, sizeof(path), "%s/", test_dir);
	memset(path + n, 'n', 256);
	path[n + 256] = '\0';
	ck_assert_int_eq(ipclock_open(&l, path, NULL), EINVAL);
	ck_assert_str_ne(ipclock_message(NULL), "");
}
END_TEST

START_TEST(G_null_where_an_object_is_wanted)
{
	int wait_ms;

	ck_assert_int_eq(ipclock_open(NULL, test_path, NULL), EINVAL);
	ck_assert_int_eq(ipclock_open_fd(NULL, 0, NULL), EINVAL);
	ck_assert_int_eq(ipclock_acquire(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_release(NULL), EINVAL);
	ck_assert_int_eq(ipclock_close(NULL), EINVAL);
	ck_assert_int_eq(ipclock_start(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_step(NULL, &wait_ms), EINVAL);
	ck_assert_int_eq(ipclock_pollfd(NULL), -1);
	ipclock_cancel(NULL);
	ck_assert_int_eq(ipclock_fd(NULL), -1);
	ck_assert_ptr_null(ipclock_path(NULL));
	ck_assert_int_eq(ipclock_held(NULL), 0);
	ck_assert_int_eq(ipclock_attempts(NULL), 0);
	ck_assert_int_eq(ipclock_waited_ms(NULL), 0);
	ck_assert_int_eq(ipclock_rw_open(NULL, test_path, NULL), EINVAL);
	ck_assert_int_eq(ipclock_rw_open_fd(NULL, 0, NULL), EINVAL);
	ck_assert_int_eq(ipclock_rw_acquire_read(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_rw_acquire_write(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_rw_release_read(NULL), EINVAL);
	ck_assert_int_eq(ipclock_rw_release_write(NULL), EINVAL);
	ck_assert_int_eq(ipclock_rw_downgrade(NULL), EINVAL);
	ck_assert_int_eq(ipclock_rw_try_upgrade(NULL), EINVAL);
	ck_assert_int_eq(ipclock_rw_close(NULL), EINVAL);
	ck_assert_int_eq(ipclock_rw_start_read(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_rw_start_write(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_rw_step(NULL, &wait_ms), EINVAL);
	ck_assert_int_eq(ipclock_rw_pollfd(NULL), -1);
	ipclock_rw_cancel(NULL);
	ck_assert_int_eq(ipclock_rw_fd(NULL), -1);
	ck_assert_ptr_null(ipclock_rw_path(NULL));
	ck_assert_int_eq(ipclock_rw_held(NULL), 0);
	ck_assert_int_eq(ipclock_rw_attempts(NULL), 0);
	ck_assert_int_eq(ipclock_rw_waited_ms(NULL), 0);
	ck_assert_ptr_nonnull(ipclock_rw_message(NULL));
	ck_assert_int_ne(access(test_path, F_OK), 0);
}
END_TEST

START_TEST(G_timeouts)
{
	static const int bad[] = { -2, -1000, INT_MIN };
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock_rw *rw = must_rw_open(test_path, 0);
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(ipclock_acquire(l, bad[i]), EINVAL);
		ck_assert_str_ne(ipclock_message(l), "");
		ck_assert_int_eq(ipclock_start(l, bad[i]), EINVAL);
		ck_assert_int_eq(ipclock_step(l, NULL), EINVAL);
		ck_assert_int_eq(ipclock_rw_acquire_read(rw, bad[i]), EINVAL);
		ck_assert_int_eq(ipclock_rw_acquire_write(rw, bad[i]), EINVAL);
		ck_assert_int_eq(ipclock_rw_start_read(rw, bad[i]), EINVAL);
		ck_assert_int_eq(ipclock_rw_start_write(rw, bad[i]), EINVAL);
	}
	ck_assert_int_eq(ipclock_held(l) + ipclock_rw_held(rw), 0);
	ck_assert_int_eq(ipclock_acquire(l, INT_MAX), 0);
	ck_assert_int_eq(ipclock_rw_start_write(rw, INT_MAX), EINPROGRESS);
	ipclock_rw_close(rw);
	ipclock_close(l);
}
END_TEST

START_TEST(G_options)
{
	struct ipclock_attr *a;
	int i;

	ck_assert_int_eq(ipclock_attr_new(NULL), EINVAL);
	ipclock_attr_free(NULL);
	ck_assert_int_eq(ipclock_attr_new(&a), 0);
	for (i = 0; i < 2; i++, ipclock_attr_set_flags(a, 0)) {
		ck_assert_int_eq(ipclock_attr_set_backoff(a, 0, 100), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_backoff(a, -1, 100), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_backoff(a, 10, -1), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_backoff(a, INT_MIN, INT_MIN), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_jitter(a, -1), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_jitter(a, 101), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_mode(a, 01000), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_mode(a, 04755), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_slot(a, 2097152), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_slot(a, UINT_MAX), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_range(a, -1, 1), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_range(a, 0, -1), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_range(a, INT64_MAX, 2), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_range(a, 2, INT64_MAX), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_flags(a, 0x80000000u), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_flags(a, IPCLOCK_RECURSIVE | IPCLOCK_RECURSIVE_PROCESS), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_protocol(a, 7), EINVAL);
		ck_assert_int_eq(ipclock_attr_set_protocol(a, -1), EINVAL);
	}
	ck_assert_int_eq(ipclock_attr_set_protocol(a, IPCLOCK_RANGE), 0);
	ck_assert_int_eq(ipclock_attr_set_backoff(a, INT_MAX, INT_MAX), 0);
	ck_assert_int_eq(ipclock_attr_set_backoff(a, 1, 0), 0);
	ck_assert_int_eq(ipclock_attr_set_jitter(a, 100), 0);
	ck_assert_int_eq(ipclock_attr_set_mode(a, 0), 0);
	ck_assert_int_eq(ipclock_attr_set_mode(a, 0777), 0);
	ck_assert_int_eq(ipclock_attr_set_slot(a, 2097151), 0);
	ck_assert_int_eq(ipclock_attr_set_range(a, 0, 0), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_protocol(a, IPCLOCK_FLOCK), EINVAL);
	ipclock_attr_free(a);
	ck_assert_int_eq(ipclock_attr_new(&a), 0);
	ck_assert_int_eq(ipclock_attr_set_range(a, INT64_MAX - 1, 1), 0);
	ck_assert_int_eq(ipclock_attr_set_slot(a, 1), EINVAL);
	ipclock_attr_free(a);
}
END_TEST

START_TEST(G_options_of_null)
{
	ck_assert_int_eq(ipclock_attr_set_backoff(NULL, 10, 100), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_jitter(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_sleep(NULL, NULL, NULL), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_cancel(NULL, NULL, NULL), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_log(NULL, NULL, NULL), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_protocol(NULL, IPCLOCK_RANGE), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_slot(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_range(NULL, 0, 0), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_mode(NULL, 0), EINVAL);
	ck_assert_int_eq(ipclock_attr_set_flags(NULL, 0), EINVAL);
}
END_TEST

/* The options are copied at open: what becomes of them later is of no matter. */
START_TEST(no_letter_options_are_copied)
{
	struct ipclock_attr *a = attr_with(IPCLOCK_RECURSIVE, NULL);
	struct ipclock *l;

	ck_assert_int_eq(ipclock_open(&l, test_path, a), 0);
	ck_assert_int_eq(ipclock_attr_set_flags(a, 0), 0);
	ipclock_attr_free(a);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), 0);
	ipclock_close(l);
}
END_TEST

START_TEST(G_descriptors_of_the_caller)
{
	struct ipclock *l = NULL;
	struct ipclock_rw *rw;
	int fd, ends[2], fds;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(ipclock_close(must_open(test_path, 0)), 0);
	fd = open(test_path, O_RDONLY);
	fds = fd_count();
	ck_assert_int_eq(ipclock_open_fd(&l, -1, NULL), EBADF);
	ck_assert_int_eq(ipclock_open_fd(&l, 999, NULL), EBADF);
	ck_assert_int_eq(ipclock_open_fd(&l, ends[0], NULL), EINVAL);
	ck_assert_ptr_null(l);
	ck_assert_int_eq(fd_count(), fds);
	/* For reading only: reads lock, writes do not. */
	ck_assert_int_eq(ipclock_open_fd(&l, fd, NULL), 0);
	ck_assert_int_eq(ipclock_acquire(l, 0), EBADF);
	ck_assert_int_eq(ipclock_acquire(l, 20), EBADF);
	ck_assert_int_eq(ipclock_acquire(l, IPCLOCK_FOREVER), EBADF);
	ck_assert_int_eq(ipclock_close(l), 0);
	ck_assert_int_eq(ipclock_rw_open_fd(&rw, fd, NULL), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(rw, 0), EBADF);
	ck_assert_int_eq(ipclock_rw_acquire_read(rw, 0), 0);
	ck_assert_int_eq(ipclock_rw_try_upgrade(rw), EBADF);
	ck_assert_int_eq(ipclock_rw_held(rw), 1);
	ck_assert_int_eq(ipclock_rw_close(rw), 0);
}
END_TEST

/* Many failures of every kind leave what was there before. */
START_TEST(G_failures_leave_nothing)
{
	struct ipclock *holder = must_open(test_path, 0);
	struct ipclock *l = must_open(test_path, 0);
	struct ipclock *poll = must_open(test_path, IPCLOCK_POLL);
	struct ipclock *none;
	int fds, threads, i;

	ck_assert_int_eq(ipclock_acquire(holder, 0), 0);
	ck_assert_int_eq(ipclock_acquire(l, 5), ETIMEDOUT);
	fds = fd_count();
	threads = thread_count();
	for (i = 0; i < 20; i++) {
		ck_assert_int_eq(ipclock_acquire(l, 0), EBUSY);
		ck_assert_int_eq(ipclock_acquire(l, 5), ETIMEDOUT);
		ck_assert_int_eq(ipclock_acquire(poll, 5), ETIMEDOUT);
		ck_assert_int_eq(ipclock_acquire(l, IPCLOCK_FOREVER), EDEADLK);
		ck_assert_int_eq(ipclock_start(l, 500), EINPROGRESS);
		ipclock_cancel(l);
		ck_assert_int_eq(ipclock_step(l, NULL), ECANCELED);
		ck_assert_int_eq(ipclock_open(&none, test_file("no/such"), NULL), ENOENT);
		ck_assert_int_eq(ipclock_open(&none, test_dir, NULL), EINVAL);
		ck_assert_int_eq(fd_count(), fds);
		await_threads(threads);
	}
	ck_assert_int_eq(line_length(test_path, 0), 0);
	ipclock_close(poll);
	ipclock_close(l);
	ipclock_close(holder);
}
END_TEST

/* In a child, where a limit may be set. */
static int
no_descriptor_left(void *arg)
{
	struct ipclock *l = arg, *none = NULL;
	struct rlimit limit = { .rlim_cur = 64, .rlim_max = 64 };
	int count = 0, error;

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || ipclock_acquire(l, 0) != 0 || ipclock_release(l) != 0)
		return 10;
	while (dup(0) != -1)
		count++;
	if (errno != EMFILE || count == 0)
		return 11;
	error = ipclock_open(&none, test_file("more"), NULL);
	if (error != EMFILE || none != NULL || ipclock_message(NULL)[0] == '\0')
		return 12;
	/* The one that has a descriptor goes on; one that must open again cannot. */
	if (ipclock_acquire(l, 0) != 0 || ipclock_release(l) != 0)
		return 13;
	if (unlink(test_path) != 0)
		return 14;
	error = ipclock_acquire(l, 0);
	if (error != 0 && error != EMFILE)
		return 15;
	return error == 0 ? ipclock_release(l) : ipclock_held(l);
}

START_TEST(G_no_descriptor_left)
{
	struct ipclock *l = must_open(test_path, 0);

	ck_assert_int_eq(in_child(no_descriptor_left, l), 0);
	ipclock_close(l);
}
END_TEST

static int
read_only(void *arg)
{
	struct ipclock_rw *rw;
	struct ipclock *l;

	(void)arg;
	if (setuid(NOBODY) != 0)
		return 10;
	if (ipclock_open(&l, test_file("new"), NULL) != EACCES)
		return 11;
	if (ipclock_rw_open(&rw, test_path, NULL) != 0)
		return 12;
	if (ipclock_rw_acquire_read(rw, 0) != 0)
		return 13;
	if (ipclock_rw_try_upgrade(rw) != EACCES || ipclock_rw_held(rw) != 1)
		return 14;
	if (ipclock_rw_release_read(rw) != 0)
		return 15;
	if (ipclock_rw_acquire_write(rw, 0) != EACCES || ipclock_rw_acquire_write(rw, 20) != EACCES ||
	    ipclock_rw_acquire_write(rw, IPCLOCK_FOREVER) != EACCES || ipclock_rw_start_write(rw, 20) != EACCES)
		return 16;
	if (ipclock_rw_close(rw) != 0)
		return 17;
	if (ipclock_open(&l, test_path, NULL) != 0)
		return 18;
	if (ipclock_acquire(l, 0) != EACCES || strstr(ipclock_message(l), test_path) == NULL)
		return 19;
	return ipclock_close(l);
}

START_TEST(A_file_that_can_only_be_read)
{
	ck_assert_int_eq(ipclock_close(must_open(test_path, 0)), 0);
	ck_assert_int_eq(chmod(test_path, 0644), 0);
	ck_assert_int_eq(in_child(read_only, NULL), 0);
}
END_TEST

static int
wait_to_read(void *arg)
{
	struct ipclock_rw *rw;

	if (setuid(NOBODY) != 0 || ipclock_rw_open(&rw, test_path, arg) != 0)
		return 10;
	if (ipclock_rw_acquire_read(rw, 0) != EBUSY)
		return 11;
	return ipclock_rw_acquire_read(rw, IPCLOCK_FOREVER);
}

/* A reader who cannot write waits in line too. */
START_TEST(A_reader_without_write_permission_waits)
{
	struct ipclock_rw *holder = must_rw_open(test_path, 0);
	pid_t pid;

	ck_assert_int_eq(chmod(test_path, 0644), 0);
	ck_assert_int_eq(ipclock_rw_acquire_write(holder, 0), 0);
	pid = fork();
	if (pid == 0)
		_exit(wait_to_read(NULL));
	await_line(test_path, 0, 1);
	ck_assert_int_eq(ipclock_rw_release_write(holder), 0);
	ck_assert_int_eq(child_result(pid), 0);
	ipclock_rw_close(holder);
}
END_TEST

static int
unreadable(void *arg)
{
	struct ipclock_rw *rw = NULL;
	struct ipclock *l = NULL;

	(void)arg;
	if (setuid(NOBODY) != 0)
		return 10;
	if (ipclock_open(&l, test_path, NULL) != EACCES || l != NULL)
		return 11;
	if (ipclock_rw_open(&rw, test_path, NULL) != EACCES || rw != NULL)
		return 12;
	return strstr(ipclock_message(NULL), test_path) != NULL ? 0 : 13;
}

START_TEST(G_file_that_cannot_be_read)
{
	ck_assert_int_eq(ipclock_close(must_open(test_path, 0)), 0);
	ck_assert_int_eq(chmod(test_path, 0600), 0);
	ck_assert_int_eq(in_child(unreadable, NULL), 0);
}
END_TEST

#define PROTECTED "/proc/sys/fs/protected_regular"

static int
protected_regular(int set)
{
	char old = '\0';
	int fd = open(PROTECTED, O_RDWR);

	if (fd >= 0 && read(fd, &old, 1) == 1 && set >= 0) {
		char c = (char)set;

		if (pwrite(fd, &c, 1, 0) != 1)
			old = '\0';
	}
	if (fd >= 0)
		close(fd);
	return old;
}

static int
sticky(void *arg)
{
	const char *path = arg;
	struct ipclock *l;

	if (ipclock_open(&l, path, NULL) != 0)
		return 10;
	if (ipclock_acquire(l, 0) != 0)
		return 11;
	return ipclock_close(l);
}

static int
sticky_as_nobody(void *arg)
{
	return setuid(NOBODY) == 0 ? sticky(arg) : 9;
}

/* fs.protected_regular refuses O_CREAT on another user's file in a sticky directory, to root too. */
START_TEST(A_another_user_s_file_in_a_sticky_directory)
{
	const char *dir = test_file("sticky"), *theirs = test_file("sticky/theirs"), *ours = test_file("sticky/ours");
	int old, as_root, as_nobody;

	ck_assert_int_eq(mkdir(dir, 0755), 0);
	ck_assert_int_eq(ipclock_close(must_open(theirs, 0)), 0);
	ck_assert_int_eq(ipclock_close(must_open(ours, 0)), 0);
	ck_assert_int_eq(chown(theirs, NOBODY, NOBODY), 0);
	ck_assert_int_eq(chmod(theirs, 0666) + chmod(ours, 0666), 0);
	ck_assert_int_eq(chmod(dir, 01777), 0);
	old = protected_regular('2');
	as_root = sticky((void *)(uintptr_t)theirs);
	as_nobody = in_child(sticky_as_nobody, (void *)(uintptr_t)ours);
	ck_assert_int_ne(old, 0);
	ck_assert_int_eq(protected_regular(old), '2');
	ck_assert_int_eq(as_root, 0);
	ck_assert_int_eq(as_nobody, 0);
}
END_TEST

static void
add(TCase *t)
{
	tcase_add_test(t, G_paths);
	tcase_add_test(t, G_name_too_long);
	tcase_add_test(t, G_null_where_an_object_is_wanted);
	tcase_add_test(t, G_timeouts);
	tcase_add_test(t, G_options);
	tcase_add_test(t, G_options_of_null);
	tcase_add_test(t, G_descriptors_of_the_caller);
	tcase_add_test(t, G_failures_leave_nothing);
	tcase_add_test(t, G_no_descriptor_left);
	tcase_add_test(t, no_letter_options_are_copied);
	if (geteuid() == 0) {
		tcase_add_test(t, A_file_that_can_only_be_read);
		tcase_add_test(t, A_reader_without_write_permission_waits);
		tcase_add_test(t, G_file_that_cannot_be_read);
	} else
		test_skip("A_file_that_can_only_be_read and two more: only root can become another user");
	if (geteuid() == 0 && protected_regular(-1) != 0)
		tcase_add_test(t, A_another_user_s_file_in_a_sticky_directory);
	else
		test_skip("A_another_user_s_file_in_a_sticky_directory: only root can set " PROTECTED);
}

int
main(void)
{
	return test_main("bad_input", add);
}
