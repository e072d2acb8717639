/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The libipclock authors */

/* The probe: what it says of a directory where locks work, and what it leaves behind. */

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static void
must_work(const char *dir)
{
	struct ipclock_probe *probe;
	unsigned i, n;

	ck_assert_int_eq(ipclock_probe(dir, &probe), 0);
	ck_assert_int_eq(ipclock_probe_works(probe), 1);
	ck_assert_str_ne(ipclock_probe_filesystem(probe), "");
	n = ipclock_probe_trials(probe);
	ck_assert_uint_ge(n, 10);
	for (i = 0; i < n; i++) {
		ck_assert_ptr_nonnull(ipclock_probe_trial_name(probe, i));
		ck_assert_ptr_nonnull(ipclock_probe_trial_detail(probe, i));
		ck_assert_int_le(ipclock_probe_trial_protocol(probe, i), IPCLOCK_FLOCK);
	}
	ck_assert_ptr_null(ipclock_probe_trial_name(probe, n));
	ck_assert_ptr_null(ipclock_probe_trial_detail(probe, n));
	ck_assert_int_eq(ipclock_probe_trial_result(probe, n), EINVAL);
	ipclock_probe_free(probe);
}

START_TEST(A_B_work_here_and_leave_nothing)
{
	const char *dir = test_file("empty");
	int fds = fd_count();

	ck_assert_int_eq(mkdir(dir, 0700), 0);
	errno = 77;
	must_work(dir);
	ck_assert_int_eq(errno, 77);
	ck_assert_int_eq(fd_count(), fds);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(H_works_with_SIGCHLD_ignored)
{
	signal(SIGCHLD, SIG_IGN);
	must_work(test_dir);
	ck_assert(signal(SIGCHLD, SIG_DFL) == SIG_IGN);
}
END_TEST

/* Waits for the scratch directory, and puts a link to another in its place. */
static int
swap(void *arg)
{
	const char *dir = arg;
	struct dirent *entry;
	char scratch[1100], away[1100];
	DIR *list;
	int found = 0;

	snprintf(away, sizeof(away), "%s/away", dir);
	while (!found) {
		list = opendir(dir);
		while (list != NULL && !found && (entry = readdir(list)) != NULL)
			if (strncmp(entry->d_name, ".ipclock-probe.", 15) == 0) {
				snprintf(scratch, sizeof(scratch), "%s/%s", dir, entry->d_name);
				found = 1;
			}
		if (list != NULL)
			closedir(list);
	}
	return rename(scratch, away) == 0 && symlink("../theirs", scratch) == 0 ? 0 : 1;
}

START_TEST(H_a_directory_that_was_swapped_is_not_emptied)
{
	struct ipclock_probe *probe;
	char dir[512], theirs[512];
	pid_t pid;
	int fd;

	snprintf(dir, sizeof(dir), "%s", test_file("shared"));
	snprintf(theirs, sizeof(theirs), "%s", test_file("theirs/precious"));
	ck_assert(mkdir(dir, 0777) == 0 && mkdir(test_file("theirs"), 0700) == 0);
	fd = open(theirs, O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	pid = fork();
	if (pid == 0)
		_exit(swap(dir));
	ck_assert_int_eq(ipclock_probe(dir, &probe), 0);
	ck_assert_int_eq(child_result(pid), 0);
	ck_assert_int_eq(access(theirs, F_OK), 0);
	ipclock_probe_free(probe);
	close(fd);
}
END_TEST

START_TEST(bad_directories)
{
	struct ipclock *lock = must_open(test_path, 0);
	struct ipclock_probe *probe = (void *)lock;

	ck_assert_int_eq(ipclock_probe(NULL, &probe), EINVAL);
	ck_assert_int_eq(ipclock_probe("", &probe), EINVAL);
	ck_assert_int_eq(ipclock_probe(test_dir, NULL), EINVAL);
	ck_assert_int_eq(ipclock_probe(test_path, &probe), EINVAL);
	ck_assert_int_eq(ipclock_probe(test_file("none"), &probe), ENOENT);
	ck_assert_ptr_null(probe);
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), "probe "));
	ck_assert_ptr_nonnull(strstr(ipclock_message(NULL), "none: No such file"));
	ck_assert_int_eq(ipclock_probe_works(NULL), 0);
	ck_assert_uint_eq(ipclock_probe_trials(NULL), 0);
	ipclock_probe_free(NULL);
	ipclock_close(lock);
}
END_TEST

static void
add(TCase *tc)
{
	tcase_add_test(tc, A_B_work_here_and_leave_nothing);
	tcase_add_test(tc, H_works_with_SIGCHLD_ignored);
	tcase_add_test(tc, H_a_directory_that_was_swapped_is_not_emptied);
	tcase_add_test(tc, bad_directories);
}

int
main(void)
{
	return test_main("probe", add);
}
